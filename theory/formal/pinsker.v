(* Pinsker's inequality with its constant, from an exponential on an Archimedean field, and C1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial fhs c2fhs euler e5 e2.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Log.
Variable R : realFieldType.
Variables ex ln : R -> R.
Hypothesis exP : exponential ex ln.
Hypothesis archi : forall a : R, exists n : nat, a <= n%:R.
Let exD : forall a b, ex (a + b) = ex a * ex b. Proof. by case: exP. Qed.
Let ex_ge : forall a, 1 + a <= ex a. Proof. by case: exP. Qed.

(* ln T >= (T - 1)(5 T + 1) / (2 T (T + 2)), first at T = ex a. *)
Definition ratio (T : R) : R := (T - 1) * (5%:R * T + 1) / (2%:R * T * (T + 2%:R)).

Lemma divMK (x y z : R) : y != 0 -> x / y * (y * z) = x * z.
Proof. by move=> y0; rewrite mulrA divfK. Qed.

Let two_gt0 : 0 < 2%:R :> R. Proof. by rewrite ltr0n. Qed.
Let T2_gt0 (T : R) : 0 < T -> 0 < T + 2%:R. Proof. by move=> T0; rewrite addr_gt0. Qed.

Lemma ratio_double (T : R) : 0 < T -> ratio (T * T) <= 2%:R * ratio T.
Proof.
move=> T0; have TT : 0 < T * T by rewrite mulr_gt0.
have y1 : 0 < 2%:R * T * (T + 2%:R) by rewrite !mulr_gt0 ?T2_gt0.
have y2 : 0 < 2%:R * (T * T) * (T * T + 2%:R) by rewrite mulr_gt0 ?T2_gt0 // mulr_gt0.
have M0 : 0 < 2%:R * (T * T) * (T * T + 2%:R) * (T + 2%:R) by rewrite mulr_gt0 ?T2_gt0.
rewrite -(ler_pmul2r M0) /ratio divMK ?gt_eqF //.
have -> : 2%:R * ((T - 1) * (5%:R * T + 1) / (2%:R * T * (T + 2%:R)))
    * (2%:R * (T * T) * (T * T + 2%:R) * (T + 2%:R))
  = 2%:R * ((T - 1) * (5%:R * T + 1) * (T * (T * T + 2%:R))).
  have -> : 2%:R * (T * T) * (T * T + 2%:R) * (T + 2%:R)
    = 2%:R * T * (T + 2%:R) * (T * (T * T + 2%:R)) by ring_R.
  by rewrite -mulrA divMK ?gt_eqF.
rewrite -subr_ge0.
rewrite [X in 0 <= X](_ : _ = ((T - 1) ^+ 2) ^+ 2 * (5%:R * T + 2%:R)); last by ring_R.
by rewrite mulr_ge0 ?sqr_ge0 // addr_ge0 ?ler0n // mulr_ge0 ?ler0n // ltW.
Qed.

Lemma ratio_le (T : R) : 0 < T -> ratio T <= T - 1.
Proof.
move=> T0; have y1 : 0 < 2%:R * T * (T + 2%:R) by rewrite !mulr_gt0 ?T2_gt0.
rewrite /ratio ler_pdivr_mulr // -subr_ge0.
rewrite [X in 0 <= X](_ : _ = (T - 1) ^+ 2 * (1 + 2%:R * T)); last by ring_R.
by rewrite mulr_ge0 ?sqr_ge0 // addr_ge0 ?ler01 // mulr_ge0 ?ler0n // ltW.
Qed.

Let D a := a - ratio (ex a).

Lemma D_double a : 2%:R * D a <= D (a + a).
Proof.
rewrite /D exD mulrBr mulr_natl mulr2n ler_add2l ler_opp2.
exact: ratio_double (ex_gt0 exP a).
Qed.

Lemma D_near (a : R) : a + a <= 1 -> - (2%:R * a ^+ 2) <= D a.
Proof.
move=> a2; have a1 : 0 < 1 - a.
  rewrite -(ltr_pmul2l two_gt0) mulr0 mulrBr mulr1.
  have -> : 2%:R - 2%:R * a = 1 + (1 - (a + a)) by ring_R.
  by rewrite ltr_paddr ?subr_ge0 ?ltr01.
have up : ex a <= 1 + a + 2%:R * a ^+ 2.
  rewrite -(ler_pmul2r a1); apply: le_trans (xp_upper exD ex_ge a) _.
  rewrite -subr_ge0 [X in 0 <= X](_ : _ = a ^+ 2 * (1 - (a + a))); last by ring_R.
  by rewrite mulr_ge0 ?sqr_ge0 // subr_ge0.
rewrite /D; apply: (@le_trans _ _ (a - (ex a - 1))); last first.
  by rewrite ler_add2l ler_opp2 ratio_le // (ex_gt0 exP).
rewrite -subr_ge0 [X in 0 <= X](_ : _ = 1 + a + 2%:R * a ^+ 2 - ex a) ?subr_ge0 //.
by move: (ex a) => z; ring_R.
Qed.

Lemma D_pow n a : (2 ^ n)%:R * D (a / (2 ^ n)%:R) <= D a.
Proof.
elim: n => [|n IHn]; first by rewrite expn0 mul1r divr1.
apply: le_trans IHn; set c := a / (2 ^ n.+1)%:R.
have -> : a / (2 ^ n)%:R = c + c.
  rewrite -mulr2n -[RHS]mulr_natl /c expnS natrM invfM mulrCA [2%:R * _]mulrA.
  by rewrite mulfV ?mul1r // gt_eqF.
by rewrite expnSr natrM -mulrA ler_wpmul2l ?ler0n // D_double.
Qed.

Theorem ratio_ex a : ratio (ex a) <= a.
Proof.
rewrite -subr_ge0 -/(D a) leNgt; apply/negP => Da.
have Dn : 0 < - D a by rewrite oppr_gt0.
have [m hm] := archi (2%:R * a ^+ 2 / - D a).
have [m2 hm2] := archi (a + a).
pose n := (m + m2)%N; pose N : R := (2 ^ n)%:R.
have N0 : 0 < N by rewrite ltr0n expn_gt0.
have lt_nN : n%:R < N by rewrite ltr_nat ltn_expl.
have mN : m%:R < N by apply: le_lt_trans lt_nN; rewrite ler_nat leq_addr.
have m2N : m2%:R <= N by apply: ltW; apply: le_lt_trans lt_nN; rewrite ler_nat leq_addl.
have cc : a / N + a / N <= 1.
  by rewrite -mulrDl ler_pdivr_mulr // mul1r; apply: le_trans m2N.
have h : N * - (2%:R * (a / N) ^+ 2) <= D a.
  by apply: le_trans (D_pow n a); rewrite ler_wpmul2l ?(ltW N0) // D_near.
have e : N * - (2%:R * (a / N) ^+ 2) = - (2%:R * a ^+ 2 / N).
  rewrite mulrN; congr (- _); rewrite mulrCA -mulrA; congr (_ * _).
  by rewrite exprMn mulrCA; congr (_ * _); rewrite expr2 mulrA mulfV ?mul1r // gt_eqF.
move: h; rewrite e -ler_opp2 opprK => h.
have h' : N <= 2%:R * a ^+ 2 / - D a.
  move: (- D a) Dn h => z z0 h.
  have {}h : z * N <= 2%:R * a ^+ 2 by move: h; rewrite -(ler_pmul2r N0) divfK ?gt_eqF.
  by rewrite -(ler_pmul2r z0) divfK ?gt_eqF // mulrC.
by have := lt_le_trans mN (le_trans h' hm); rewrite ltxx.
Qed.

Lemma kl_point (a b : R) : 0 < a -> 0 < b ->
  3%:R * (a - b) ^+ 2 <= 2%:R * (a + 2%:R * b) * (a * ln (a / b) - a + b).
Proof.
move=> a0 b0; have [_ _ lnK] := exP; set t := a / b.
have t0 : 0 < t by rewrite divr_gt0.
have at_ : a = t * b by rewrite /t divfK // gt_eqF.
have y1 : 0 < 2%:R * t * (t + 2%:R) by rewrite mulr_gt0 ?T2_gt0 // mulr_gt0.
have := ratio_ex (ln t); rewrite lnK // /ratio ler_pdivr_mulr // => h.
have b2 : 0 <= b ^+ 2 by rewrite sqr_ge0.
have := ler_wpmul2r b2 h; rewrite -subr_ge0 => h2.
rewrite -subr_ge0 at_.
rewrite [X in 0 <= X](_ : _ = ln t * (2%:R * t * (t + 2%:R)) * b ^+ 2
   - (t - 1) * (5%:R * t + 1) * b ^+ 2) //.
by move: (ln t) => l; clearbody t; ring_R.
Qed.

Definition kl (T : finType) (a b : T -> R) : R := \sum_x a x * ln (a x / b x).

Theorem pinsker (T : finType) (a b : T -> R) : dist a -> dist b ->
  (forall x, 0 < a x -> 0 < b x) -> 2%:R * tv a b ^+ 2 <= kl a b.
Proof.
move=> [a0 a1] [b0 b1] ac; pose L := \sum_x `|a x - b x|.
have L0 : 0 <= L by apply: sumr_ge0.
suff h : L ^+ 2 <= 2%:R * kl a b.
  rewrite -(ler_pmul2l two_gt0) /tv -/L exprMn.
  have -> : 2%:R * (2%:R * (2%:R^-1 ^+ 2 * L ^+ 2)) = (2%:R * 2%:R^-1) ^+ 2 * L ^+ 2 by ring_R.
  by rewrite mulfV ?pnatr_eq0 // expr1n mul1r.
pose g x := a x * ln (a x / b x) - a x + b x; pose s x := a x + 2%:R * b x.
have sg : \sum_x g x = kl a b by rewrite /g big_split /= sumrB a1 b1 subrK.
have ss : \sum_x s x = 3%:R.
  by rewrite /s big_split /= -mulr_sumr a1 b1 mulr1 -[3%:R]/((1 + 2)%:R) natrD.
have three : 0 < 3%:R :> R by rewrite ltr0n.
have k x : 3%:R * (a x - b x) ^+ 2 <= 2%:R * s x * g x.
  have := a0 x; rewrite le_eqVlt => /orP[/eqP ax|ax]; last exact: kl_point (ac x ax).
  rewrite /g /s -ax mul0r !subr0 !add0r -subr_ge0.
  rewrite [X in 0 <= X](_ : _ = b x ^+ 2) ?sqr_ge0 //.
  by move: (b x) => z; ring_R.
have pt x : 2%:R * L * `|a x - b x| * 3%:R <= 2%:R * g x * 3%:R + s x * L ^+ 2.
  have s0 : 0 <= s x by rewrite addr_ge0 // mulr_ge0 ?ler0n.
  have := s0; rewrite le_eqVlt => /orP[/eqP sx|sx].
    have ax : a x = 0.
      by apply/eqP; rewrite eq_le a0 andbT sx ler_addl mulr_ge0 ?ler0n.
    have bx : b x = 0.
      move/esym/eqP: sx; rewrite /s ax add0r mulf_eq0 pnatr_eq0 /= => /eqP //.
    by rewrite -sx /g ax bx subrr normr0 mul0r !subr0 addr0 !(mulr0, mul0r) addr0.
  rewrite -(ler_pmul2r sx) -subr_ge0.
  have nn : `|a x - b x| ^+ 2 = (a x - b x) ^+ 2 by rewrite real_normK // num_real.
  have kx := k x; rewrite -nn in kx.
  rewrite [X in 0 <= X](_ : _ = 3%:R * (2%:R * s x * g x - 3%:R * `|a x - b x| ^+ 2)
     + (3%:R * `|a x - b x| - s x * L) ^+ 2).
    by rewrite addr_ge0 ?sqr_ge0 // mulr_ge0 ?ler0n // subr_ge0.
  by move: (s x) (g x) (`|a x - b x|) => u v z; clearbody L; ring_R.
have := ler_sum (index_enum T) (fun x (_ : true) => pt x).
rewrite -mulr_suml -mulr_sumr -/L big_split /= -mulr_suml -mulr_sumr -mulr_suml sg ss.
move=> h; rewrite -(ler_pmul2r three) -(ler_add2r (3%:R * L ^+ 2)).
apply: le_trans h.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; clearbody L; ring_R.
Qed.
End Log.
