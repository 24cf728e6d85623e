(* C1: the denoiser's KL error bounds epsilon_FHS and the total variation of FHS. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial fhs c2fhs euler e5 e2 pinsker.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Mean.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variable q : full -> R.
Hypothesis dq : dist q.

(* E sum_n F(n, x_U, i): U a uniformly random n-subset, i uniform outside U, x_U from q_0. *)
Definition fhs_mean (F : nat -> state -> I -> R) : R :=
  \sum_(n < d) \sum_(x | revealed x == n) marg q x / 'C(d, n)%:R *
     ((d - n)%:R^-1 * \sum_(i | x i == None) F n x i).

Lemma mean_le F G : (forall n (x : state) i, (n < d)%N -> marg q x != 0 -> x i = None -> F n x i <= G n x i) ->
  fhs_mean F <= fhs_mean G.
Proof.
move=> h; apply: ler_sum => -[n nd] _ /=; apply: ler_sum => x _.
case: (eqVneq (marg q x) 0) => [->|mx]; first by rewrite !mul0r.
rewrite ler_wpmul2l ?divr_ge0 ?ler0n ?marg_ge0 //; first by case: dq.
by rewrite ler_wpmul2l ?invr_ge0 ?ler0n // ler_sum // => i /eqP xi; apply: h.
Qed.

Lemma mean_add F G : fhs_mean (fun n x i => F n x i + G n x i) = fhs_mean F + fhs_mean G.
Proof.
rewrite /fhs_mean -big_split; apply: eq_bigr => n _ /=; rewrite -big_split; apply: eq_bigr => x _ /=.
by rewrite big_split /= !mulrDr.
Qed.

Lemma mean_scale a F : fhs_mean (fun n x i => a * F n x i) = a * fhs_mean F.
Proof.
rewrite /fhs_mean mulr_sumr; apply: eq_bigr => n _ /=; rewrite mulr_sumr; apply: eq_bigr => x _ /=.
by rewrite -mulr_sumr !mulrA; congr (_ * _); rewrite mulrC !mulrA.
Qed.

Lemma mean_const c : fhs_mean (fun _ _ _ => c) = d%:R * c.
Proof.
rewrite /fhs_mean -[d in RHS]card_ord mulrC mulr_natr -sumr_const.
apply: eq_bigr => -[n nd] _ /=; rewrite -[RHS]mul1r -[X in _ = X * _](sum_marg_rev dq nd) mulr_suml.
apply: eq_bigr => x /eqP xn; congr (_ * _).
rewrite sumr_const -xn -nmaskE -[c *+ _]mulr_natl.
have -> : #|[pred i | x i == None]| = nmask x by apply: eq_card => i; rewrite !inE.
by rewrite mulrA mulVf ?mul1r // pnatr_eq0 nmaskE xn -lt0n subn_gt0.
Qed.

(* Jensen for the square. *)
Lemma mean_sqr F : fhs_mean F ^+ 2 <= d%:R * fhs_mean (fun n x i => F n x i ^+ 2).
Proof.
case: (posnP d) => [d0|d0].
  have -> : fhs_mean F = 0 by rewrite /fhs_mean; move: d0 => ->; rewrite big_ord0.
  by rewrite expr0n d0 mul0r.
set e := fhs_mean F; set S := fhs_mean _; have dn : 0 < d%:R :> R by rewrite ltr0n.
have h : fhs_mean (fun n x i => 2%:R * e * d%:R * F n x i)
    <= fhs_mean (fun n x i => d%:R ^+ 2 * F n x i ^+ 2 + e ^+ 2).
  apply: mean_le => n x i _ _ _; rewrite -subr_ge0.
  rewrite [X in 0 <= X](_ : _ = (d%:R * F n x i - e) ^+ 2) ?sqr_ge0 //.
  by move: (d%:R) (F n x i) => a b; clearbody e; ring_R.
rewrite mean_scale mean_add mean_scale mean_const -/e -/S in h.
rewrite -(ler_pmul2l dn) -(ler_add2r (d%:R * e ^+ 2)).
have -> : d%:R * e ^+ 2 + d%:R * e ^+ 2 = 2%:R * e * d%:R * e.
  by clearbody e; move: (d%:R) => a; ring_R.
apply: le_trans h _; rewrite le_eqVlt; apply/orP; left; apply/eqP.
by clearbody e S; move: (d%:R) => a; ring_R.
Qed.
End Mean.

Section C1.
Variable R : realFieldType.
Variables ex ln : R -> R.
Hypothesis exP : exponential ex ln.
Hypothesis archi : forall a : R, exists n : nat, a <= n%:R.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variables (q : full -> R) (p : state -> I -> A -> R) (phat : nat -> state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p) (dph : forall n, denoiser (phat n)).
Hypothesis ac : forall n (x : state) i b, (n < d)%N -> marg q x != 0 -> x i = None ->
  0 < p x i b -> 0 < phat n x i b.
Let dp : denoiser p := proj1 ep.

Definition eps_kl : R := fhs_mean q (fun n x i => kl ln (p x i) (phat n x i)).

Theorem C1_fhs : 2%:R * eps_fhs q p phat ^+ 2 <= d%:R * eps_kl.
Proof.
apply: (@le_trans _ _ (d%:R * fhs_mean q (fun n x i => 2%:R * tv (phat n x i) (p x i) ^+ 2))).
  have -> : fhs_mean q (fun n x i => 2%:R * tv (phat n x i) (p x i) ^+ 2)
    = 2%:R * fhs_mean q (fun n x i => tv (phat n x i) (p x i) ^+ 2) by apply: mean_scale.
  rewrite [X in _ <= X]mulrCA ler_wpmul2l ?ler0n //.
  exact: (mean_sqr dq (fun n x i => tv (phat n x i) (p x i))).
rewrite ler_wpmul2l ?ler0n //; apply: mean_le => // n x i nd mx xi.
by rewrite tvC; apply: (pinsker exP archi (dp x i) (dph n x i)) => b; apply: ac.
Qed.

(* ------------------------------------------------------------------ the chain rule *)

Lemma lnD a b : 0 < a -> 0 < b -> ln (a / b) = ln a - ln b.
Proof.
move=> a0 b0; have bi : 0 < b^-1 by rewrite invr_gt0.
rewrite (lnM exP) //; congr (_ + _); apply/eqP; rewrite -subr_eq0 opprK addrC.
by rewrite -(lnM exP) // mulfV ?(gt_eqF b0) // (ln1 exP).
Qed.

Lemma logsum (J : finType) (a b : J -> R) : nonneg a -> nonneg b -> (forall j, 0 < a j -> 0 < b j) ->
  (\sum_j a j) * ln ((\sum_j a j) / \sum_j b j) <= \sum_j a j * ln (a j / b j).
Proof.
move=> a0 b0 h; set S := \sum_j a j; set B := \sum_j b j.
have S0 : 0 <= S by apply: sumr_ge0.
move: (S0); rewrite le_eqVlt => /orP[/eqP Se|S1].
  rewrite -Se mul0r sumr_ge0 // => j _; have /eqP : S = 0 by [].
  rewrite /S psumr_eq0 // => /allP z; have := z j (mem_index_enum j); rewrite /= => /eqP ->.
  by rewrite mul0r.
have B1 : 0 < B.
  have B0 : 0 <= B by apply: sumr_ge0.
  rewrite lt_neqAle eq_sym B0 andbT; apply/eqP => Be.
  suff : S = 0 by move=> e; rewrite e ltxx in S1.
  rewrite /S big1 // => j _; apply/eqP; rewrite eq_le a0 andbT leNgt; apply/negP => /h.
  move/eqP: Be; rewrite /B psumr_eq0 // => /allP z; have := z j (mem_index_enum j).
  by rewrite /= => /eqP ->; rewrite ltxx.
rewrite -subr_ge0 {1}/S mulr_suml -sumrB.
apply: (@le_trans _ _ (\sum_j (a j - b j * (S / B)))).
  by rewrite sumrB -mulr_suml -/S -/B mulrCA mulfV ?gt_eqF // mulr1 subrr.
apply: ler_sum => j _; have := a0 j; rewrite le_eqVlt => /orP[/eqP aj|aj].
  rewrite -aj !mul0r subrr sub0r oppr_le0 mulr_ge0 // divr_ge0 // ltW //.
have bj := h j aj; rewrite -mulrBr !lnD //.
have z0 : 0 < b j * S / (a j * B) by rewrite divr_gt0 ?mulr_gt0.
have := ln_le exP z0; rewrite lnD ?mulr_gt0 // !(lnM exP) // => le.
have e : a j - b j * (S / B) = - (a j * (b j * S / (a j * B) - 1)).
  rewrite mulrBr mulr1 opprB; congr (_ - _); rewrite invfM !mulrA [a j * b j]mulrC.
  by rewrite -!mulrA [a j * _]mulrCA [a j * (_ * _)]mulrA mulfV ?gt_eqF // mul1r.
rewrite e -mulrN ler_wpmul2l ?(ltW aj) //.
rewrite -ler_opp2 opprK; apply: le_trans le.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; move: (ln _) (ln _) (ln _) (ln _) => t u v w; ring_R.
Qed.

Lemma kl_push (T U : finType) (a b : T -> R) (k l : T -> U -> R) :
  nonneg a -> nonneg b -> kernel k -> (forall x, nonneg (l x)) ->
  (forall x, 0 < a x -> 0 < b x) -> (forall x y, 0 < a x -> 0 < k x y -> 0 < l x y) ->
  kl ln (push a k) (push b l) <= kl ln a b + \sum_x a x * kl ln (k x) (l x).
Proof.
move=> a0 b0 kk l0 ab kl_ac.
have -> : kl ln a b + \sum_x a x * kl ln (k x) (l x)
  = \sum_y \sum_x a x * k x y * ln ((a x * k x y) / (b x * l x y)).
  rewrite exchange_big /kl -big_split; apply: eq_bigr => x _ /=.
  have -> : a x * ln (a x / b x) = \sum_y k x y * (a x * ln (a x / b x)).
    by rewrite -mulr_suml (proj2 (kk x)) mul1r.
  rewrite mulr_sumr -big_split; apply: eq_bigr => y _ /=.
  have := a0 x; rewrite le_eqVlt => /orP[/eqP <-|ax]; first by rewrite !mul0r mulr0 addr0.
  have := proj1 (kk x) y; rewrite le_eqVlt => /orP[/eqP <-|ky]; first by rewrite !(mul0r, mulr0) addr0.
  have lx := kl_ac x y ax ky; have bx := ab x ax.
  rewrite !lnD ?mulr_gt0 // !(lnM exP) //.
  by move: (ln _) (ln _) (ln _) (ln _) => t u v w; ring_R.
apply: ler_sum => y _; apply: (logsum (a := fun x => a x * k x y) (b := fun x => b x * l x y)).
- by move=> x; rewrite mulr_ge0 //; case: (kk x).
- by move=> x; rewrite mulr_ge0 //; apply: l0.
move=> x ak; have ax : 0 < a x.
  by rewrite lt_neqAle a0 andbT eq_sym; apply: contraTneq ak => ->; rewrite mul0r ltxx.
by rewrite mulr_gt0 ?ab // (kl_ac x y) //; move: ak; rewrite pmulr_rgt0.
Qed.
Lemma kl_self (T : finType) (g : T -> R) : nonneg g -> kl ln g g = 0.
Proof.
move=> g0; apply: big1 => x _; have := g0 x; rewrite le_eqVlt => /orP[/eqP <-|gx]; first by rewrite mul0r.
by rewrite divff ?gt_eqF // (ln1 exP) mulr0.
Qed.

Lemma push_pos (T U : finType) (a b : T -> R) (k l : T -> U -> R) y :
  nonneg a -> nonneg b -> (forall x, 0 <= k x y) -> (forall x, 0 <= l x y) ->
  (forall x, 0 < a x -> 0 < b x) -> (forall x, 0 < a x -> 0 < k x y -> 0 < l x y) ->
  0 < push a k y -> 0 < push b l y.
Proof.
move=> a0 b0 k0 l0 ab kl_ac py; have [x hx] : exists x, 0 < a x * k x y.
  apply/existsP; rewrite -[X in is_true X]negbK negb_exists; apply/negP => /forallP h.
  move: py; rewrite /push big1 ?ltxx // => x _; apply/eqP; rewrite eq_le mulr_ge0 // andbT leNgt.
  exact: h.
have ax : 0 < a x.
  by rewrite lt_neqAle a0 andbT eq_sym; apply: contraTneq hx => ->; rewrite mul0r ltxx.
have kx : 0 < k x y by move: hx; rewrite pmulr_rgt0.
rewrite /push (bigD1 x) //= ltr_paddr ?mulr_gt0 ?ab ?kl_ac //.
by apply: sumr_ge0 => z _; rewrite mulr_ge0.
Qed.

(* A draw is the image of a law of pairs. *)
Let pw (r : state -> I -> A -> R) (x : state) (ib : I * A) : R :=
  (x ib.1 == None)%:R * ((nmask x)%:R^-1 * r x ib.1 ib.2).
Let pg (x : state) (ib : I * A) : state -> R := point R (upd x ib.1 ib.2).

Lemma draw_push (r : state -> I -> A -> R) (x : state) : ~~ isfull x -> draw r x =1 push (pw r x) (pg x).
Proof.
move=> /negPf xf y; rewrite /draw xf /push big_mkcond.
rewrite -(pair_bigA _ (fun i c => (x i == None)%:R * ((nmask x)%:R^-1 * r x i c) * pg x (i, c) y)) /=.
apply: eq_bigr => i _; case: (x i == None); last by rewrite big1 // => c _; rewrite !mul0r.
by rewrite mulr_sumr; apply: eq_bigr => c _; rewrite mul1r mulrA.
Qed.

Let pw_ge0 r x : denoiser r -> nonneg (pw r x).
Proof.
move=> dr ib; rewrite /pw mulr_ge0 ?ler0n // mulr_ge0 ?invr_ge0 ?ler0n //.
by case: (dr x ib.1).
Qed.

Let pw_ac n (x : state) ib : (n < d)%N -> marg q x != 0 -> ~~ isfull x ->
  0 < pw p x ib -> 0 < pw (phat n) x ib.
Proof.
move=> nd mx xf; rewrite /pw; case xi : (x ib.1 == None); last by rewrite !mul0r ltxx.
have m0 : 0 < (nmask x)%:R^-1 :> R by rewrite invr_gt0 ltr0n lt0n -isfullP.
by rewrite !mul1r !pmulr_rgt0 //; apply: ac => //; apply/eqP.
Qed.

Let pg_dist x ib : dist (pg x ib). Proof. exact: point_dist. Qed.

Lemma draw_ac n (x y : state) : (n < d)%N -> marg q x != 0 -> ~~ isfull x ->
  0 < draw p x y -> 0 < draw (phat n) x y.
Proof.
move=> nd mx xf; rewrite !draw_push //; apply: push_pos => //; try exact: pw_ge0;
  try by move=> ib; case: (pg_dist x ib).
by move=> ib; apply: pw_ac.
Qed.

Lemma kl_draw n (x : state) : (n < d)%N -> marg q x != 0 -> ~~ isfull x ->
  kl ln (draw p x) (draw (phat n) x)
    <= (nmask x)%:R^-1 * \sum_(i | x i == None) kl ln (p x i) (phat n x i).
Proof.
move=> nd mx xf.
have -> : kl ln (draw p x) (draw (phat n) x) = kl ln (push (pw p x) (pg x)) (push (pw (phat n) x) (pg x)).
  by apply: eq_bigr => y _; rewrite !draw_push.
apply: le_trans (kl_push (pw_ge0 x dp) (pw_ge0 x (dph n)) (pg_dist x) (fun ib => proj1 (pg_dist x ib)) _ _) _.
- by move=> ib; apply: pw_ac.
- by [].
rewrite [X in _ + X]big1 ?addr0 => [|ib _]; last by rewrite kl_self ?mulr0 //; case: (pg_dist x ib).
have m0 : (nmask x)%:R^-1 != 0 :> R by rewrite invr_eq0 pnatr_eq0 -isfullP.
rewrite /kl -(pair_bigA _ (fun i c => pw p x (i, c) * ln (pw p x (i, c) / pw (phat n) x (i, c)))) /=.
rewrite mulr_sumr [X in _ <= X]big_mkcond; apply: ler_sum => i _.
rewrite /pw /=; case: (x i == None); last by rewrite big1 // => c _; rewrite !mul0r.
rewrite mulr_sumr; apply: ler_sum => c _; rewrite !mul1r -mulrA; apply: ler_wpmul2l.
  by rewrite invr_ge0 ler0n.
rewrite le_eqVlt; apply/orP; left; apply/eqP; congr (_ * ln _).
by rewrite invfM mulrACA divff // mul1r.
Qed.

Lemma kl_chain k : (k <= d)%N ->
  let P := law (point R (allmask I A)) (fun => draw p) k in
  let Q := law (point R (allmask I A)) (fun n => draw (phat n)) k in
  (forall x, 0 < P x -> 0 < Q x)
  /\ kl ln P Q <= \sum_(n < k) \sum_(x | revealed x == n) marg q x / 'C(d, n)%:R *
     ((d - n)%:R^-1 * \sum_(i | x i == None) kl ln (p x i) (phat n x i)).
Proof.
elim: k => [_|k IHk kd] /=.
  by split=> //; rewrite big_ord0 kl_self //; case: (point_dist R (allmask I A)).
have [IHac IHkl] := IHk (ltnW kd).
have P0 : nonneg (law (point R (allmask I A)) (fun => draw p) k).
  by apply: law_nonneg => [|m x]; [case: (point_dist R (allmask I A)) | case: (draw_dist dp x)].
have Q0 : nonneg (law (point R (allmask I A)) (fun n => draw (phat n)) k).
  by apply: law_nonneg => [|m x]; [case: (point_dist R (allmask I A)) | case: (draw_dist (dph m) x)].
have good x : 0 < law (point R (allmask I A)) (fun => draw p) k x ->
    marg q x != 0 /\ ~~ isfull x.
  rewrite (fhs_law dq ep (ltnW kd)); case: (revealed x =P k) => [xk|_]; last first.
    by rewrite mulr0n !mul0r ltxx.
  rewrite mul1r => h; split; first by apply: contraTneq h => ->; rewrite mul0r ltxx.
  by rewrite isfull_revealed xk neq_ltn kd.
split=> [y|].
  apply: push_pos => // [x|x|x /good[mx xf]]; [by case: (draw_dist dp x) | by case: (draw_dist (dph k) x) |].
  exact: draw_ac.
apply: le_trans (kl_push P0 Q0 (draw_dist dp) (fun x => proj1 (draw_dist (dph k) x)) IHac _) _.
  by move=> x y /good[mx xf]; apply: draw_ac.
rewrite big_ord_recr /= ler_add // [X in _ <= X]big_mkcond ler_sum //= => x _.
have := P0 x; rewrite le_eqVlt => /orP[/eqP e|px].
  rewrite -e mul0r; case: ifP => // /eqP xk; move: e; rewrite (fhs_law dq ep (ltnW kd)) xk eqxx mul1r => <-.
  by rewrite mul0r.
have [mx xf] := good x px; move: (px); rewrite (fhs_law dq ep (ltnW kd)).
case: (revealed x =P k) => [xk|_]; last by rewrite mulr0n !mul0r ltxx.
rewrite mul1r => h; rewrite ler_wpmul2l ?(ltW h) //.
by have := kl_draw kd mx xf; rewrite [X in X%:R^-1]nmaskE xk.
Qed.

Theorem C1_tv : 2%:R * tv (fhs phat) (ext q) ^+ 2 <= eps_kl.
Proof.
have [acd kld] := kl_chain (leqnn d); apply: le_trans kld.
have dP := law_dist d (point_dist R (allmask I A)) (fun _ => draw_dist dp).
have dQ := law_dist d (point_dist R (allmask I A)) (fun n => draw_dist (dph n)).
rewrite tvC -(eq_tv (H1 dq ep) (fun => erefl)).
exact: (pinsker exP archi dP dQ acd).
Qed.
End C1.
