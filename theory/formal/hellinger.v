(* C4: a Hellinger error. Samplers that reveal one token a round, its position from any law that may
   depend on the round and on all that is revealed (FHS: the uniform one). *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial fhs forward pairs_odd.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section CauchySchwarz.
Variable R : realFieldType.
Variable T : finType.

Lemma cauchy_schwarz (u v : T -> R) :
  (\sum_x u x * v x) ^+ 2 <= (\sum_x u x ^+ 2) * (\sum_x v x ^+ 2).
Proof.
have two : 0 < 2%:R :> R by rewrite ltr0n.
pose U := \sum_x u x ^+ 2; pose V := \sum_x v x ^+ 2; pose C := \sum_x u x * v x.
rewrite -/U -/V -/C -subr_ge0 -(ler_pmul2l two) mulr0.
have -> : 2%:R * (U * V - C ^+ 2) = \sum_x \sum_y (u x * v y - u y * v x) ^+ 2; last first.
  by apply: sumr_ge0 => x _; apply: sumr_ge0 => y _; apply: sqr_ge0.
have e x : \sum_y (u x * v y - u y * v x) ^+ 2 = u x ^+ 2 * V + v x ^+ 2 * U - 2%:R * C * (u x * v x).
  rewrite (eq_bigr (fun y => u x ^+ 2 * v y ^+ 2 + v x ^+ 2 * u y ^+ 2 - 2%:R * (u x * v x) * (u y * v y))).
    rewrite sumrB big_split /= -!mulr_sumr -/U -/V -/C; congr (_ - _).
    by rewrite mulrAC.
  by move=> y _; move: (u x) (v x) (u y) (v y) => a b c z; ring_R.
rewrite (eq_bigr _ (fun x _ => e x)) sumrB big_split /= -mulr_sumr -!mulr_suml -/U -/V -/C.
by move: U V C {e} => a b c; ring_R.
Qed.

(* Total variation and the overlap of the square roots. *)
Lemma tv_roots (u v : T -> R) : (forall x, 0 <= u x) -> (forall x, 0 <= v x) ->
  \sum_x u x ^+ 2 = 1 -> \sum_x v x ^+ 2 = 1 ->
  tv (fun x => u x ^+ 2) (fun x => v x ^+ 2) ^+ 2 <= 1 - (\sum_x u x * v x) ^+ 2.
Proof.
move=> u0 v0 u1 v1; rewrite /tv.
have -> : \sum_x `|u x ^+ 2 - v x ^+ 2| = \sum_x `|u x - v x| * (u x + v x).
  by apply: eq_bigr => x _; rewrite subr_sqr normrM [`|u x + v x|]ger0_norm // addr_ge0.
rewrite exprMn; set b := \sum_x u x * v x.
have four : 0 < 2%:R ^+ 2 :> R by rewrite exprn_gt0 // ltr0n.
rewrite -(ler_pmul2l four) mulrA -exprMn mulfV ?expr1n ?mul1r ?pnatr_eq0 //.
apply: le_trans (cauchy_schwarz _ _) _.
have -> : \sum_x `|u x - v x| ^+ 2 = 2%:R - 2%:R * b.
  rewrite (eq_bigr (fun x => u x ^+ 2 + v x ^+ 2 - 2%:R * (u x * v x))) => [|x _].
    by rewrite sumrB big_split /= u1 v1 -mulr_sumr -/b mulr2n.
  by rewrite real_normK ?num_real //; move: (u x) (v x) => a c; ring_R.
have -> : \sum_x (u x + v x) ^+ 2 = 2%:R + 2%:R * b.
  rewrite (eq_bigr (fun x => u x ^+ 2 + v x ^+ 2 + 2%:R * (u x * v x))) => [|x _].
    by rewrite !big_split /= u1 v1 -mulr_sumr -/b mulr2n.
  by move: (u x) (v x) => a c; ring_R.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; move: b => c; ring_R.
Qed.
End CauchySchwarz.

(* ------------------------------------------------------------------ one token a round *)

Section OneToken.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x y : state) (p : state -> I -> A -> R).

(* A masked position from the law w x, its symbol from p; full states stay. *)
Definition one_draw (w : state -> I -> R) p x y : R :=
  if isfull x then (y == x)%:R
  else \sum_(i | x i == None) w x i * \sum_b p x i b * (y == upd x i b)%:R.
(* w x is a law on the masked positions of x. *)
Definition picks (w : state -> I -> R) :=
  forall x, ~~ isfull x -> (forall i, 0 <= w x i) /\ \sum_(i | x i == None) w x i = 1.
(* The law after n rounds. *)
Definition one_by_one (w : nat -> state -> I -> R) (p : nat -> state -> I -> A -> R) n : state -> R :=
  law (point R (allmask I A)) (fun k => one_draw (w k) (p k)) n.

Lemma one_expect w p x (f : state -> R) : ~~ isfull x ->
  \sum_y one_draw w p x y * f y
  = \sum_(i | x i == None) w x i * \sum_b p x i b * f (upd x i b).
Proof.
move=> /negPf xf; rewrite /one_draw xf; under eq_bigr do rewrite mulr_suml.
rewrite exchange_big; apply: eq_bigr => i _ /=.
under eq_bigr do rewrite -mulrA; rewrite -mulr_sumr; congr (_ * _).
under eq_bigr do rewrite mulr_suml; rewrite exchange_big; apply: eq_bigr => b _ /=.
under eq_bigr do rewrite -mulrA; rewrite -mulr_sumr; congr (_ * _).
exact: sum_eq_upd.
Qed.

Lemma one_full w p x (f : state -> R) : isfull x -> \sum_y one_draw w p x y * f y = f x.
Proof.
move=> xf; rewrite /one_draw xf (bigD1 x) //= eqxx mul1r big1 ?addr0 // => y /negPf ->.
by rewrite mul0r.
Qed.

Lemma one_dist w p : picks w -> denoiser p -> kernel (one_draw w p).
Proof.
move=> hw dp x; split=> [y|].
  rewrite /one_draw; case: ifP => [_|/negbT xf]; first by rewrite ler0n.
  have [w0 _] := hw x xf; apply: sumr_ge0 => i _; rewrite mulr_ge0 // sumr_ge0 // => b _.
  by rewrite mulr_ge0 ?ler0n //; case: (dp x i).
case: (boolP (isfull x)) => xf.
  by have := @one_full w p x (fun => 1) xf; under eq_bigr do rewrite mulr1.
have := @one_expect w p x (fun => 1) xf; under eq_bigr do rewrite mulr1.
move=> ->; rewrite -[RHS](proj2 (hw x xf)); apply: eq_bigr => i _.
by under eq_bigr do rewrite mulr1; case: (dp x i) => _ ->; rewrite mulr1.
Qed.

Lemma one_by_one_dist w (p : nat -> state -> I -> A -> R) n : (forall k, picks (w k)) -> (forall k, denoiser (p k)) ->
  dist (one_by_one w p n).
Proof. by move=> hw dp; apply: law_dist => [|k]; [exact: point_dist | exact: one_dist]. Qed.

Lemma one_revealed w (p : nat -> state -> I -> A -> R) k x : (k <= d)%N -> one_by_one w p k x != 0 -> revealed x = k.
Proof.
elim: k x => [|k IHk] x kd; rewrite /one_by_one /=.
  by rewrite /point -revealed0; case: (revealed x =P 0%N) => // _; rewrite mulr0n eqxx.
move=> px; apply/eqP; apply: contraNT px => xk; rewrite /push big1 // => z _.
case: (eqVneq (one_by_one w p k z) 0) => [e|zn].
  by move: e; rewrite /one_by_one => ->; rewrite mul0r.
have zk := IHk z (ltnW kd) zn; have zf : isfull z = false by rewrite isfull_revealed zk; apply: ltn_eqF.
rewrite /one_draw zf big1 ?mulr0 // => i /eqP zi; rewrite big1 ?mulr0 // => b _.
case: eqP => [e|]; last by rewrite mulr0.
by move: xk; rewrite e revealed_upd // zk eqxx.
Qed.

(* FHS is a member. *)
Lemma fhs_one (p : nat -> state -> I -> A -> R) : fhs p =1 one_by_one (fun _ x _ => (nmask x)%:R^-1) p d.
Proof. by []. Qed.

Lemma uniform_picks : picks (fun x (_ : I) => (nmask x)%:R^-1 : R).
Proof.
move=> x xf; split=> [i|]; first by rewrite invr_ge0 ler0n.
rewrite sumr_const; have -> : #|[pred i | x i == None]| = nmask x.
  by apply: eq_card => i; rewrite !inE.
by rewrite -[(_^-1) *+ _]mulr_natr mulVf // pnatr_eq0 -isfullP.
Qed.

Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).
Variable w : nat -> state -> I -> R.
Hypothesis hw : forall k, picks (w k).
Let q0 : nonneg q := proj1 dq.

