(* The parallel sampler as a mixture: every token draws its step, independently, from the step law; the
   output on full states is the average of block samplers over these allocations (S2, first form).
   The denoiser may depend on the step. E4 in terms of allocations; exact TV on symmetric laws. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler euler_sharp policy symmetric.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* ------------------------------------------------------------------ allocations *)

Section Allot.
Variables I A : finType.
Variable N : nat.
Notation full := (full I A).
Notation state := (state I A).
Implicit Types (f : {ffun I -> 'I_N}) (y : full).

(* What is revealed before step t. *)
Definition shown f y (t : nat) : state := [ffun i => if (f i < t)%N then Some (y i) else None].
(* The policy that reveals the tokens of step t in round t. *)
Definition allot f : policy I A := fun t _ => [set i | f i == t :> nat].

Lemma seen_allot f y t : seen (allot f) y t = shown f y t.
Proof.
elim: t => [|t IHt] /=; apply/ffunP=> i; first by rewrite !ffunE.
rewrite IHt !ffunE !inE ffunE ltnS; case: (ltngtP (f i) t) => //=.
Qed.

Lemma shown_full f y : shown f y N = inj y.
Proof. by apply/ffunP=> i; rewrite !ffunE ltn_ord. Qed.

Lemma block_allot f y t : block (allot f) y t = [set i | f i == t :> nat].
Proof.
rewrite /block seen_allot; apply/setP=> i; rewrite !inE ffunE.
by case: ltngtP.
Qed.

Lemma nmask_shown f y t : nmask (shown f y t) = #|[set i | (t <= f i)%N]|.
Proof. by apply: eq_card => i; rewrite !inE ffunE ltnNge; case: (t <= f i)%N. Qed.
End Allot.

Section Alloc.
Variable R : realFieldType.
Variables I A : finType.
Variable N : nat.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Notation denoisers := (nat -> state -> I -> A -> R).
Variables (r : nat -> R) (p : denoisers).
Implicit Types (f : {ffun I -> 'I_N}) (y : full) (x : state).

(* ------------------------------------------------------------------ the chain that keeps the steps *)

Let A' := [finType of A * 'I_N].
Notation state' := (partial.state I A').
Implicit Types (z : state').
Definition forget z : state := [ffun i => omap fst (z i)].
Definition pt k z (i : I) (c : A') : R := p k (forget z) i c.1 * (c.2 == k :> nat)%:R.

Lemma tok_forget k z i (o : option A) : (k < N)%N ->
  \sum_(o' : option A') tok (r k) (pt k z i) (z i) o' * (omap fst o' == o)%:R
  = tok (r k) (p k (forget z) i) (forget z i) o.
Proof.
move=> kN; rewrite sum_tok ffunE; case: (z i) => [[a s]|] /=; first by rewrite eq_sym.
case: o => [b|]; last first.
  rewrite eqxx mulr1 [X in _ + _ * X]big1 ?mulr0 ?addr0 // => -[a s] _ /=.
  by rewrite mulr0.
rewrite mulr0 add0r; congr (_ * _).
rewrite -(pair_bigA _ (fun a (s : 'I_N) => pt k z i (a, s) * (Some a == Some b)%:R)) /=.
rewrite (bigD1 b) //= [X in _ + X]big1 ?addr0 => [|a ab]; last first.
  apply: big1 => s _; rewrite (_ : (Some a == Some b) = false) ?mulr0 //.
  by apply/negbTE; apply: contra ab => /eqP [->].
rewrite (bigD1 (Ordinal kN)) //= eqxx mulr1 /pt /= eqxx mulr1 big1 ?addr0 // => s sk.
rewrite (_ : (s == k :> nat) = false) ?mulr0 ?mul0r //.
by apply/negbTE; apply: contra sk => /eqP e; apply/eqP/val_inj.
Qed.

Lemma euler_forget k x : (k <= N)%N ->
  euler r p k x = \sum_(z | forget z == x) euler r pt k z.
Proof.
rewrite /euler; elim: k x => [|k IHk] x kN /=.
  rewrite big_mkcond (bigD1 (allmask I A')) //= /point eqxx [X in _ + X]big1 ?addr0; last first.
    by move=> z /negPf ->; case: ifP.
  rewrite eq_sym (_ : forget _ = allmask I A); first by case: (_ == x).
  by apply/ffunP=> i; rewrite !ffunE.
rewrite /push exchange_big /=; under eq_bigr do rewrite (IHk _ (ltnW kN)) mulr_suml.
rewrite (exchange_big_dep xpredT) //=; apply: eq_bigr => z _.
rewrite (bigD1 (forget z)) ?eqxx //= [X in _ + X]big1 ?addr0 => [|x' /andP[/eqP ->]]; last first.
  by rewrite eqxx.
rewrite -mulr_sumr; congr (_ * _); rewrite /par.
under eq_bigr do rewrite -(tok_forget _ _ _ kN).
rewrite (bigA_distr_bigA (fun i o' => tok (r k) (pt k z i) (z i) o' * (omap fst o' == x i)%:R)) /=.
rewrite [RHS]big_mkcond; apply: eq_bigr => z' _; rewrite big_split /=.
case: eqP => [<-|ne]; first by rewrite [X in _ * X]big1 ?mulr1 // => i _; rewrite ffunE eqxx.
have [i ni] : exists i, omap fst (z' i) != x i.
  apply/existsP; rewrite -negb_forall; apply/negP => /forallP h; apply: ne.
  by apply/ffunP=> i; rewrite ffunE; apply/eqP.
by rewrite [X in _ * X](bigD1 i) //= (negPf ni) mul0r mulr0.
Qed.

(* Recorded steps are past. *)
Lemma euler_past k z : euler r pt k z != 0 -> forall i c, z i = Some c -> (c.2 < k)%N.
Proof.
rewrite /euler; elim: k z => [|k IHk] z /=.
  rewrite /point; case: (eqVneq z (allmask I A')) => [->|_]; last by rewrite eqxx.
  by move=> _ i c; rewrite ffunE.
move=> h i c zi.
have [z' /andP[]] : exists z', (law (point R (allmask I A')) (fun k => par (r k) (pt k)) k z' != 0)
     && (par (r k) (pt k) z' z != 0).
  apply/existsP; apply: contraNT h; rewrite negb_exists => /forallP no; apply/eqP; apply: big1 => z' _.
  by have := no z'; rewrite negb_and !negbK => /orP[] /eqP ->; rewrite ?mul0r ?mulr0.
move=> /IHk past /prodf_neq0 /(_ i isT); rewrite zi /tok; case z'i : (z' i) => [c'|].
  case: (eqVneq (Some c) (Some c')) => [[->] _|_]; last by rewrite eqxx.
  by apply: leq_trans (past i c' z'i) _.
by rewrite /pt; case: (eqVneq (c.2 : nat) k) => [->|_]; rewrite ?ltnSn // !mulr0 eqxx.
Qed.

Section Track.
Variables (f : {ffun I -> 'I_N}) (y : full).

Definition track k : state' := [ffun i => if (f i < k)%N then Some (y i, f i) else None].

Lemma forget_track k : forget (track k) = shown f y k.
Proof. by apply/ffunP=> i; rewrite !ffunE; case: ifP. Qed.

Lemma euler_track_step k :
  euler r pt k.+1 (track k.+1) = euler r pt k (track k) * par (r k) (pt k) (track k) (track k.+1).
Proof.
rewrite [LHS]/euler /= /push (bigD1 (track k)) //= big1 ?addr0 // => z ne; rewrite -/(euler r pt k z).
case: (eqVneq (euler r pt k z) 0) => [->|e0]; first by rewrite mul0r.
case: (eqVneq (par (r k) (pt k) z (track k.+1)) 0) => [->|p0]; first by rewrite mulr0.
case/eqP: ne; apply/ffunP=> i; rewrite ffunE.
have past := euler_past e0 (i := i); move/prodf_neq0/(_ i isT): p0; rewrite ffunE ltnS leq_eqVlt /tok.
case: (z i) past => [c|] past.
  have ck := past c erefl; case: (ltngtP (f i) k) => fk /=.
  - by case: (eqVneq (Some (y i, f i)) (Some c)) => [-> //|_]; rewrite eqxx.
  - by rewrite eqxx.
  case: (eqVneq (Some (y i, f i)) (Some c)) => [[e]|_]; last by rewrite eqxx.
  by move: ck; rewrite -e /= fk ltnn.
case: (ltngtP (f i) k) => fk //=; rewrite /pt /= ?fk ?ltnn //.
by rewrite (_ : (f i == k :> nat) = false) ?mulr0 ?eqxx //; apply: ltn_eqF.
Qed.

Let c (i : I) k : R := if (f i < k)%N then 1 else if f i == k :> nat then r k * p k (shown f y k) i (y i)
  else 1 - r k.

Lemma par_track k : par (r k) (pt k) (track k) (track k.+1) = \prod_i c i k.
Proof.
apply: eq_bigr => i _; rewrite /c ffunE ffunE ltnS; case: ltngtP => fk //=.
- by rewrite eqxx.
by rewrite /pt /= fk eqxx mulr1 forget_track.
Qed.

Lemma prod_c i n : \prod_(k < n) c i k
  = if (f i < n)%N then step r (f i) * p (f i) (shown f y (f i)) i (y i) else surv r n.
Proof.
elim: n => [|n IHn]; first by rewrite big_ord0 /surv big_ord0.
rewrite big_ord_recr IHn /c ltnS /=; case: ltngtP => fn.
- by rewrite mulr1.
- by rewrite survS.
by rewrite fn /step mulrCA mulrA.
Qed.

Lemma euler_track : euler r pt N (track N)
  = \prod_i (step r (f i) * p (f i) (shown f y (f i)) i (y i)).
Proof.
have -> n : euler r pt n (track n) = \prod_(k < n) \prod_i c i k.
  elim: n => [|n IHn].
    have e0 : track 0 = allmask I A' by apply/ffunP=> i; rewrite !ffunE.
    by rewrite big_ord0 /euler /= e0 /point eqxx.
  by rewrite big_ord_recr euler_track_step IHn par_track.
by rewrite exchange_big; apply: eq_bigr => i _; rewrite prod_c ltn_ord.
Qed.
End Track.

Lemma sum_full (T : finType) (F : partial.state I T -> R) : (forall u, ~~ isfull u -> F u = 0) ->
  \sum_u F u = \sum_v F (inj v).
Proof.
move=> F0; have := @sum_ext R I T (fun => 1) F => e.
rewrite (eq_bigr (fun u => ext (fun=> 1) u * F u)) => [|u _].
  by rewrite e; apply: eq_bigr => v _; rewrite mul1r.
case: (boolP (isfull u)) => [/isfullE[v ->]|/F0 ->]; last by rewrite mulr0.
by rewrite ext_inj mul1r.
Qed.

(* S2, first form: iid steps, one for each token. *)
Theorem alloc_law y : euler r p N (inj y)
  = \sum_(f : {ffun I -> 'I_N}) \prod_i (step r (f i) * p (f i) (shown f y (f i)) i (y i)).
Proof.
rewrite euler_forget // big_mkcond sum_full => [|z zf]; last first.
  case: eqP => // e; case/negP: zf; apply/forallP=> i; have := isfull_inj y.
  by rewrite -e => /forallP/(_ i); rewrite ffunE; case: (z i).
rewrite -big_mkcond (reindex_onto (fun f => [ffun i => (y i, f i)]) (fun z : {ffun I -> A'} => [ffun i => (z i).2])) /=.
  apply: eq_big => [f|f _]; last first.
    rewrite -euler_track; congr (euler _ _ _ _); apply/ffunP=> i; by rewrite !ffunE ltn_ord.
  apply/andP; split; apply/eqP/ffunP=> i; by rewrite !ffunE.
move=> z /eqP/ffunP e; apply/ffunP=> i; rewrite !ffunE; have := e i; rewrite !ffunE => -[<-].
by case: (z i).
Qed.

(* The same as a mixture of policies. *)
Theorem alloc_policy y : euler r p N (inj y)
  = \sum_(f : {ffun I -> 'I_N}) (\prod_i step r (f i)) * policy_law (allot f) p N (inj y).
Proof.
rewrite alloc_law; apply: eq_bigr => f _; rewrite big_split /=; congr (_ * _).
rewrite policy_law_full seen_allot shown_full isfull_inj mul1r.
rewrite (partition_big f xpredT) //=; apply: eq_bigr => t _; rewrite block_allot seen_allot.
by apply: eq_big => [i|i /eqP -> //]; rewrite inE.
Qed.

Lemma alloc_total : \sum_(f : {ffun I -> 'I_N}) \prod_i step r (f i) = (1 - surv r N) ^+ d.
Proof.
rewrite -(bigA_distr_bigA (fun (_ : I) (k : 'I_N) => step r k)) /=.
by rewrite prodr_const sum_step.
Qed.

End Alloc.

Section AllocTV.
Variable R : realFieldType.
Variables I A : finType.
Variable N : nat.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Notation alloc := {ffun I -> 'I_N}.
Variable r : nat -> R.
Hypothesis hr : rate r.
Implicit Types (f : alloc) (y : full) (x : state).

Let w f : R := \prod_i step r (f i).

Lemma alloc_ge0 f : 0 <= w f.
Proof. by apply: prodr_ge0 => i _; apply: step_ge0. Qed.

Lemma alloc_total_le1 : (1 - surv r N) ^+ d <= 1.
Proof.
apply: exprn_ile1; first by rewrite subr_ge0 surv_le1.
by rewrite ler_subl_addr ler_addl surv_ge0.
Qed.

(* ------------------------------------------------------------------ symmetric laws *)

(* The loss of an allocation: step t reveals n_t tokens when m_t are masked. *)
Definition alloc_loss (g : nat -> R) f : R :=
  \prod_(t < N) loss g #|[set i | (t <= f i)%N]| #|[set i | f i == t :> nat]|.

Section Sym.
Variables (q : full -> R) (p : state -> I -> A -> R) (g : nat -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p) (q_g : counted q g).
Hypothesis g_gt0 : forall m, (0 < m)%N -> 0 < g m.
Hypothesis g_mono : forall j m, (0 < j)%N -> (j <= m)%N -> g m <= g j.

Lemma kept_allot f y : kept g (allot f) N y = alloc_loss g f.
Proof.
rewrite /kept seen_allot shown_full isfull_inj mul1r; apply: eq_bigr => t _.
by rewrite seen_allot nmask_shown block_allot.
Qed.

Lemma alloc_loss01 f : 0 <= alloc_loss g f <= 1.
Proof.
have le t : (#|[set i | f i == t :> nat]| <= #|[set i | (t <= f i)%N]|)%N.
  by apply: subset_leq_card; apply/subsetP=> i; rewrite !inE => /eqP ->.
apply/andP; split; first by apply: prodr_ge0 => t _; apply: loss_ge0.
apply: (prod_le1 (c := fun t => loss g #|[set i | (t <= f i)%N]| #|[set i | f i == t :> nat]|)) => t _.
by rewrite loss_ge0 ?loss_le1.
Qed.

Definition mean_kept : R := \sum_f w f * alloc_loss g f.

Lemma mean_kept01 : 0 <= mean_kept <= 1.
Proof.
apply/andP; split.
  by apply: sumr_ge0 => f _; rewrite mulr_ge0 ?alloc_ge0 //; case/andP: (alloc_loss01 f).
apply: le_trans alloc_total_le1; rewrite -(alloc_total I N r) ler_sum // => f _.
by rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?alloc_ge0 //; case/andP: (alloc_loss01 f).
Qed.

Lemma euler_symmetric y : q y != 0 -> euler r (fun => p) N (inj y) = q y * mean_kept.
Proof.
move=> qy; rewrite alloc_policy /mean_kept mulr_sumr; apply: eq_bigr => f _.
by rewrite (policy_law_sym dq ep q_g) // kept_allot mulrCA.
Qed.

Theorem tv_symmetric_euler : tv (euler r (fun => p) N) (ext q) = 1 - mean_kept.
Proof.
rewrite (@tv_ratio _ _ _ _ _ (fun => mean_kept)) // => [|||y _].
- by rewrite -mulr_suml (proj2 dq) mul1r.
- by apply: euler_dist => // _; case: ep.
- exact: euler_symmetric.
by case/andP: mean_kept01.
Qed.
End Sym.

(* ------------------------------------------------------------------ E4 *)

Lemma sum_full_le (F : state -> R) : (forall x, 0 <= F x) -> \sum_y F (inj y) <= \sum_x F x.
Proof.
move=> F0; have := @sum_ext R I A (fun => 1) F; under [RHS]eq_bigr do rewrite mul1r.
move=> <-; apply: ler_sum => x _; case: (boolP (isfull x)) => [/isfullE[y ->]|xf].
  by rewrite ext_inj mul1r.
by rewrite ext_notfull // mul0r.
Qed.

Theorem E4_alloc (q : full -> R) (phat : nat -> state -> I -> A -> R) :
  dist q -> (forall t, denoiser (phat t)) ->
  tv (euler r phat N) (ext q)
    <= \sum_(f : alloc) w f * (\sum_y q y * \sum_(t < N)
          local_tv q (phat t) [set i | f i == t :> nat] (shown f y t))
       + (1 - (1 - surv r N) ^+ d).
Proof.
move=> dq dp; have [q0 q1] := dq; have dE := euler_dist N hr dp.
rewrite tv_posC //; last exact: ext_dist.
rewrite sum_full => [|x xf]; last first.
  by rewrite ext_notfull // sub0r pos0 // oppr_le0; case: dE => + _; apply.
set D := 1 - _; have D0 : 0 <= D by rewrite subr_ge0 alloc_total_le1.
apply: (@le_trans _ _ (\sum_y (\sum_(f : alloc) w f * pos (q y - policy_law (allot f) phat N (inj y)) + D * q y))).
  apply: ler_sum => y _; rewrite ext_inj alloc_policy.
  have -> : q y - \sum_(f : alloc) (\prod_i step r (f i)) * policy_law (allot f) phat N (inj y)
     = \sum_(f : alloc) w f * (q y - policy_law (allot f) phat N (inj y)) + D * q y.
    under [in RHS]eq_bigr do rewrite mulrBr; rewrite sumrB -mulr_suml /w alloc_total /D.
    by move: (_ ^+ d) (\sum_f _) => u v; ring_R.
  apply: le_trans (posD _ _) _; rewrite [pos (D * _)]pos_id ?mulr_ge0 // ler_add2r.
  apply: le_trans (pos_sum _ _) _; apply: ler_sum => f _.
  by rewrite posM ?alloc_ge0.
rewrite big_split /= -mulr_sumr q1 mulr1 ler_add2r exchange_big /=; apply: ler_sum => f _.
rewrite -mulr_sumr ler_wpmul2l ?alloc_ge0 //.
have dP := policy_law_dist (allot f) N dp; have := P2_data dq (allot f) N dp.
rewrite tv_posC //; last exact: ext_dist.
move=> h; apply: le_trans (le_trans _ h) _; last first.
  apply: ler_sum => y _; rewrite ler_wpmul2l // seen_allot shown_full isfull_inj addr0.
  by apply: ler_sum => t _; rewrite seen_allot.
apply: le_trans (sum_full_le (F := fun x => pos (ext q x - policy_law (allot f) phat N x)) _) => [|x].
  by apply: ler_sum => y _; rewrite ext_inj.
exact: pos_ge0.
Qed.

End AllocTV.
