(* Independent parts: the parallel sampler's law on full states is a product, part by part. L6(a): groups
   of shared symbols. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler euler_sharp birthday e6 policy symmetric policy_lower alloc shared.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* ------------------------------------------------------------------ two parts *)

Section TwoParts.
Variable R : realFieldType.
Variables I1 I2 A : finType.
Let I := [finType of (I1 + I2)%type].

Definition lpart (X : finType) (x : {ffun I -> X}) : {ffun I1 -> X} := [ffun i => x (inl i)].
Definition rpart (X : finType) (x : {ffun I -> X}) : {ffun I2 -> X} := [ffun i => x (inr i)].
Definition two_law (q1 : full I1 A -> R) (q2 : full I2 A -> R) (y : full I A) : R :=
  q1 (lpart y) * q2 (rpart y).
Definition two_den (p1 : state I1 A -> I1 -> A -> R) (p2 : state I2 A -> I2 -> A -> R)
    (x : state I A) (i : I) : A -> R :=
  match i with inl i1 => p1 (lpart x) i1 | inr i2 => p2 (rpart x) i2 end.

Lemma sum_parts (X : finType) (F : {ffun I1 -> X} -> {ffun I2 -> X} -> R) :
  \sum_(f : {ffun I -> X}) F (lpart f) (rpart f) = \sum_f1 \sum_f2 F f1 f2.
Proof.
rewrite pair_bigA /= (reindex (fun f : {ffun I -> X} => (lpart f, rpart f))) //=.
exists (fun g : {ffun I1 -> X} * {ffun I2 -> X} =>
  [ffun i : I => match i with inl i1 => g.1 i1 | inr i2 => g.2 i2 end]) => [f _|[g1 g2] _].
  by apply/ffunP=> -[i|i]; rewrite !ffunE.
by congr (_, _); apply/ffunP=> i; rewrite !ffunE.
Qed.

Variables (q1 : full I1 A -> R) (q2 : full I2 A -> R).
Variables (p1 : state I1 A -> I1 -> A -> R) (p2 : state I2 A -> I2 -> A -> R).
Let q := two_law q1 q2.
Let p := two_den p1 p2.

Lemma below_parts (x : state I A) y :
  below x y = below (lpart x) (lpart y) && below (rpart x) (rpart y).
Proof.
apply/forallP/andP => [h|[/forallP h1 /forallP h2] [i|i]].
- by split; apply/forallP=> i; rewrite !ffunE.
- by have := h1 i; rewrite !ffunE.
by have := h2 i; rewrite !ffunE.
Qed.

Lemma marg_parts (x : state I A) : marg q x = marg q1 (lpart x) * marg q2 (rpart x).
Proof.
rewrite /marg big_mkcond (eq_bigr (fun y : full I A =>
    (fun y1 y2 => (if below (lpart x) y1 then q1 y1 else 0) * (if below (rpart x) y2 then q2 y2 else 0))
       (lpart y) (rpart y))) => [|y _]; last first.
  rewrite below_parts /q /two_law; case: (below (lpart x) _) => /=; last by rewrite mul0r.
  by case: (below (rpart x) _); rewrite ?mulr0.
rewrite (sum_parts (fun y1 y2 => (if below (lpart x) y1 then q1 y1 else 0)
  * (if below (rpart x) y2 then q2 y2 else 0))) /=.
under eq_bigr do rewrite -mulr_sumr; rewrite -mulr_suml.
by congr (_ * _); rewrite [RHS]big_mkcond.
Qed.

Lemma two_dist : dist q1 -> dist q2 -> dist q.
Proof.
move=> [a0 a1] [b0 b1]; split=> [y|]; first by rewrite mulr_ge0.
rewrite -marg_allmask marg_parts.
have e1 : lpart (allmask I A) = allmask I1 A by apply/ffunP=> i; rewrite !ffunE.
have e2 : rpart (allmask I A) = allmask I2 A by apply/ffunP=> i; rewrite !ffunE.
rewrite e1 e2.
by rewrite !marg_allmask a1 b1 mulr1.
Qed.

Lemma two_exact : exact_denoiser q1 p1 -> exact_denoiser q2 p2 -> exact_denoiser q p.
Proof.
move=> [d1 e1] [d2 e2]; split=> [x [i|i]|x [i|i] b xi]; [exact: d1 | exact: d2 | |].
  have -> : marg q (upd x (inl i) b) = marg q1 (upd (lpart x) i b) * marg q2 (rpart x).
    rewrite marg_parts; congr (marg q1 _ * marg q2 _); apply/ffunP=> j; rewrite !ffunE //.
  by rewrite marg_parts /p /= mulrAC e1 // ffunE.
