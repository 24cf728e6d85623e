(* The forward process: every token is absorbed into the mask independently.
   F1: the law of the partial state. F2: the distance to the all-mask state. F3: early stopping. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Forward.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x y : state) (q : full -> R).

(* One token: kept with probability a, else masked; a mask stays. *)
Definition keep (a : R) (xi yi : option A) : R :=
  match xi, yi with
  | None, _ => (yi == None)%:R
  | Some _, None => 1 - a
  | Some v, Some u => a * (u == v)%:R
  end.
(* All tokens independently. *)
Definition absorb (a : R) x y : R := \prod_i keep a (x i) (y i).
(* The forward process observed at times 0 = s_0 < s_1 < ...: a token that is unmasked at s_k is
   still unmasked at s_{k+1} with probability a k. *)
Definition forward q (a : nat -> R) n : state -> R := law (ext q) (fun k => absorb (a k)) n.
(* The law of F1, alpha the probability that a token is unmasked. *)
Definition qt q (alpha : R) x : R :=
  alpha ^+ revealed x * (1 - alpha) ^+ (d - revealed x) * marg q x.

Lemma sum_keep a xi (f : option A -> R) :
  \sum_o keep a xi o * f o = if xi is Some v then (1 - a) * f None + a * f (Some v) else f None.
Proof.
rewrite sum_option; case: xi => [v|] /=; last first.
  by rewrite mul1r big1 ?addr0 // => b _; rewrite mul0r.
congr (_ + _); rewrite (bigD1 v) //= eqxx mulr1 big1 ?addr0 // => b /negPf ->.
by rewrite mulr0 mul0r.
Qed.

Lemma keep_dist a xi : 0 <= a <= 1 -> dist (keep a xi).
Proof.
move=> /andP[a0 a1]; split=> [o|].
  by case: xi o => [v|] [u|] //=; rewrite ?ler0n ?subr_ge0 // mulr_ge0 ?ler0n.
have := sum_keep a xi (fun => 1); under eq_bigr do rewrite mulr1.
by move=> ->; case: xi => // _; rewrite !mulr1 subrK.
Qed.

Lemma absorb_dist a : 0 <= a <= 1 -> kernel (absorb a).
Proof.
move=> ha x; split=> [y|]; first by apply: prodr_ge0 => i _; case: (keep_dist (x i) ha).
rewrite /absorb -(bigA_distr_bigA (fun i o => keep a (x i) o)) /=.
by apply: big1 => i _; case: (keep_dist (x i) ha).
Qed.

(* Two periods compose. *)
Lemma absorbM a b x y : push (absorb a x) (absorb b) y = absorb (a * b) x y.
Proof.
rewrite /push /absorb; under eq_bigr do rewrite -big_split /=.
rewrite -(bigA_distr_bigA (fun i o => keep a (x i) o * keep b o (y i))) /=.
apply: eq_bigr => i _; rewrite (sum_keep a (x i) (fun o => keep b o (y i))).
by case: (x i) (y i) => [v|] [u|] //=; ring_R.
Qed.

Lemma absorb1 x y : absorb 1 x y = point R x y.
Proof.
rewrite /absorb /point; case: (eqVneq y x) => [->|yx].
  apply: big1 => i _; case: (x i) => [v|] //=; by rewrite eqxx mulr1.
have [i yi] : exists i, y i != x i.
  apply/existsP; rewrite -negb_forall; apply: contra yx => /forallP h.
  by apply/eqP/ffunP=> i; apply/eqP.
rewrite (bigD1 i) //= /keep; case: (x i) (y i) yi => [v|] [u|] //= uv.
  by rewrite (_ : (u == v) = false) ?mulr0 ?mul0r //; apply: contraNF uv => /eqP ->.
  by rewrite subrr mul0r.
by rewrite mul0r.
Qed.