Lemma one_support k x : one_by_one w (fun => p) k x != 0 -> marg q x != 0.
Proof.
elim: k x => [|k IHk] x; rewrite /one_by_one /=.
  rewrite /point; case: (x =P allmask I A) => [-> _|_]; last by rewrite mulr0n eqxx.
  by rewrite marg_allmask (proj2 dq) oner_eq0.
move=> px; apply: contraNneq px => mx; rewrite /push big1 // => z _.
case: (eqVneq (one_by_one w (fun => p) k z) 0) => [e|/IHk zm].
  by move: e; rewrite /one_by_one => ->; rewrite mul0r.
rewrite /one_draw; case: ifP => zf; first by case: (x =P z) => [e|_]; [move: zm; rewrite -e mx eqxx | rewrite mulr0].
rewrite big1 ?mulr0 // => i /eqP zi; rewrite big1 ?mulr0 // => b _.
case: eqP => [e|]; last by rewrite mulr0.
move/eqP: mx; rewrite e -(proj2 ep) // mulf_eq0 (negPf zm) /= => /eqP ->; by rewrite mul0r.
Qed.

Theorem one_exact : one_by_one w (fun => p) d =1 ext q.
Proof.
have [dp exp_] := ep; have dP := one_by_one_dist d hw (fun => dp).
have on_supp (y : full) : q y != 0 -> one_by_one w (fun => p) d (inj y) = 1 * q y.
  move=> qy; pose V (x : state) : R := (below x y)%:R * (q y / marg q x).
  have hV (x : state) i : x i = None -> \sum_b p x i b * V (upd x i b) = V x.
    move=> xi; rewrite (bigD1 (y i)) //= big1 ?addr0 => [|b bz]; last first.
      by rewrite /V below_upd // [y i == b]eq_sym (negPf bz) andbF mul0r mulr0.
    rewrite /V below_upd // eqxx andbT mulrCA; case bx : (below x y); last by rewrite !mul0r.
    congr (_ * _); rewrite -exp_ //.
    have m0 : marg q x * p x i (y i) != 0.
      rewrite exp_ //; apply: contraNneq qy => e.
      move: e; rewrite /marg (bigD1 y) /= ?below_upd ?bx ?eqxx // => /eqP.
      by rewrite paddr_eq0 ?sumr_ge0 // => /andP[].
    have [mx px] : marg q x != 0 /\ p x i (y i) != 0.
      by apply/andP; rewrite -negb_or -mulf_eq0.
    move: (marg q x) (p x i (y i)) mx px => m t mx px.
    by rewrite invfM mulrCA [t * _]mulrCA divff // mulr1.
  have mean k : \sum_x one_by_one w (fun => p) k x * V x = V (allmask I A).
    elim: k => [|k IHk]; first by rewrite /one_by_one /= sum_point.
    rewrite /one_by_one /= push_expect -IHk; apply: eq_bigr => x _; congr (_ * _).
    case: (boolP (isfull x)) => xf; first exact: one_full.
    rewrite one_expect // (eq_bigr (fun i => w k x i * V x)) => [|i /eqP xi]; last by rewrite hV.
    by rewrite -mulr_suml (proj2 (hw k xf)) mul1r.
  have := mean d; rewrite {2}/V marg_allmask (proj2 dq) divr1 (_ : below _ _ = true); last first.
    by apply/forallP=> i; rewrite ffunE.
  move=> <-; rewrite (bigD1 (inj y)) //= {1}/V below_inj eqxx marg_inj divff // !mulr1.
  rewrite big1 ?addr0 // => x xy; case: (eqVneq (one_by_one w (fun => p) d x) 0) => [->|xn].
    by rewrite mul0r.
  have /eqP := one_revealed (leqnn d) xn; rewrite -isfull_revealed => /isfullE [z xz].
  by move: xy; rewrite xz (inj_eq (@inj_inj I A)) /V below_inj => /negPf ->; rewrite mul0r mulr0.
