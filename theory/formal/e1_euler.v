(* E1 for the parallel (Euler) sampler, the exact reverse kernels instantiated, and the moments of
   the number of masks under q_t. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler forward reverse split.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section E1Euler.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x y : state).

(* The law of the sampler after K steps; u k x i b is the probability of the jump, before clipping. *)
Definition sampler (u : nat -> state -> I -> A -> R) K : state -> R :=
  law (point R (allmask I A)) (fun k => jump (u k)) K.

(* E_B TV(q_0(x_B | x_U), prod_i q_0(x_i | x_U)), B the revealed tokens, each with probability r. *)
Definition parallel (q : full -> R) (p : state -> I -> A -> R) (r : R) x : R :=
  \sum_(B : {set I} | B \subset maskset x)
    r ^+ #|B| * (1 - r) ^+ (nmask x - #|B|) * tv (joint q x B) (indep p x B).

(* alpha_0, alpha_1, ..., alpha_K: the survival probabilities of the grid. *)
Definition grid (al : nat -> R) K :=
  (forall k, 0 <= al k <= 1) /\ forall k, (k < K)%N -> al k <= al k.+1 /\ al k < 1.
Definition unmask_prob (al : nat -> R) k : R := (al k.+1 - al k) / (1 - al k).

Lemma unmask_prob01 al K k : grid al K -> (k < K)%N -> 0 <= unmask_prob al k <= 1.
Proof.
move=> [a01 h] kK; have [a1 a2] := h k kK; have c0 : 0 < 1 - al k by rewrite subr_gt0.
rewrite /unmask_prob; apply/andP; split; first by rewrite divr_ge0 ?subr_ge0 ?(ltW a2).
rewrite ler_pdivr_mulr // mul1r ler_add2r.
by case/andP: (a01 k.+1).
Qed.

Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).
Let dp : denoiser p := proj1 ep.

Lemma parallel_ge0 r x : 0 <= r <= 1 -> 0 <= parallel q p r x.
Proof.
move=> /andP[r0 r1]; apply: sumr_ge0 => B _.
by rewrite mulr_ge0 ?tv_ge0 // mulr_ge0 ?exprn_ge0 ?subr_ge0.
Qed.

Lemma parallelE r x : 0 <= r <= 1 -> marg q x != 0 -> parallel q p r x = tv (par r p x) (rev q r x).
Proof.
move=> hr m0; rewrite tv_par_rev // /parallel.
rewrite (sum_sets r x (fun B => tv (indep p x B) (joint q x B))).
by apply: eq_bigr => B _; rewrite tvC.
Qed.

Lemma parallel_le r x : 0 <= r <= 1 -> marg q x != 0 ->
  parallel q p r x <= 'C(nmask x, 2)%:R * r ^+ 2.
Proof. by move=> hr m0; rewrite parallelE // local_parallel. Qed.