Lemma forwardE q a n x : forward q a n x = push (ext q) (absorb (\prod_(k < n) a k)) x.
Proof.
elim: n x => [|n IHn] x.
  rewrite big_ord0 /forward /= /push; under eq_bigr do rewrite absorb1.
  rewrite (bigD1 x) //= /point eqxx mulr1 big1 ?addr0 // => z /negPf.
  by rewrite eq_sym => ->; rewrite mulr0.
rewrite big_ord_recr /= /forward /= -/(forward q a n) /push.
under eq_bigr do rewrite IHn /push mulr_suml.
rewrite exchange_big; apply: eq_bigr => z _ /=.
rewrite -absorbM /push mulr_sumr; apply: eq_bigr => w _; by rewrite mulrA.
Qed.

Lemma exprn_revealed c x : c ^+ revealed x = \prod_i (if x i is Some _ then c else 1) :> R.
Proof.
rewrite /revealed -prodr_const [LHS]big_mkcond; apply: eq_bigr => i _.
by rewrite inE; case: (x i).
Qed.

Lemma absorb_inj a (y : full) x :
  absorb a (inj y) x = (below x y)%:R * (a ^+ revealed x * (1 - a) ^+ (d - revealed x)).
Proof.
have -> : a ^+ revealed x * (1 - a) ^+ (d - revealed x)
  = \prod_i (if x i is Some _ then a else 1 - a).
  rewrite -nmaskE exprn_nmask exprn_revealed -big_split /=.
  by apply: eq_bigr => i _; case: (x i) => [u|] /=; rewrite ?mulr1 ?mul1r.
rewrite /absorb; case: (boolP (below x y)) => [/forallP h|].
  rewrite mul1r; apply: eq_bigr => i _; rewrite ffunE; have := h i.
  case: (x i) => [u|] //= /eqP [->]; by rewrite eqxx mulr1.
rewrite negb_forall => /existsP[i]; rewrite negb_or => /andP[xi yi].
rewrite mul0r (bigD1 i) //= ffunE; case: (x i) xi yi => [u|] //= _ uy.
by rewrite (_ : (u == y i) = false) ?mulr0 ?mul0r //; apply: contraNF uy => /eqP ->.
Qed.

(* ------------------------------------------------------------------ F1 *)

Theorem F1 q a n x : forward q a n x = qt q (\prod_(k < n) a k) x.
Proof.
rewrite forwardE /push sum_ext /qt /marg; set al := \prod_(k < n) a k.
rewrite [\sum_(y | below x y) q y]big_mkcond mulr_sumr; apply: eq_bigr => y _.
rewrite absorb_inj mulrC; case: (below x y); first by rewrite mul1r.
by rewrite !mul0r mulr0.
Qed.

Lemma qt_push q alpha x : push (ext q) (absorb alpha) x = qt q alpha x.
Proof. by have := F1 q (fun => alpha) 1 x; rewrite forwardE big_ord_recl big_ord0 mulr1. Qed.

Lemma qt_dist q alpha : dist q -> 0 <= alpha <= 1 -> dist (qt q alpha).
Proof.
move=> dq ha; have [h0 h1] := push_dist (ext_dist dq) (absorb_dist ha).
split=> [x|]; first by rewrite -qt_push.
by rewrite -h1; apply: eq_bigr => x _; rewrite qt_push.
Qed.

Lemma qt0 q x : dist q -> qt q 0 x = point R (allmask I A) x.
Proof.
move=> [_ q1]; rewrite /qt subr0 expr1n mulr1 expr0n revealed0 /point.
by case: eqP => [->|_]; rewrite ?mul0r // mul1r marg_allmask.
Qed.

Lemma qt1 q x : qt q 1 x = ext q x.
Proof.
rewrite /qt subrr expr1n mul1r extE isfull_revealed expr0n subn_eq0.
have -> : (d <= revealed x)%N = (revealed x == d) by rewrite eqn_leq revealed_le.
by case: eqP; rewrite ?mul1r ?mul0r.
Qed.