have tv0 : tv (one_by_one w (fun => p) d) (ext q) = 0 by rewrite (tv_scaled dP dq on_supp) subrr.
move=> x; apply/eqP; rewrite -subr_eq0 -normr_eq0.
move: tv0; rewrite /tv => /eqP; rewrite mulf_eq0 invr_eq0 pnatr_eq0 /= psumr_eq0 // => /allP h.
exact: h (mem_index_enum x).
Qed.
End OneToken.

(* ------------------------------------------------------------------ Hellinger *)

Section C4.
Variable R : rcfType.

(* The Bhattacharyya coefficient; the squared Hellinger distance is h^2 = 1 - bc. *)
Definition bc (T : finType) (a b : T -> R) : R := \sum_x Num.sqrt (a x * b x).
Definition hell2 (T : finType) (a b : T -> R) : R := 1 - bc a b.

Lemma bc_ge0 (T : finType) (a b : T -> R) : 0 <= bc a b.
Proof. by apply: sumr_ge0 => x _; apply: sqrtr_ge0. Qed.

Lemma tv_bc (T : finType) (a b : T -> R) : dist a -> dist b -> tv a b ^+ 2 <= 1 - bc a b ^+ 2.
Proof.
move=> [a0 a1] [b0 b1]; pose u x := Num.sqrt (a x); pose v x := Num.sqrt (b x).
have au x : u x ^+ 2 = a x by rewrite sqr_sqrtr.
have bv x : v x ^+ 2 = b x by rewrite sqr_sqrtr.
rewrite -(@eq_tv R T _ a _ b au bv).
have -> : bc a b = \sum_x u x * v x by apply: eq_bigr => x _; rewrite sqrtrM.
apply: tv_roots => [x|x||]; rewrite ?sqrtr_ge0 //.
  by under eq_bigr do rewrite au.
