(* P7: on shared symbols every policy pays b^-C(n,2) for a block of n tokens. P5(a): on random
   permutations of n symbols a policy with R rounds has TV at least 1 - R/n. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler euler_sharp policy symmetric.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* ------------------------------------------------------------------ numbers of rounds *)

(* Rounds with sizes n_0, n_1, ... of which N use up m_0 tokens. *)
Section Rounds.
Variables (m n : nat -> nat).

Lemma count_le N : (forall t, (t < N)%N -> m t = (m t.+1 + n t)%N) ->
  (\sum_(t < N) (0 < n t)%N + m N <= m 0)%N.
Proof.
elim: N => [|N IHN] h; first by rewrite big_ord0.
apply: leq_trans (IHN (fun t tN => h t (ltnW tN))).
rewrite big_ord_recr /= -addnA leq_add2l (h N (ltnSn N)) addnC leq_add2l.
by case: (n N).
Qed.

Lemma size_sum N : (forall t, (t < N)%N -> m t = (m t.+1 + n t)%N) ->
  (\sum_(t < N) n t + m N = m 0)%N.
Proof.
elim: N => [|N IHN] h; first by rewrite big_ord0.
rewrite -(IHN (fun t tN => h t (ltnW tN))) big_ord_recr /= -addnA; congr (_ + _)%N.
by rewrite (h N (ltnSn N)) addnC.
Qed.
End Rounds.

