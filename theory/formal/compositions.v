(* S2, S3, E4: allocations of tokens to steps grouped by the ordered set partition that they induce. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday policy symmetric alloc.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* ------------------------------------------------------------------ orders *)

Section Orders.
Variable I : finType.
Notation d := #|I|.

(* An ordered set partition of I into m blocks: block k is { i | g i = k }, and none is empty. *)
Definition onto m (g : {ffun I -> 'I_m}) := [forall k, exists i, g i == k].
Definition same_order m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) :=
  [forall i, forall j, (f i < f j)%N == (g i < g j)%N].
Definition increasing m n (h : {ffun 'I_m -> 'I_n}) := [forall a : 'I_m, forall b : 'I_m, (a < b)%N ==> (h a < h b)%N].

Lemma same_orderP m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) :
  reflect (forall i j, (f i < f j)%N = (g i < g j)%N) (same_order f g).
Proof.
apply: (iffP forallP) => [h i j|h i]; first by move/forallP/(_ j): (h i) => /eqP.
by apply/forallP=> j; rewrite h.
Qed.

Lemma same_eq m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) : same_order f g ->
  forall i j, (f i == f j) = (g i == g j).
Proof.
move/same_orderP=> h i j; have hij := h i j; have hji := h j i.
apply/eqP/eqP => e; apply: val_inj => /=; move: hij hji; rewrite e !ltnn.
  by case: (ltngtP (g i) (g j)).
by case: (ltngtP (f i) (f j)).
Qed.

Lemma increasingE m n (h : {ffun 'I_m -> 'I_n}) : increasing h -> forall a b, (h a < h b)%N = (a < b)%N.
Proof.
move=> /forallP hh a b; have inc (c e : 'I_m) : (c < e)%N -> (h c < h e)%N.
  by move/forallP/(_ e): (hh c) => /implyP.
case: (ltngtP a b) => [ab|ba|/val_inj ->]; [exact: inc | | exact: ltnn].
by apply/negbTE; rewrite -leqNgt ltnW ?inc.
Qed.

(* The number of values on D depends only on which values are equal. *)
Lemma card_classes (T : finType) (f : I -> T) (D : {set I}) :
  #|f @: D| = #|[set [set j | f j == f i] | i in D]|.
Proof.
rewrite -(card_in_imset (f := fun v => [set j | f j == v]) (D := f @: D)).
  by apply: eq_card => c; rewrite -imset_comp.
move=> u v /imsetP[i _ ->] /imsetP[j _ ->] /setP/(_ i); rewrite !inE eqxx.
by move/esym/eqP.
Qed.

Lemma card_image m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) (D : {set I}) : same_order f g ->
  #|f @: D| = #|g @: D|.
Proof.
move=> h; rewrite (card_classes f) (card_classes g).
have e : [set [set j | f j == f i] | i in D] = [set [set j | g j == g i] | i in D].
  by apply: eq_imset => i; apply/setP=> j; rewrite !inE (same_eq h).
by rewrite e.
Qed.