by under eq_bigr do rewrite bv.
Qed.

(* One more step. *)
Lemma bc_push (T U : finType) (a b : T -> R) (k l : T -> U -> R) :
  nonneg a -> nonneg b -> (forall x, nonneg (k x)) -> (forall x, nonneg (l x)) ->
  \sum_x Num.sqrt (a x * b x) * bc (k x) (l x) <= bc (push a k) (push b l).
Proof.
move=> a0 b0 k0 l0; have k1 x y : 0 <= k x y by apply: k0.
have l1 x y : 0 <= l x y by apply: l0.
rewrite (eq_bigr (fun x => \sum_y Num.sqrt (a x * b x) * Num.sqrt (k x y * l x y))) => [|x _]; last first.
  by rewrite /bc mulr_sumr.
rewrite exchange_big; apply: ler_sum => y _ /=.
pose u x := Num.sqrt (a x * k x y); pose v x := Num.sqrt (b x * l x y).
rewrite (eq_bigr (fun x => u x * v x)) => [|x _]; last first.
  rewrite /u /v -!sqrtrM ?mulr_ge0 //.
  by rewrite mulrACA.
have s0 : 0 <= \sum_x u x * v x by apply: sumr_ge0 => x _; rewrite mulr_ge0 ?sqrtr_ge0.
rewrite -[X in X <= _]ger0_norm // -sqrtr_sqr; apply: ler_wsqrtr.
apply: le_trans (cauchy_schwarz u v) _; rewrite le_eqVlt; apply/orP; left; apply/eqP.
by congr (_ * _); apply: eq_bigr => x _; rewrite sqr_sqrtr ?mulr_ge0.
Qed.

Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variables (q : full -> R) (p : state -> I -> A -> R) (phat : nat -> state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p) (dph : forall k, denoiser (phat k)).
Variable w : nat -> state -> I -> R.
Hypothesis hw : forall k, picks (w k).
Variable eta : R.
Hypotheses (eta0 : 0 <= eta) (eta1 : eta <= 1).
Hypothesis small : forall k (x : state) i, (k < d)%N -> marg q x != 0 -> x i = None ->
  hell2 (p x i) (phat k x i) <= eta.

