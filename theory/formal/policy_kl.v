(* P1: the exact divergence of a policy is the expected total correlation of its blocks; P2 (ii). *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler e5 pinsker c1 policy symmetric.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section P1.
Variable R : realFieldType.
Variables ex ln : R -> R.
Hypothesis exP : exponential ex ln.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x : state) (y z : full) (B : {set I}) (pi : policy I A).
Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).

Definition entropy (T : finType) (f : T -> R) : R := - \sum_b f b * ln (f b).
(* The total correlation of the tokens of B given what x shows. *)
Definition tcorr B x : R := \sum_(i in fresh B x) entropy (p x i) - entropy (joint_block B q x).

Let q0 : nonneg q. Proof. by case: dq. Qed.

Lemma ln_prod (J : finType) (P : pred J) (f : J -> R) : (forall j, P j -> 0 < f j) ->
  ln (\prod_(j | P j) f j) = \sum_(j | P j) ln (f j).
Proof.
move=> f0; suff [] : 0 < \prod_(j | P j) f j /\ ln (\prod_(j | P j) f j) = \sum_(j | P j) ln (f j) by [].
elim/big_rec2: _ => [|j a b Pj [b0 e]]; first by rewrite ltr01 (ln1 exP).
by split; [rewrite mulr_gt0 ?f0 | rewrite (lnM exP) ?f0 // e].
Qed.

Lemma pos_marg x y : 0 < q y -> below x y -> 0 < marg q x.
Proof.
move=> qy xy; apply: lt_le_trans qy _.
by rewrite /marg (bigD1 y) //= ler_addl sumr_ge0.
Qed.

Lemma exact_pos x y i : 0 < q y -> below x y -> x i = None -> 0 < p x i (y i).
Proof.
move=> qy xy xi; have mx := pos_marg qy xy; rewrite (exact_cond _ ep (lt0r_neq0 mx) xi) divr_gt0 //.
by apply: (pos_marg qy); rewrite below_upd // xy eqxx.
Qed.

Lemma draw_pos B x y : 0 < q y -> below x y -> 0 < draw_block B p x (uncover B y x).
Proof.
move=> qy xy; rewrite draw_blockE; apply: prodr_gt0 => i; rewrite inE => /andP[_ /eqP xi].
exact: exact_pos.
Qed.

(* The mean over a joint draw, from the full y above x. *)
Lemma joint_mean B x (phi : state -> R) :
  \sum_(x' : state) joint_block B q x x' * phi x' = (\sum_(y | below x y) q y * phi (uncover B y x)) / marg q x.
Proof.
rewrite /joint_block mulr_suml (eq_bigr (fun x' : state => \sum_(y | below x y)
   (uncover B y x == x')%:R * (q y * phi x' / marg q x))) => [|x' _]; last first.
  rewrite mulrAC mulr_suml mulr_suml [RHS]big_mkcond [LHS]big_mkcond; apply: eq_bigr => y _.
  by case: (below x y); case: (_ == x') => //=; rewrite ?mul1r ?mul0r.
rewrite exchange_big; apply: eq_bigr => y _ /=.
rewrite (bigD1 (uncover B y x)) //= eqxx mul1r big1 ?addr0 // => x' /negPf ne.
by rewrite eq_sym ne mul0r.
Qed.

Lemma joint_supp B x x' : 0 < joint_block B q x x' ->
  exists y, [/\ 0 < q y, below x y & x' = uncover B y x].
Proof.
case: (pickP (fun y => [&& 0 < q y, below x y & uncover B y x == x'])) => [y /and3P[qy xy /eqP e]|no].
  by exists y.
rewrite /joint_block big1 ?mul0r ?ltxx // => y /andP[xy e]; apply/eqP; rewrite eq_le q0 andbT leNgt.
by have := no y; rewrite xy e !andbT => ->.
Qed.

(* The divergence of the joint draw from the independent draws is the total correlation. *)
Lemma kl_tcorr B x : marg q x != 0 -> kl ln (joint_block B q x) (draw_block B p x) = tcorr B x.
Proof.
move=> m0; rewrite /tcorr /entropy sumrN opprK addrC.
transitivity (\sum_(x' : state) joint_block B q x x' * ln (joint_block B q x x')
  - \sum_(x' : state) joint_block B q x x' * ln (draw_block B p x x')).
  rewrite -sumrB; apply: eq_bigr => x' _; have := joint_block_ge0 dq B x x'.
  rewrite le_eqVlt => /orP[/eqP <-|jx]; first by rewrite !mul0r subrr.
  have [y [qy xy e]] := joint_supp jx; rewrite -mulrBr (lnD exP) // e; exact: draw_pos.
congr (_ - _); rewrite (joint_mean B x (fun x' => ln (draw_block B p x x'))).
rewrite (eq_bigr (fun y => \sum_(i in fresh B x) q y * ln (p x i (y i)))) => [|y xy]; last first.
  rewrite -mulr_sumr; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy]; first by rewrite !mul0r.
  rewrite draw_blockE ln_prod // => i; rewrite inE => /andP[_ /eqP xi]; exact: exact_pos.
rewrite exchange_big mulr_suml; apply: eq_bigr => i; rewrite inE => /andP[_ /eqP xi].
rewrite (partition_big (fun y : full => y i) xpredT) //= mulr_suml; apply: eq_bigr => b _.
rewrite (eq_bigr (fun y => q y * ln (p x i b))) => [|y /andP[_ /eqP <-] //].
rewrite -mulr_suml mulrAC; congr (_ * _); rewrite (exact_cond _ ep m0 xi); congr (_ / _).
by apply: eq_bigl => y; rewrite below_upd.
Qed.

(* One round of the trajectory: the mean over q_0 of a function of the states before and after. *)
Lemma round_mean pi t (phi : state -> state -> R) :
  \sum_y q y * phi (seen pi y t) (seen pi y t.+1)
  = \sum_y q y * \sum_(x' : state) joint_block (pi t (seen pi y t)) q (seen pi y t) x' * phi (seen pi y t) x'.
Proof.
rewrite (partition_big (fun y => seen pi y t) xpredT) //= [RHS](partition_big (fun y => seen pi y t) xpredT) //=.
apply: eq_bigr => x _; case: (pickP (fun y => seen pi y t == x)) => [y0 /eqP y0x|no]; last first.
  by rewrite !big_pred0.
have eqx y : (seen pi y t == x) = below x y.
  apply/eqP/idP => [<-|]; first exact: seen_below.
  by rewrite -y0x => /seen_det ->.
rewrite (eq_bigr (fun y => q y * phi x (uncover (pi t x) y x))) => [|y /eqP -> //].
rewrite [RHS](eq_bigr (fun y => q y * \sum_(x' : state) joint_block (pi t x) q x x' * phi x x')) => [|y /eqP -> //].
rewrite -mulr_suml !(eq_bigl _ _ eqx) -/(marg q x) (joint_mean _ _ (phi x)).
case: (eqVneq (marg q x) 0) => [m0|m0]; last by rewrite mulrC divfK.
rewrite m0 mul0r; apply: big1 => y xy; rewrite (_ : q y = 0) ?mul0r //.
apply/eqP; rewrite eq_le q0 andbT leNgt; apply/negP => qy.
by have := pos_marg qy xy; rewrite m0 ltxx.
Qed.

Section Run.
Variables (pi : policy I A) (n : nat).
Hypothesis done_ : forall y, isfull (seen pi y n).

Lemma seen_inj y : seen pi y n = inj y.
Proof.
have /isfullE[z e] := done_ y; have := seen_below pi y n.
by rewrite e below_inj => /eqP ->.
Qed.

Lemma path_ratio y : 0 < q y -> ln (q y / policy_law pi (fun => p) n (inj y))
  = \sum_(t < n) ln (joint_block (pi t (seen pi y t)) q (seen pi y t) (seen pi y t.+1)
                     / draw_block (pi t (seen pi y t)) p (seen pi y t) (seen pi y t.+1)).
Proof.
move=> qy; have sb t := seen_below pi y t; have mp t := pos_marg qy (sb t).
pose Jt t := joint_block (pi t (seen pi y t)) q (seen pi y t) (seen pi y t.+1).
pose Dt t := draw_block (pi t (seen pi y t)) p (seen pi y t) (seen pi y t.+1).
have JE t : Jt t = marg q (seen pi y t.+1) / marg q (seen pi y t) by apply: joint_blockE.
have J0 t : 0 < Jt t by rewrite JE divr_gt0.
have D0 t : 0 < Dt t by apply: draw_pos.
have qE : q y = \prod_(t < n) Jt t.
  rewrite -[LHS](marg_inj q) -seen_inj; elim: (n) => [|k IHk].
    by rewrite big_ord0 marg_allmask; case: dq.
  by rewrite big_ord_recr -IHk /= -/(Jt k) JE [RHS]mulrC divfK // lt0r_neq0.
have pE : policy_law pi (fun => p) n (inj y) = \prod_(t < n) Dt t.
  rewrite policy_law_full done_ mul1r; apply: eq_bigr => t _.
  by rewrite /Dt /= draw_blockE.
have PJ : 0 < \prod_(t < n) Jt t by apply: prodr_gt0.
have PD : 0 < \prod_(t < n) Dt t by apply: prodr_gt0.
rewrite pE qE (lnD exP) // !ln_prod // -sumrB; apply: eq_bigr => t _.
by rewrite -(lnD exP).
Qed.

Theorem P1 : kl ln q (fun y => policy_law pi (fun => p) n (inj y))
  = \sum_y q y * \sum_(t < n) tcorr (pi t (seen pi y t)) (seen pi y t).
Proof.
transitivity (\sum_(t < n) \sum_y q y *
   ln (joint_block (pi t (seen pi y t)) q (seen pi y t) (seen pi y t.+1)
       / draw_block (pi t (seen pi y t)) p (seen pi y t) (seen pi y t.+1))).
  rewrite exchange_big; apply: eq_bigr => y _ /=; rewrite -mulr_sumr.
  have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy]; first by rewrite !mul0r.
  by rewrite path_ratio.
under [RHS]eq_bigr do rewrite mulr_sumr; rewrite [RHS]exchange_big; apply: eq_bigr => t _ /=.
rewrite (round_mean pi t (fun x x' => ln (joint_block (pi t x) q x x' / draw_block (pi t x) p x x'))).
apply: eq_bigr => y _; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy]; first by rewrite !mul0r.
congr (_ * _); rewrite -kl_tcorr //; exact: lt0r_neq0 (pos_marg qy (seen_below pi y t)).
Qed.
End Run.

(* ---------------------------------------------------------------- P4 *)

Lemma tcorr_one B x : marg q x != 0 -> (#|fresh B x| <= 1)%N -> tcorr B x = 0.
Proof.
move=> m0 le1; rewrite -kl_tcorr //; apply: big1 => x' _; have := joint_block_ge0 dq B x x'.
rewrite le_eqVlt => /orP[/eqP <-|jx]; first by rewrite mul0r.
by rewrite (joint_one ep m0 le1) divff ?lt0r_neq0 // (ln1 exP) mulr0.
Qed.

Lemma ln_mono a b : 0 < a -> a <= b -> ln a <= ln b.
Proof.
move=> a0 ab; have b0 : 0 < b by apply: lt_le_trans ab.
rewrite -subr_le0 -(lnD exP) //; apply: (ln_le0 exP); first by rewrite divr_gt0.
by rewrite ler_pdivr_mulr // mul1r.
Qed.

(* A joint law has at least the entropy of each of its tokens. *)
Lemma tcorr_le B x j : marg q x != 0 -> j \in fresh B x ->
  tcorr B x <= \sum_(i in fresh B x) entropy (p x i) - entropy (p x j).
Proof.
move=> m0 jB; rewrite ler_add2l ler_opp2 /entropy ler_opp2.
have xj : x j = None by move: jB; rewrite inE => /andP[_ /eqP].
have mx : 0 < marg q x by rewrite lt_neqAle eq_sym m0 marg_ge0.
pose phi (x' : state) : R := if x' j is Some b then ln (p x j b) else 0.
apply: (@le_trans _ _ (\sum_(x' : state) joint_block B q x x' * phi x')).
  apply: ler_sum => x' _; have := joint_block_ge0 dq B x x'.
  rewrite le_eqVlt => /orP[/eqP <-|jx]; first by rewrite !mul0r.
  rewrite ler_wpmul2l ?(ltW jx) //; have [y [qy xy e]] := joint_supp jx.
  have x'j : x' j = Some (y j) by rewrite e ffunE jB.
  rewrite /phi x'j; apply: ln_mono => //; rewrite (exact_cond _ ep m0 xj).
  rewrite /joint_block ler_wpmul2r ?invr_ge0 ?(ltW mx) // /marg.
  rewrite [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum //= => z _; rewrite below_upd //.
  case: (below x z) => //=; case: (eqVneq (uncover B z x) x') => [ez|_]; last by case: ifP.
  have : x' j = Some (z j) by rewrite -ez ffunE jB.
  by rewrite x'j => -[->]; rewrite eqxx.
rewrite joint_mean (eq_bigr (fun y => q y * ln (p x j (y j)))) => [|y _]; last first.
  by rewrite /phi ffunE jB.
rewrite (partition_big (fun y : full => y j) xpredT) //= mulr_suml; apply: ler_sum => b _.
rewrite (eq_bigr (fun y => q y * ln (p x j b))) => [|y /andP[_ /eqP <-] //].
rewrite -mulr_suml mulrAC le_eqVlt; apply/orP; left; apply/eqP; congr (_ * _).
rewrite (exact_cond _ ep m0 xj); congr (_ / _).
by apply: eq_bigl => y; rewrite below_upd.
Qed.

Section Bounded.
Variables (pi : policy I A) (n : nat) (gamma : R).
Hypothesis done_ : forall y, isfull (seen pi y n).
Hypothesis bounded : forall t x, (1 < #|fresh (pi t x) x|)%N ->
  exists2 j, j \in fresh (pi t x) x & \sum_(i in fresh (pi t x) x) entropy (p x i) - entropy (p x j) <= gamma.

Theorem P4 : kl ln q (fun y => policy_law pi (fun => p) n (inj y))
  <= gamma * \sum_y q y * (#|[set t : 'I_n | (1 < #|block pi y t|)%N]|)%:R.
Proof.
rewrite (P1 done_) mulr_sumr ler_sum // => y _; rewrite [X in _ <= X]mulrCA.
have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy]; first by rewrite !mul0r.
rewrite ler_wpmul2l // mulr_natr -sumr_const [X in _ <= X]big_mkcond ler_sum //= => t _.
have m0 := lt0r_neq0 (pos_marg qy (seen_below pi y t)); rewrite inE.
case: ltnP => [big|le1]; last by rewrite tcorr_one.
by have [j jB le] := bounded big; apply: le_trans (tcorr_le m0 jB) le.
Qed.
End Bounded.

(* ---------------------------------------------------------------- seeds *)

Section Seeds.
Variables (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) (n : nat).
Hypothesis dW : dist W.
Hypothesis done_ : forall o y, isfull (seen (pi o) y n).

Theorem P1_seeds : kl ln q (fun y => mixed_law W (fun => p) pi n (inj y))
  <= \sum_o W o * \sum_y q y * \sum_(t < n) tcorr (pi o t (seen (pi o) y t)) (seen (pi o) y t).
Proof.
have [W0 W1] := dW.
apply: (@le_trans _ _ (\sum_o W o * kl ln q (fun y => policy_law (pi o) (fun => p) n (inj y)))); last first.
  by apply: ler_sum => o _; rewrite (P1 (done_ o)).
rewrite /kl (eq_bigr _ (fun o _ => mulr_sumr _ _ _ _)) exchange_big ler_sum //= => y _.
have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy].
  by rewrite mul0r big1 // => o _; rewrite mul0r mulr0.
have Pp o : 0 < policy_law (pi o) (fun => p) n (inj y).
  rewrite policy_law_full done_ mul1r; apply: prodr_gt0 => t _; apply: prodr_gt0 => i.
  rewrite inE => /andP[_ /eqP xi]; exact: exact_pos (seen_below _ _ _) xi.
have := logsum exP (a := fun o => W o * q y) (b := fun o => W o * policy_law (pi o) (fun => p) n (inj y)).
rewrite -mulr_suml W1 mul1r -/(mixed_law W (fun => p) pi n (inj y)) => h; apply: le_trans (h _ _ _) _.
- by move=> o; rewrite mulr_ge0 // ltW.
- by move=> o; rewrite mulr_ge0 // ltW.
- by move=> o; rewrite pmulr_lgt0 // => Wo; rewrite mulr_gt0.
apply: ler_sum => o _; have := W0 o; rewrite le_eqVlt => /orP[/eqP <-|Wo]; first by rewrite !mul0r.
by rewrite mulrA -mulf_div divff ?lt0r_neq0 // mul1r.
Qed.

(* P2 (ii): a local error is at most the square root of half the total correlation. *)
Hypothesis archi : forall a : R, exists n : nat, a <= n%:R.

Lemma local_tv_sqr B x : marg q x != 0 -> 2%:R * local_tv q p B x ^+ 2 <= tcorr B x.
Proof.
move=> m0; rewrite -kl_tcorr // /local_tv tvC; apply: (pinsker exP archi).
- exact: joint_block_dist.
- by apply: draw_block_dist; case: ep.
by move=> x' /joint_supp[y [qy xy ->]]; apply: draw_pos.
Qed.

Theorem P2_pinsker (s : Omega -> nat -> state -> R) :
  (forall o t x, 0 <= s o t x) ->
  (forall o t x, marg q x != 0 -> tcorr (pi o t x) x <= 2%:R * s o t x ^+ 2) ->
  tv (mixed_law W (fun => p) pi n) (ext q)
    <= \sum_o W o * \sum_y q y * \sum_(t < n) s o t (seen (pi o) y t).
Proof.
move=> s0 s2; apply: le_trans (P2 pi dW dq (fun => proj1 ep) n) _; apply: ler_sum => o _.
rewrite ler_wpmul2l //; first by case: dW.
apply: ler_sum => y _; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy]; first by rewrite !mul0r.
rewrite ler_wpmul2l // done_ addr0 ler_sum // => t _; set x := seen _ _ _.
have m0 : marg q x != 0 := lt0r_neq0 (pos_marg qy (seen_below _ y t)).
have := le_trans (local_tv_sqr (pi o t x) m0) (s2 o t x m0); rewrite ler_pmul2l ?ltr0n // => h.
case: (lerP (local_tv q p (pi o t x) x) (s o t x)) => // lt.
have t0 : 0 < local_tv q p (pi o t x) x by apply: le_lt_trans lt.
have : s o t x ^+ 2 < local_tv q p (pi o t x) x ^+ 2.
  rewrite !expr2; apply: (@le_lt_trans _ _ (local_tv q p (pi o t x) x * s o t x)).
    by rewrite ler_wpmul2r // ltW.
  by rewrite ltr_pmul2l.
by rewrite ltNge h.
Qed.
End Seeds.
End P1.
