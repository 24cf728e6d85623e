(* E1 for Euler: the local error splits into score, clock and parallel decoding. The estimated score
   need not be normalised, and a step whose jumps total more than 1 is rescaled to total 1. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler forward reverse.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Clip.
Variable R : realFieldType.
Variable A : finType.
Implicit Types (u v : A -> R).

(* A masked token jumps to b with probability v b; a total above 1 is rescaled to 1. *)
Definition clip v (o : option A) : R :=
  let m := Num.max 1 (\sum_b v b) in
  if o is Some b then v b / m else 1 - (\sum_b v b) / m.
(* The L1 error of jump vectors, the larger side. *)
Definition jerr u v : R := Num.max (\sum_b pos (u b - v b)) (\sum_b pos (v b - u b)).

Lemma max1_ge1 (a : R) : 1 <= Num.max 1 a.
Proof. by rewrite le_maxr lexx. Qed.

Lemma max1_gt0 (a : R) : 0 < Num.max 1 a.
Proof. exact: lt_le_trans ltr01 (max1_ge1 a). Qed.

Lemma clip_dist v : nonneg v -> dist (clip v).
Proof.
move=> v0; have m0 := max1_gt0 (\sum_b v b); split=> [[b|]|] /=.
- by rewrite divr_ge0 // ltW.
- by rewrite subr_ge0 ler_pdivr_mulr // mul1r le_maxr lexx orbT.
by rewrite sum_option /= -mulr_suml subrK.
Qed.

Lemma clip_min (H : R) : 0 <= H -> H / Num.max 1 H = Num.min 1 H.
Proof.
move=> H0; case: (lerP H 1) => H1; first by rewrite divr1.
by rewrite divff // gt_eqF // (lt_trans ltr01).
Qed.

Lemma clip_scaled H (p : A -> R) o : 0 <= H -> dist p ->
  clip (fun b => H * p b) o = if o is Some b then Num.min 1 H * p b else 1 - Num.min 1 H.
Proof.
move=> H0 [_ p1]; rewrite /clip -mulr_sumr p1 mulr1.
by case: o => [b|]; rewrite ?clip_min // mulrAC clip_min.
Qed.

Lemma pos_div (a m : R) : 1 <= m -> a / m <= pos a.
Proof.
move=> m1; have m0 : 0 < m by apply: lt_le_trans m1; apply: ltr01.
rewrite ler_pdivr_mulr //; apply: le_trans (pos_ge a) _.
by rewrite -[X in X <= _]mulr1 ler_wpmul2l ?pos_ge0.
Qed.

Lemma clip_tv_half u v : nonneg u -> nonneg v -> \sum_b v b <= \sum_b u b ->
  tv (clip u) (clip v) <= \sum_b pos (u b - v b).
Proof.
move=> u0 v0 vu; have [_ cu1] := clip_dist u0; have [_ cv1] := clip_dist v0.
rewrite tv_pos ?cu1 ?cv1 // sum_option /=.
set U := \sum_b u b in vu *; set V := \sum_b v b in vu *.
have V0 : 0 <= V by apply: sumr_ge0 => b _.
have U0 : 0 <= U by apply: sumr_ge0 => b _.
have mU := max1_gt0 U; have mV := max1_gt0 V.
have mVU : Num.max 1 V <= Num.max 1 U by rewrite le_maxl !le_maxr lexx /= vu orbT.
rewrite !clip_min // pos0 ?add0r; last first.
  rewrite (_ : _ - _ = Num.min 1 V - Num.min 1 U); last by ring_R.
  rewrite subr_le0.
  case: (lerP 1 V) => V1; case: (lerP 1 U) => U1 //; last exact: ltW.
  by have := le_lt_trans (le_trans V1 vu) U1; rewrite ltxx.
apply: ler_sum => b _; apply: pos_le; last exact: pos_ge0.
apply: le_trans (pos_div (u b - v b) (max1_ge1 V)); rewrite mulrBl ler_add2r.
have -> : u b / Num.max 1 U = u b / Num.max 1 V * (Num.max 1 V / Num.max 1 U).
  by rewrite mulrA divfK // gt_eqF.
rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?divr_ge0 ?(ltW mV) //.
by rewrite ler_pdivr_mulr // mul1r.
Qed.

(* A token's step: the error of the clipped law is at most that of the jumps. *)
Lemma clip_tv u v : nonneg u -> nonneg v -> tv (clip u) (clip v) <= jerr u v.
Proof.
move=> u0 v0; rewrite /jerr le_maxr; case: (lerP (\sum_b v b) (\sum_b u b)) => h.
  by rewrite clip_tv_half.
by rewrite tvC [X in _ || X]clip_tv_half ?orbT // ltW.
Qed.

Lemma jerr_scaled (r : R) p p' : 0 <= r -> dist p -> dist p' ->
  jerr (fun b => r * p b) (fun b => r * p' b) = r * tv p p'.
Proof.
move=> r0 [p0 p1] [p'0 p'1]; rewrite /jerr.
rewrite (eq_bigr (fun b => r * pos (p b - p' b))) => [|b _]; last by rewrite -mulrBr posM.
rewrite [X in Num.max _ X](eq_bigr (fun b => r * pos (p' b - p b))) => [|b _]; last first.
  by rewrite -mulrBr posM.
by rewrite -!mulr_sumr -!tv_pos ?p1 ?p'1 // [tv p' p]tvC; apply/max_idPl.
Qed.
End Clip.

Section Local.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x y : state) (B : {set I}) (f : {ffun I -> bool}) (r s : R).

(* One step of the sampler: every masked token jumps independently, to b with probability v x i b. *)
Definition jump (v : state -> I -> A -> R) x y : R :=
  \prod_i (if x i is Some a then (y i == Some a)%:R else clip (v x i) (y i)).

Lemma jump_par (H : R) (p : state -> I -> A -> R) x y : 0 <= H -> denoiser p ->
  jump (fun x i b => H * p x i b) x y = par (Num.min 1 H) p x y.
Proof.
move=> H0 dp; apply: eq_bigr => i _; rewrite /tok; case: (x i) => [a|] //.
by rewrite clip_scaled.
Qed.

Lemma jtok_dist (v : A -> R) xi : nonneg v ->
  dist (fun o : option A => if xi is Some a then (o == Some a)%:R else clip v o).
Proof. by move=> v0; case: xi => [a|]; [exact: point_dist | exact: clip_dist]. Qed.

Lemma jump_dist v : (forall x i, nonneg (v x i)) -> kernel (jump v).
Proof.
move=> v0 x; split=> [y|]; first by apply: prodr_ge0 => i _; case: (jtok_dist (x i) (v0 x i)).
rewrite /jump -(bigA_distr_bigA (fun i o => if x i is Some a then (o == Some a)%:R else clip (v x i) o)) /=.
by apply: big1 => i _; case: (jtok_dist (x i) (v0 x i)).
Qed.

(* Score: *)
Lemma local_score u v x : (forall x i, nonneg (u x i)) -> (forall x i, nonneg (v x i)) ->
  tv (jump u x) (jump v x) <= \sum_(i | x i == None) jerr (u x i) (v x i).
Proof.
move=> u0 v0.
have := tv_prod (fun i => jtok_dist (x i) (u0 x i)) (fun i => jtok_dist (x i) (v0 x i)).
move/le_trans; apply; rewrite [X in _ <= X]big_mkcond ler_sum //= => i _.
by case: (x i) => [a|] /=; [rewrite tvxx | exact: clip_tv].
Qed.

Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).
Let q0 : nonneg q := proj1 dq.
Let dp : denoiser p := proj1 ep.

(* Clock: *)
Lemma tv_rbit (r s : R) (xi : option A) :
  tv (rbit r xi) (rbit s xi) = if xi is Some _ then 0 else `|r - s|.
Proof.
rewrite /tv big_bool /=; case: xi => [a|]; first by rewrite !subrr normr0 addr0 mulr0.
have -> : 1 - r - (1 - s) = - (r - s) by ring_R.
by rewrite normrN -mulr2n mulrnAr -mulr_natl mulrA divff ?mul1r // pnatr_eq0.
Qed.

Lemma local_clock r s x : 0 <= r <= 1 -> 0 <= s <= 1 ->
  tv (rev q r x) (rev q s x) <= (nmask x)%:R * `|r - s|.
Proof.
move=> hr hs; case: (eqVneq (marg q x) 0) => [m0|m0].
  by rewrite /rev m0 eqxx tvxx mulr_ge0 ?ler0n.
rewrite (eq_tv (fun y => rev_mix r y m0) (fun y => rev_mix s y m0)).
apply: le_trans (tv_contract _ _ (fun f => joint_dist dq (setof f) m0)) _.
apply: le_trans (tv_prod (fun i => rbit_dist (x i) hr) (fun i => rbit_dist (x i) hs)) _.
rewrite (eq_bigr (fun i => if x i == None then `|r - s| else 0)) => [|i _]; last first.
  by rewrite tv_rbit; case: (x i).
rewrite -big_mkcond sumr_const -[X in X <= _]mulr_natl ler_wpmul2r // ler_nat.
by rewrite (_ : #|_| = nmask x) //; apply: eq_card => i; rewrite !inE.
Qed.

(* Parallel decoding: *)
Lemma onto_newf r x y f : rbits r x f != 0 -> onto x (setof f) y -> f = newf x y.
Proof.
move=> f0 /forallP on; apply/ffunP=> i; rewrite ffunE; have := on i; rewrite inE.
have : rbit r (x i) (f i) != 0.
  by apply: contraNneq f0 => e; rewrite /rbits (bigD1 i) //= e mul0r.
rewrite /rbit; case: (x i) => [a|] /=; first by case: (f i); rewrite ?eqxx.
by move=> _; case: (f i) => // /eqP ->.
Qed.

Lemma rbits_sub r x f i : rbits r x f != 0 -> f i -> x i = None.
Proof.
move=> f0 fi; case xi : (x i) => [a|] //; move: f0.
by rewrite /rbits (bigD1 i) //= /rbit xi fi mul0r eqxx.
Qed.

Lemma par_mix r x y : par r p x y = \sum_f rbits r x f * indep p x (setof f) y.
Proof.
pose G := \prod_i (if x i is Some _ then 1 else if y i is Some b then p x i b else 1).
have -> : par r p x y = (\prod_i unmask r (x i) (y i)) * G.
  rewrite /par -big_split /=; apply: eq_bigr => i _; rewrite /tok /unmask.
  by case: (x i) (y i) => [a|] [b|] /=; rewrite ?mulr1.
rewrite unmask_mix mulr_suml; apply: eq_bigr => f _; rewrite -mulrA.
case: (eqVneq (rbits r x f) 0) => [->|f0]; first by rewrite !mul0r.
congr (_ * _); rewrite /indep; case on : (onto x (setof f) y); last by rewrite !mul0r.
congr (_ * _); rewrite [RHS]big_mkcond; apply: eq_bigr => i _; rewrite inE.
rewrite (onto_newf f0 on) ffunE; case: (x i) => [a|] //=.
by case: (y i).
Qed.

Lemma tv_par_rev r x : 0 <= r <= 1 -> marg q x != 0 ->
  tv (par r p x) (rev q r x)
  = \sum_f rbits r x f * tv (indep p x (setof f)) (joint q x (setof f)).
Proof.
move=> hr m0; have [b0 _] := rbits_dist x hr.
rewrite (eq_tv (fun y => par_mix r x y) (fun y => rev_mix r y m0)) /tv.
rewrite (eq_bigr (fun f : {ffun I -> bool} => 2%:R^-1 * \sum_y rbits r x f *
   `|indep p x (setof f) y - joint q x (setof f) y|)) => [|f _]; last first.
  by rewrite -mulr_sumr mulrCA.
rewrite -mulr_sumr exchange_big; congr (_ * _); apply: eq_bigr => y _ /=.
rewrite /push -sumrB.
have z f : f != newf x y -> rbits r x f * indep p x (setof f) y = 0 /\
    rbits r x f * joint q x (setof f) y = 0.
  move=> fn; case: (eqVneq (rbits r x f) 0) => [->|f0]; first by rewrite !mul0r.
  rewrite /indep /joint; case on : (onto x (setof f) y); last by rewrite !mul0r !mulr0.
  by move: fn; rewrite (onto_newf f0 on) eqxx.
rewrite (bigD1 (newf x y)) //= [X in `|_ + X|]big1 ?addr0 => [|f /z [-> ->]]; last by rewrite subrr.
rewrite [RHS](bigD1 (newf x y)) //= [X in _ = _ + X]big1 ?addr0 => [|f /z [e e']].
  by rewrite -mulrBr normrM ger0_norm.
by rewrite -[rbits r x f]ger0_norm // -normrM mulrBr e e' subrr normr0.
Qed.

Lemma indep_dist x B : B \subset maskset x -> dist (indep p x B).
Proof.
move=> /subsetP Bm.
pose c i (o : option A) : R := if i \in B then (if o is Some b then p x i b else 0) else (o == x i)%:R.
have dc i : dist (c i).
  rewrite /c; case: (i \in B); last exact: point_dist.
  split=> [[b|]|] //; first by case: (dp x i).
  by rewrite sum_option add0r; case: (dp x i).
have e y : indep p x B y = \prod_i c i (y i).
  rewrite /indep; case: (boolP (onto x B y)) => [/forallP on|].
    rewrite mul1r [LHS]big_mkcond; apply: eq_bigr => i _; rewrite /c; have := on i.
    case iB : (i \in B) => /=; last by rewrite andbF => /eqP ->; rewrite eqxx.
    by case: (y i).
  rewrite negb_forall => /existsP[i]; rewrite mul0r (bigD1 i) //= {1}/c.
  case iB : (i \in B) => /=; last by rewrite andbF => /negPf ->; rewrite mul0r.
  by have := Bm _ iB; rewrite inE => -> /=; rewrite negbK => /eqP ->; rewrite mul0r.
split=> [y|]; first by rewrite e; apply: prodr_ge0 => i _; case: (dc i).
under eq_bigr do rewrite e; rewrite -(bigA_distr_bigA c) /=.
by apply: big1 => i _; case: (dc i).
Qed.

(* Blocks of one token or none agree. *)
Lemma small_block x B : B \subset maskset x -> marg q x != 0 -> (#|B| <= 1)%N ->
  indep p x B =1 joint q x B.
Proof.
move=> /subsetP Bm m0 B1 y; rewrite /indep /joint; case: (boolP (onto x B y)) => [/forallP on|]; last first.
  by rewrite !mul0r.
rewrite !mul1r; case: (posnP #|B|) => [/eqP|B0].
  rewrite cards_eq0 => /eqP Be; rewrite Be big_set0.
  have -> : y = x by apply/ffunP=> i; have := on i; rewrite Be inE andbF => /eqP.
  by rewrite divff.
have /cards1P[i Be] : #|B| == 1%N by rewrite eqn_leq B1.
have iB : i \in B by rewrite Be inE.
have /eqP xi : x i == None by have := Bm _ iB; rewrite inE.
rewrite Be big_set1; have := on i; rewrite xi iB /=; case yi : (y i) => [b|] // _.
have -> : y = upd x i b.
  apply/ffunP=> j; rewrite ffunE; case: (eqVneq j i) => [->//|ji].
  by have := on j; rewrite Be inE (negPf ji) andbF => /eqP.
by rewrite -(proj2 ep) // mulrAC mulfV ?mul1r.
Qed.

Lemma rbits_two r x i j : i != j -> x i = None -> x j = None ->
  \sum_f rbits r x f * (f i && f j)%:R = r ^+ 2.
Proof.
move=> ij xi xj.
pose c k (b : bool) : R := rbit r (x k) b * (if (k == i) || (k == j) then b%:R else 1).
rewrite (eq_bigr (fun f : {ffun I -> bool} => \prod_k c k (f k))) => [|f _]; last first.
  rewrite /c big_split /=; congr (_ * _); rewrite (bigD1 i) //= eqxx /=.
  rewrite (bigD1 j) /= 1?eq_sym // eqxx orbT /= big1 ?mulr1 => [|k /andP[/negPf -> /negPf ->] //].
  by case: (f i); case: (f j); rewrite /= ?mulr1 ?mulr0.
rewrite -(bigA_distr_bigA c) (bigD1 i) //= (bigD1 j) /= 1?eq_sym // [X in _ * (_ * X)]big1 ?mulr1; last first.
  move=> k /andP[/negPf ki /negPf kj]; rewrite big_bool /c ki kj /= !mulr1.
  by case: (x k) => [a|] /=; rewrite ?add0r // addrC subrK.
rewrite !big_bool /c !eqxx orbT /= xi xj /= !mulr0 !addr0 !mulr1.
by rewrite expr2.
Qed.

(* Two tokens in F: at least two ordered pairs. *)
Lemma many_le (F : {set I}) :
  2%:R * (1 < #|F|)%N%:R <= \sum_i \sum_(j | i != j) ((i \in F) && (j \in F))%:R :> R.
Proof.
have s0 i (P : pred I) : 0 <= \sum_(j | P j) ((i \in F) && (j \in F))%:R :> R.
  by apply: sumr_ge0 => j _; rewrite ler0n.
case: ltnP => [/card_gt1P[i [j [iF jF ij]]]|_]; last first.
  by rewrite mulr0; apply: sumr_ge0 => i _; apply: s0.
have h k l : k \in F -> l \in F -> k != l ->
    1 <= \sum_(j | k != j) ((k \in F) && (j \in F))%:R :> R.
  move=> kF lF kl; rewrite (bigD1 l) //= kF lF /= ler_addl.
  by apply: sumr_ge0 => m _; rewrite ler0n.
rewrite mulr1 (bigD1 i) //= [X in _ <= _ + X](bigD1 j) 1?eq_sym //= addrA.
apply: (@le_trans _ _ (1 + 1)); first by rewrite mulr2n.
rewrite -[X in X <= _]addr0 ler_add //; last by apply: sumr_ge0 => k _; apply: s0.
by apply: ler_add; [exact: (h i j) | apply: (h j i); rewrite // eq_sym].
Qed.

Lemma rbits_two_le r x i j : 0 <= r <= 1 -> i != j ->
  \sum_f rbits r x f * (f i && f j)%:R
  = (if x i is None then 1 else 0) * (if x j is None then 1 else 0) * r ^+ 2.
Proof.
move=> hr ij; case xi : (x i) => [a|]; last first.
  case xj : (x j) => [b|]; last by rewrite rbits_two // !mul1r.
  rewrite mulr0 mul0r big1 // => f _; case: (eqVneq (rbits r x f) 0) => [->|f0].
    by rewrite mul0r.
  case fj : (f j); rewrite ?andbF ?mulr0 //; by have := rbits_sub f0 fj; rewrite xj.
rewrite mul0r mul0r big1 // => f _; case: (eqVneq (rbits r x f) 0) => [->|f0].
  by rewrite mul0r.
case fi : (f i); rewrite /= ?mulr0 //; by have := rbits_sub f0 fi; rewrite xi.
Qed.

Lemma sum_mask x : \sum_i (if x i is None then 1 else 0) = (nmask x)%:R :> R.
Proof.
rewrite /nmask -sum1_card natr_sum [RHS]big_mkcond; apply: eq_bigr => i _.
by rewrite inE; case: (x i).
Qed.

Lemma pairs_mask x : \sum_i \sum_(j | i != j) (if x i is None then 1 else 0) * (if x j is None then 1 else 0)
  = 2%:R * 'C(nmask x, 2)%:R :> R.
Proof.
pose m i : R := if x i is None then 1 else 0.
have e i : \sum_(j | i != j) m i * m j = m i * (nmask x)%:R - m i.
  rewrite -mulr_sumr -sum_mask [in RHS](bigD1 i) //= -/m mulrDr.
  have -> : m i * m i = m i by rewrite /m; case: (x i); rewrite ?mulr0 ?mulr1.
  rewrite addrAC subrr add0r; congr (_ * _); by apply: eq_bigl => j; rewrite eq_sym.
rewrite (eq_bigr _ (fun i _ => e i)) sumrB -mulr_suml sum_mask.
case: (nmask x) => [|n]; first by rewrite mul0r subrr mulr0.
have h : (2 * 'C(n.+1, 2) = n.+1 * n)%N by rewrite -mul_bin_diag bin1.
by rewrite -[RHS]natrM h natrM -addn1 natrD; move: (n%:R) => t; ring_R.
Qed.

Lemma local_parallel r x : 0 <= r <= 1 -> marg q x != 0 ->
  tv (par r p x) (rev q r x) <= 'C(nmask x, 2)%:R * r ^+ 2.
Proof.
move=> hr m0; rewrite tv_par_rev //; have [b0 _] := rbits_dist x hr.
have two : 0 < 2%:R :> R by rewrite ltr0n.
rewrite -(ler_pmul2l two); apply: (@le_trans _ _ (\sum_i \sum_(j | i != j)
    \sum_f rbits r x f * (f i && f j)%:R)); last first.
  under eq_bigr do under eq_bigr do rewrite rbits_two_le //.
  under eq_bigr do rewrite -mulr_suml; rewrite -mulr_suml pairs_mask.
  by rewrite -[X in X <= _]mulrA lexx.
have -> : \sum_i \sum_(j | i != j) \sum_f rbits r x f * (f i && f j)%:R
  = \sum_f \sum_i \sum_(j | i != j) rbits r x f * (f i && f j)%:R.
  rewrite [RHS]exchange_big; apply: eq_bigr => i _ /=; exact: exchange_big.
rewrite mulr_sumr ler_sum // => f _.
under [X in _ <= X]eq_bigr do rewrite -mulr_sumr.
rewrite -mulr_sumr mulrCA; case: (eqVneq (rbits r x f) 0) => [->|f0]; first by rewrite !mul0r.
rewrite ler_wpmul2l //.
apply: (@le_trans _ _ (2%:R * (1 < #|setof f|)%N%:R)); last first.
  apply: le_trans (many_le (setof f)) _; apply: ler_sum => i _; apply: ler_sum => j _.
  by rewrite !inE.
have sub : setof f \subset maskset x.
  by apply/subsetP=> i; rewrite !inE => /(rbits_sub f0) ->.
rewrite ler_wpmul2l ?ler0n //; case: ltnP => h.
  by rewrite mulr1n; apply: tv_le1; [exact: indep_dist | exact: (joint_dist dq)].
by rewrite (eq_tv (small_block sub m0 h) (fun => erefl)) tvxx ler0n.
Qed.

(* The same sum over the sets of masked tokens. *)
Lemma sum_sets r x (F : {set I} -> R) :
  \sum_f rbits r x f * F (setof f)
  = \sum_(B : {set I} | B \subset maskset x) r ^+ #|B| * (1 - r) ^+ (nmask x - #|B|) * F B.
Proof.
rewrite [RHS]big_mkcond (reindex (@setof I)) /=; last first.
  exists (fun B : {set I} => [ffun i => i \in B]) => [f _|B _].
    by apply/ffunP=> i; rewrite ffunE inE.
  by apply/setP=> i; rewrite inE ffunE.
apply: eq_bigr => f _; case: (boolP (setof f \subset maskset x)) => [/subsetP sub|/subsetPn[i fi xi]].
  congr (_ * _).
  have -> : (nmask x - #|setof f|)%N = #|maskset x :\: setof f|.
    rewrite cardsD (setIidPr _) //; apply/subsetP; exact: sub.
  have pc (c : R) (B : {set I}) : c ^+ #|B| = \prod_i (if i \in B then c else 1).
    by rewrite -prodr_const [LHS]big_mkcond.
  rewrite /rbits !pc -big_split /=; apply: eq_bigr => i _.
  have := sub i; rewrite !inE /rbit; case: (x i) => [a|] /=.
    by case: (f i) => [/(_ isT)|] //; rewrite mulr1.
  by case: (f i); rewrite ?mulr1 ?mul1r.
rewrite /rbits (bigD1 i) //= /rbit; move: fi xi; rewrite !inE => ->.
by case: (x i) => [a|] //; rewrite !mul0r.
Qed.
End Local.
