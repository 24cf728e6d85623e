(* Q1: speculation is lossless. A call opens at a partial state; the policy picks positions and their
   order; all drafts are drawn at the opening; tokens are verified one by one, the first rejected one is
   redrawn and ends the call. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial pairs_odd.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Token.
Variable R : realFieldType.
Variable A : finType.
Implicit Types (pv dv : A -> R).

(* The draft b is accepted with probability min(1, p(b)/draft(b)); else a symbol is drawn from the
   normalised positive part of p - draft. *)
Definition accept pv dv b : R := Num.min 1 (pv b / dv b).
Definition residual pv dv v : R := pos (pv v - dv v) / \sum_u pos (pv u - dv u).

Lemma accept01 pv dv b : nonneg pv -> nonneg dv -> 0 <= accept pv dv b <= 1.
Proof.
move=> p0 d0; have h : 0 <= pv b / dv b by rewrite divr_ge0.
by rewrite /accept; case: (lerP 1 (pv b / dv b)) => h1; rewrite ?ler01 ?lexx ?h ?(ltW h1).
Qed.

Lemma residual_ge0 pv dv v : 0 <= residual pv dv v.
Proof. by rewrite /residual divr_ge0 ?pos_ge0 // sumr_ge0 // => u _; apply: pos_ge0. Qed.

Lemma draft_accept pv dv b : nonneg pv -> nonneg dv ->
  dv b * accept pv dv b = pv b - pos (pv b - dv b).
Proof.
move=> p0 d0; rewrite /accept; case: (eqVneq (dv b) 0) => [->|dn].
  by rewrite mul0r subr0 pos_id // subrr.
have d1 : 0 < dv b by rewrite lt_neqAle eq_sym dn d0.
case: (lerP 1 (pv b / dv b)) => h.
  rewrite mulr1 pos_id; first by rewrite subKr.
  by rewrite subr_ge0 -[X in X <= _]mul1r -[X in _ <= X](divfK dn) ler_pmul2r.
rewrite mulrC divfK // pos0 ?subr0 // subr_le0.
by rewrite -[X in _ <= X]mul1r -[X in X <= _](divfK dn) ler_pmul2r // ltW.
Qed.

(* The verified token has the verifier's law. *)
Lemma verified pv dv (G : A -> R) : dist pv -> dist dv ->
  \sum_b dv b * (accept pv dv b * G b + (1 - accept pv dv b) * \sum_v residual pv dv v * G v)
  = \sum_b pv b * G b.
Proof.
move=> [p0 p1] [d0 d1]; set Z := \sum_v residual pv dv v * G v.
rewrite (eq_bigr (fun b => (pv b - pos (pv b - dv b)) * G b + (dv b - (pv b - pos (pv b - dv b))) * Z)); last first.
  by move=> b _; rewrite -draft_accept //; move: (accept _ _ b) => a; ring_R.
rewrite big_split /= -mulr_suml sumrB sumrB p1 d1 opprB addrCA subrr addr0.
have -> : \sum_b (pv b - pos (pv b - dv b)) * G b = \sum_b pv b * G b - \sum_b pos (pv b - dv b) * G b.
  by rewrite -sumrB; apply: eq_bigr => b _; rewrite mulrBl.
rewrite -[RHS]addr0 -addrA; congr (_ + _).
rewrite /Z; set s := \sum_b pos _.
rewrite [X in _ + s * X](eq_bigr (fun v => s^-1 * (pos (pv v - dv v) * G v))) => [|v _]; last first.
  by rewrite /residual -/s mulrAC mulrC.
rewrite -mulr_sumr mulrA; case: (eqVneq s 0) => [s0|sn]; last first.
  by rewrite divff // mul1r addrC subrr.
rewrite s0 mul0r mul0r addr0 big1 ?oppr0 // => v _.
have /eqP := s0; rewrite /s psumr_eq0 => [/allP h|u _]; last exact: pos_ge0.
have := h v (mem_index_enum v); rewrite /= => /eqP ->; by rewrite mul0r.
Qed.
End Token.

Section Spec.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
(* What has been committed, in order, and whether it was an accepted draft: the latest first. *)
Definition history := seq (I * A * bool).
Implicit Types (x y : state) (h : history) (s : seq I) (f g : {ffun I -> A}).

Variables (p : state -> I -> A -> R).                    (* the verifier *)
Variables (ph : history -> state -> I -> A -> R).        (* the drafter *)
Variables (pi : history -> state -> seq I).              (* positions of a call, in order *)

(* Tokens s are verified in order; D i is the law that drafted token i, f its draft; k what follows. *)
Fixpoint verify (D : I -> A -> R) f (k : history -> state -> R) s h x : R :=
  if s is i :: s' then
    let a := accept (p x i) (D i) (f i) in
    a * verify D f k s' ((i, f i, true) :: h) (upd x i (f i))
    + (1 - a) * \sum_v residual (p x i) (D i) v * k ((i, v, false) :: h) (upd x i v)
  else k h x.
(* A call: the drafts of all positions are drawn at the opening (those outside the call aren't used). *)
Definition call (k : history -> state -> R) h x : R :=
  \sum_(f : {ffun I -> A}) (\prod_i ph h x i (f i)) * verify (ph h x) f k (pi h x) h x.
(* The mean of g at the end of n calls. *)
Fixpoint calls (g : state -> R) n h x : R :=
  if n is n'.+1 then (if isfull x then g x else call (calls g n') h x) else g x.
(* The output law after n calls. *)
Definition speculate n y : R := calls (fun x => (x == y)%:R) n [::] (allmask I A).

Hypotheses (dp : denoiser p) (dph : forall h, denoiser (ph h)).
Hypothesis pi_ok : forall h x, ~~ isfull x ->
  [/\ pi h x != [::], uniq (pi h x) & all (fun i => x i == None) (pi h x)].

Lemma drafts_dist (D : I -> A -> R) : (forall i, dist (D i)) ->
  dist (fun f : {ffun I -> A} => \prod_i D i (f i)).
Proof.
move=> dD; split=> [f|]; first by apply: prodr_ge0 => i _; case: (dD i).
by rewrite -(bigA_distr_bigA D) /= big1 // => i _; case: (dD i).
Qed.

Definition fset_at f i c : {ffun I -> A} := [ffun j => if j == i then c else f j].

(* The draft of i is independent of the others. *)
Lemma resample (D : I -> A -> R) i (H : A -> {ffun I -> A} -> R) : (forall i, dist (D i)) ->
  (forall b f c, H b (fset_at f i c) = H b f) ->
  \sum_(f : {ffun I -> A}) (\prod_j D j (f j)) * H (f i) f = \sum_b D i b * \sum_(f : {ffun I -> A}) (\prod_j D j (f j)) * H b f.
Proof.
move=> dD ind; rewrite (partition_big (fun f : {ffun I -> A} => f i) xpredT) //=.
apply: eq_bigr => b _.
rewrite (eq_bigr (fun f : {ffun I -> A} => (\prod_j D j (f j)) * H b f)) => [|f /eqP -> //].
rewrite [in RHS](partition_big (fun f : {ffun I -> A} => f i) xpredT) //= mulr_sumr.
have e c : D i b * (\sum_(f : {ffun I -> A} | f i == c) (\prod_j D j (f j)) * H b f)
  = D i c * \sum_(f : {ffun I -> A} | f i == b) (\prod_j D j (f j)) * H b f.
  rewrite [in RHS](reindex_onto (fun f => fset_at f i b) (fun f => fset_at f i c)) /=; last first.
    by move=> f /eqP fb; apply/ffunP=> j; rewrite !ffunE; case: eqP => // ->.
  rewrite !mulr_sumr; apply: eq_big => f.
    rewrite ffunE eqxx eqxx andTb; apply/eqP/eqP => [<-|<-]; last by rewrite ffunE eqxx.
    by apply/ffunP=> j; rewrite !ffunE; case: eqP => // ->.
  move=> /eqP fc; rewrite ind !mulrA; congr (_ * _).
  rewrite (bigD1 i) //= [in RHS](bigD1 i) //= ffunE eqxx fc mulrCA; congr (_ * (_ * _)).
  by apply: eq_bigr => j /negPf ji; rewrite ffunE ji.
rewrite [RHS](eq_bigr _ (fun c _ => e c)).
by rewrite -mulr_suml (proj2 (dD i)) mul1r.
Qed.

Lemma verify_eq (D : I -> A -> R) f g (k : history -> state -> R) s h x :
  {in s, f =1 g} -> verify D f k s h x = verify D g k s h x.
Proof.
elim: s h x => [|i s IHs] h x e //=; rewrite e ?mem_head // IHs // => j js.
by rewrite e // inE js orbT.
Qed.

(* A function that the verifier's draws keep in the mean is kept by a call. *)
Lemma verify_mean (D : I -> A -> R) (V : state -> R) (k : history -> state -> R) s h x :
  (forall i, dist (D i)) ->
  (forall x i, x i = None -> \sum_b p x i b * V (upd x i b) = V x) ->
  (forall h x, k h x = V x) -> uniq s -> all (fun i => x i == None) s ->
  \sum_(f : {ffun I -> A}) (\prod_i D i (f i)) * verify D f k s h x = V x.
Proof.
move=> dD hV kV; elim: s h x => [|i s IHs] h x /=.
  by rewrite -mulr_suml (proj2 (drafts_dist dD)) mul1r kV.
move=> /andP[is_ us] /andP[/eqP xi xs].
pose H b f := accept (p x i) (D i) b * verify D f k s ((i, b, true) :: h) (upd x i b)
    + (1 - accept (p x i) (D i) b) * \sum_v residual (p x i) (D i) v * k ((i, v, false) :: h) (upd x i v).
rewrite (resample (H := H)) //; last first.
  move=> b f c; rewrite /H; congr (_ * _ + _); apply: verify_eq => j js.
  by rewrite ffunE; case: eqP => // ji; rewrite -ji js in is_.
rewrite -[RHS](hV x i xi) -(verified _ (dp x i) (dD i)); apply: eq_bigr => b _; congr (_ * _).
rewrite (eq_bigr (fun f : {ffun I -> A} => accept (p x i) (D i) b * ((\prod_j D j (f j))
     * verify D f k s ((i, b, true) :: h) (upd x i b)) + (\prod_j D j (f j)) * ((1 - accept (p x i) (D i) b)
     * \sum_v residual (p x i) (D i) v * k ((i, v, false) :: h) (upd x i v)))) => [|f _]; last first.
  by rewrite /H mulrDr mulrCA.
rewrite big_split /= -mulr_sumr IHs //; last first.
  by apply/allP=> j js; rewrite upd_neq ?(allP xs) //; apply: contraNneq is_ => <-.
rewrite -mulr_suml (proj2 (drafts_dist dD)) mul1r.
by congr (_ + _ * _); apply: eq_bigr => v _; rewrite kV.
Qed.

Lemma calls_mean (V : state -> R) n h x :
  (forall x i, x i = None -> \sum_b p x i b * V (upd x i b) = V x) -> calls V n h x = V x.
Proof.
move=> hV; elim: n h x => [|n IHn] h x //=; case: ifP => // /negbT xf.
have [_ u m] := pi_ok h xf; rewrite /call; apply: verify_mean => //; exact: dph.
Qed.

(* What a call leaves is more revealed. *)
Lemma verify_ext (D : I -> A -> R) f (k k' : history -> state -> R) m s h x :
  (forall h x, (nmask x <= m)%N -> k h x = k' h x) -> uniq s -> all (fun i => x i == None) s ->
  (nmask x <= m + (0 < size s))%N -> verify D f k s h x = verify D f k' s h x.
Proof.
move=> e; elim: s h x => [|i s IHs] h x /=; first by rewrite addn0 => _ _; apply: e.
move=> /andP[is_ us] /andP[/eqP xi xs]; rewrite addn1 => xm.
have xm' b : (nmask (upd x i b) <= m)%N by rewrite -ltnS -(nmask_upd b xi).
congr (_ * _ + _ * _).
  apply: IHs => //; first by apply/allP=> j js; rewrite upd_neq ?(allP xs) //; apply: contraNneq is_ => <-.
  by apply: leq_trans (xm' _) _; apply: leq_addr.
by apply: eq_bigr => v _; rewrite e.
Qed.

Lemma calls_ext (g g' : state -> R) n h x :
  (forall x, isfull x -> g x = g' x) -> (nmask x <= n)%N -> calls g n h x = calls g' n h x.
Proof.
move=> e; elim: n h x => [|n IHn] h x /=; first by rewrite leqn0 -isfullP; apply: e.
move=> xn; case: ifP => [|/negbT xf]; first exact: e.
have [n0 u m] := pi_ok h xf; rewrite /call; apply: eq_bigr => f _; congr (_ * _).
apply: (@verify_ext _ f _ _ n) => //.
by case: (pi h x) n0 => //= i s _; rewrite addn1.
Qed.

Lemma verify_sum (T : finType) (D : I -> A -> R) f (k : T -> history -> state -> R) s h x :
  verify D f (fun h x => \sum_t k t h x) s h x = \sum_t verify D f (k t) s h x.
Proof.
elim: s h x => [|i s IHs] h x //=; rewrite IHs big_split /= -!mulr_sumr; congr (_ + _ * _).
by under eq_bigr do rewrite mulr_sumr; rewrite exchange_big.
Qed.

Lemma verify_eqk (D : I -> A -> R) f (k k' : history -> state -> R) s h x :
  (forall h x, k h x = k' h x) -> verify D f k s h x = verify D f k' s h x.
Proof.
move=> e; elim: s h x => [|i s IHs] h x /=; first exact: e.
by rewrite IHs; congr (_ + _ * _); apply: eq_bigr => v _; rewrite e.
Qed.

Lemma calls_eqg (g g' : state -> R) n h x : g =1 g' -> calls g n h x = calls g' n h x.
Proof.
move=> e; elim: n h x => [|n IHn] h x /=; first exact: e.
rewrite e; case: ifP => // _; apply: eq_bigr => f _; congr (_ * _); exact: verify_eqk.
Qed.

Lemma calls_sum (T : finType) (g : T -> state -> R) n h x :
  calls (fun x => \sum_t g t x) n h x = \sum_t calls (g t) n h x.
Proof.
elim: n h x => [|n IHn] h x //=; case: ifP => // _; rewrite /call exchange_big /=.
apply: eq_bigr => f _; rewrite -mulr_sumr; congr (_ * _).
by rewrite -verify_sum; apply: verify_eqk => h' x'; rewrite IHn.
Qed.

Lemma verify_ge0 (D : I -> A -> R) f (k : history -> state -> R) s h x : (forall i, dist (D i)) ->
  (forall h x, 0 <= k h x) -> 0 <= verify D f k s h x.
Proof.
move=> dD k0; elim: s h x => [|i s IHs] h x //=.
have /andP[a0 a1] := accept01 (f i) (proj1 (dp x i)) (proj1 (dD i)).
rewrite addr_ge0 ?mulr_ge0 ?subr_ge0 // sumr_ge0 // => v _.
by rewrite mulr_ge0 ?residual_ge0.
Qed.

Lemma calls_ge0 (g : state -> R) n h x : (forall x, 0 <= g x) -> 0 <= calls g n h x.
Proof.
move=> g0; elim: n h x => [|n IHn] h x //=; case: ifP => // _.
apply: sumr_ge0 => f _; rewrite mulr_ge0 ?verify_ge0 //; try exact: dph.
by apply: prodr_ge0 => i _; case: (dph h x i).
Qed.

Lemma speculate_dist n : dist (speculate n).
Proof.
split=> [y|]; first by apply: calls_ge0 => x; rewrite ler0n.
rewrite /speculate -(calls_sum (fun y x => (x == y)%:R)).
have h1 (x : state) i : x i = None -> \sum_b p x i b * 1 = 1.
  by move=> _; under eq_bigr do rewrite mulr1; case: (dp x i).
rewrite -[RHS](@calls_mean (fun => 1) n [::] (allmask I A) h1).
apply: calls_eqg => x; rewrite (bigD1 x) //= eqxx big1 ?addr0 // => y.
by rewrite eq_sym => /negPf ->.
Qed.

Theorem Q1 q n : dist q -> exact_denoiser q p -> (d <= n)%N -> speculate n =1 ext q.
Proof.
move=> dq [_ ep] dn; have [q0 q1] := dq.
have pos_case (y : full) : q y != 0 -> speculate n (inj y) = 1 * q y.
  move=> qy; pose V (x : state) : R := (below x y)%:R * (q y / marg q x).
  have hV (x : state) i : x i = None -> \sum_b p x i b * V (upd x i b) = V x.
    move=> xi; rewrite (bigD1 (y i)) //= big1 ?addr0 => [|b bz]; last first.
      by rewrite /V below_upd // [y i == b]eq_sym (negPf bz) andbF mul0r mulr0.
    rewrite /V below_upd // eqxx andbT mulrCA; case bx : (below x y); last by rewrite !mul0r.
    congr (_ * _); rewrite -ep //.
    have m0 : marg q x * p x i (y i) != 0.
      rewrite ep //; apply: contraNneq qy => e.
      have := marg_ge0 q0 (upd x i (y i)); rewrite /marg (bigD1 y) /= ?below_upd ?bx ?eqxx // => _.
      move: e; rewrite /marg (bigD1 y) /= ?below_upd ?bx ?eqxx // => /eqP.
      by rewrite paddr_eq0 ?sumr_ge0 // => /andP[].
    have [mx px] : marg q x != 0 /\ p x i (y i) != 0.
      by apply/andP; rewrite -negb_or -mulf_eq0.
    move: (marg q x) (p x i (y i)) mx px => m t mx px.
    by rewrite invfM mulrCA [t * _]mulrCA divff // mulr1.
  have m1 : marg q (allmask I A) = 1 by rewrite marg_allmask.
  have := @calls_mean V n [::] (allmask I A) hV.
  rewrite {2}/V m1 divr1 (_ : below _ _ = true) ?mul1r; last by apply/forallP=> i; rewrite ffunE.
  move=> <-; apply: calls_ext; last by rewrite nmask_allmask.
  move=> x /isfullE[z ->]; rewrite /V below_inj (inj_eq (@inj_inj I A)) marg_inj.
  by case: eqP => [->|_]; rewrite ?mul0r // divff ?mulr1.
have tv0 : tv (speculate n) (ext q) = 0.
  by rewrite (tv_scaled (speculate_dist n) dq pos_case) subrr.
move=> x; apply/eqP; rewrite -subr_eq0 -normr_eq0.
move: tv0; rewrite /tv => /eqP; rewrite mulf_eq0 invr_eq0 pnatr_eq0 /= psumr_eq0 // => /allP h.
exact: h (mem_index_enum x).
Qed.
End Spec.
