(* E6: among K-step laws the uniform one has the smallest birthday bound (Maclaurin's inequality), and
   evening out two steps never makes it larger. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section E6.
Variable R : realFieldType.
Implicit Types (w : nat -> R).

(* x^n ((n+1) m - n x) <= m^(n+1). *)
Lemma amgm (m x : R) n : 0 <= m -> 0 <= x -> x ^+ n * (n.+1%:R * m - n%:R * x) <= m ^+ n.+1.
Proof.
move=> m0 x0; elim: n => [|n IHn]; first by rewrite expr0 mul0r subr0 !mul1r expr1.
rewrite [X in _ <= X]exprS; apply: le_trans (ler_wpmul2l m0 IHn).
rewrite -subr_ge0 exprS -[n.+2]addn1 -[n.+1]addn1 !natrD.
rewrite [X in 0 <= X](_ : _ = (n%:R + 1) * x ^+ n * (m - x) ^+ 2); last first.
  by move: (x ^+ n) (n%:R) => y k; ring_R.
by rewrite mulr_ge0 ?sqr_ge0 // mulr_ge0 ?exprn_ge0 // addr_ge0 ?ler0n ?ler01.
Qed.

(* Maclaurin: e_n(w) <= C(K, n) (mean of w)^n. *)
Theorem maclaurin w K n : (forall k, 0 <= w k) -> (0 < K)%N ->
  esp w K n <= 'C(K, n)%:R * ((\sum_(k < K) w k) / K%:R) ^+ n.
Proof.
move=> w0; elim: K n => [//|K IHK] [|n] _; first by rewrite espn0 bin0 mul1r expr0.
have [->|K0] := posnP K.
  rewrite big_ord_recl big_ord0 addr0 divr1 /=.
  case: n => [|n]; first by rewrite add0r mulr1 binn mul1r expr1.
  by rewrite mulr0 addr0 bin_small // mul0r.
have [Kn Kn1] : K%:R != 0 :> R /\ K.+1%:R != 0 :> R by rewrite !pnatr_eq0 -lt0n.
pose x := (\sum_(k < K) w k) / K%:R; pose m := (\sum_(k < K.+1) w k) / K.+1%:R.
have x0 : 0 <= x by rewrite divr_ge0 ?ler0n ?sumr_ge0.
have m0 : 0 <= m by rewrite divr_ge0 ?ler0n ?sumr_ge0.
have wE : w K = K.+1%:R * m - K%:R * x.
  rewrite /m /x ![_%:R * (_ / _)]mulrC !divfK // big_ord_recr /=.
  by rewrite addrAC subrr add0r.
rewrite espS -/m.
apply: (@le_trans _ _ ('C(K, n.+1)%:R * x ^+ n.+1 + w K * ('C(K, n)%:R * x ^+ n))).
  by rewrite ler_add ?ler_wpmul2l ?IHK.
apply: le_trans (ler_wpmul2l (ler0n _ _) (amgm n m0 x0)).
have h : K.+1%:R * 'C(K, n)%:R = n.+1%:R * ('C(K, n)%:R + 'C(K, n.+1)%:R) :> R.
  by rewrite -natrD -!natrM [('C(K, n) + _)%N]addnC -binS -mul_bin_diag.
rewrite wE binS natrD exprS le_eqVlt; apply/orP; left; apply/eqP.
have hK : K.+1%:R = K%:R + 1 :> R by rewrite -addn1 natrD.
have hn : n.+1%:R = n%:R + 1 :> R by rewrite -addn1 natrD.
rewrite hK hn in h *; move: (x ^+ n) (K%:R) (n%:R) ('C(K, n)%:R) ('C(K, n.+1)%:R) h => y k l a b h.
apply/eqP; rewrite -subr_eq0; apply/eqP.
transitivity (y * (m - x) * ((k + 1) * a - (l + 1) * (a + b))); first by ring_R.
by rewrite h subrr mulr0.
Qed.

(* A transfer between two steps that keeps their sum and does not lower their product. *)
Lemma coefs_ge0 w K (P : pred 'I_K) n : (forall k, 0 <= w k) ->
  0 <= (\prod_(k < K | P k) (1 + w k *: 'X : {poly R}))`_n.
Proof.
move=> w0; elim/big_rec: _ n => [|k Q _ IHQ] n; first by rewrite coef1 ler0n.
rewrite mulrDl mul1r -scalerAl coefD coefZ coefXM addr_ge0 ?mulr_ge0 ?IHQ //.
by case: n.
Qed.

Theorem esp_transfer w w' K n (i j : 'I_K) : (forall k, 0 <= w k) -> i != j ->
  (forall k : 'I_K, k != i -> k != j -> w' k = w k) ->
  w' i + w' j = w i + w j -> w i * w j <= w' i * w' j -> esp w K n <= esp w' K n.
Proof.
move=> w0 ij e s_eq le_p; rewrite !esp_coef.
have split2 (v : nat -> R) : \prod_(k < K) (1 + v k *: 'X : {poly R})
  = (1 + v i *: 'X) * ((1 + v j *: 'X) * \prod_(k < K | (k != i) && (k != j)) (1 + v k *: 'X)).
  by rewrite (bigD1 i) //= (bigD1 j) // eq_sym.
rewrite !split2 (eq_bigr (fun k : 'I_K => 1 + w' k *: 'X)) => [|k /andP[ki kj]]; last by rewrite e.
set Q := \prod_(k < K | _) (1 + w' k *: 'X).
have Q0 m : 0 <= Q`_m.
  rewrite (_ : Q = \prod_(k < K | (k != i) && (k != j)) (1 + w k *: 'X)) ?coefs_ge0 //.
  by apply: eq_bigr => k /andP[ki kj]; rewrite e.
have expand (a b : R) : ((1 + a *: 'X) * ((1 + b *: 'X) * Q))`_n
  = Q`_n + (a + b) * ('X * Q)`_n + a * b * ('X * ('X * Q))`_n.
  have e1 (c : R) (P : {poly R}) : (1 + c *: 'X) * P = P + c *: ('X * P).
    by rewrite mulrDl mul1r -scalerAl.
  rewrite !e1 mulrDr -scalerAr !(coefD, coefZ).
  by move: (Q`_n) (('X * Q)`_n) (('X * ('X * Q))`_n) => t u v; ring_R.
rewrite !expand s_eq ler_add2l ler_wpmul2r // !coefXM.
by case: n {expand} => [|[|n]] //=; rewrite ?coefXM.
Qed.

Variable I : finType.

Lemma birthday_transfer (r r' : nat -> R) K (i j : 'I_K) : rate r -> i != j ->
  (forall k : 'I_K, k != i -> k != j -> step r' k = step r k) ->
  step r' i + step r' j = step r i + step r j ->
  step r i * step r j <= step r' i * step r' j ->
  birthday I r K <= birthday I r' K.
Proof.
move=> hr ij e s_eq le_p; rewrite /birthday ler_wpmul2l ?ler0n //.
by apply: (esp_transfer _ _ ij) => // k; apply: step_ge0.
Qed.

Theorem E6 (r : nat -> R) K : rate r -> (0 < K)%N ->
  birthday I r K <= birthday I (uniform_rate R K) K.
Proof.
move=> hr K0; have w0 k : 0 <= step r k by apply: step_ge0.
rewrite /birthday ler_wpmul2l ?ler0n //; apply: le_trans (maclaurin _ w0 K0) _.
rewrite (eq_esp (w' := fun => K%:R^-1)); last by move=> k; apply: uniform_step.
rewrite esp_const ler_wpmul2l ?ler0n //; apply: ler_expn2r; rewrite ?nnegrE ?invr_ge0 ?ler0n //.
  by rewrite divr_ge0 ?ler0n ?sumr_ge0.
rewrite sum_step -[X in _ <= X]mul1r ler_wpmul2r ?invr_ge0 ?ler0n //.
by rewrite ler_subl_addr ler_addl surv_ge0.
Qed.

(* Every law of K steps, leftover allowed, is the step law of some rates. *)
Lemma step_exists w K : (forall k, 0 <= w k) -> \sum_(k < K) w k <= 1 ->
  exists r, rate r /\ forall k, (k < K)%N -> step r k = w k.
Proof.
move=> w0 w1; pose S k := 1 - \sum_(l < k) w l.
pose r k := if (k < K)%N then w k / S k else 0.
have S0 k : (k <= K)%N -> 0 <= S k.
  move=> kK; rewrite subr_ge0; apply: le_trans w1.
  rewrite -(big_mkord xpredT w) -[X in _ <= X](big_mkord xpredT w).
  by rewrite [X in _ <= X](@big_cat_nat _ _ _ k) //= ler_addl sumr_ge0.
have SS k : S k.+1 = S k - w k by rewrite /S big_ord_recr /= opprD addrA.
have wS k : (k < K)%N -> w k <= S k by move=> kK; rewrite -subr_ge0 -SS S0.
have rr : rate r.
  move=> k; rewrite /r; case: ltnP => kK; last by rewrite lexx ler01.
  rewrite divr_ge0 ?S0 ?(ltnW kK) //=; have := S0 k (ltnW kK); rewrite le_eqVlt.
  case/orP => [/eqP <-|Sk]; first by rewrite invr0 mulr0 ler01.
  by rewrite ler_pdivr_mulr // mul1r wS.
have rS k : (k < K)%N -> r k * S k = w k.
  move=> kK; rewrite /r kK; have := S0 k (ltnW kK); rewrite le_eqVlt => /orP[/eqP e|Sk].
    by have := wS k kK; rewrite -e mulr0 => h; apply/eqP; rewrite eq_le w0.
  by rewrite divfK // gt_eqF.
have sv k : (k <= K)%N -> surv r k = S k.
  elim: k => [_|k IHk kK]; first by rewrite /surv /S !big_ord0 subr0.
  by rewrite survS IHk ?(ltnW kK) // mulrBr mulr1 [S k * _]mulrC rS // SS.
by exists r; split=> // k kK; rewrite /step sv ?rS // ltnW.
Qed.

Definition distinct w K : R := \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i w (f i).

Lemma distinct_esp w K : (forall k, 0 <= w k) -> \sum_(k < K) w k <= 1 ->
  distinct w K = #|I|`!%:R * esp w K #|I|.
Proof.
move=> w0 w1; have [r [_ e]] := step_exists w0 w1.
have := birthday_prob I r K; rewrite /birthday (eq_esp (w' := w)) // => ->.
by apply: eq_bigr => f _; apply: eq_bigr => i _; rewrite e.
Qed.

Theorem E6_weights w K : (forall k, 0 <= w k) -> \sum_(k < K) w k <= 1 -> (0 < K)%N ->
  distinct w K <= distinct (fun => K%:R^-1) K.
Proof.
move=> w0 w1 K0; have i0 : forall k : nat, 0 <= K%:R^-1 :> R by move=> _; rewrite invr_ge0 ler0n.
have i1 : \sum_(k < K) K%:R^-1 <= 1 :> R.
  by rewrite sumr_const card_ord -[_ *+ _]mulr_natl mulfV // pnatr_eq0 -lt0n.
rewrite (distinct_esp i0 i1) distinct_esp // ler_wpmul2l ?ler0n //.
apply: le_trans (maclaurin _ w0 K0) _; rewrite esp_const ler_wpmul2l ?ler0n //.
apply: ler_expn2r; rewrite ?nnegrE ?i0 //; first by rewrite divr_ge0 ?ler0n ?sumr_ge0.
by rewrite -[X in _ <= X]mul1r ler_wpmul2r ?i0.
Qed.

Theorem E6_transfer w w' K (i j : 'I_K) : (forall k, 0 <= w k) -> (forall k, 0 <= w' k) ->
  \sum_(k < K) w k <= 1 -> i != j -> (forall k : 'I_K, k != i -> k != j -> w' k = w k) ->
  w' i + w' j = w i + w j -> w i * w j <= w' i * w' j -> distinct w K <= distinct w' K.
Proof.
move=> w0 w'0 w1 ij e s_eq le_p; have w'1 : \sum_(k < K) w' k <= 1.
  rewrite (_ : \sum_(k < K) w' k = \sum_(k < K) w k) //.
  have h (v : nat -> R) : \sum_(k < K) v k = v i + v j + \sum_(k < K | (k != i) && (k != j)) v k.
    by rewrite (bigD1 i) //= (bigD1 j) /= 1?eq_sym // addrA.
  by rewrite !h s_eq; congr (_ + _); apply: eq_bigr => k /andP[ki kj]; rewrite e.
by rewrite !distinct_esp // ler_wpmul2l ?ler0n // (esp_transfer _ w0 ij).
Qed.

Lemma distinct_uniform K : (0 < K)%N ->
  distinct (fun => K%:R^-1) K = \prod_(j < #|I|) (1 - j%:R / K%:R).
Proof.
move=> K0; rewrite -birthday_uniform // birthday_prob; apply: eq_bigr => f _.
by apply: eq_bigr => i _; rewrite uniform_step.
Qed.
End E6.