Lemma one_bc k (x : state) : (k < d)%N -> marg q x != 0 ->
  1 - eta <= bc (one_draw (w k) p x) (one_draw (w k) (phat k) x).
Proof.
move=> kd mx; have [dp _] := ep; case: (boolP (isfull x)) => xf.
  rewrite /bc (bigD1 x) //= /one_draw xf eqxx mulr1 sqrtr1.
  apply: (@le_trans _ _ 1); first by rewrite ler_subl_addr ler_addl.
  by rewrite ler_addl sumr_ge0 // => y _; apply: sqrtr_ge0.
have [w0 w1] := hw k xf.
pose a (ib : I * A) : R := (x ib.1 == None)%:R * (w k x ib.1 * p x ib.1 ib.2).
pose b (ib : I * A) : R := (x ib.1 == None)%:R * (w k x ib.1 * phat k x ib.1 ib.2).
pose g (ib : I * A) : state -> R := point R (upd x ib.1 ib.2).
have p0 i c : 0 <= p x i c by case: (dp x i).
have h0 i c : 0 <= phat k x i c by case: (dph k x i).
have a0 : nonneg a by move=> ib; rewrite mulr_ge0 ?ler0n // mulr_ge0.
have b0 : nonneg b by move=> ib; rewrite mulr_ge0 ?ler0n // mulr_ge0.
have pushE (r : state -> I -> A -> R) : one_draw (w k) r x =1
    push (fun ib : I * A => (x ib.1 == None)%:R * (w k x ib.1 * r x ib.1 ib.2)) g.
  move=> y; rewrite /one_draw (negPf xf) /push big_mkcond.
  rewrite -(pair_bigA _ (fun i c => (x i == None)%:R * (w k x i * r x i c) * g (i, c) y)) /=.
  apply: eq_bigr => i _; case: (x i == None); last by rewrite big1 // => c _; rewrite !mul0r.
  rewrite mulr_sumr; apply: eq_bigr => c _; by rewrite mul1r mulrA.
have -> : bc (one_draw (w k) p x) (one_draw (w k) (phat k) x) = bc (push a g) (push b g).
  by apply: eq_bigr => y _; rewrite !pushE.
have gd ib : dist (g ib) by exact: point_dist.
apply: le_trans (bc_push a0 b0 (fun ib => proj1 (gd ib)) (fun ib => proj1 (gd ib))).
have bg ib : bc (g ib) (g ib) = 1.
  rewrite -(proj2 (gd ib)); apply: eq_bigr => y _.
  by rewrite -expr2 sqrtr_sqr ger0_norm //; case: (gd ib).