Lemma policy_rounds (I A : finType) (pi : policy I A) y t :
  nmask (seen pi y t) = (nmask (seen pi y t.+1) + #|block pi y t|)%N.
Proof. exact: nmask_uncover. Qed.

(* The number of rounds among the first N that reveal something. *)
Definition rounds (I A : finType) (pi : policy I A) y N : nat :=
  #|[set t : 'I_N | block pi y t != set0]|.

Lemma roundsE (I A : finType) (pi : policy I A) y N :
  rounds pi y N = (\sum_(t < N) (0 < #|block pi y t|))%N.
Proof.
rewrite /rounds -sum1_card big_mkcond; apply: eq_bigr => t _.
by rewrite inE card_gt0; case: (_ != _).
Qed.

(* Fewer rounds than tokens, all revealed: some round reveals two. *)
Lemma rounds_two (I A : finType) (pi : policy I A) y N : isfull (seen pi y N) ->
  (rounds pi y N < #|I|)%N -> exists t : 'I_N, (1 < #|block pi y t|)%N.
Proof.
rewrite isfullP => /eqP full lt_Rd; apply/existsP; rewrite -[X in is_true X]negbK negb_exists.
apply/negP => /forallP no; have := size_sum (fun t (_ : (t < N)%N) => policy_rounds pi y t).
rewrite full addn0 /= nmask_allmask => e; move: lt_Rd; rewrite ltnNge -e roundsE => /negP; apply.
by apply: leq_sum => t _; have := no t; rewrite -leqNgt; case: #|_| => [|[]].
Qed.

(* ------------------------------------------------------------------ P7 *)

Section P7.
Variable R : realFieldType.
Variable d : nat.
Variable B : finType.
Hypothesis b_gt0 : (0 < #|B|)%N.
Let I := [finType of 'I_d].
Let A := [finType of {ffun 'I_d -> B}].
Notation full := (full I A).
Notation state := (state I A).
Let ib : R := #|B|%:R^-1.

Definition symmetric_array : pred full := fun y => [forall i, forall j, (y i j == y j i)].

Lemma q3_cons y : @q3 R d B y != 0 -> forall i j, y i j = y j i.
Proof.
move=> qy; have le (i j : 'I_d) : (i <= j)%N -> y i j = y j i.
  move=> le_ij; apply/eqP; apply: contraNT qy => /negPf ne.
  by rewrite /q3 /M3 (bigD1 (i, j)) //= /edge !ffunE ne !mul0r.
by move=> i j; case: (leqP i j) => [/le //|/ltnW/le ->].
Qed.

Lemma q3_counted : counted (@q3 R d B) (fun m => ib ^+ m).
Proof.
move=> x y i qy xy xi; rewrite -!M3_marg // -M3_upd //; congr (_ * _).
rewrite /p3 exprn_nmask; apply: eq_bigr => j _; case xj : (x j) => [u|] //.
move/forallP/(_ j): xy; rewrite xj => /orP[] // /eqP [->].
by rewrite (q3_cons qy i j) eqxx.
Qed.

Lemma ib_gt0 : 0 < ib. Proof. by rewrite invr_gt0 ltr0n. Qed.
Lemma ib_le1 : ib <= 1. Proof. by rewrite invf_le1 ?ltr0n // ler1n. Qed.

Lemma ib_mono j m : (0 < j)%N -> (j <= m)%N -> ib ^+ m <= ib ^+ j.
Proof.
move=> _ le_jm; rewrite -(subnK le_jm) exprD -[X in _ <= X]mul1r.
have i0 := ltW ib_gt0; have i1 := ib_le1.
by apply: ler_wpmul2r; [exact: exprn_ge0 | exact: exprn_ile1].
Qed.

Lemma q3_uniform : (0 < #|symmetric_array|)%N /\ @q3 R d B =1 uniform_on R symmetric_array.
Proof.
apply: (@flat_uniform _ _ _ _ (\prod_(e : I * I | (e.1 <= e.2)%N) ib)); first exact: q3_dist.
move=> y; rewrite /q3 /M3.
case: (boolP (symmetric_array y)) => [/forallP h|/forallPn[i /forallPn[j ne]]].
  rewrite mul1r; apply: eq_bigr => -[i j] _ /=; rewrite /edge !ffunE.
  by move/forallP/(_ j): (h i) => /eqP ->; rewrite eqxx mul1r.
rewrite mul0r; apply/eqP; apply: contraNT ne => qy; apply/eqP.
exact: (q3_cons qy i j).
Qed.

Lemma loss3 m n : (n <= m)%N -> loss (fun m => ib ^+ m) m n = ib ^+ 'C(n, 2).
Proof.
move=> le_nm; rewrite /loss; elim: n le_nm => [|n IHn] lt_nm; first by rewrite big_ord0 expr0.
rewrite big_ord_recr IHn 1?ltnW //= binS bin1 exprD; congr (_ * _).
have nz k : ib ^+ k != 0 by rewrite expf_neq0 // lt0r_neq0 // ib_gt0.
by rewrite -{1}(subnK (ltnW lt_nm)) exprD mulrAC divff ?mul1r.
Qed.

Variable p : state -> I -> A -> R.
Hypothesis ep : exact_denoiser (uniform_on R symmetric_array) p.
Let q := uniform_on R symmetric_array.

Lemma dq3 : dist q. Proof. by case: q3_uniform => h _; apply: uniform_on_dist. Qed.
Lemma q3u_counted : counted q (fun m => ib ^+ m).
Proof. by case: q3_uniform => _ e; apply: eq_counted e q3_counted. Qed.

Lemma kept3 (pi : policy I A) N (y : full) : kept (fun m => ib ^+ m) pi N y
  = (isfull (seen pi y N))%:R * ib ^+ \sum_(t < N) 'C(#|block pi y t|, 2).
Proof.
rewrite /kept -prodrXr; congr (_ * _); apply: eq_bigr => t _.
by rewrite loss3 // block_le.
Qed.

Theorem P7 (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) N : dist W ->
  tv (mixed_law W (fun => p) pi N) (ext q)
  = 1 - \sum_o W o * \sum_y q y * ((isfull (seen (pi o) y N))%:R
                                   * ib ^+ \sum_(t < N) 'C(#|block (pi o) y t|, 2)).
Proof.
move=> dW; rewrite (tv_symmetric dq3 ep q3u_counted _ ib_mono) // => [|m _].
  congr (1 - _); apply: eq_bigr => o _; congr (_ * _); apply: eq_bigr => y _.
  by rewrite kept3.
by rewrite exprn_gt0 ?ib_gt0.
Qed.

Theorem P7_lower (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) N : dist W ->
  (1 - ib) * (\sum_o W o * \sum_y q y * (~~ isfull (seen (pi o) y N) || (rounds (pi o) y N < d)%N)%:R)
  <= tv (mixed_law W (fun => p) pi N) (ext q).
Proof.
move=> dW; rewrite P7 //; case: dW => W0 W1; have [q0 q1] := dq3.
rewrite -[X in _ <= X - _]W1 -sumrB mulr_sumr ler_sum // => o _.
rewrite -[X in _ <= X - _]mulr1 -mulrBr mulrCA ler_wpmul2l // -[X in _ <= X - _]q1 -sumrB mulr_sumr ler_sum // => y _.
rewrite -[X in X - _]mulr1 -mulrBr mulrCA ler_wpmul2l //.
have i0 : 0 <= 1 - ib by rewrite subr_ge0 ib_le1.
case: (boolP (isfull _)) => [full|_] /=; last first.
  by rewrite mul0r subr0 mulr1 ler_subl_addr ler_addl; apply: ltW ib_gt0.
rewrite mul1r; case: ltnP => [lt_R|_]; last first.
  by rewrite mulr0 subr_ge0; apply: exprn_ile1; [exact: ltW ib_gt0 | exact: ib_le1].
have lt_R' : (rounds (pi o) y N < #|I|)%N by rewrite card_ord.
have [t t2] := rounds_two full lt_R'; rewrite mulr1 ler_add2l ler_opp2 -[X in _ <= X]expr1.
apply: ib_mono => //; rewrite (bigD1 t) //=; apply: leq_trans (leq_addr _ _).
by rewrite bin_gt0.
Qed.

End P7.

(* ------------------------------------------------------------------ P5(a) *)

Section P5.
Variable R : realFieldType.
Let g (m : nat) : R := m%:R^-1.

Lemma loss5 m n : (n <= m)%N -> loss g m n = (m ^_ n)%:R / m%:R ^+ n.
Proof.
rewrite /loss; elim: n => [|n IHn] lt_nm; first by rewrite big_ord0 ffactn0 expr0 divr1.
rewrite big_ord_recr IHn 1?ltnW //= ffactnSr natrM exprS invfM /g invrK.
by move: (_ ^-1) (_ ^-1) => u v; ring_R.
Qed.

Lemma g5_gt0 m : (0 < m)%N -> 0 < g m.
Proof. by rewrite invr_gt0 ltr0n. Qed.

Lemma g5_mono j m : (0 < j)%N -> (j <= m)%N -> g m <= g j.
Proof.
move=> j0 le_jm; rewrite /g -[X in X <= _]mul1r ler_pdivr_mulr ?ltr0n ?(leq_trans j0) //.
by rewrite mulrC -ler_pdivr_mulr ?invr_gt0 ?ltr0n // invrK mul1r ler_nat.
Qed.

Lemma loss5_0 n : (n <= 0)%N -> loss g 0 n = 1.
Proof. by rewrite leqn0 => /eqP ->; rewrite /loss big_ord0. Qed.

(* A block of k tokens out of M: at most (M - k + 1)/M is left. *)
Lemma loss5_le M k : (k < M)%N -> loss g M k.+1 <= (M - k)%:R / M%:R.
Proof.
move=> lt_kM; rewrite /loss big_ord_recr /= -[X in _ <= X]mul1r {2}/g invrK mulrC [M%:R^-1 * _]mulrC.
rewrite mulrC ler_wpmul2r //; first by rewrite divr_ge0 ?ler0n.
exact: (loss_le1 g5_gt0 g5_mono (ltnW lt_kM)).
Qed.

Lemma rounds_bound N (m n : nat -> nat) : (forall t, (t < N)%N -> m t = (m t.+1 + n t)%N) ->
  m N = 0%N -> (0 < m 0%N)%N ->
  (\prod_(t < N) loss g (m t) (n t)) * (m 0%N)%:R <= (\sum_(t < N) (0 < n t))%N%:R.
Proof.
elim: N m n => [|N IHN] m n h mN m0; first by rewrite mN in m0.
pose m' t := m t.+1; pose n' t := n t.+1.
have h' t : (t < N)%N -> m' t = (m' t.+1 + n' t)%N by move=> tN; apply: h.
have e0 := h 0%N isT; rewrite big_ord_recl [X in _ <= X%:R]big_ord_recl /=.
rewrite -/(m' _) in e0; case: (posnP (m' 0%N)) => m'0.
  have z t : (t <= N)%N -> m' t = 0%N.
    elim: t => [|t IHt] tN //; have := h' t tN; rewrite (IHt (ltnW tN)).
    by move/esym/eqP; rewrite addn_eq0 => /andP[/eqP].
  rewrite big1 ?mulr1 => [|t _]; last first.
    have := h' t (ltn_ord t); rewrite -/(m' t) (z t (ltnW (ltn_ord t))) => /esym/eqP.
    by rewrite addn_eq0 => /andP[_ /eqP nt]; rewrite -/(n' t) nt loss5_0.
  rewrite m'0 add0n in e0; rewrite -e0 m0; move: m0; case: (m 0%N) => // k _.
  rewrite natrD -[X in X <= _]addr0 ler_add ?ler0n //.
  apply: le_trans (ler_wpmul2r (ler0n _ _) (loss5_le (ltnSn k))) _.
  by rewrite subSnn divfK // pnatr_eq0.
have := IHN m' n' h' mN m'0; set rest := \prod_(t < N) _; set c := (\sum_(t < N) _)%N => le_c.
have le_cm : (c <= m' 0%N)%N by have := count_le h'; rewrite -/(m' N) (_ : m' N = 0%N) // addn0.
have rest0 : 0 <= rest.
  apply: prodr_ge0 => t _; apply: (loss_ge0 g5_gt0); rewrite -/(m' t) -/(n' t).
  by rewrite (h' t (ltn_ord t)) leq_addl.
case n0 : (n 0%N) => [|k]; first by rewrite /loss big_ord0 mul1r add0n e0 n0 addn0.
rewrite n0 in e0; have lt_kM : (k < m 0%N)%N by rewrite e0 addnS ltnS leq_addl.
have -> : loss g (m 0%N) k.+1 * rest * (m 0%N)%:R = loss g (m 0%N) k.+1 * (m 0%N)%:R * rest by rewrite mulrAC.
apply: (@le_trans _ _ ((m' 0%N).+1%:R * rest)).
  rewrite ler_wpmul2r //; apply: le_trans (ler_wpmul2r (ler0n _ _) (loss5_le lt_kM)) _.
  rewrite divfK ?pnatr_eq0 -?lt0n // ler_nat e0 addnS -addSn addnK //.
rewrite mulrS mulrDl mul1r natrD mulrC ler_add //.
apply: (@le_trans _ _ (rest * (m' 0%N)%:R / (m' 0%N)%:R)); first by rewrite mulfK // pnatr_eq0 -lt0n.
rewrite ler_pdivr_mulr ?ltr0n // mul1r; apply: le_trans le_c _.
by rewrite ler_nat.
Qed.

Variable T : finType.
Notation full := (full T T).
Notation state := (state T T).
Implicit Types (x : state) (y : full).

Definition permutation : pred full := fun y => injectiveb y.
Let q := uniform_on R permutation.

(* Partial states without repetition. *)
Definition used x : {set T} := [set b | [exists j, x j == Some b]].
Definition pinj x := [forall j, forall k, (x j != None) && (x j == x k) ==> (j == k)].

Lemma pinjP x : reflect (forall j k, x j != None -> x j = x k -> j = k) (pinj x).
Proof.
apply: (iffP forallP) => [h j k xj e|h j].
  by move/forallP/(_ k): (h j); rewrite xj e eqxx => /eqP.
by apply/forallP=> k; apply/implyP=> /andP[xj /eqP e]; rewrite (h j k).
Qed.

Lemma pinj_upd x i b : x i = None -> pinj (upd x i b) = pinj x && (b \notin used x).
Proof.
move=> xi; apply/pinjP/andP => [h|[/pinjP h bu] j k].
  have ne j : x j != None -> j != i by apply: contraNneq => ->; rewrite xi.
  split; last first.
    rewrite inE; apply/negP => /existsP[j /eqP xj].
    have ji : j != i by apply: ne; rewrite xj.
    by move/eqP: (ji); apply; apply: h; [rewrite upd_neq // xj | rewrite upd_eq upd_neq].
  apply/pinjP=> j k xj e; have ji := ne j xj; have ki : k != i by apply: ne; rewrite -e.
  by apply: h; rewrite !upd_neq.
have nb l : x l != Some b.
  by apply: contra bu => xl; rewrite inE; apply/existsP; exists l.
case: (eqVneq j i) => [->|ji]; case: (eqVneq k i) => [->|ki] //; rewrite ?upd_eq ?upd_neq //.
- by move=> _ e; have := nb k; rewrite -e eqxx.
- by move=> _ e; have := nb j; rewrite e eqxx.
exact: h.
Qed.

Lemma card_used x (i : T) : pinj x -> #|used x| = revealed x.
Proof.
move=> /pinjP h; rewrite /revealed -[RHS](card_in_imset (f := fun j => odflt i (x j))).
  apply: eq_card => b; rewrite inE; apply/existsP/imsetP => [[j /eqP xj]|[j]].
    by exists j; rewrite ?inE xj.
  by rewrite inE; case xj : (x j) => [a|] //= _ ->; exists j; rewrite xj.
move=> j k; rewrite !inE => xj xk; move: (xj) (xk) (h j k xj).
by case: (x j) (x k) => [a|] [b|] //= _ _ hjk e; apply: hjk; rewrite e.
Qed.

Lemma permutation_gt0 : (0 < #|permutation|)%N.
Proof.
apply/card_gt0P; exists [ffun i => i]; rewrite -topredE /=; apply/injectiveP=> i j.
by rewrite !ffunE.
Qed.

Lemma dq5 : dist q. Proof. exact: uniform_on_dist permutation_gt0. Qed.

Lemma marg5 x : marg q x = (pinj x)%:R * (nmask x)`!%:R / #|permutation|%:R.
Proof.
symmetry; apply: (marg_unique (q := q) (M := fun x => (pinj x)%:R * (nmask x)`!%:R / #|permutation|%:R)).
  move=> {}x i xi /=; rewrite -mulr_suml; congr (_ / _).
  rewrite (eq_bigr (fun b => (pinj x)%:R * (nmask x).-1`!%:R * (b \notin used x)%:R)) => [|b _]; last first.
    rewrite pinj_upd // (nmask_upd b xi) /=.
    by case: (pinj x); case: (b \notin used x); rewrite ?mul1r ?mul0r ?mulr1 ?mulr0.
  rewrite -mulr_sumr; case: (boolP (pinj x)) => [px|_]; last by rewrite !mul0r.
  rewrite !mul1r -natr_sum -natrM; congr (_%:R).
  have -> : (\sum_b (b \notin used x) = nmask x)%N.
    rewrite nmaskE -(card_used i px) -sum1_card -[X in (X - _)%N]sum1_card.
    rewrite [in RHS](bigID (fun b => b \in used x)) /= addKn [RHS]big_mkcond.
    by apply: eq_bigr => b _; case: (b \in used x).
  by rewrite mulnC (nmask_upd i xi) /= factS.
move=> y /=; rewrite /q /uniform_on; congr (_ / _).
have := isfull_inj y; rewrite isfullP => /eqP ->; rewrite mulr1; congr (_%:R).
congr nat_of_bool; apply/pinjP/injectiveP => [h i j e|h i j _].
  by apply: h; rewrite !ffunE ?e.
by rewrite !ffunE => -[/h].
Qed.

Lemma counted5 : counted q g.
Proof.
move=> x y i qy xy xi; rewrite !marg5 pinj_upd //.
have /injectiveP y_inj : permutation y by apply: uniform_on_neq0 qy.
have below_some j : x j != None -> x j = Some (y j).
  by move/forallP/(_ j): xy => /orP[/eqP ->|/eqP].
have -> : pinj x.
  by apply/pinjP=> j k xj e; apply: y_inj; apply: Some_inj; rewrite -!below_some // -e.
have -> : y i \notin used x.
  rewrite inE; apply/negP => /existsP[j /eqP xj]; have := below_some j; rewrite xj => /(_ isT) [/y_inj ij].
  by rewrite -ij xi in xj.
rewrite !mul1r /g [nmask x in RHS](nmask_upd (y i) xi) factS natrM.
have nz : (nmask (upd x i (y i))).+1%:R != 0 :> R by rewrite pnatr_eq0.
by rewrite [RHS]mulrAC; congr (_ / _); rewrite mulrC mulKf.
Qed.

Variable p : state -> T -> T -> R.
Hypothesis ep : exact_denoiser q p.

Theorem P5a (Omega : finType) (W : Omega -> R) (pi : Omega -> policy T T) N : dist W ->
  tv (mixed_law W (fun => p) pi N) (ext q)
  = 1 - \sum_o W o * \sum_y q y * ((isfull (seen (pi o) y N))%:R * \prod_(t < N)
      ((nmask (seen (pi o) y t) ^_ #|block (pi o) y t|)%:R
        / (nmask (seen (pi o) y t))%:R ^+ #|block (pi o) y t|)).
Proof.
move=> dW; rewrite (tv_symmetric dq5 ep counted5 g5_gt0 g5_mono) //.
congr (1 - _); apply: eq_bigr => o _; congr (_ * _); apply: eq_bigr => y _; congr (_ * _).
by rewrite /kept; congr (_ * _); apply: eq_bigr => t _; rewrite loss5 // block_le.
Qed.

(* TV >= 1 - E[R]/n, R the number of rounds that reveal something. *)
Theorem P5a_lower (Omega : finType) (W : Omega -> R) (pi : Omega -> policy T T) N :
  dist W -> (0 < #|T|)%N ->
  1 - (\sum_o W o * \sum_y q y * (rounds (pi o) y N)%:R) / #|T|%:R
    <= tv (mixed_law W (fun => p) pi N) (ext q).
Proof.
move=> [W0 W1] n0; rewrite (tv_symmetric dq5 ep counted5 g5_gt0 g5_mono) //.
rewrite ler_add2l ler_opp2 mulr_suml ler_sum // => o _; rewrite -mulrA ler_wpmul2l //.
have [q0 _] := dq5; rewrite mulr_suml ler_sum // => y _; rewrite -mulrA ler_wpmul2l //.
rewrite /kept; case: (boolP (isfull _)) => [full|_]; last by rewrite mul0r divr_ge0 ?ler0n.
have nz : #|T|%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite mul1r -[X in X <= _](mulfK nz) ler_wpmul2r ?invr_ge0 ?ler0n // roundsE -(nmask_allmask T T).
apply: (rounds_bound (m := fun t => nmask (seen (pi o) y t)) (n := fun t => #|block (pi o) y t|)) => [t _||].
- exact: policy_rounds.
- by move: full; rewrite isfullP => /eqP.
by rewrite /= nmask_allmask.
Qed.

End P5.
