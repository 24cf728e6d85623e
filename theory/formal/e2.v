(* E2: Euler on the constant-rate clock alpha(t) = e^{-t}, uniform grid. Of the exponential only
   ex (a + b) = ex a * ex b and 1 + a <= ex a are used, over any Archimedean ordered field. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler forward reverse split e1_euler.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Exponential.
Variable R : realFieldType.
Variable ex : R -> R.
Hypotheses (exD : forall a b, ex (a + b) = ex a * ex b) (ex_ge : forall a, 1 + a <= ex a).
Hypothesis archi : forall a : R, exists n : nat, a <= n%:R.

Lemma xp_gt0 a : 0 < ex a.
Proof.
have h : 0 <= ex a by rewrite (splitr a) exD -expr2 sqr_ge0.
rewrite lt_neqAle h andbT eq_sym; apply/eqP => e.
have : 0 < ex 0 by apply: lt_le_trans (ex_ge 0); rewrite addr0 ltr01.
by rewrite -[X in ex X](subrr a) exD e mul0r ltxx.
Qed.

Lemma xp0 : ex 0 = 1.
Proof.
have e : ex 0 * ex 0 = ex 0 * 1 by rewrite -exD addr0 mulr1.
by apply: mulfI e; rewrite gt_eqF // xp_gt0.
Qed.

Lemma xpN a : ex (- a) * ex a = 1.
Proof. by rewrite -exD addrC subrr xp0. Qed.

Lemma xp_ge1 a : 0 <= a -> 1 <= ex a.
Proof. by move=> a0; apply: le_trans (ex_ge a); rewrite ler_addl. Qed.

Lemma xp_mono a b : a <= b -> ex a <= ex b.
Proof.
move=> ab; rewrite -[b](subrK a) exD -[X in X <= _]mul1r ler_wpmul2r ?(ltW (xp_gt0 a)) //.
by rewrite xp_ge1 // subr_ge0.
Qed.

Lemma xpNle1 a : 0 <= a -> 0 <= ex (- a) <= 1.
Proof. by move=> a0; rewrite (ltW (xp_gt0 _)) -xp0 xp_mono // oppr_le0. Qed.

(* ex a <= 1 / (1 - a). *)
Lemma xp_upper a : ex a * (1 - a) <= 1.
Proof.
rewrite -[X in _ <= X](xpN a) [X in _ <= X]mulrC ler_wpmul2l ?(ltW (xp_gt0 a)) //.
Qed.

Lemma xpX a n : ex a ^+ n = ex (n%:R * a).
Proof.
elim: n => [|n IHn]; first by rewrite expr0 mul0r xp0.
by rewrite exprS IHn -exD mulrS mulrDl mul1r.
Qed.

(* g a = ex a (2 - a) / (2 + a) is at most g (a/2)^2, so at most g (a/2^n)^(2^n). *)
Let g a := ex a * (2%:R - a) / (2%:R + a).
Let two_gt0 : 0 < 2%:R :> R. Proof. by rewrite ltr0n. Qed.
Let den_gt0 (a : R) : 0 <= a -> 0 < 2%:R + a.
Proof. by move=> a0; rewrite ltr_paddr. Qed.

Lemma g_ge0 a : 0 <= a -> a <= 2%:R -> 0 <= g a.
Proof.
move=> a0 a2; rewrite /g divr_ge0 ?(ltW (den_gt0 a0)) // mulr_ge0 ?subr_ge0 //.
exact: ltW (xp_gt0 a).
Qed.

Lemma g_half (b : R) : 0 <= b -> b <= 1 -> g (b + b) <= g b ^+ 2.
Proof.
move=> b0 b1; have p1 := den_gt0 (addr_ge0 b0 b0); have p2 := den_gt0 b0.
have p3 : 0 < (2%:R + b) ^+ 2 by rewrite exprn_gt0.
rewrite /g ler_pdivr_mulr // exD.
have -> : (ex b * (2%:R - b) / (2%:R + b)) ^+ 2 * (2%:R + (b + b))
  = ex b * ex b * ((2%:R - b) ^+ 2 * (2%:R + (b + b))) / (2%:R + b) ^+ 2.
  by rewrite exprMn exprVn; move: ((2%:R + b) ^+ 2)^-1 => z; ring_R.
rewrite -(ler_pmul2r p3) divfK ?gt_eqF // -[X in X <= _]mulrA ler_wpmul2l //.
  by rewrite mulr_ge0 // ltW ?xp_gt0.
rewrite -subr_ge0 (_ : _ - _ = 2%:R * 2%:R * b ^+ 3); last by ring_R.
by rewrite !mulr_ge0 ?exprn_ge0 ?ler0n.
Qed.

Lemma g_pow n (a : R) : 0 <= a -> a <= 2%:R -> g a <= g (a / (2 ^ n)%:R) ^+ (2 ^ n).
Proof.
move=> a0 a2; elim: n => [|n IHn]; first by rewrite expn0 divr1 expr1.
apply: le_trans IHn _; have N0 : 0 < (2 ^ n)%:R :> R by rewrite ltr0n expn_gt0.
set c := a / (2 ^ n.+1)%:R.
have -> : a / (2 ^ n)%:R = c + c.
  rewrite -mulr2n -[RHS]mulr_natl /c expnS natrM invfM mulrCA [2%:R * _]mulrA.
  by rewrite mulfV ?mul1r // gt_eqF.
have c0 : 0 <= c by rewrite divr_ge0 ?ler0n.
have c1 : c <= 1.
  rewrite ler_pdivr_mulr ?ltr0n ?expn_gt0 // mul1r; apply: le_trans a2 _.
  by rewrite ler_nat expnS leq_pmulr // expn_gt0.
have cc : c + c <= 2%:R by rewrite (_ : 2%:R = 1 + 1) ?ler_add // -natrD.
rewrite expnS exprM; apply: ler_expn2r; rewrite ?nnegrE ?sqr_ge0 ?g_ge0 ?addr_ge0 //.
exact: g_half.
Qed.

Lemma g_small (c : R) : 0 <= c -> c + c <= 1 -> g c <= 1 + c ^+ 2.
Proof.
move=> c0 cc; have p2 := den_gt0 c0; rewrite /g ler_pdivr_mulr //.
have c1 : 0 < 1 - c.
  rewrite subr_gt0; case: (eqVneq c 0) => [->|cn]; first exact: ltr01.
  by apply: lt_le_trans cc; rewrite ltr_addl lt_neqAle eq_sym cn.
rewrite -(ler_pmul2r c1); apply: (@le_trans _ _ (2%:R - c)).
  rewrite mulrAC -[X in _ <= X]mul1r ler_wpmul2r ?xp_upper // subr_ge0.
  apply: (@le_trans _ _ (c + c)); first by rewrite ler_addl.
  by apply: le_trans cc _; rewrite ler1n.
rewrite -subr_ge0.
rewrite (_ : _ - _ = c ^+ 2 * ((1 - (c + c)) + c * (1 - c))); last by ring_R.
by rewrite mulr_ge0 ?sqr_ge0 // addr_ge0 ?subr_ge0 // mulr_ge0 // ltW.
Qed.

(* ex a (2 - a) <= 2 + a for 0 <= a <= 2: the trapezium is above. *)
Lemma xp_trapezium (a : R) : 0 <= a -> a <= 2%:R -> ex a * (2%:R - a) <= 2%:R + a.
Proof.
move=> a0 a2; suff : g a <= 1 by rewrite /g ler_pdivr_mulr ?den_gt0 // mul1r.
rewrite leNgt; apply/negP => g1.
have G0 : 0 < g a - 1 by rewrite subr_gt0.
have [m hm] := archi (a ^+ 2 * g a / (g a - 1)).
have [m2 hm2] := archi (a + a).
pose n := (m + m2)%N; pose N : R := (2 ^ n)%:R.
have N0 : 0 < N by rewrite ltr0n expn_gt0.
have lt_nN : n%:R < N by rewrite ltr_nat ltn_expl.
have mN : m%:R < N by apply: le_lt_trans lt_nN; rewrite ler_nat leq_addr.
have m2N : m2%:R <= N by apply: ltW; apply: le_lt_trans lt_nN; rewrite ler_nat leq_addl.
pose c := a / N; have c0 : 0 <= c by rewrite divr_ge0 ?(ltW N0).
have cc : c + c <= 1.
  rewrite /c -mulrDl ler_pdivr_mulr // mul1r; exact: le_trans m2N.
have c2 : c <= 2%:R.
  apply: (@le_trans _ _ (c + c)); first by rewrite ler_addl.
  by apply: le_trans cc _; rewrite ler1n.
pose b := a ^+ 2 / N.
have gb : g a <= ex b.
  apply: le_trans (g_pow n a0 a2) _; apply: (@le_trans _ _ (ex (c ^+ 2) ^+ (2 ^ n))).
    apply: ler_expn2r; rewrite ?nnegrE ?(ltW (xp_gt0 _)) ?g_ge0 //.
    exact: le_trans (g_small c0 cc) (ex_ge _).
  rewrite xpX -/N /b (_ : N * c ^+ 2 = a ^+ 2 / N) // /c exprMn mulrCA; congr (_ * _).
  by rewrite expr2 mulrA mulfV ?mul1r // gt_eqF.
have ga0 : 0 <= g a by apply: g_ge0.
have gb1 : g a * (1 - b) <= 1.
  case: (lerP 0 (1 - b)) => b1.
    by apply: le_trans (ler_wpmul2r b1 gb) _; apply: xp_upper.
  apply: (@le_trans _ _ 0); last exact: ler01.
  by rewrite -oppr_ge0 -mulrN mulr_ge0 // oppr_ge0 ltW.
have : g a - 1 <= a ^+ 2 * g a / N.
  by move: gb1; rewrite mulrBr mulr1 ler_subl_addr addrC -ler_subl_addr /b mulrCA mulrA.
rewrite -(ler_pmul2r N0) divfK ?gt_eqF // => h.
have h' : N <= a ^+ 2 * g a / (g a - 1).
  by rewrite -(ler_pmul2r G0) divfK ?gt_eqF // mulrC.
by have := lt_le_trans mN (le_trans h' hm); rewrite ltxx.
Qed.

(* (e^h - 1 - h) <= (h/2) (e^h - 1). *)
Lemma xp_clock (h : R) : 0 <= h -> ex h - 1 - h <= h / 2%:R * (ex h - 1).
Proof.
move=> h0; have two0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
rewrite -(ler_pmul2r two_gt0) [X in _ <= X]mulrAC divfK //.
rewrite -subr_ge0; case: (lerP h 2%:R) => h2.
  rewrite (_ : _ - _ = 2%:R + h - ex h * (2%:R - h)); last by ring_R.
  by rewrite subr_ge0 xp_trapezium.
rewrite (_ : _ - _ = (h - 2%:R) * (ex h - 1) + 2%:R * h); last by ring_R.
by rewrite addr_ge0 ?mulr_ge0 ?subr_ge0 ?(ltW h2) ?xp_ge1 ?ler0n.
Qed.

(* Sums of the grid: sum_{k<K} e^{-(T - k h)} (e^h - 1) = 1 - e^{-T}, at T = K h. *)
Lemma xp_geom h K : \sum_(k < K) ex (- (K%:R * h - k%:R * h)) * (ex h - 1) = 1 - ex (- (K%:R * h)).
Proof.
rewrite (eq_bigr (fun k : 'I_K => ex (- (K%:R * h)) * (ex (k.+1%:R * h) - ex (k%:R * h)))); last first.
  move=> k _; rewrite opprB mulrS mulrDl mul1r !exD.
  by move: (ex _) (ex _) (ex _) => u v w; ring_R.
rewrite -mulr_sumr -(big_mkord xpredT (fun k => ex (k.+1%:R * h) - ex (k%:R * h))) telescope_sumr //.
by rewrite mul0r xp0 mulrBr mulr1 xpN.
Qed.
End Exponential.

(* F4, the score: s_t(x; i, b) = q_t(x[i:=b]) / q_t(x) = alpha / (1 - alpha) p_i(b | x). *)
Lemma qt_score (R : realFieldType) (I A : finType) (q : full I A -> R) p (al : R) (x : state I A) i b :
  exact_denoiser q p -> al < 1 -> x i = None ->
  qt q al (upd x i b) = al / (1 - al) * p x i b * qt q al x.
Proof.
move=> [_ ep] a1 xi; have c0 : 1 - al != 0 by rewrite subr_eq0 gt_eqF.
rewrite /qt revealed_upd // -(ep x i b xi) exprS.
have -> : (#|I| - revealed x = (#|I| - (revealed x).+1).+1)%N.
  by rewrite -nmaskE (nmask_upd b xi) nmaskE revealed_upd.
rewrite [(1 - al) ^+ _.+1]exprS; move: (al ^+ _) ((1 - al) ^+ _) (marg q x) (p x i b) => u v m w.
have -> : al / (1 - al) * w * (u * ((1 - al) * v) * m) = (1 - al) / (1 - al) * (al * u * v * (m * w)).
  by move: (1 - al)^-1 => z; ring_R.
by rewrite divff // mul1r.
Qed.

Section E2.
Variable R : realFieldType.
Variable ex : R -> R.
Hypotheses (exD : forall a b, ex (a + b) = ex a * ex b) (ex_ge : forall a, 1 + a <= ex a).
Hypothesis archi : forall a : R, exists n : nat, a <= n%:R.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).
Let dp : denoiser p := proj1 ep.

Lemma jerr_scale (c : R) (u v : A -> R) : 0 <= c ->
  jerr (fun b => c * u b) (fun b => c * v b) = c * jerr u v.
Proof.
move=> c0; rewrite /jerr maxr_pmulr // !mulr_sumr.
by congr (Num.max _ _); apply: eq_bigr => b _; rewrite -mulrBr posM.
Qed.

Lemma eq_jerr (u u' v v' : A -> R) : u =1 u' -> v =1 v' -> jerr u v = jerr u' v'.
Proof.
by move=> eu ev; rewrite /jerr; congr (Num.max _ _); apply: eq_bigr => b _; rewrite eu ev.
Qed.

Variables (h : R) (K : nat).
Hypothesis (h0 : 0 < h).
(* The survival probability at t_k = T - k h, T = K h (t_k = 0 from K on). *)
Let al k : R := ex (- (K%:R * h - (minn k K)%:R * h)).
Let H k : R := h * (al k / (1 - al k)).

Let t_ge0 k : 0 <= K%:R * h - (minn k K)%:R * h.
Proof. by rewrite -mulrBl mulr_ge0 ?(ltW h0) // subr_ge0 ler_nat geq_minr. Qed.

Let al01 k : 0 <= al k <= 1. Proof. exact: xpNle1. Qed.

Let al_lt1 k : (k < K)%N -> al k < 1.
Proof.
move=> kK; have t0 : 0 < K%:R * h - (minn k K)%:R * h.
  by rewrite -mulrBl mulr_gt0 // subr_gt0 ltr_nat (minn_idPl (ltnW kK)).
rewrite lt_neqAle (proj2 (andP (al01 k))) andbT; apply/eqP => e.
have := xp_upper exD ex_ge (- (K%:R * h - (minn k K)%:R * h)); rewrite -/(al k) e mul1r opprK.
by rewrite ger_addl leNgt t0.
Qed.

Let alS k : (k < K)%N -> al k.+1 = al k * ex h.
Proof.
move=> kK; rewrite /al (minn_idPl kK) (minn_idPl (ltnW kK)) -exD; congr (ex _).
by rewrite mulrS mulrDl mul1r; move: (K%:R * h) (k%:R * h) => u v; ring_R.
Qed.

Let al_grid : grid al K.
Proof.
split=> // k kK; rewrite al_lt1 // alS //; split=> //.
rewrite -[X in X <= _]mulr1 ler_wpmul2l ?(proj1 (andP (al01 k))) //.
by rewrite xp_ge1 ?(ltW h0).
Qed.

Let H0 k : 0 <= H k.
Proof.
by have /andP[a0 a1] := al01 k; rewrite /H mulr_ge0 ?(ltW h0) // divr_ge0 ?subr_ge0.
Qed.

(* Euler lags: H <= rho, so the step never clips. *)
Let rhoE k : (k < K)%N -> unmask_prob al k = al k * (ex h - 1) / (1 - al k).
Proof. by move=> kK; rewrite /unmask_prob alS // mulrBr mulr1. Qed.

Let H_le k : (k < K)%N -> H k <= unmask_prob al k.
Proof.
move=> kK; rewrite rhoE // /H mulrA; have /andP[a0 a1] := al01 k.
rewrite ler_wpmul2r ?invr_ge0 ?subr_ge0 // mulrC ler_wpmul2l //.
by rewrite ler_subr_addr addrC ex_ge.
Qed.

Let H_min k : (k < K)%N -> Num.min 1 (H k) = H k.
Proof.
move=> kK; apply/min_idPr; apply: le_trans (H_le kK) _.
by case/andP: (unmask_prob01 al_grid kK).
Qed.

Lemma clock_sum : (0 < K)%N ->
  \sum_(k < K) d%:R * (1 - al k) * `|unmask_prob al k - Num.min 1 (H k)| <= d%:R * (h / 2%:R).
Proof.
move=> K0; have e1 : 0 < ex h - 1.
  by rewrite subr_gt0; apply: lt_le_trans (ex_ge h); rewrite ltr_addl.
rewrite (eq_bigr (fun k : 'I_K => d%:R * (ex h - 1 - h) * al k)) => [|[k kK] _ /=]; last first.
  rewrite H_min // ger0_norm ?subr_ge0 ?H_le // rhoE // /H.
  have a1 : 1 - al k != 0 by rewrite subr_eq0 gt_eqF // al_lt1.
  rewrite (_ : al k * (ex h - 1) / (1 - al k) - h * (al k / (1 - al k))
    = al k * (ex h - 1 - h) / (1 - al k)); last by move: (1 - al k)^-1 => z; ring_R.
  by rewrite -mulrA [(1 - al k) * _]mulrC divfK // mulrA mulrAC.
rewrite -mulr_sumr -mulrA ler_wpmul2l ?ler0n // -(ler_pmul2r e1) -mulrA.
have g := xp_geom exD ex_ge h K; rewrite -mulr_suml in g.
rewrite (eq_bigr (fun k : 'I_K => ex (- (K%:R * h - k%:R * h)))) => [|k _]; last first.
  by rewrite /al (minn_idPl (ltnW (ltn_ord k))).
rewrite g; apply: le_trans (xp_clock exD ex_ge archi (ltW h0)).
rewrite -[X in _ <= X]mulr1 ler_wpmul2l //.
  by rewrite ler_subr_addr add0r ler_subr_addr addrC ex_ge.
by rewrite ler_subl_addr ler_addl ltW // xp_gt0.
Qed.

Lemma parallel_sum : (0 < K)%N ->
  \sum_(k < K) 'C(d, 2)%:R * ((1 - al k) * Num.min 1 (H k)) ^+ 2 <= 'C(d, 2)%:R * (h / 2%:R).
Proof.
move=> K0; have h2 : 0 < h + h by rewrite addr_gt0.
have e1 : 0 < ex (h + h) - 1.
  by rewrite subr_gt0; apply: lt_le_trans (ex_ge (h + h)); rewrite ltr_addl.
rewrite (eq_bigr (fun k : 'I_K => 'C(d, 2)%:R * (h ^+ 2 * ex (- (K%:R * (h + h) - k%:R * (h + h)))))); last first.
  move=> [k kK] _ /=; rewrite H_min //; congr (_ * _).
  have a1 : 1 - al k != 0 by rewrite subr_eq0 gt_eqF // al_lt1.
  have e : (1 - al k) * (al k / (1 - al k)) = al k by rewrite mulrC divfK.
  rewrite /H mulrCA e exprMn; congr (_ * _).
  by rewrite expr2 -exD /al (minn_idPl (ltnW kK)); congr (ex _); rewrite !mulrDr; ring_R.
rewrite -mulr_sumr ler_wpmul2l ?ler0n // -mulr_sumr -(ler_pmul2r e1) -mulrA.
have g := xp_geom exD ex_ge (h + h) K; rewrite -mulr_suml in g.
rewrite g; apply: (@le_trans _ _ (h ^+ 2)).
  rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?sqr_ge0 //.
  by rewrite ler_subl_addr ler_addl ltW // xp_gt0.
have -> : h ^+ 2 = h / 2%:R * (h + h).
  by rewrite -mulr2n -[h *+ 2]mulr_natl mulrA divfK ?expr2 // pnatr_eq0.
rewrite ler_wpmul2l ?divr_ge0 ?ler0n ?(ltW h0) //.
by rewrite ler_subr_addr addrC ex_ge.
Qed.

Theorem E2_step (s : nat -> state -> I -> A -> R) : (0 < K)%N ->
  (forall k x i b, 0 <= s k x i b) ->
  tv (sampler (fun k x i b => h * s k x i b) K) (ext q)
    <= d%:R * ex (- (K%:R * h))
       + \sum_(k < K) h * (\sum_x qt q (ex (- (K%:R * h - k%:R * h))) x *
           \sum_(i | x i == None) jerr (s k x i)
             (fun b => ex (- (K%:R * h - k%:R * h)) / (1 - ex (- (K%:R * h - k%:R * h))) * p x i b))
       + (d * d.+1)%:R * h / 4%:R.
Proof.
move=> K0 s0; have u0 k x i : nonneg (fun b => h * s k x i b).
  by move=> b; rewrite mulr_ge0 // ltW.
apply: le_trans (E1_euler_moments dq ep u0 H0 al_grid) _.
have -> : al K = 1 by rewrite /al minnn subrr oppr0 xp0.
rewrite subrr mulr0 addr0 -!addrA; apply: ler_add.
  by rewrite /al min0n mul0r subr0.
apply: ler_add.
  apply: ler_sum => -[k kK] _ /=; rewrite mulr_sumr; apply: ler_sum => x _.
  rewrite le_eqVlt; apply/orP; left; apply/eqP; rewrite [RHS]mulrCA; congr (_ * _).
    by rewrite /al (minn_idPl (ltnW kK)).
  rewrite mulr_sumr; apply: eq_bigr => i _; rewrite -jerr_scale ?(ltW h0) //.
  apply: eq_jerr => // b; by rewrite /H /al (minn_idPl (ltnW kK)) !mulrA.
apply: le_trans (ler_add (clock_sum K0) (parallel_sum K0)) _.
have e : (d * d.+1 = 2 * d + 2 * 'C(d, 2))%N.
  rewrite -mul_bin_diag bin1; case: (d) => [|n] //=.
  by rewrite [(2 * _)%N]mulnC -mulnDr.
have i2 : 2%:R * 2%:R^-1 = 1 :> R by rewrite mulfV // pnatr_eq0.
have -> : 4%:R = 2%:R * 2%:R :> R by rewrite -natrM.
rewrite e natrD !natrM invfM; move: (2%:R^-1) i2 => i i2.
have -> : (2%:R * d%:R + 2%:R * 'C(d, 2)%:R) * h * (i * i)
  = (2%:R * i) * (d%:R * (h * i) + 'C(d, 2)%:R * (h * i)).
  by move: (d%:R) ('C(d, 2)%:R) => u v; ring_R.
by rewrite i2 mul1r.
Qed.
End E2.
