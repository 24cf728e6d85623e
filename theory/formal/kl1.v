(* KL1: block samplers in a uniformly random order; their mean KL divergence from the information curve. *)
From mathcomp Require Import all_ssreflect all_algebra fingroup.
From mathcomp Require Export perm.
From Sharprates Require Import compat dist partial euler e5 pinsker c1.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Orders.
Variable R : realFieldType.
Variable I : finType.
Notation d := #|I|.
Implicit Types (sg : {perm I}) (U : {set I}).

(* The place of token i in the order sg, and the first n tokens. *)
Definition place sg (i : I) : 'I_d := enum_rank (sg i).
Definition first sg n : {set I} := [set i | (place sg i < n)%N].

Lemma place_inj sg : injective (place sg).
Proof. by move=> i j /enum_rank_inj/perm_inj. Qed.

Lemma sum_place (f : 'I_d -> R) sg : \sum_i f (place sg i) = \sum_t f t.
Proof.
rewrite [RHS](reindex (place sg)) //; exists (fun t => (sg^-1)%g (enum_val t)) => [i _|t _].
  by rewrite /place enum_rankK permK.
by rewrite /place permKV enum_valK.
Qed.

Lemma card_first sg n : (n <= d)%N -> #|first sg n| = n.
Proof.
move=> nd; apply/eqP; rewrite -(eqr_nat R); apply/eqP.
have -> : #|first sg n|%:R = \sum_i (place sg i < n)%N%:R :> R.
  rewrite -sum1_card natr_sum big_mkcond; apply: eq_bigr => i _.
  by rewrite inE; case: (_ < _)%N.
rewrite (sum_place (fun t => (t < n)%N%:R)).
rewrite (eq_bigr (fun t : 'I_d => if (t < n)%N then 1 else 0)) => [|t _]; last by case: (_ < _)%N.
by rewrite -big_mkcond -(big_ord_widen d (fun _ => 1 : R)) // sumr_const card_ord.
Qed.

(* Two pairs (set of size n, token outside) are images of each other. *)
Lemma match_perm U U' i i' : #|U| = #|U'| -> i \notin U -> i' \notin U' ->
  exists tau : {perm I}, tau @: U = U' /\ tau i = i'.
Proof.
move=> UU iU iU'; pose e := enum U ++ i :: enum (~: (i |: U)); pose e' := enum U' ++ i' :: enum (~: (i' |: U')).
have us (V : {set I}) j : j \notin V -> uniq (enum V ++ j :: enum (~: (j |: V))).
  move=> jV; rewrite cat_uniq enum_uniq andTb; apply/andP; split.
    rewrite /= negb_or mem_enum jV /=; apply/hasPn => k; rewrite mem_enum !inE negb_or => /andP[_ kV].
    by rewrite /= mem_enum.
  by rewrite /= mem_enum !inE eqxx /= enum_uniq.
have al (V : {set I}) j x : x \in enum V ++ j :: enum (~: (j |: V)).
  rewrite mem_cat inE !mem_enum !inE negb_or; case: (x \in V) => //=; by case: (x == j).
have sz : size e = size e'.
  apply/eqP; rewrite eqn_leq; apply/andP; split; apply: uniq_leq_size; rewrite ?us // => x _; exact: al.
have idx x : (index x e < size e')%N by rewrite -sz index_mem al.
have f_inj : injective (fun x => nth i' e' (index x e)).
  move=> x y /eqP; rewrite nth_uniq ?us // => /eqP h.
  by rewrite -(nth_index i (al U i x)) -(nth_index i (al U i y)) -/e h.
exists (perm f_inj); split; last first.
  by rewrite permE /e index_cat mem_enum (negPf iU) /= eqxx addn0 nth_cat -!cardE UU ltnn subnn.
apply/eqP; rewrite eqEcard card_imset; last exact: perm_inj.
rewrite UU leqnn andbT; apply/subsetP=> _ /imsetP[x xU ->]; rewrite permE /e index_cat mem_enum xU.
have lt : (index x (enum U) < size (enum U'))%N by rewrite -cardE -UU cardE index_mem mem_enum.
by rewrite nth_cat lt -mem_enum mem_nth.
Qed.

Variables (n : nat) (t : 'I_d).
Hypothesis nt : (n <= t)%N.

Definition hits U i : R := \sum_sg (first sg n == U)%:R * (place sg i == t)%:R.

Lemma hits0 U i : ~~ ((#|U| == n) && (i \notin U)) -> hits U i = 0.
Proof.
move=> no; apply: big1 => sg _; case: eqP => [e|_]; last by rewrite mul0r.
case: eqP => [e'|_]; last by rewrite mulr0.
case/negP: no; rewrite -e card_first ?eqxx /=; last by apply: leq_trans nt (ltnW (ltn_ord t)).
by rewrite inE e' -leqNgt.
Qed.

Lemma hits_const U U' i i' : #|U| = #|U'| -> i \notin U -> i' \notin U' -> hits U i = hits U' i'.
Proof.
move=> UU iU iU'; have [tau [tU ti]] := match_perm UU iU iU'.
rewrite /hits [RHS](reindex_inj (mulgI (tau^-1)%g)); apply: eq_bigr => sg _.
have pl j : place (tau^-1 * sg)%g (tau j) = place sg j by rewrite /place permM permK.
have -> : (first (tau^-1 * sg)%g n == U') = (first sg n == U).
  have im (V : {set I}) j : (tau j \in tau @: V) = (j \in V) by apply: mem_imset; apply: perm_inj.
  rewrite -tU; apply/eqP/eqP => [e|<-]; apply/setP=> j.
    by rewrite -[RHS]im -e !inE pl.
  by rewrite -[j](permKV tau) im !inE pl.
by rewrite -ti pl.
Qed.

Lemma sum_hits (F : {set I} -> I -> R) :
  \sum_sg \sum_i (place sg i == t)%:R * F (first sg n) i = \sum_U \sum_i hits U i * F U i.
Proof.
have e sg : \sum_i (place sg i == t)%:R * F (first sg n) i
  = \sum_U \sum_i (first sg n == U)%:R * (place sg i == t)%:R * F U i.
  rewrite (bigD1 (first sg n)) //= [X in _ + X]big1 ?addr0 => [|U].
    by apply: eq_bigr => i _; rewrite eqxx mul1r.
  by rewrite eq_sym => /negPf U0; rewrite big1 // => i _; rewrite U0 !mul0r.
rewrite (eq_bigr _ (fun sg _ => e sg)) exchange_big; apply: eq_bigr => U _ /=.
by rewrite exchange_big; apply: eq_bigr => i _ /=; rewrite mulr_suml.
Qed.

(* (U, i) is uniform among the sets of size n and the tokens outside. *)
Theorem order_mean (F : {set I} -> I -> R) :
  \sum_sg \sum_i (place sg i == t)%:R * F (first sg n) i
  = #|{perm I}|%:R * (aw R I n * \sum_(U : {set I} | #|U| == n) \sum_(i | i \notin U) F U i).
Proof.
have nd : (n < d)%N by apply: leq_ltn_trans nt (ltn_ord t).
pose U0 := first 1%g n; pose i0 := enum_val t.
have U0n : #|U0| == n by rewrite card_first // ltnW.
have i0U : i0 \notin U0 by rewrite inE /place perm1 enum_valK -leqNgt.
have tot G : \sum_U \sum_i hits U i * G U i
      = hits U0 i0 * \sum_(U : {set I} | #|U| == n) \sum_(i | i \notin U) G U i.
    rewrite mulr_sumr [RHS]big_mkcond; apply: eq_bigr => U _; case: ifP => Un; last first.
      by rewrite big1 // => i _; rewrite hits0 ?mul0r // Un.
    rewrite mulr_sumr [RHS]big_mkcond; apply: eq_bigr => i _; case: ifP => iU; last first.
      by rewrite hits0 ?mul0r // iU andbF.
    by rewrite (@hits_const U U0 i i0) // (eqP Un) (eqP U0n).
have one : #|{perm I}|%:R = hits U0 i0 * ('C(d, n) * (d - n))%:R :> R.
    have := sum_hits (fun _ _ => 1); rewrite tot.
    have -> : \sum_sg \sum_i (place sg i == t)%:R * 1 = #|{perm I}|%:R :> R.
      rewrite (eq_bigr (fun => 1)) => [|sg _]; first by rewrite sumr_const.
      under eq_bigr do rewrite mulr1; rewrite (sum_place (fun u => (u == t)%:R)).
      by rewrite (bigD1 t) //= eqxx big1 ?addr0 // => u /negPf ->.
    move=> ->; congr (_ * _).
    rewrite (eq_bigr (fun => (d - n)%:R)) => [|U /eqP Un]; last by rewrite sumr_const card_out Un.
    rewrite sumr_const -[_ *+ _]mulr_natl natrM; congr (_%:R * _).
by rewrite -card_draws cardsE.
have p0 : #|{perm I}|%:R != 0 :> R.
    by rewrite pnatr_eq0 -lt0n; apply/card_gt0P; exists 1%g.
rewrite sum_hits tot one /aw mulrA -[_ * _%:R * _]mulrA mulfV ?mulr1 //.
by move: p0; rewrite one mulf_eq0 negb_or => /andP[].
Qed.
End Orders.

Section KL1.
Variable R : realFieldType.
Variables ex ln : R -> R.
Hypothesis exP : exponential ex ln.
Variables I A : finType.
Notation full := (full I A).
Notation d := #|I|.
Variables (q : full -> R) (p : state I A -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).

(* The block sampler in the order sg: the token at place t sees the tokens of earlier blocks, which
   are the first [start t] in the order. *)
Definition block_law (start : nat -> nat) (sg : {perm I}) (y : full) : R :=
  \prod_i p (res y (first sg (start (place sg i)))) i (y i).

Variable start : nat -> nat.
Hypothesis start_le : forall t, (start t <= t)%N.
Hypothesis d0 : (0 < d)%N.

Let out (sg : {perm I}) i : i \notin first sg (start (place sg i)).
Proof. by rewrite inE -leqNgt start_le. Qed.

Lemma ln_prod (J : finType) (f : J -> R) : (forall j, 0 < f j) -> ln (\prod_j f j) = \sum_j ln (f j).
Proof.
move=> f0; suff : 0 < \prod_j f j /\ ln (\prod_j f j) = \sum_j ln (f j) by case.
elim/big_rec2: _ => [|j a b _ [b0 e]]; first by rewrite ltr01 (ln1 exP).
by rewrite mulr_gt0 // (lnM exP) // e.
Qed.

Lemma block_gt0 sg y : 0 < q y -> 0 < block_law start sg y.
Proof. by move=> qy; apply: prodr_gt0 => i _; apply: (p_gt0 dq ep). Qed.

(* -log q_0 and the mean of -log P, by levels. *)
Let level y m : R := aw R I m * \sum_(U : {set I} | #|U| == m) \sum_(i | i \notin U) ell ln p y U i.

Lemma ln_q y : 0 < q y -> ln (q y) = \sum_(t < d) level y t.
Proof.
move=> qy; rewrite -(chain_rule exP dq ep qy d0) /level.
rewrite (eq_bigr (fun t : 'I_d => \sum_(U : {set I} | #|U| == t) \sum_(i | i \notin U) aw R I #|U| * ell ln p y U i)).
  rewrite [RHS](exchange_big_dep xpredT) //=; apply: eq_bigr => U _.
  case: (ltnP #|U| d) => Ud.
    rewrite [RHS](bigD1 (Ordinal Ud)) //= [X in _ = _ + X]big1 ?addr0 // => t /andP[/eqP tU ne].
    by case/eqP: ne; apply: val_inj.
  rewrite big1 => [|i iU]; last first.
    by move: Ud; rewrite leqNgt -cardsT proper_card // properT; apply: contraNneq iU => ->; rewrite inE.
  by rewrite big1 // => t /eqP tU; move: Ud; rewrite tU leqNgt ltn_ord.
move=> t _; rewrite mulr_sumr; apply: eq_bigr => U /eqP <-; by rewrite mulr_sumr.
Qed.

Lemma ln_block y : 0 < q y ->
  \sum_sg ln (block_law start sg y) = #|{perm I}|%:R * \sum_(t < d) level y (start t).
Proof.
move=> qy; have e sg : ln (block_law start sg y)
    = \sum_(t < d) \sum_i (place sg i == t)%:R * ell ln p y (first sg (start t)) i.
  rewrite ln_prod; last by move=> i; apply: (p_gt0 dq ep).
  rewrite exchange_big; apply: eq_bigr => i _ /=.
  rewrite (bigD1 (place sg i)) //= eqxx mul1r big1 ?addr0 // => t.
  by rewrite eq_sym => /negPf ->; rewrite mul0r.
rewrite (eq_bigr _ (fun sg _ => e sg)) exchange_big mulr_sumr; apply: eq_bigr => t _ /=.
exact: (order_mean (start_le t) (ell ln p y)).
Qed.

Theorem KL1 :
  \sum_sg kl ln q (block_law start sg)
  = #|{perm I}|%:R * \sum_(t < d) (curve ln q p (start t) - curve ln q p t).
Proof.
have curveE m : curve ln q p m = - \sum_y q y * level y m.
  rewrite /curve /level /entropy -sumrN (eq_bigr (fun y => aw R I m * (q y * - \sum_(U : {set I} | #|U| == m)
     \sum_(i | i \notin U) ell ln p y U i))) => [|y _]; last by rewrite !mulrN mulrCA.
  rewrite -mulr_sumr; congr (_ * _).
  rewrite (eq_bigr (fun U : {set I} => \sum_y \sum_(i | i \notin U) q y * - ell ln p y U i)) => [|U _]; last first.
    exact: exchange_big.
  rewrite exchange_big; apply: eq_bigr => y _ /=.
  rewrite -sumrN mulr_sumr; apply: eq_bigr => U _; rewrite -sumrN mulr_sumr.
  by apply: eq_bigr => i _.
rewrite /kl exchange_big /= sumrB.
rewrite (eq_bigr (fun y => #|{perm I}|%:R * (q y * (\sum_(t < d) level y t) - q y * (\sum_(t < d) level y (start t))))).
  rewrite -mulr_sumr sumrB; congr (_ * _).
  under [in RHS]eq_bigr do rewrite curveE.
  under [X in _ = _ - X]eq_bigr do rewrite curveE.
  rewrite !sumrN opprK [RHS]addrC; congr (_ + - _).
    by rewrite [RHS]exchange_big; apply: eq_bigr => y _ /=; rewrite mulr_sumr.
  by rewrite [RHS]exchange_big; apply: eq_bigr => y _ /=; rewrite mulr_sumr.
move=> y _; have := proj1 dq y; rewrite le_eqVlt => /orP[/eqP <-|qy].
  by rewrite big1 => [|sg _]; rewrite !mul0r ?subrr ?mulr0.
rewrite -ln_q // -mulrBr mulrCA -mulr_sumr; congr (_ * _).
rewrite (eq_bigr (fun sg => ln (q y) - ln (block_law start sg y))) => [|sg _]; last first.
  by rewrite (lnD exP) // block_gt0.
by rewrite sumrB sumr_const ln_block // -[_ *+ _]mulr_natl mulrBr.
Qed.
End KL1.