Theorem E1_euler (u : nat -> state -> I -> A -> R) (H al : nat -> R) K :
  (forall k x i, nonneg (u k x i)) -> (forall k, 0 <= H k) -> grid al K ->
  tv (sampler u K) (ext q)
    <= 1 - (1 - al 0%N) ^+ d
       + \sum_(k < K) (\sum_x qt q (al k) x *
           (\sum_(i | x i == None) jerr (u k x i) (fun b => H k * p x i b)
            + (nmask x)%:R * `|unmask_prob al k - Num.min 1 (H k)|
            + parallel q p (Num.min 1 (H k)) x))
       + (1 - al K ^+ d).
Proof.
move=> u0 H0 hal; have [a01 _] := hal.
pose Rv k := if (k < K)%N then rev q (unmask_prob al k) else fun x => point R x.
have Rk k x : nonneg (Rv k x).
  rewrite /Rv; case: ltnP => kK; last by case: (point_dist R x).
  by case: (rev_dist dq (unmask_prob01 hal kK) x).
have lawE k : (k <= K)%N -> law (qt q (al 0%N)) Rv k =1 qt q (al k).
  elim: k => [|k IHk] kK x //=; have [h1 h2] := proj2 hal k kK.
  have [/andP[a0 _] /andP[_ a1]] := (a01 k, a01 k.+1).
  rewrite -(F5 dq a0 h1 a1 h2 x) /push; apply: eq_bigr => z _.
  by rewrite IHk ?(ltnW kK) // /Rv kK.
have r01 k : 0 <= Num.min 1 (H k) <= 1.
  by case: (lerP 1 (H k)) => h; rewrite ?ler01 ?lexx // H0 ltW.
have q_ge0 : nonneg (qt q (al 0%N)) by case: (qt_dist dq (a01 0%N)).
have dQ k := qt_dist dq (a01 k).
apply: le_trans (E1 (point R (allmask I A)) (ext q) K q_ge0 (fun k => jump_dist (u0 k)) Rk) _.
rewrite tvC F2 // (eq_tv (lawE K (leqnn K)) (fun => erefl)) F3 // ler_add2r ler_add2l.
apply: ler_sum => -[k kK] _ /=; apply: ler_sum => x _; rewrite lawE ?(ltnW kK) // /Rv kK.
have [qx0 _] := dQ k; case: (eqVneq (marg q x) 0) => [m0|m0]; first by rewrite /qt m0 mulr0 !mul0r.
rewrite ler_wpmul2l //.
apply: le_trans (tv_triangle _ (jump (fun x i b => H k * p x i b) x) _) _.
rewrite -[X in _ <= X]addrA ler_add //.
  apply: local_score => // y i b; by rewrite mulr_ge0 //; case: (dp y i).
apply: le_trans (tv_triangle _ (rev q (Num.min 1 (H k)) x) _) _; rewrite addrC ler_add //.
  by rewrite distrC local_clock // (unmask_prob01 hal kK).
rewrite (eq_tv (fun y => jump_par x y (H0 k) dp) (fun => erefl)).
by rewrite -parallelE.
Qed.

(* ------------------------------------------------------------------ masks under q_t *)

Lemma qt_prod al (f : I -> R) : 0 <= al <= 1 ->
  \sum_x qt q al x * \prod_i (if x i is None then f i else 1) = \prod_i (al + (1 - al) * f i).
Proof.
move=> ha; under eq_bigr do rewrite -(qt_push q).
rewrite push_expect sum_ext -[RHS]mul1r -[X in _ = X * _](proj2 dq) mulr_suml; apply: eq_bigr => y _.
congr (_ * _); rewrite /absorb; under eq_bigr do rewrite -big_split /=.
rewrite -(bigA_distr_bigA (fun i o => keep al (inj y i) o * (if o is None then f i else 1))) /=.
apply: eq_bigr => i _; rewrite (sum_keep al (inj y i) (fun o => if o is None then f i else 1)).
by rewrite ffunE mulr1 addrC.
Qed.

Lemma qt_mask al i : 0 <= al <= 1 ->
  \sum_x qt q al x * (if x i is None then 1 else 0) = 1 - al.
Proof.
move=> ha; have := qt_prod (fun j => if j == i then 0 else 1) ha.
rewrite [X in _ = X](bigD1 i) //= eqxx mulr0 addr0 [X in _ = _ * X]big1 ?mulr1 => [|j /negPf ->]; last first.
  by rewrite mulr1 addrC subrK.
move=> e; rewrite -[X in _ = _ - X]e -[X in _ = X - _](proj2 (qt_dist dq ha)) -sumrB.
apply: eq_bigr => x _; rewrite (bigD1 i) //= eqxx big1 ?mulr1 => [|j /negPf ->]; last by case: (x j).
by case: (x i) => [a|]; rewrite ?mulr1 ?mulr0 ?subrr ?subr0.
Qed.

Lemma qt_mask2 al i j : 0 <= al <= 1 -> i != j ->
  \sum_x qt q al x * ((if x i is None then 1 else 0) * (if x j is None then 1 else 0)) = (1 - al) ^+ 2.
Proof.
move=> ha ij; have := qt_prod (fun k => if (k == i) || (k == j) then 0 else 1) ha.
rewrite [X in _ = X](bigD1 i) //= eqxx mulr0 addr0 (bigD1 j) /= 1?eq_sym // eqxx orbT mulr0 addr0.
rewrite [X in _ = _ * (_ * X)]big1 ?mulr1 => [|k /andP[/negPf -> /negPf ->]]; last first.
  by rewrite mulr1 addrC subrK.
move=> e.
have -> : (1 - al) ^+ 2 = (1 - al) + (1 - al) - 1 + al * al by ring_R.
rewrite -e -[X in X + _ - _ + _](qt_mask i ha) -[X in _ + X - _ + _](qt_mask j ha).
rewrite -[X in _ - X + _](proj2 (qt_dist dq ha)) -big_split -sumrB -big_split /=.
apply: eq_bigr => x _; rewrite (bigD1 i) //= eqxx (bigD1 j) /= 1?eq_sym // eqxx orbT.
rewrite big1 => [|k /andP[/negPf -> /negPf ->]]; last by case: (x k).
by move: (qt q al x) => Q; case: (x i) => [a|]; case: (x j) => [b|]; ring_R.
Qed.

Lemma mean_nmask al : 0 <= al <= 1 -> \sum_x qt q al x * (nmask x)%:R = d%:R * (1 - al).
Proof.
move=> ha; under eq_bigr do rewrite -sum_mask mulr_sumr.
rewrite exchange_big (eq_bigr (fun => 1 - al)) => [|i _]; last exact: qt_mask.
by rewrite sumr_const -[_ *+ _]mulr_natl.
Qed.

Lemma mean_pairs al : 0 <= al <= 1 ->
  \sum_x qt q al x * 'C(nmask x, 2)%:R = 'C(d, 2)%:R * (1 - al) ^+ 2.
Proof.
move=> ha; have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
apply: (mulfI two); rewrite mulr_sumr.
rewrite (eq_bigr (fun x => \sum_i \sum_(j | i != j) qt q al x *
   ((if x i is None then 1 else 0) * (if x j is None then 1 else 0)))) => [|x _]; last first.
  rewrite mulrCA -pairs_mask mulr_sumr; apply: eq_bigr => i _; by rewrite mulr_sumr.
rewrite exchange_big /= mulrA -(nmask_allmask I A) -pairs_mask mulr_suml; apply: eq_bigr => i _.
rewrite exchange_big /= mulr_suml; apply: eq_bigr => j ij.
by rewrite !ffunE !mul1r qt_mask2.
Qed.

(* With the expected numbers of masks and pairs: *)
Theorem E1_euler_moments (u : nat -> state -> I -> A -> R) (H al : nat -> R) K :
  (forall k x i, nonneg (u k x i)) -> (forall k, 0 <= H k) -> grid al K ->
  tv (sampler u K) (ext q)
    <= d%:R * al 0%N
       + \sum_(k < K) (\sum_x qt q (al k) x *
           \sum_(i | x i == None) jerr (u k x i) (fun b => H k * p x i b))
       + \sum_(k < K) d%:R * (1 - al k) * `|unmask_prob al k - Num.min 1 (H k)|
       + \sum_(k < K) 'C(d, 2)%:R * ((1 - al k) * Num.min 1 (H k)) ^+ 2
       + d%:R * (1 - al K).
Proof.
move=> u0 H0 hal; have [a01 _] := hal.
have r01 k : 0 <= Num.min 1 (H k) <= 1.
  by case: (lerP 1 (H k)) => h; rewrite ?ler01 ?lexx // H0 ltW.
apply: le_trans (E1_euler u0 H0 hal) _; apply: ler_add; last first.
  rewrite -[X in 1 - X ^+ _](subKr 1) bernoulli //.
  by case/andP: (a01 K) => a0 a1; rewrite subr_ge0 a1 ler_subl_addr ler_addl.
rewrite -[X in _ <= X]addrA -[X in _ <= X]addrA; apply: ler_add; first by rewrite bernoulli.
rewrite -!big_split /=; apply: ler_sum => k _.
rewrite -mean_nmask // exprMn mulrA -mean_pairs // !mulr_suml -!big_split /=; apply: ler_sum => x _.
have [qx0 _] := qt_dist dq (a01 k).
rewrite !mulrDr -!addrA !ler_add2l mulrA ler_add2l -[X in _ <= X]mulrA.
case: (eqVneq (marg q x) 0) => [m0|m0]; first by rewrite /qt m0 mulr0 !mul0r.
by rewrite ler_wpmul2l // parallel_le.
Qed.

(* A normalised denoiser and rates r_k in [0,1]: the score term is r_k sum_i TV(p_i, phat_i). *)
Theorem E1_denoiser (phat : nat -> state -> I -> A -> R) (r al : nat -> R) K :
  (forall k, denoiser (phat k)) -> rate r -> grid al K ->
  tv (euler r phat K) (ext q)
    <= 1 - (1 - al 0%N) ^+ d
       + \sum_(k < K) (\sum_x qt q (al k) x *
           (r k * (\sum_(i | x i == None) tv (p x i) (phat k x i))
            + (nmask x)%:R * `|unmask_prob al k - r k|
            + parallel q p (r k) x))
       + (1 - al K ^+ d).
Proof.
move=> dph hr hal; have r0 k : 0 <= r k by case/andP: (hr k).
have r1 k : Num.min 1 (r k) = r k by apply/min_idPr; case/andP: (hr k).
have u0 k x i : nonneg (fun b => r k * phat k x i b).
  by move=> b; rewrite mulr_ge0 //; case: (dph k x i).
have e : euler r phat K =1 sampler (fun k x i b => r k * phat k x i b) K.
  by move=> x; apply: eq_law => k y z _; rewrite jump_par // r1.
rewrite (eq_tv e (fun => erefl)); apply: le_trans (E1_euler u0 r0 hal) _.
rewrite ler_add2r ler_add2l; apply: ler_sum => k _; apply: ler_sum => x _.
rewrite r1 le_eqVlt; apply/orP; left; apply/eqP; congr (_ * (_ + _ + _)).
rewrite mulr_sumr; apply: eq_bigr => i _; rewrite tvC; apply: jerr_scaled => //.
  by case: (dph k x i).
Qed.

End E1Euler.