(* The number of values below that of i. *)
Definition below_values m (f : {ffun I -> 'I_m}) i : nat := #|f @: [set j | (f j < f i)%N]|.

Lemma onto_below m (g : {ffun I -> 'I_m}) i : onto g -> below_values g i = g i.
Proof.
move=> /forallP sg; rewrite /below_values.
have -> : g @: [set j | (g j < g i)%N] = [set k : 'I_m | (k < g i)%N].
  apply/setP=> k; rewrite inE; apply/imsetP/idP => [[j]|lt_k]; first by rewrite inE => lt_j ->.
  by have /existsP[j /eqP jk] := sg k; exists j; rewrite ?inE ?jk.
rewrite -sum1_card (eq_bigl (fun k : 'I_m => (k < g i)%N)) => [|k]; last by rewrite inE.
by rewrite -(big_ord_widen _ (fun => 1%N) (ltnW (ltn_ord (g i)))) sum_nat_const card_ord muln1.
Qed.

Lemma below_same m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) i : same_order f g ->
  below_values f i = below_values g i.
Proof.
move=> h; rewrite /below_values (card_image _ h).
have -> // : [set j | (f j < f i)%N] = [set j | (g j < g i)%N].
by apply/setP=> j; rewrite !inE; move/same_orderP: h => ->.
Qed.

Lemma onto_image m (g : {ffun I -> 'I_m}) : onto g -> #|g @: setT| = m.
Proof.
move=> /forallP sg; rewrite -[RHS](card_ord m) -cardsT; have -> // : g @: setT = setT.
by apply/setP=> k; rewrite inE; have /existsP[i /eqP <-] := sg k; apply: imset_f.
Qed.

(* Of the ordered partitions exactly one is in the order of f. *)
Lemma same_order_unique m n (f : {ffun I -> 'I_m}) (g g' : {ffun I -> 'I_n}) :
  onto g -> onto g' -> same_order f g -> same_order f g' -> g = g'.
Proof.
move=> og og' h h'; apply/ffunP=> i; apply: val_inj => /=.
by rewrite -(onto_below i og) -(onto_below i og') -(below_same i h) -(below_same i h').
Qed.

Lemma same_order_size m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) :
  onto g -> same_order f g -> n = #|f @: setT|.
Proof. by move=> og h; rewrite (card_image _ h) onto_image. Qed.

Section Rank.
Variables (m : nat) (f : {ffun I -> 'I_m}).

Lemma rank_lt i : (below_values f i < #|f @: setT|)%N.
Proof.
apply: proper_card; apply/properP; split; first by apply: imsetS; apply: subsetT.
exists (f i); first exact: imset_f.
by apply/negP => /imsetP[j]; rewrite inE => lt e; rewrite e ltnn in lt.
Qed.

Definition ranks : {ffun I -> 'I_#|f @: setT|} := [ffun i => Ordinal (rank_lt i)].

Lemma ranks_same : same_order f ranks.
Proof.
apply/same_orderP => i j; rewrite !ffunE /=; case: ltnP => [lt|le]; symmetry.
  apply: proper_card; apply/properP; split.
    by apply: imsetS; apply/subsetP=> l; rewrite !inE => /ltn_trans; apply.
  exists (f i); first by apply: imset_f; rewrite inE.
  by apply/negP => /imsetP[l]; rewrite inE => lt' e; rewrite e ltnn in lt'.
apply/negbTE; rewrite -leqNgt; apply: subset_leq_card; apply: imsetS.
by apply/subsetP=> l; rewrite !inE => lt; apply: leq_trans le.
Qed.

Lemma ranks_onto : onto ranks.
Proof.
have e : ranks @: setT = setT.
  by apply/eqP; rewrite eqEcard subsetT cardsT card_ord -(card_image _ ranks_same) leqnn.
apply/forallP=> k; have : k \in ranks @: setT by rewrite e inE.
by case/imsetP=> i _ ->; apply/existsP; exists i.
Qed.
End Rank.

Variable R : realFieldType.

(* A sum over allocations by the ordered partition that each induces. *)
Lemma sum_orders K (F : {ffun I -> 'I_K} -> R) :
  \sum_f F f = \sum_(m < d.+1) \sum_(g : {ffun I -> 'I_m} | onto g) \sum_(f | same_order f g) F f.
Proof.
transitivity (\sum_f \sum_(m < d.+1) \sum_(g : {ffun I -> 'I_m} | onto g) (same_order f g)%:R * F f).
  apply: eq_bigr => f _.
  have lt_d : (#|f @: setT| < d.+1)%N by rewrite ltnS -cardsT leq_imset_card.
  rewrite (bigD1 (Ordinal lt_d)) //= [X in _ + X]big1 ?addr0 => [|n nm]; last first.
    apply: big1 => g og; case: (boolP (same_order f g)) => [h|_]; last by rewrite mul0r.
    by case/eqP: nm; apply: val_inj => /=; exact: same_order_size h.
  rewrite (bigD1 (ranks f)) ?ranks_onto //= ranks_same mul1r big1 ?addr0 // => g /andP[og gr].
  case: (boolP (same_order f g)) => [h|_]; last by rewrite mul0r.
  by case/eqP: gr; apply: (same_order_unique og (ranks_onto f) h (ranks_same f)).
rewrite exchange_big; apply: eq_bigr => m _; rewrite exchange_big; apply: eq_bigr => g _.
rewrite [RHS]big_mkcond; apply: eq_bigr => f _.
by case: (same_order f g); rewrite ?mul1r ?mul0r.
Qed.

(* The monomial quasisymmetric polynomial of the block sizes of g. *)
Definition monomial K m (w : nat -> R) (a : 'I_m -> nat) : R :=
  \sum_(h : {ffun 'I_m -> 'I_K} | increasing h) \prod_j w (h j) ^+ a j.
Definition sizes m (g : {ffun I -> 'I_m}) (k : 'I_m) : nat := #|[set i | g i == k]|.

Lemma sum_same_order K m (w : nat -> R) (g : {ffun I -> 'I_m}) : onto g ->
  \sum_(f : {ffun I -> 'I_K} | same_order f g) \prod_i w (f i) = monomial K w (sizes g).
Proof.
move=> og; have inv k := existsP (forallP og k).
pose s k := xchoose (inv k); have sK k : g (s k) = k by apply/eqP: (xchooseP (inv k)).
rewrite (reindex_onto (fun h : {ffun 'I_m -> 'I_K} => [ffun i => h (g i)])
   (fun f => [ffun k => f (s k)])) /=; last first.
  move=> f h; apply/ffunP=> i; rewrite !ffunE; apply/eqP.
  by rewrite (same_eq h) sK.
rewrite /monomial; apply: eq_big => [h|h _]; last first.
  rewrite (partition_big g xpredT) //=; apply: eq_bigr => k _.
  rewrite (eq_bigr (fun => w (h k))) => [|i /eqP gi]; last by rewrite ffunE gi.
  by rewrite prodr_const; congr (_ ^+ _); apply: eq_card => i; rewrite inE.
have -> : [ffun k => [ffun i => h (g i)] (s k)] == h.
  by apply/eqP/ffunP=> k; rewrite !ffunE sK.
rewrite andbT; apply/same_orderP/forallP => [hs a|hi i j].
  apply/forallP=> b; apply/implyP=> ab; have := hs (s a) (s b).
  by rewrite !ffunE !sK ab.
by rewrite !ffunE increasingE //; apply/forallP.
Qed.

(* ... of a weight times a function of the order. *)
Theorem sum_compositions K (w : nat -> R) (F : {ffun I -> 'I_K} -> R)
    (G : forall m, {ffun I -> 'I_m} -> R) :
  (forall m (g : {ffun I -> 'I_m}) f, onto g -> same_order f g -> F f = G m g) ->
  \sum_(f : {ffun I -> 'I_K}) (\prod_i w (f i)) * F f
  = \sum_(m < d.+1) \sum_(g : {ffun I -> 'I_m} | onto g) monomial K w (sizes g) * G m g.
Proof.
move=> FG; rewrite sum_orders; apply: eq_bigr => m _; apply: eq_bigr => g og.
rewrite -sum_same_order // mulr_suml; apply: eq_bigr => f h.
by rewrite (FG m g f og h).
Qed.

(* Compositions of d into m parts: the ordered partitions by their sizes. *)
Definition composition m (a : {ffun 'I_m -> 'I_d.+1}) :=
  [forall k, (0 < a k)%N] && (\sum_k a k == d)%N.

Lemma size_lt m (g : {ffun I -> 'I_m}) k : (sizes g k < d.+1)%N.
Proof. by rewrite ltnS /sizes max_card. Qed.

Lemma sum_by_sizes K m (w : nat -> R) (G : {ffun I -> 'I_m} -> R) :
  \sum_(g : {ffun I -> 'I_m} | onto g) monomial K w (sizes g) * G g
  = \sum_(a : {ffun 'I_m -> 'I_d.+1} | composition a)
      monomial K w (fun k => a k) * \sum_(g | [forall k, sizes g k == a k]) G g.
Proof.
pose sz g : {ffun 'I_m -> 'I_d.+1} := [ffun k => Ordinal (size_lt g k)].
have ontoE g : onto g = [forall k, (0 < sizes g k)%N].
  apply: eq_forallb => k; rewrite /sizes card_gt0; apply/existsP/set0Pn => [[i gi]|[i]].
    by exists i; rewrite inE.
  by rewrite inE; exists i.
have total g : (\sum_k sizes g k = d)%N.
  rewrite -[RHS]sum1_card (partition_big g xpredT) //=; apply: eq_bigr => k _.
  by rewrite /sizes -sum1_card; apply: eq_bigl => i; rewrite inE.
rewrite (partition_big sz (@composition m)) /=; last first.
  move=> g; rewrite ontoE => /forallP og; apply/andP; split.
    by apply/forallP=> k; rewrite ffunE; apply: og.
  by rewrite -[X in _ == X](total _ g); apply/eqP; apply: eq_bigr => k _; rewrite ffunE.
apply: eq_bigr => a /andP[/forallP a0 _]; rewrite mulr_sumr.
apply: eq_big => [g|g /andP[_ /eqP <-]]; last first.
  congr (_ * _); apply: eq_bigr => h _; apply: eq_bigr => k _; by rewrite ffunE.
have -> : (sz g == a) = [forall k, sizes g k == a k].
  apply/eqP/forallP => [<- k|h]; first by rewrite ffunE.
  by apply/ffunP=> k; apply: val_inj; rewrite ffunE /=; apply/eqP.
rewrite andbC; case: (boolP [forall k, sizes g k == a k]) => //= /forallP h.
by rewrite ontoE; apply/forallP=> k; rewrite (eqP (h k)).
Qed.

End Orders.

(* ------------------------------------------------------------------ S3 *)

Lemma card_increasing m K : #|[pred h : {ffun 'I_m -> 'I_K} | increasing h]| = 'C(K, m).
Proof.
rewrite -card_ltn_sorted_tuples -(card_imset _ (f := fun h : {ffun 'I_m -> 'I_K} => [tuple h k | k < m])).
  apply: eq_card => t; rewrite inE; apply/imsetP/idP => [[h]|st].
    rewrite inE => inc ->; apply/(sortedP 0%N) => i; rewrite size_map size_tuple => lt_im.
    have lt' := ltnW lt_im.
    have e (j : 'I_m) : nth 0%N (map val [tuple h k | k < m]) j = h j.
      by rewrite (nth_map (h j)) ?size_tuple // -tnth_nth tnth_mktuple.
    have := e (Ordinal lt'); have := e (Ordinal lt_im); rewrite /= => -> ->.
    by rewrite increasingE.
  exists [ffun k => tnth t k]; last by apply: eq_from_tnth => k; rewrite tnth_mktuple ffunE.
  rewrite inE; apply/forallP=> a; apply/forallP=> b; apply/implyP=> ab; rewrite !ffunE.
  have x0 := tnth t a; rewrite !(tnth_nth x0) -!(nth_map x0 0%N val) ?size_tuple //.
  by apply: (sorted_ltn_nth ltn_trans) => //; rewrite inE size_map size_tuple.
move=> h h' e; apply/ffunP=> k; have := congr1 (fun t => tnth t k) e.
by rewrite !tnth_mktuple.
Qed.

Section S3.
Variable R : realFieldType.

Theorem S3 (d m K : nat) (a : {ffun 'I_m -> 'I_d.+1}) : (0 < K)%N -> (\sum_k a k = d)%N ->
  monomial K (step (uniform_rate R K)) (fun k => a k) = 'C(K, m)%:R / K%:R ^+ d.
Proof.
move=> K0 ad; rewrite /monomial (eq_bigr (fun => K%:R^-1 ^+ d)) => [|h _]; last first.
  transitivity (K%:R^-1 ^+ (\sum_k a k) : R); last by rewrite ad.
  by rewrite -prodrXr; apply: eq_bigr => k _; rewrite uniform_step.
by rewrite sumr_const card_increasing exprVn mulr_natl.
Qed.
End S3.

(* ------------------------------------------------------------------ S2 and E4 *)

Section S2.
Variable R : realFieldType.
Variables I A : finType.
Variable K : nat.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Variables (r : nat -> R) (p : state -> I -> A -> R).
Implicit Types (y : full).

(* The blocks of g in turn, each drawn independently given the earlier ones. *)
Definition block_law m (g : {ffun I -> 'I_m}) y : R := \prod_i p (shown g y (g i)) i (y i).

Lemma shown_same m n (f : {ffun I -> 'I_m}) (g : {ffun I -> 'I_n}) y i :
  same_order f g -> shown f y (f i) = shown g y (g i).
Proof. by move=> /same_orderP h; apply/ffunP=> j; rewrite !ffunE h. Qed.

Theorem S2 y : euler r (fun => p) K (inj y)
  = \sum_(m < d.+1) \sum_(g : {ffun I -> 'I_m} | onto g) monomial K (step r) (sizes g) * block_law g y.
Proof.
rewrite alloc_law -(sum_compositions (step r) (F := fun f => block_law f y) (G := fun m g => block_law g y)) => [|m g f _ h].
  by apply: eq_bigr => f _; rewrite big_split.
by apply: eq_bigr => i _; rewrite (shown_same _ _ h).
Qed.

Theorem S2_compositions y : euler r (fun => p) K (inj y)
  = \sum_(m < d.+1) \sum_(a : {ffun 'I_m -> 'I_d.+1} | composition a)
      monomial K (step r) (fun k => a k) * \sum_(g : {ffun I -> 'I_m} | [forall k, sizes g k == a k]) block_law g y.
Proof. by rewrite S2; apply: eq_bigr => m _; rewrite sum_by_sizes. Qed.

Hypothesis dp : denoiser p.
Variable q : full -> R.
Hypothesis dq : dist q.

Lemma local_tv_empty B (x : state) y : below x y -> marg q x != 0 -> fresh B x = set0 ->
  local_tv q p B x = 0.
Proof.
move=> xy m0 e; apply/eqP; rewrite eq_le local_tv_ge0 andbT.
apply: le_trans (tv_triangle _ (point R x) _) _; rewrite tvC.
have dj := joint_block_dist dq B m0; have dd := draw_block_dist B dp x.
have e1 : draw_block B p x x = 1 by rewrite -{2}(uncover0 y e) draw_blockE e big_set0.
have e2 : joint_block B q x x = 1.
  by rewrite -{2}(uncover0 y e) joint_blockE // uncover0 // divff.
by rewrite [tv (point R x) _]tvC [X in _ + X]tvC !tv_point // e1 e2 subrr addr0.
Qed.

Definition block_errors m (g : {ffun I -> 'I_m}) : R :=
  \sum_y q y * \sum_(k < m) local_tv q p [set i | g i == k] (shown g y k).

Lemma block_errors_same m (g : {ffun I -> 'I_m}) (f : {ffun I -> 'I_K}) : onto g -> same_order f g ->
  block_errors f = block_errors g.
Proof.
move=> og h; apply: eq_bigr => y _; case: (eqVneq (q y) 0) => [->|qy]; first by rewrite !mul0r.
congr (_ * _); have inv k := existsP (forallP og k).
pose s k := xchoose (inv k); have sK k : g (s k) = k by apply/eqP: (xchooseP (inv k)).
pose hh k := f (s k).
have hh_inj : injective hh by move=> j k /eqP; rewrite (same_eq h) !sK => /eqP.
have fh i : f i = hh (g i) by apply/eqP; rewrite (same_eq h) sK.
rewrite (bigID (fun t => t \in [set hh k | k in setT])) /= [X in _ + X]big1 ?addr0 => [|t no]; last first.
  have sy : below (shown f y t) y by rewrite -seen_allot seen_below.
  apply: (local_tv_empty sy); first by apply: marg_neq0 sy => //; case: dq.
  apply/setP=> i; rewrite !inE; apply/negbTE; apply: contra no => /andP[/eqP <- _].
  by rewrite fh imset_f.
rewrite big_imset /=; last by move=> j k _ _; apply: hh_inj.
rewrite (eq_bigl xpredT) => [|k]; last by rewrite inE.
apply: eq_bigr => k _; congr (local_tv q p _ _).
  by apply/setP=> i; rewrite !inE fh (inj_eq hh_inj).
by rewrite /hh (shown_same _ _ h) sK.
Qed.

Theorem E4 : rate r ->
  tv (euler r (fun => p) K) (ext q)
    <= \sum_(m < d.+1) \sum_(g : {ffun I -> 'I_m} | onto g)
         monomial K (step r) (sizes g) * block_errors g
       + (1 - (1 - surv r K) ^+ d).
Proof.
move=> hr; apply: le_trans (E4_alloc K hr dq (fun => dp)) _; rewrite ler_add2r.
rewrite -(sum_compositions (step r) (F := fun f => block_errors f) (G := fun m g => block_errors g)) => [|m g f og h].
  by rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr.
exact: block_errors_same.
Qed.
End S2.