(* 1 - (1 - a)^n <= n a. *)
Lemma bernoulli (a : R) n : 0 <= a <= 1 -> 1 - (1 - a) ^+ n <= n%:R * a.
Proof.
move=> /andP[a0 a1]; elim: n => [|n IHn]; first by rewrite expr0 subrr mul0r.
have c0 : 0 <= 1 - a by rewrite subr_ge0.
have c1 : (1 - a) ^+ n <= 1 by rewrite exprn_ile1 // ler_subl_addr ler_addl.
have -> : 1 - (1 - a) ^+ n.+1 = (1 - (1 - a) ^+ n) + (1 - a) ^+ n * a.
  by rewrite exprS; move: (_ ^+ n) => S; ring_R.
by rewrite mulrS mulrDl mul1r addrC ler_add // -[X in _ <= X]mul1r ler_wpmul2r.
Qed.

(* ------------------------------------------------------------------ F2 *)

Theorem F2 q alpha : dist q -> 0 <= alpha <= 1 ->
  tv (qt q alpha) (point R (allmask I A)) = 1 - (1 - alpha) ^+ d.
Proof.
move=> dq ha; rewrite tv_point; last exact: qt_dist.
rewrite /qt revealed_allmask subn0 expr0 mul1r marg_allmask.
by case: dq => _ ->; rewrite mulr1.
Qed.

(* An unmasked state has positive probability under q_T and none under the all-mask law: KL is infinite. *)
Theorem F2_KL q alpha : dist q -> 0 < alpha <= 1 -> (0 < d)%N ->
  exists x, 0 < qt q alpha x /\ point R (allmask I A) x = 0.
Proof.
move=> [q0 q1] /andP[a0 a1] d0.
have [y yq] : exists y : full, 0 < q y.
  apply/existsP; rewrite -[X in is_true X]negbK negb_exists; apply/negP => /forallP h.
  have := q1; rewrite big1 => [/eqP|y _]; first by rewrite eq_sym oner_eq0.
  by apply/eqP; rewrite eq_le q0 andbT leNgt.
exists (inj y); rewrite /qt /point.
have rf : revealed (inj y) = d by apply/eqP; rewrite -isfull_revealed isfull_inj.
rewrite rf subnn expr0 mulr1 marg_inj mulr_gt0 ?exprn_gt0 //; split=> //.
by rewrite -revealed0 rf eqn0Ngt d0.
Qed.

(* ------------------------------------------------------------------ F3 *)

Theorem F3 q alpha : dist q -> 0 <= alpha <= 1 ->
  tv (qt q alpha) (ext q) = 1 - alpha ^+ d.
Proof.
move=> dq ha; have [a0 a1] := andP ha; have [q0 q1] := dq.
have dQ := qt_dist dq ha.
rewrite tv_posC //; last exact: ext_dist.
rewrite (eq_bigr (fun x => ext q x * (1 - alpha ^+ d))) => [|x _].
  by rewrite -mulr_suml (proj2 (ext_dist dq)) mul1r.
rewrite extE; case xf : (isfull x); last first.
  by rewrite mul0r sub0r pos0 // oppr_le0; case: dQ => + _; apply.
move: xf; rewrite isfull_revealed => /eqP xr.
rewrite /qt xr subnn expr0 mulr1 mulrBr mulr1 [marg q x * _]mulrC pos_id //.
rewrite -[X in X - _]mul1r -mulrBl mulr_ge0 ?subr_ge0 ?exprn_ile1 //.
exact: marg_ge0.
Qed.

Corollary F2_le q alpha : dist q -> 0 <= alpha <= 1 ->
  tv (qt q alpha) (point R (allmask I A)) <= d%:R * alpha.
Proof. by move=> dq ha; rewrite F2 // bernoulli. Qed.

Corollary F3_le q alpha : dist q -> 0 <= alpha <= 1 ->
  tv (qt q alpha) (ext q) <= d%:R * (1 - alpha).
Proof.
move=> dq ha; rewrite F3 // -[X in 1 - X ^+ _](subKr 1) bernoulli //.
by case/andP: ha => a0 a1; rewrite subr_ge0 a1 ler_subl_addr ler_addl.
Qed.

End Forward.