have -> : marg q (upd x (inr i) b) = marg q1 (lpart x) * marg q2 (upd (rpart x) i b).
  rewrite marg_parts; congr (marg q1 _ * marg q2 _); apply/ffunP=> j; rewrite !ffunE //.
by rewrite marg_parts /p /= -mulrA e2 // ffunE.
Qed.

Lemma euler_parts (r : nat -> R) N y : euler r (fun => p) N (inj y)
  = euler r (fun => p1) N (inj (lpart y)) * euler r (fun => p2) N (inj (rpart y)).
Proof.
rewrite !alloc_law; pose F1 (f : {ffun I1 -> 'I_N}) :=
  \prod_i (step r (f i) * p1 (shown f (lpart y) (f i)) i (lpart y i)).
pose F2 (f : {ffun I2 -> 'I_N}) :=
  \prod_i (step r (f i) * p2 (shown f (rpart y) (f i)) i (rpart y i)).
rewrite -/(\sum_f F1 f) -/(\sum_f F2 f) mulr_suml; under [RHS]eq_bigr do rewrite mulr_sumr.
rewrite -(sum_parts (fun f1 f2 => F1 f1 * F2 f2)); apply: eq_bigr => f _.
rewrite big_sumType /=; congr (_ * _); apply: eq_bigr => i _; rewrite !ffunE /p /two_den.
  congr (_ * p1 _ _ _); by apply/ffunP=> j; rewrite !ffunE.
congr (_ * p2 _ _ _); by apply/ffunP=> j; rewrite !ffunE.
Qed.
End TwoParts.

(* ------------------------------------------------------------------ equal groups *)

Section Groups.
Variable R : realFieldType.
Variables J T A : finType.
Let I := [finType of J * T].

Definition proj (X : finType) (j : J) (x : {ffun I -> X}) : {ffun T -> X} := [ffun t => x (j, t)].
Definition group_law (q : full T A -> R) (y : full I A) : R := \prod_j q (proj j y).
Definition group_den (p : state T A -> T -> A -> R) (x : state I A) (e : I) : A -> R :=
  p (proj e.1 x) e.2.

Lemma sum_groups (X : finType) (F : J -> {ffun T -> X} -> R) :
  \sum_(f : {ffun I -> X}) \prod_j F j (proj j f) = \prod_j \sum_g F j g.
Proof.
rewrite bigA_distr_bigA /= (reindex (fun f : {ffun I -> X} => [ffun j => proj j f])) /=.
  by apply: eq_bigr => f _; apply: eq_bigr => j _; rewrite ffunE.
exists (fun h : {ffun J -> {ffun T -> X}} => [ffun e : I => h e.1 e.2]) => [f _|h _].
  by apply/ffunP=> -[j t]; rewrite !ffunE.
by apply/ffunP=> j; apply/ffunP=> t; rewrite !ffunE.
Qed.

Variables (q : full T A -> R) (p : state T A -> T -> A -> R).

Lemma marg_groups (x : state I A) : marg (group_law q) x = \prod_j marg q (proj j x).
Proof.
rewrite /marg; under [RHS]eq_bigr do rewrite big_mkcond.
rewrite -(sum_groups (fun j g => if below (proj j x) g then q g else 0)) big_mkcond.
apply: eq_bigr => y _; case: (boolP (below x y)) => [/forallP xy|/forallPn[[j t] ne]].
  apply: eq_bigr => j _; rewrite (_ : below _ _ = true) //.
  by apply/forallP=> t; rewrite !ffunE.
symmetry; apply/eqP; rewrite prodf_seq_eq0; apply/hasP; exists j; first by rewrite mem_index_enum.
rewrite /= (_ : below _ _ = false) //; apply/negbTE/forallPn; exists t.
by rewrite !ffunE.
Qed.

Lemma group_dist : dist q -> dist (group_law q).
Proof.
move=> [q0 q1]; split=> [y|]; first by apply: prodr_ge0.
rewrite -marg_allmask marg_groups big1 // => j _.
rewrite (_ : proj _ _ = allmask T A) ?marg_allmask //.
by apply/ffunP=> t; rewrite !ffunE.
Qed.

Lemma group_exact : exact_denoiser q p -> exact_denoiser (group_law q) (group_den p).
Proof.
move=> [dp ep]; split=> [x e|x [j t] b xe]; first exact: dp.
rewrite !marg_groups (bigD1 j) //= [RHS](bigD1 j) //= /group_den /= mulrAC ep; last by rewrite ffunE.
congr (marg q _ * _); first by apply/ffunP=> s; rewrite !ffunE xpair_eqE eqxx.
apply: eq_bigr => k kj; congr (marg q _); apply/ffunP=> s; rewrite !ffunE xpair_eqE.
by rewrite (negPf kj).
Qed.

Lemma euler_groups (r : nat -> R) N y : euler r (fun => group_den p) N (inj y)
  = \prod_j euler r (fun => p) N (inj (proj j y)).
Proof.
rewrite alloc_law; under [RHS]eq_bigr do rewrite alloc_law.
rewrite -(sum_groups (fun j (f : {ffun T -> 'I_N}) =>
  \prod_t (step r (f t) * p (shown f (proj j y) (f t)) t (proj j y t)))).
apply: eq_bigr => f _; rewrite pair_bigA /=; apply: eq_bigr => -[j t] _ /=.
rewrite !ffunE /group_den /=; congr (_ * p _ _ _).
by apply/ffunP=> s; rewrite !ffunE.
Qed.
End Groups.

(* ------------------------------------------------------------------ exact denoisers (S5) *)

Section Support.
Variable R : realFieldType.
Variables I A : finType.

(* TV to q_0 sees the output law on the support only; there all exact denoisers agree. *)
Lemma tv_support (P P' : state I A -> R) (q : full I A -> R) : dist P -> dist P' -> dist q ->
  (forall y, q y != 0 -> P (inj y) = P' (inj y)) -> tv P (ext q) = tv P' (ext q).
Proof.
move=> dP dP' dq e; rewrite !tv_posC //; try exact: ext_dist.
apply: eq_bigr => x _; case: (boolP (isfull x)) => [/isfullE[y ->]|xf]; last first.
  by rewrite ext_notfull // !sub0r !pos0 // oppr_le0; [case: dP' | case: dP].
rewrite ext_inj; case: (eqVneq (q y) 0) => [->|qy]; last by rewrite e.
by rewrite !sub0r !pos0 // oppr_le0; [case: dP' | case: dP].
Qed.

Lemma tv_exact_denoisers (q : full I A -> R) p p' (r : nat -> R) N : rate r -> dist q ->
  exact_denoiser q p -> exact_denoiser q p' ->
  tv (euler r (fun => p) N) (ext q) = tv (euler r (fun => p') N) (ext q).
Proof.
move=> hr dq ep ep'; apply: tv_support => // [||y qy].
- by apply: euler_dist => // _; case: ep.
- by apply: euler_dist => // _; case: ep'.
rewrite !alloc_law; apply: eq_bigr => f _; apply: eq_bigr => i _; congr (_ * _).
have st : below (shown f y (f i)) y by rewrite -seen_allot seen_below.
have xi : shown f y (f i) i = None by rewrite ffunE ltnn.
have m0 := marg_neq0 (proj1 dq) qy st.
by rewrite !(exact_cond _ _ m0 xi).
Qed.
End Support.

(* ------------------------------------------------------------------ L6(a) *)

Section L6.
Variable R : realFieldType.
Variables (J E B : finType) (g : nat).
Variable b0 : B.
Let b_gt0 : (0 < #|B|)%N. Proof. by apply/card_gt0P; exists b0. Qed.
Let T := [finType of 'I_g].
Let A := [finType of {ffun 'I_g -> B}].
Let I := [finType of (J * T + E)%type].
Let ib : R := #|B|%:R^-1.
Let c0 : full E A := [ffun => [ffun => b0]].

(* Groups of g tokens with shared symbols; the other tokens are constant. *)
Definition q6 : full I A -> R := two_law (group_law (@q3 R g B)) (point R c0).
Definition p6 : state I A -> I -> A -> R :=
  two_den (group_den (J := J) (@p3 R g B)) (fun _ (i : E) => point R (c0 i)).

Lemma const_exact : exact_denoiser (point R c0) (fun _ (i : E) => point R (c0 i)).
Proof.
split=> [x i|x i b xi]; first exact: point_dist.
have m x' : marg (point R c0) x' = (below x' c0)%:R.
  rewrite /marg big_mkcond (bigD1 c0) //= big1 ?addr0; last first.
    by move=> y /negPf yz; case: ifP => // _; rewrite /point yz.
  by rewrite /point eqxx; case: (below x' c0).
by rewrite !m below_upd // /point eq_sym; case: (below x c0); rewrite ?mul0r ?mul1r.
Qed.

Lemma q6_dist : dist q6.
Proof. by apply: two_dist; [apply: group_dist; exact: q3_dist | exact: point_dist]. Qed.

Lemma p6_exact : exact_denoiser q6 p6.
Proof. by apply: two_exact; [apply: group_exact; exact: p3_exact | exact: const_exact]. Qed.

Variables (r : nat -> R) (N : nat).
Hypothesis hr : rate r.

Lemma const_law : euler r (fun _ _ (i : E) => point R (c0 i)) N (inj c0) = (1 - surv r N) ^+ #|E|.
Proof.
rewrite alloc_law -(alloc_total E N r); apply: eq_bigr => f _; apply: eq_bigr => i _.
by rewrite /point eqxx mulr1.
Qed.

Lemma tv3 : tv (euler r (fun => @p3 R g B) N) (ext (@q3 R g B)) = 1 - mean_kept T N r (fun m => ib ^+ m).
Proof.
have dq := q3_dist R g b_gt0; have ep := p3_exact R g b_gt0.
have cq := @q3_counted R g B b_gt0.
by rewrite (tv_symmetric_euler N hr dq ep cq (ib_pow_gt0 R b_gt0) (ib_mono R b_gt0)).
Qed.

Theorem L6_value : tv (euler r (fun => p6) N) (ext q6)
  = 1 - (1 - surv r N) ^+ #|E| * mean_kept T N r (fun m => ib ^+ m) ^+ #|J|.
Proof.
have dq := q3_dist R g b_gt0; have ep := p3_exact R g b_gt0.
have cq := @q3_counted R g B b_gt0.
have /andP[c_ge0 c_le1] := mean_kept01 T N hr (ib_pow_gt0 R b_gt0) (ib_mono R b_gt0).
set c := mean_kept _ _ _ _ in c_ge0 c_le1 *; set D := (1 - surv r N) ^+ #|E|.
have [D0 D1] : 0 <= D /\ D <= 1.
  split; last exact: alloc_total_le1.
  by apply: exprn_ge0; rewrite subr_ge0 surv_le1.
rewrite (@tv_ratio _ _ _ _ _ (fun => D * c ^+ #|J|)) // => [|||y qy|y _].
- by rewrite -mulr_suml (proj2 q6_dist) mul1r.
- by apply: euler_dist => // _; case: p6_exact.
- exact: q6_dist.
- move: qy; rewrite /q6 /two_law mulf_eq0 negb_or => /andP[/prodf_neq0 gy ey].
  have e0 : rpart y = c0.
    by apply/eqP; apply: contraNT ey => /negPf ne; rewrite /point ne.
  rewrite euler_parts euler_groups e0 const_law -/D /point eqxx mulr1 [RHS]mulrCA [LHS]mulrC; congr (D * _).
  rewrite (eq_bigr (fun j : J => q3 R (proj j (lpart y)) * c)) => [|j _].
    by rewrite big_split /= prodr_const.
  by rewrite (euler_symmetric N r dq ep cq (ib_pow_gt0 R b_gt0)) //; exact: (gy j isT).
by rewrite mulr_ile1 // ?exprn_ge0 ?exprn_ile1.
Qed.

Theorem L6_lower : (0 < N)%N ->
  1 - (1 - (1 - ib) * (1 - \prod_(j < g) (1 - j%:R / N%:R))) ^+ #|J|
    <= tv (euler r (fun => p6) N) (ext q6).
Proof.
move=> N0; rewrite L6_value ler_add2l ler_opp2.
have /andP[c_ge0 _] := mean_kept01 T N hr (ib_pow_gt0 R b_gt0) (ib_mono R b_gt0).
have := E3_attained g b_gt0 N hr; rewrite tv3 -/ib => h.
have i0 : 0 <= 1 - ib by rewrite subr_ge0 ib_le1.
have := E6 T hr N0; rewrite (birthday_uniform R T N0) card_ord => b6.
set c := mean_kept _ _ _ _ in c_ge0 h *; set D := _ ^+ #|E|.
have D1 : D <= 1 by exact: alloc_total_le1.
apply: (@le_trans _ _ (c ^+ #|J|)).
  by rewrite -[X in _ <= X]mul1r ler_wpmul2r ?exprn_ge0.
have le_c : c <= 1 - (1 - ib) * (1 - \prod_(j < g) (1 - j%:R / N%:R)).
  rewrite ler_subr_addr addrC -ler_subr_addr; apply: le_trans h.
  by rewrite ler_wpmul2l // ler_add2l ler_opp2.
by apply: ler_expn2r; rewrite ?nnegrE //; apply: le_trans le_c.
Qed.
End L6.