under eq_bigr do rewrite bg mulr1.
rewrite -(pair_bigA _ (fun i c => Num.sqrt (a (i, c) * b (i, c)))) /=.
apply: (@le_trans _ _ (\sum_(i | x i == None) w k x i * bc (p x i) (phat k x i))).
  rewrite -[1 - eta]mul1r -[X in X * _ <= _]w1 mulr_suml; apply: ler_sum => i /eqP xi.
  rewrite ler_wpmul2l //; have := small kd mx xi; rewrite /hell2.
  by rewrite ler_subl_addr addrC -ler_subl_addr.
rewrite [X in X <= _]big_mkcond; apply: ler_sum => i _; case: (boolP (x i == None)) => xi; last first.
  by apply: sumr_ge0 => c _; apply: sqrtr_ge0.
rewrite /bc mulr_sumr; apply: ler_sum => c _; rewrite /a /b /= xi !mul1r.
by rewrite mulrACA [X in _ <= X]sqrtrM ?mulr_ge0 // -expr2 sqrtr_sqr ger0_norm.
Qed.

Lemma one_bc_law n : (n <= d)%N ->
  (1 - eta) ^+ n <= bc (one_by_one w (fun => p) n) (one_by_one w phat n).
Proof.
have [dp _] := ep; have P0 k := proj1 (one_by_one_dist k hw (fun => dp)).
have Q0 k := proj1 (one_by_one_dist k hw dph).
have e0 : 0 <= 1 - eta by rewrite subr_ge0.
elim: n => [_|n IHn nd].
  rewrite expr0 /one_by_one /= -[X in X <= _](proj2 (point_dist R (allmask I A))).
  rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => x _.
  by rewrite -expr2 sqrtr_sqr ger0_norm //; case: (point_dist R (allmask I A)).
apply: le_trans (bc_push (P0 n) (Q0 n) (fun x => proj1 (one_dist (hw n) dp x))
  (fun x => proj1 (one_dist (hw n) (dph n) x))).
rewrite exprS mulrC; apply: le_trans (ler_wpmul2r e0 (IHn (ltnW nd))) _.
rewrite mulr_suml; apply: ler_sum => x _.
case: (eqVneq (one_by_one w (fun => p) n x) 0) => [->|xn].
  by rewrite mul0r sqrtr0 !mul0r.
by rewrite ler_wpmul2l ?sqrtr_ge0 // one_bc //; apply: (one_support dq ep xn).
Qed.

Theorem C4_sq : tv (one_by_one w phat d) (ext q) ^+ 2 <= 1 - (1 - eta) ^+ (2 * d).
Proof.
have [dp _] := ep; have dP := one_by_one_dist d hw (fun => dp).
have dQ := one_by_one_dist d hw dph.
rewrite tvC -(eq_tv (one_exact dq ep hw) (fun => erefl)).
apply: le_trans (tv_bc dP dQ) _; rewrite ler_add2l ler_opp2 mulnC exprM.
by apply: ler_expn2r; rewrite ?nnegrE ?exprn_ge0 ?subr_ge0 ?bc_ge0 // one_bc_law.
Qed.

Theorem C4 : tv (one_by_one w phat d) (ext q) <= Num.sqrt (1 - (1 - eta) ^+ (2 * d))
  /\ Num.sqrt (1 - (1 - eta) ^+ (2 * d)) <= Num.sqrt ((2 * d)%:R * eta).
Proof.
split; last by apply: ler_wsqrtr; apply: bernoulli; rewrite eta0.
rewrite -[X in X <= _](ger0_norm (tv_ge0 _ _)) -sqrtr_sqr; apply: ler_wsqrtr; exact: C4_sq.
Qed.
End C4.
