(* E5 with leftover masks: what is left masked counts as lost, the rest is a sampler without leftover. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler alloc e5.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* Every law of K + 1 steps without leftover is the step law of rates of which the last is 1. *)
Lemma steps_full (R : realFieldType) (v : nat -> R) K : (forall k, 0 <= v k) ->
  \sum_(k < K.+1) v k = 1 ->
  exists r, [/\ rate r, r K = 1 & forall k, (k <= K)%N -> step r k = v k].
Proof.
move=> v0 v1; pose S k := 1 - \sum_(l < k) v l.
pose r k := if (k <= K)%N then (if S k == 0 then 1 else v k / S k) else 0.
have SS k : S k.+1 = S k - v k by rewrite /S big_ord_recr /= opprD addrA.
have S0 k : (k <= K.+1)%N -> 0 <= S k.
  move=> kK; rewrite subr_ge0 -[X in _ <= X]v1.
  rewrite -(big_mkord xpredT v) -[X in _ <= X](big_mkord xpredT v).
  by rewrite [X in _ <= X](@big_cat_nat _ _ _ k) //= ler_addl sumr_ge0.
have vS k : (k <= K)%N -> v k <= S k by move=> kK; rewrite -subr_ge0 -SS S0.
have SK : S K = v K by apply/eqP; rewrite -subr_eq0 -SS /S v1 subrr.
have rr : rate r.
  move=> k; rewrite /r; case: leqP => kK; last by rewrite lexx ler01.
  case: eqP => [_|/eqP Sk]; first by rewrite ler01 lexx.
  have Sk0 : 0 < S k by rewrite lt_neqAle eq_sym Sk S0 // leqW.
  by rewrite divr_ge0 ?(ltW Sk0) //= ler_pdivr_mulr // mul1r vS.
have rS k : (k <= K)%N -> r k * S k = v k.
  move=> kK; rewrite /r kK; case: eqP => [e|/eqP Sk]; last by rewrite divfK.
  by rewrite mul1r e; apply/eqP; rewrite eq_le v0 /= -e vS.
have sv k : (k <= K.+1)%N -> surv r k = S k.
  elim: k => [_|k IHk kK]; first by rewrite /surv /S !big_ord0 subr0.
  by rewrite survS IHk ?(ltnW kK) // mulrBr mulr1 [S k * _]mulrC rS // SS.
exists r; split=> // [|k kK]; last by rewrite /step sv ?rS // leqW.
by rewrite /r leqnn SK; case: eqP => // /eqP vK; rewrite divff.
Qed.

Section Left.
Variable R : realFieldType.
Variables ex ln : R -> R.
Hypothesis exP : exponential ex ln.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).
Let dp : denoiser p := proj1 ep.
Variables (r : nat -> R) (K : nat).
Hypothesis (hr : rate r).

(* The law of the number of other tokens in earlier steps, of a law v of K steps. *)
Definition nlaw_of (v : nat -> R) (N m : nat) : R :=
  'C(d.-1, m)%:R * \sum_(k < N) v k * ((\sum_(l < k) v l) ^+ m * (1 - \sum_(l < k) v l) ^+ (d.-1 - m)).

