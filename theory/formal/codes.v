(* L4 and L2: codes in which any k places may hold anything and fix the rest (MDS codes of dimension k):
   TV = 1 - E[S^-excess; no leftover]. Copies are k = 1, parity is k = d - 1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler policy symmetric alloc.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* On symmetric laws the loss of an allocation is read off token by token. *)
Section Tokens.
Variable R : realFieldType.
Variables I A : finType.
Variable N : nat.
Variables (q : full I A -> R) (p : state I A -> I -> A -> R) (g : nat -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p) (q_g : counted q g).
Hypothesis g_gt0 : forall m, (0 < m)%N -> 0 < g m.

Lemma alloc_loss_prod (f : {ffun I -> 'I_N}) y : q y != 0 ->
  q y * alloc_loss g f = \prod_i g #|[set j | (f i <= f j)%N]|.
Proof.
move=> qy; have q0 := proj1 dq.
have := path_weight dq ep q_g g_gt0 (allot f) N qy.
rewrite seen_allot shown_full marg_inj => e.
rewrite /alloc_loss (eq_bigr (fun t : 'I_N => loss g (nmask (seen (allot f) y t)) #|block (allot f) y t|)) => [|t _].
  rewrite -e [RHS](partition_big f xpredT) //=; apply: eq_bigr => t _.
  rewrite block_allot seen_allot; apply: eq_big => [i|i]; rewrite inE // => /eqP fi.
  have st : below (shown f y t) y by rewrite -seen_allot seen_below.
  have xi : shown f y t i = None by rewrite ffunE fi ltnn.
  have m0 := marg_neq0 q0 qy st.
  by rewrite (exact_cond _ ep m0 xi) q_g // mulrC mulKf // nmask_shown -fi.
by rewrite seen_allot nmask_shown block_allot.
Qed.
End Tokens.

Section MDS.
Variable R : realFieldType.
Variables I A : finType.
Hypothesis A_gt0 : (0 < #|A|)%N.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x : state) (y z : full).
Let iS : R := #|A|%:R^-1.

(* Whatever stands on k places, exactly one word of C continues it. *)
Definition mds (k : nat) (C : pred full) := forall (U : {set I}) (y : full), #|U| = k ->
  #|[set z | C z && [forall i, (i \in U) ==> (z i == y i)]]| = 1%N.

Variables (k : nat) (C : pred full).
Hypotheses (k_le : (k <= d)%N) (C_mds : mds k C).
Let q := uniform_on R C.
Let c0 : R := #|C|%:R^-1.
Definition g4 (m : nat) : R := if (d - m < k)%N then iS else 1.

Lemma iS_gt0 : 0 < iS. Proof. by rewrite invr_gt0 ltr0n. Qed.
Lemma iS4_le1 : iS <= 1. Proof. by rewrite invf_le1 ?ltr0n // ler1n. Qed.
Lemma S4_neq0 : #|A|%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.

Lemma g4_gt0 m : (0 < m)%N -> 0 < g4 m.
Proof. by move=> _; rewrite /g4; case: ifP; rewrite ?ltr01 ?iS_gt0. Qed.

Lemma g4_mono j m : (0 < j)%N -> (j <= m)%N -> g4 m <= g4 j.
Proof.
move=> _ le_jm; rewrite /g4; case: (ltnP (d - j) k) => [lt_j|_].
  by rewrite (leq_ltn_trans (leq_sub2l d le_jm) lt_j).
by case: ifP => _; rewrite ?iS4_le1.
Qed.

Lemma a0 : exists a : A, true.
Proof. by have /card_gt0P[a _] := A_gt0; exists a. Qed.

Lemma mds_marg_le x : (revealed x <= k)%N -> marg q x = #|A|%:R ^+ (k - revealed x) * c0.
Proof.
move: {2}(k - revealed x)%N (erefl (k - revealed x)%N) => n.
elim: n x => [|n IHn] x xn le_k; last first.
  have lt_k : (revealed x < k)%N by rewrite -subn_gt0 xn.
  have [i /eqP xi] : exists i, x i == None.
    have : (0 < nmask x)%N by rewrite nmaskE subn_gt0; apply: leq_trans lt_k k_le.
    by rewrite /nmask card_gt0 => /set0Pn[i]; rewrite inE; exists i.
  rewrite -(marg_sum q xi) (eq_bigr (fun => #|A|%:R ^+ n * c0)) => [|b _]; last first.
    have xn' : (k - revealed (upd x i b) = n)%N by rewrite revealed_upd // subnS xn.
    by rewrite (IHn _ xn') ?xn' // revealed_upd.
  by rewrite sumr_const -[_ *+ _]mulr_natl xn exprS mulrA.
have xk : revealed x = k.
  by apply/eqP; rewrite eqn_leq le_k -subn_eq0 xn.
have [a _] := a0; have [y xy] := exists_above [ffun => a] x.
rewrite xn expr0 mul1r.
transitivity (#|[set z | C z && [forall i, (i \in [set i | x i != None]) ==> (z i == y i)]]|%:R * c0).
  rewrite -sum1_card natr_sum mulr_suml /marg [LHS]big_mkcond [RHS]big_mkcond; apply: eq_bigr => z _; rewrite inE /q /uniform_on.
  have -> : below x z = [forall i, (i \in [set i | x i != None]) ==> (z i == y i)].
    apply: eq_forallb => i; rewrite inE; move/forallP/(_ i): xy.
    by case: (x i) => [b|] //= /eqP [->]; rewrite eq_sym; apply/eqP/eqP => [[->]|->].
  by case: (C z); case: [forall _, _]; rewrite ?mul0r.
by rewrite C_mds ?mul1r.
Qed.

Lemma mds_marg_ge x y : C y -> below x y -> (k <= revealed x)%N -> marg q x = c0.
Proof.
move=> Cy xy; have qy : q y = c0 by rewrite /q /uniform_on Cy mul1r.
have q0 z : 0 <= q z by rewrite divr_ge0 ?ler0n.
have ge x' : below x' y -> c0 <= marg q x'.
  by move=> x'y; rewrite -qy /marg (bigD1 y) //= ler_addl sumr_ge0.
move: {2}(revealed x - k)%N (erefl (revealed x - k)%N) => n.
elim: n x xy => [|n IHn] x xy xn le_k.
  have xk : revealed x = k by apply/eqP; rewrite eqn_leq le_k -subn_eq0 xn.
  by rewrite mds_marg_le xk // subnn expr0 mul1r.
have lt_k : (k < revealed x)%N by rewrite -subn_gt0 xn.
have [i xi] : exists i, x i != None.
  have : (0 < revealed x)%N by apply: leq_ltn_trans lt_k.
  by rewrite /revealed card_gt0 => /set0Pn[i]; rewrite inE; exists i.
have [b xib] : exists b, x i = Some b by case: (x i) xi => // b; exists b.
have e := revealed_upd b (del_eq x i); rewrite upd_del // in e.
have dy : below (del x i) y.
  by apply/forallP=> j; rewrite ffunE; case: (eqVneq j i) => // _; move/forallP/(_ j): xy.
apply/eqP; rewrite eq_le ge // andbT -(IHn (del x i)) //; last first.
- by move: lt_k; rewrite e ltnS.
- by apply: succn_inj; rewrite -xn e subSn // -ltnS -e.
by rewrite -(marg_sum q (del_eq x i)) (bigD1 b) //= upd_del // ler_addl sumr_ge0 // => a _; apply: marg_ge0.
Qed.

Lemma mds_card : #|C|%:R = #|A|%:R ^+ k :> R.
Proof.
have h := @mds_marg_le (allmask I A); rewrite revealed_allmask subn0 in h.
have {}h := h (leq0n k).
have nz : #|C|%:R != 0 :> R.
  have [a _] := a0; have [U Uk] : exists U : {set I}, #|U| = k.
    have : (0 < 'C(d, k))%N by rewrite bin_gt0.
    rewrite -card_draws => /card_gt0P[U]; rewrite inE => /eqP; by exists U.
  have := C_mds [ffun => a] Uk; rewrite pnatr_eq0 -lt0n => e.
  have /card_gt0P[z] : (0 < #|[set z | C z && [forall i, (i \in U) ==> (z i == [ffun => a] i)]]|)%N by rewrite e.
  by rewrite inE => /andP[Cz _]; apply/card_gt0P; exists z; rewrite -topredE.
apply: (mulIf (invr_neq0 nz)); rewrite mulfV // -h marg_allmask.
by rewrite (proj2 (uniform_on_dist R _)) // lt0n -(pnatr_eq0 R).
Qed.

Lemma C4_gt0 : (0 < #|C|)%N.
Proof.
rewrite lt0n; apply/eqP => e; have := mds_card; rewrite e => /eqP; rewrite eq_sym.
by rewrite expf_eq0 (negPf S4_neq0) andbF.
Qed.

Lemma dq4 : dist q. Proof. exact: uniform_on_dist C4_gt0. Qed.

Lemma counted4 : counted q g4.
Proof.
move=> x y i qy xy xi; have Cy := uniform_on_neq0 qy; rewrite /g4.
have -> : (d - nmask x = revealed x)%N by rewrite nmaskE subKn // revealed_le.
case: ltnP => [lt_k|le_k].
  rewrite !mds_marg_le ?revealed_upd // 1?ltnW // subnS -[in RHS](prednK (n := k - revealed x)) ?subn_gt0 //.
  by rewrite exprS mulrAC [_ * _ * iS]mulrAC mulfV ?S4_neq0 // mul1r.
rewrite mulr1 (mds_marg_ge Cy xy le_k) (mds_marg_ge Cy) //; first by rewrite below_upd // xy eqxx.
by rewrite revealed_upd //; apply: leqW.
Qed.

Section Value.
Variables (N : nat) (r : nat -> R) (p : state -> I -> A -> R).
Hypotheses (hr : rate r) (ep : exact_denoiser q p).
Implicit Types (f : {ffun I -> 'I_N}).

(* Tokens beyond k in the block that crosses k: the blocks that open with fewer than k revealed. *)
Definition excess f : nat := (#|[set i | (#|[set j | (f j < f i)%N]| < k)%N]| - k)%N.

Lemma opened_ge f : (k <= #|[set i | (#|[set j | (f j < f i)%N]| < k)%N]|)%N.
Proof.
case: (pickP (fun i => (k <= #|[set j | (f j < f i)%N]|)%N)) => [i0 ge0|no]; last first.
  rewrite (_ : [set _ | _] = setT) ?cardsT //; apply/setP=> i; rewrite !inE ltnNge.
  by rewrite -[RHS]negbK; congr (~~ _); rewrite no.
case: (@arg_minnP I i0 (fun i => (k <= #|[set j | (f j < f i)%N]|)%N) (fun i => f i) ge0) => i le_k h; apply: leq_trans le_k _.
apply: subset_leq_card; apply/subsetP=> j; rewrite !inE => lt_ji; rewrite ltnNge.
by apply/negP => /h; rewrite leqNgt lt_ji.
Qed.

Lemma loss4 f : alloc_loss g4 f = iS ^+ excess f.
Proof.
have /card_gt0P[y Cy] := C4_gt0; rewrite -topredE /= in Cy.
have nz : #|C|%:R != 0 :> R by rewrite pnatr_eq0 -lt0n C4_gt0.
have qE : q y = #|C|%:R^-1 by rewrite /q /uniform_on Cy mul1r.
have qy : q y != 0 by rewrite qE invr_neq0.
apply: (mulfI qy); rewrite (alloc_loss_prod dq4 ep counted4 g4_gt0) // qE mds_card -exprVn -exprD.
rewrite /excess subnKC ?opened_ge // -prodr_const [RHS]big_mkcond; apply: eq_bigr => i _.
rewrite inE /g4; congr (if _ then _ else _); congr (_ < _)%N.
rewrite -[d](cardsC [set j | (f i <= f j)%N]) addKn; apply: eq_card => j.
by rewrite !inE -ltnNge.
Qed.

Theorem L4_mds : tv (euler r (fun => p) N) (ext q)
  = 1 - \sum_(f : {ffun I -> 'I_N}) (\prod_i step r (f i)) * iS ^+ excess f.
Proof.
rewrite (tv_symmetric_euler N hr dq4 ep counted4 g4_gt0 g4_mono); congr (1 - _).
by apply: eq_bigr => f _; rewrite loss4.
Qed.
End Value.
End MDS.

(* ------------------------------------------------------------------ L2: copies *)

Section Copies.
Variable R : realFieldType.
Variables I A : finType.
Hypotheses (A_gt0 : (0 < #|A|)%N) (d_gt0 : (0 < #|I|)%N).
Notation full := (full I A).

Definition copies : pred full := fun y => [forall i, forall j, y i == y j].

Lemma copies_mds : mds 1 copies.
Proof.
move=> U y /eqP/cards1P[i ->]; apply/eqP/cards1P; exists [ffun => y i]; apply/setP=> z.
rewrite !inE; apply/andP/eqP => [[/forallP zc /forallP/(_ i)]|->].
  rewrite inE eqxx => /eqP zi; apply/ffunP=> j; rewrite ffunE -zi.
  by move/forallP/(_ i): (zc j) => /eqP.
split; first by apply/forallP=> j; apply/forallP=> k; rewrite !ffunE.
by apply/forallP=> j; rewrite inE ffunE; apply/implyP=> /eqP ->.
Qed.

Variables (N : nat) (r : nat -> R) (p : state I A -> I -> A -> R).
Hypotheses (hr : rate r) (ep : exact_denoiser (uniform_on R copies) p).

(* The size of the first non-empty block. *)
Definition first_block (f : {ffun I -> 'I_N}) : nat := #|[set i | [forall j, (f i <= f j)%N]]|.

Lemma excess_copies (f : {ffun I -> 'I_N}) : excess 1 f = (first_block f).-1.
Proof.
rewrite /excess subn1; congr _.-1; apply: eq_card => i; rewrite !inE ltnS leqn0 cards_eq0.
apply/eqP/forallP => [e j|h].
  by move/setP/(_ j): e; rewrite !inE ltnNge => /negbFE.
by apply/setP=> j; rewrite !inE ltnNge h.
Qed.

Theorem L2 : tv (euler r (fun => p) N) (ext (uniform_on R copies))
  = 1 - \sum_(f : {ffun I -> 'I_N}) (\prod_i step r (f i)) * #|A|%:R^-1 ^+ (first_block f).-1.
Proof.
rewrite (L4_mds A_gt0 d_gt0 copies_mds N hr ep); congr (1 - _).
by apply: eq_bigr => f _; rewrite excess_copies.
Qed.
End Copies.

(* ------------------------------------------------------------------ L4: parity *)

Section Parity.
Variable R : realFieldType.
Variable I : finType.
Variable n : nat.
Let A := [finType of 'I_n.+1].                    (* S = n + 1 symbols, added modulo S *)
Hypothesis d_gt0 : (0 < #|I|)%N.
Notation full := (full I A).

Definition parity : pred full := fun y => \sum_i (y i : 'I_n.+1) == 0.

Lemma parity_mds : mds #|I|.-1 parity.
Proof.
move=> U y Ud; have /eqP/cards1P[i0 U0] : #|~: U| = 1%N.
  by have := cardsC U; rewrite Ud -[in RHS](prednK d_gt0) -addn1 => /addnI.
have inU i : (i \in U) = (i != i0).
  by rewrite -[U]setCK U0 !inE.
pose z0 : full := [ffun i => if i == i0 then - (\sum_(j | j != i0) (y j : 'I_n.+1)) else y i].
apply/eqP/cards1P; exists z0; apply/setP=> z; rewrite !inE /parity.
have rest (z' : full) : (forall i, i != i0 -> z' i = y i) ->
    \sum_i (z' i : 'I_n.+1) = (z' i0 : 'I_n.+1) + \sum_(j | j != i0) (y j : 'I_n.+1).
  by move=> e; rewrite (bigD1 i0) //=; congr (_ + _); apply: eq_bigr => i /e ->.
apply/andP/eqP => [[/eqP z_0 /forallP zU]|->].
  have e i : i != i0 -> z i = y i by move=> ii0; have := zU i; rewrite inU ii0 => /eqP.
  apply/ffunP=> i; rewrite ffunE; case: eqP => [->|/eqP]; last exact: e.
  by apply/eqP; rewrite -addr_eq0 -rest // z_0.
have e i : i != i0 -> z0 i = y i by rewrite ffunE => /negPf ->.
split; first by rewrite rest // ffunE eqxx addNr.
by apply/forallP=> i; rewrite inU; apply/implyP=> /e ->.
Qed.

Variables (N : nat) (r : nat -> R) (p : state I A -> I -> A -> R).
Hypotheses (hr : rate r) (ep : exact_denoiser (uniform_on R parity) p).
Let iS : R := n.+1%:R^-1.

(* The size of the last non-empty block. *)
Definition last_block (f : {ffun I -> 'I_N}) : nat := #|[set i | [forall j, (f j <= f i)%N]]|.

Lemma earlier_all (f : {ffun I -> 'I_N}) i :
  (#|[set j | (f j < f i)%N]| < #|I|.-1)%N = ([set i | [forall j, (f j <= f i)%N]] != [set i]).
Proof.
have sub : [set j | (f j < f i)%N] \subset ~: [set i].
  by apply/subsetP=> j; rewrite !inE; apply: contraL => /eqP ->; rewrite ltnn.
have cC : #|~: [set i]| = #|I|.-1 by rewrite cardsC1.
have := subset_leq_card sub; rewrite cC leq_eqVlt => /orP[/eqP e|lt]; last first.
  rewrite lt; symmetry; apply/eqP => /setP L; move: lt; rewrite -cC ltnNge => /negP; apply.
  apply: subset_leq_card; apply/subsetP=> j; rewrite !inE => ji; rewrite ltn_neqAle.
  have /forallP le_i : [forall j, (f j <= f i)%N] by have := L i; rewrite !inE eqxx.
  rewrite le_i andbT; apply: contra ji => /eqP eq_ij.
  have := L j; rewrite !inE => <-; apply/forallP=> l; by rewrite eq_ij.
rewrite e ltnn; symmetry; apply/negbTE; rewrite negbK; apply/eqP/setP=> j; rewrite !inE.
have all : [set j | (f j < f i)%N] = ~: [set i] by apply/eqP; rewrite eqEcard sub cC e leqnn.
have lt l : l != i -> (f l < f i)%N by move=> li; move/setP/(_ l): all; rewrite !inE li.
apply/forallP/eqP => [h|-> l]; last by case: (eqVneq l i) => [->//|/lt/ltnW].
by apply/eqP; apply: contraT => /lt; rewrite ltnNge h.
Qed.

Lemma excess_parity (f : {ffun I -> 'I_N}) : excess #|I|.-1 f = (1 < last_block f)%N.
Proof.
have /card_gt0P[i0 _] := d_gt0; rewrite /excess /last_block; set L := [set i | [forall j, (f j <= f i)%N]].
have [i1 i1L] : exists i, i \in L.
  case: (@arg_maxnP I i0 xpredT (fun i => f i) isT) => i _ h; exists i; rewrite inE.
  by apply/forallP=> j; apply: h.
have -> : [set i | (#|[set j | (f j < f i)%N]| < #|I|.-1)%N] = [set i | L != [set i]].
  by apply/setP=> i; rewrite !inE earlier_all.
case: (boolP (1 < #|L|)%N) => [/card_gt1P[i [j [iL jL ij]]]|].
  rewrite (_ : [set _ | _] = setT) ?cardsT; last first.
    apply/setP=> l; rewrite !inE; apply/eqP => e; move: iL jL ij; rewrite e !inE => /eqP -> /eqP ->.
    by rewrite eqxx.
  by rewrite -[X in (X - _)%N](prednK d_gt0) subSnn.
rewrite -leqNgt => le1; have L1 : L = [set i1].
  apply/eqP; rewrite eq_sym eqEcard sub1set i1L cards1; exact: le1.
rewrite L1 (_ : [set _ | _] = ~: [set i1]) ?cardsC1 ?subnn //; apply/setP=> i; rewrite !inE.
congr (~~ _); apply/eqP/eqP => [/setP/(_ i)|->] //.
by rewrite !inE eqxx => /eqP.
Qed.

Theorem L4_parity : tv (euler r (fun => p) N) (ext (uniform_on R parity))
  = 1 - \sum_(f : {ffun I -> 'I_N}) (\prod_i step r (f i)) * (if (1 < last_block f)%N then iS else 1).
Proof.
have A0 : (0 < #|A|)%N by rewrite card_ord.
rewrite (L4_mds A0 (leq_pred _) parity_mds N hr ep); congr (1 - _).
apply: eq_bigr => f _; rewrite excess_parity card_ord -/iS; congr (_ * _).
by case: (1 < _)%N; rewrite ?expr1 ?expr0.
Qed.

Theorem L4_parity_noleft : surv r N = 0 ->
  tv (euler r (fun => p) N) (ext (uniform_on R parity))
  = (1 - iS) * \sum_(f : {ffun I -> 'I_N} | (1 < last_block f)%N) \prod_i step r (f i).
Proof.
move=> r1; have := alloc_total I N r; rewrite r1 subr0 expr1n L4_parity => e.
rewrite -[X in X - _]e -sumrB [in RHS]big_mkcond mulr_sumr; apply: eq_bigr => f _.
by case: ifP => _; rewrite ?mulr1 ?mulr0 ?subrr // mulrC mulrBl mul1r mulrC.
Qed.
End Parity.
