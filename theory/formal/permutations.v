(* L6(b): groups of random permutations under the parallel sampler. P5(a) under the sampler's own law. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler policy symmetric policy_lower alloc groups.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* Independent groups of a law whose conditionals count the masked tokens. *)
Section CountedGroups.
Variable R : realFieldType.
Variables J T A : finType.
Variables (q : full T A -> R) (p : state T A -> T -> A -> R) (g : nat -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p) (q_g : counted q g).
Hypothesis g_gt0 : forall m, (0 < m)%N -> 0 < g m.
Hypothesis g_mono : forall j m, (0 < j)%N -> (j <= m)%N -> g m <= g j.
Variables (r : nat -> R) (N : nat).
Hypothesis hr : rate r.

Theorem tv_groups : tv (euler r (fun => group_den (J := J) p) N) (ext (group_law q))
  = 1 - mean_kept T N r g ^+ #|J|.
Proof.
have /andP[c0 c1] := mean_kept01 T N hr g_gt0 g_mono; set c := mean_kept _ _ _ _ in c0 c1 *.
have dQ := group_dist J dq; have eQ := group_exact J ep.
rewrite (@tv_ratio _ _ _ _ _ (fun => c ^+ #|J|)) // => [||y qy|y _].
- by rewrite -mulr_suml (proj2 dQ) mul1r.
- by apply: euler_dist => // _; case: eQ.
- have gy : forall j : J, q (proj j y) != 0 by move/prodf_neq0: qy => h j; apply: h.
  rewrite euler_groups (eq_bigr (fun j : J => q (proj j y) * c)) => [|j _].
    by rewrite big_split /= prodr_const.
  by rewrite (euler_symmetric N r dq ep q_g g_gt0).
by apply: exprn_ile1.
Qed.
End CountedGroups.

Section L6b.
Variable R : realFieldType.
Variables J T : finType.
Let I := [finType of J * T].
Let q := uniform_on R (@permutation T).

Definition permutations : pred (full I T) := fun y => [forall j, injectiveb [ffun t => y (j, t)]].

Lemma permutations_uniform : (0 < #|permutations|)%N /\ group_law (J := J) q =1 uniform_on R permutations.
Proof.
apply: (@flat_uniform _ _ _ _ (#|@permutation T|%:R^-1 ^+ #|J|)); first exact: (group_dist J (dq5 R T)).
move=> y; rewrite /group_law -prodr_const /q /uniform_on big_split /=; congr (_ * _).
case: (boolP (permutations y)) => [/forallP h|/forallPn[j h]].
  by rewrite big1 // => j _; rewrite /permutation h.
by rewrite (bigD1 j) //= /permutation (negPf h) mul0r.
Qed.

Lemma pd : exact_denoiser q (cond q (fun => #|T|%:R^-1)) \/ #|T| = 0%N.
Proof.
case: (posnP #|T|) => [|T0]; [by right | left]; apply: cond_exact; first exact: dq5.
split=> [b|]; first by rewrite invr_ge0 ler0n.
by rewrite sumr_const -[_ *+ _]mulr_natl mulfV // pnatr_eq0 -lt0n.
Qed.

Variables (r : nat -> R) (N : nat) (p : state I T -> I -> T -> R).
Hypotheses (hr : rate r) (ep : exact_denoiser (uniform_on R permutations) p).

Theorem L6b : (0 < #|T|)%N -> tv (euler r (fun => p) N) (ext (uniform_on R permutations))
  = 1 - (\sum_(f : {ffun T -> 'I_N}) (\prod_i step r (f i)) * \prod_(t < N)
           ((#|[set i | (t <= f i)%N]| ^_ #|[set i | f i == t :> nat]|)%:R
             / #|[set i | (t <= f i)%N]|%:R ^+ #|[set i | f i == t :> nat]|)) ^+ #|J|.
Proof.
move=> T0; have [C0 e] := permutations_uniform.
have [ep1|] := pd; last by move=> T0'; rewrite T0' in T0.
have eG := group_exact J ep1; have dG := group_dist J (dq5 R T).
have eU := eq_exact e eG; have dU := eq_dist e dG.
rewrite (tv_exact_denoisers N hr dU ep eU).
rewrite -(@eq_tv R _ (euler r (fun => group_den (J := J) (cond q (fun => #|T|%:R^-1))) N) _ (ext (group_law q)) _ (fun => erefl)); last first.
  by move=> x; apply: eq_bigr => y _; rewrite e.
have g0 := @g5_gt0 R; have gm := @g5_mono R.
rewrite (tv_groups J (dq5 R T) ep1 (@counted5 R T) g0 gm N hr); congr (1 - _ ^+ _).
apply: eq_bigr => f _; congr (_ * _); apply: eq_bigr => t _; rewrite loss5 //.
by apply: subset_leq_card; apply/subsetP=> i; rewrite !inE => /eqP ->.
Qed.
End L6b.

Section P5own.
Variable R : realFieldType.
Variable T : finType.
Let q := uniform_on R (@permutation T).
Variable p : state T T -> T -> T -> R.
Hypothesis ep : exact_denoiser q p.
Variables (Omega : finType) (W : Omega -> R) (pi : Omega -> policy T T) (N : nat).
Hypotheses (dW : dist W) (n_gt0 : (0 < #|T|)%N).

(* The rounds under the sampler's own law: E R >= n (1 - TV)^2. *)
Theorem P5a_own :
  #|T|%:R * (1 - tv (mixed_law W (fun => p) pi N) (ext q)) ^+ 2
  <= \sum_o W o * \sum_y policy_law (pi o) (fun => p) N (inj y) * (rounds (pi o) y N)%:R.
Proof.
have [W0 W1] := dW; have dq := dq5 R T; have [q0 q1] := dq.
pose g (m : nat) : R := m%:R^-1; have g0 := @g5_gt0 R; have gm := @g5_mono R; have cq := @counted5 R T.
rewrite (tv_symmetric dq ep cq g0 gm) // subKr.
pose k o y := kept g (pi o) N y; set E1 := \sum_o _.
have k_le o y : #|T|%:R * k o y <= (rounds (pi o) y N)%:R.
  rewrite /k /kept; case: (boolP (isfull _)) => [full|_]; last by rewrite mul0r mulr0 ler0n.
  rewrite mul1r roundsE -[#|T|](nmask_allmask T T) mulrC.
  apply: (@rounds_bound R N (fun t => nmask (seen (pi o) y t)) (fun t => #|block (pi o) y t|)) => [t _||].
  - exact: policy_rounds.
  - by move: full; rewrite isfullP => /eqP.
  by rewrite /= nmask_allmask.
have k0 o y : 0 <= k o y.
  rewrite /k /kept mulr_ge0 ?ler0n //; apply: prodr_ge0 => t _; apply: (loss_ge0 g0); exact: block_le.
apply: (@le_trans _ _ (#|T|%:R * \sum_o W o * \sum_y q y * k o y ^+ 2)).
  rewrite ler_wpmul2l ?ler0n //.
  have : 0 <= \sum_o W o * \sum_y q y * (k o y - E1) ^+ 2.
    apply: sumr_ge0 => o _; rewrite mulr_ge0 //; apply: sumr_ge0 => y _.
    by rewrite mulr_ge0 ?sqr_ge0.
  rewrite (_ : \sum_o _ = \sum_o W o * (\sum_y q y * k o y ^+ 2) - E1 ^+ 2) ?subr_ge0 //.
  rewrite (eq_bigr (fun o => W o * (\sum_y q y * k o y ^+ 2)
      + (W o * E1 ^+ 2 - 2%:R * E1 * (W o * \sum_y q y * k o y)))) => [|o _]; last first.
    rewrite (eq_bigr (fun y => q y * k o y ^+ 2 + (q y * E1 ^+ 2 - 2%:R * E1 * (q y * k o y)))) => [|y _]; last first.
      by move: (q y) (k o y) => u v; ring_R.
    rewrite big_split sumrB /= -mulr_suml q1 -mulr_sumr.
    by move: (\sum_y q y * k o y) (\sum_y _) => u v; ring_R.
  rewrite big_split sumrB /= -mulr_suml W1 -mulr_sumr -/E1; congr (_ + _).
  by ring_R.
rewrite mulr_sumr ler_sum // => o _; rewrite mulrCA ler_wpmul2l // mulr_sumr ler_sum // => y _.
case: (eqVneq (q y) 0) => [->|qy].
  by rewrite mul0r mulr0 mulr_ge0 ?ler0n //; case: (policy_law_dist (pi o) N (fun => proj1 ep)).
rewrite (policy_law_sym dq ep cq g0 _ _ qy) mulrCA -mulrA ler_wpmul2l // expr2 mulrCA.
by rewrite ler_wpmul2l // -/(k o y) k_le.
Qed.
End P5own.