(* Leftover costs at most its probability. *)
Lemma tv_left (c : R) (P P' : state -> R) : 0 <= c <= 1 -> dist P -> dist P' ->
  (forall y, P (inj y) = c * P' (inj y)) ->
  tv P (ext q) <= 1 - c + c * tv P' (ext q).
Proof.
move=> /andP[c0 c1] dP dP' e; have dx := ext_dist dq.
rewrite (tv_posC dP dx) (tv_posC dP' dx) mulr_sumr -[1 - c]mulr1 -[X in _ * X + _](proj2 dx) mulr_sumr.
rewrite -big_split /= ler_sum // => x _.
have t0 : 0 <= (1 - c) * ext q x + c * pos (ext q x - P' x).
  by rewrite addr_ge0 ?mulr_ge0 ?subr_ge0 ?pos_ge0 //; case: dx.
case xf : (isfull x); last first.
  rewrite pos0 // ext_notfull ?xf // sub0r oppr_le0; by case: dP.
case/isfullE: xf => y xy; rewrite xy in t0 *; rewrite e; apply: pos_le => //.
apply: (@le_trans _ _ ((1 - c) * ext q (inj y) + c * (ext q (inj y) - P' (inj y)))).
  rewrite le_eqVlt; apply/orP; left; apply/eqP.
  by move: (ext q _) (P' _) => u v; ring_R.
by rewrite ler_add2l ler_wpmul2l // pos_ge.
Qed.

Theorem E5_left (v : nat -> R) : (0 < d)%N -> surv r K.+1 < 1 ->
  (forall k, v k = step r k / (1 - surv r K.+1)) ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - (1 - surv r K.+1) ^+ d + (1 - surv r K.+1) ^+ d
       * (1 - ex (- (d%:R * \sum_(m < d) pos (nlaw_of v K.+1 m - d%:R^-1) * curve ln q p m))).
Proof.
move=> d0 s1 ve; set c := 1 - surv r K.+1; have c0 : 0 < c by rewrite subr_gt0.
have c1 : c <= 1 by rewrite ler_subl_addr ler_addl surv_ge0.
have v0 k : 0 <= v k by rewrite ve divr_ge0 ?step_ge0 ?(ltW c0).
have v1 : \sum_(k < K.+1) v k = 1.
  by under eq_bigr do rewrite ve; rewrite -mulr_suml sum_step divff // gt_eqF.
have [r' [hr' r'K e]] := steps_full v0 v1.
have E y : euler r (fun => p) K.+1 (inj y) = c ^+ d * euler r' (fun => p) K.+1 (inj y).
  rewrite !alloc_law mulr_sumr; apply: eq_bigr => f _.
  have -> : c ^+ d = \prod_(i : I) c by rewrite prodr_const.
  rewrite -big_split /=; apply: eq_bigr => i _; rewrite mulrA; congr (_ * _).
  by rewrite e -1?ltnS // ve mulrC divfK // gt_eqF.
have cd : 0 <= c ^+ d <= 1 by rewrite exprn_ge0 ?exprn_ile1 // ltW.
have dE s : rate s -> dist (euler s (fun => p) K.+1) by move=> hs; apply: euler_dist.
apply: le_trans (tv_left cd (dE r hr) (dE r' hr') E) _.
rewrite ler_add2l ler_wpmul2l ?(proj1 (andP cd)) //.
apply: le_trans (E5 exP dq ep hr' r'K d0) _; rewrite le_eqVlt; apply/orP; left; apply/eqP.
congr (1 - ex (- (_ * _))); apply: eq_bigr => m _; congr (pos (_ - _) * _).
rewrite /nlaw /cw /nlaw_of; congr (_ * _); apply: eq_bigr => k _.
have sk : \sum_(l < k) v l = 1 - surv r' k.
  rewrite -sum_step; apply: eq_bigr => l _; rewrite e //.
  by apply: leq_trans (ltnW (ltn_ord l)) _; rewrite -ltnS.
by rewrite sk subKr e // -ltnS.
Qed.

Lemma nlaw_of_dist (v : nat -> R) : (forall k, 0 <= v k) -> \sum_(k < K.+1) v k = 1 ->
  (0 < d)%N -> dist (fun m : 'I_d => nlaw_of v K.+1 m).
Proof.
move=> v0 v1 d0; have [r' [hr' r'K e]] := steps_full v0 v1.
have [n0 n1] := nlaw_dist hr' r'K d0.
have eq m : nlaw_of v K.+1 m = nlaw I r' K m.
  rewrite /nlaw /cw /nlaw_of; congr (_ * _); apply: eq_bigr => k _.
  have sk : \sum_(l < k) v l = 1 - surv r' k.
    rewrite -sum_step; apply: eq_bigr => l _; rewrite e //.
    by apply: leq_trans (ltnW (ltn_ord l)) _; rewrite -ltnS.
  by rewrite sk subKr e // -ltnS.
by split=> [m|]; [rewrite eq | rewrite -n1; apply: eq_bigr => m _; rewrite eq].
Qed.

(* h_m <= log S. *)
Corollary E5_left_logS (v : nat -> R) : (0 < d)%N -> (0 < #|A|)%N -> surv r K.+1 < 1 ->
  (forall k, v k = step r k / (1 - surv r K.+1)) ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - (1 - surv r K.+1) ^+ d + (1 - surv r K.+1) ^+ d
       * (1 - ex (- (d%:R * tv (fun m : 'I_d => nlaw_of v K.+1 m) (fun => d%:R^-1) * ln #|A|%:R))).
Proof.
move=> d0 A0 s1 ve; apply: le_trans (E5_left d0 s1 ve) _; rewrite ler_add2l.
have c0 : 0 < 1 - surv r K.+1 by rewrite subr_gt0.
have v0 k : 0 <= v k by rewrite ve divr_ge0 ?step_ge0 ?(ltW c0).
have v1 : \sum_(k < K.+1) v k = 1.
  by under eq_bigr do rewrite ve; rewrite -mulr_suml sum_step divff // gt_eqF.
rewrite ler_wpmul2l ?exprn_ge0 ?(ltW c0) // ler_add2l ler_opp2; apply: (ex_mono exP).
rewrite ler_opp2 -mulrA ler_wpmul2l ?ler0n // tv_pos; last first.
  rewrite (proj2 (nlaw_of_dist v0 v1 d0)) sumr_const card_ord -[_ *+ _]mulr_natl mulfV //.
  by rewrite pnatr_eq0 -lt0n.
rewrite mulr_suml ler_sum // => m _; rewrite ler_wpmul2l ?pos_ge0 //.
exact: (curve_le exP dq ep).
Qed.
End Left.
