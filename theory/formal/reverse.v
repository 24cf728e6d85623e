(* F5: the exact reverse kernel. E1 for the parallel unmasking sampler: the local error splits into
   score, clock and parallel decoding. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler forward.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* Total variation is subadditive over independent coordinates. *)
Lemma tv_prod (R : realFieldType) (J T : finType) (f g : J -> T -> R) :
  (forall i, dist (f i)) -> (forall i, dist (g i)) ->
  tv (fun y : {ffun J -> T} => \prod_i f i (y i)) (fun y => \prod_i g i (y i))
    <= \sum_i tv (f i) (g i).
Proof.
move=> df dg; pose h (s : seq J) i := if i \in s then g i else f i.
pose H s (y : {ffun J -> T}) := \prod_i h s i (y i).
have dh s i : dist (h s i) by rewrite /h; case: ifP.
have one a s : tv (H s) (H (a :: s)) <= tv (f a) (g a).
  case sa : (a \in s).
    rewrite (_ : tv (H s) _ = 0) ?tv_ge0 // (@eq_tv R _ _ (H s) _ (H s)) ?tvxx // => y.
    by apply: eq_bigr => i _; rewrite /h inE; case: eqP => [->|//]; rewrite sa.
  rewrite /tv ler_wpmul2l ?invr_ge0 ?ler0n //.
  pose c j o := if j == a then `|f a o - g a o| else h s j o.
  have -> : \sum_(y : {ffun J -> T}) `|H s y - H (a :: s) y|
    = \sum_(y : {ffun J -> T}) \prod_j c j (y j).
    apply: eq_bigr => y _; rewrite /H [in RHS](bigD1 a) //= {1}/c eqxx.
    rewrite (bigD1 a) //= [X in _ - X](bigD1 a) //= /h sa mem_head.
    rewrite [X in _ - _ * X](eq_bigr (fun i => h s i (y i))) => [|i /negPf ia]; last first.
      by rewrite inE ia.
    rewrite -mulrBl normrM; congr (_ * _); rewrite ger0_norm; last first.
      by apply: prodr_ge0 => i _; case: (dh s i).
    by apply: eq_bigr => i /negPf ia; rewrite /c ia.
  rewrite -(bigA_distr_bigA c) (bigD1 a) //= [X in _ * X]big1 ?mulr1 => [|i /negPf ia].
    by apply: ler_sum => o _; rewrite /c eqxx.
  by rewrite (eq_bigr (h s i)) => [|o _]; [case: (dh s i) | rewrite /c ia].
have main s : tv (H [::]) (H s) <= \sum_(i <- s) tv (f i) (g i).
  elim: s => [|a s IHs]; first by rewrite tvxx big_nil.
  rewrite big_cons addrC; apply: le_trans (tv_triangle _ (H s) _) _; exact: ler_add.
apply: le_trans (main (index_enum J)).
rewrite (@eq_tv R _ _ (H [::]) _ (H (index_enum J))) // => y.
by apply: eq_bigr => i _; rewrite /h mem_index_enum.
Qed.

Section Reverse.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x y : state) (q : full -> R) (B : {set I}).

(* One token of the pattern of masks: revealed with probability r; what is revealed stays. *)
Definition unmask (r : R) (xi yi : option A) : R :=
  match xi, yi with
  | Some a, _ => (yi == Some a)%:R
  | None, None => 1 - r
  | None, Some _ => r
  end.
(* The exact reverse kernel: every masked token is unmasked independently with probability r, the
   revealed values jointly from q_0(x_B | x_U) = q_0(y) / q_0(x). Where q_0(x_U) = 0 it stays. *)
Definition rev q (r : R) x y : R :=
  if marg q x == 0 then point R x y
  else (\prod_i unmask r (x i) (y i)) * (marg q y / marg q x).

(* y reveals, of the masked tokens of x, exactly those in B, and agrees with x elsewhere. *)
Definition onto x B y : bool :=
  [forall i, if (x i == None) && (i \in B) then y i != None else y i == x i].
Definition maskset x : {set I} := [set i | x i == None].
(* Given the revealed set B: values drawn jointly, or independently. *)
Definition joint q x B y : R := (onto x B y)%:R * (marg q y / marg q x).
Definition indep (p : state -> I -> A -> R) x B y : R :=
  (onto x B y)%:R * \prod_(i in B) (if y i is Some b then p x i b else 0).

Lemma marg_below q x y : dist q -> (forall i a, x i = Some a -> y i = Some a) -> marg q y <= marg q x.
Proof.
move=> [q0 _] h; rewrite /marg [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum // => z _.
case: (boolP (below y z)) => [/forallP yz|_]; last by case: ifP.
rewrite (_ : below x z = true) //; apply/forallP=> i.
case xi : (x i) => [a|] //=; have := yz i; by rewrite (h _ _ xi).
Qed.

(* ------------------------------------------------------------------ F5 *)

Lemma qtE q al x : qt q al x = (\prod_i (if x i is Some _ then al else 1 - al)) * marg q x.
Proof.
rewrite /qt -nmaskE exprn_nmask exprn_revealed -big_split /=; congr (_ * _).
by apply: eq_bigr => i _; case: (x i) => [u|] /=; rewrite ?mulr1 ?mul1r.
Qed.

(* Bayes: forward from s to t, or backward from t to s: the same joint law. *)
Theorem F5_bayes q al be x y : dist q -> al < 1 -> 0 < be ->
  qt q be y * absorb (al / be) y x = qt q al x * rev q ((be - al) / (1 - al)) x y.
Proof.
move=> dq al1 be0; have be_n : be != 0 by rewrite gt_eqF.
have al_n : 1 - al != 0 by rewrite subr_eq0 gt_eqF.
have key : qt q be y * absorb (al / be) y x
  = (\prod_i (if x i is Some _ then al else 1 - al))
    * (\prod_i unmask ((be - al) / (1 - al)) (x i) (y i)) * marg q y.
  rewrite qtE mulrAC /absorb -!big_split /=; congr (_ * _); apply: eq_bigr => i _.
  have e1 : be * (1 - al / be) = be - al by rewrite mulrBr mulr1 mulrCA divff ?mulr1.
  have e2 : (1 - al) * ((be - al) / (1 - al)) = be - al by rewrite mulrCA divff ?mulr1.
  have e3 : be * (al / be) = al by rewrite mulrCA divff ?mulr1.
  case: (x i) (y i) => [u|] [v|] /=; rewrite ?mulr0 ?mulr1 //.
  - by rewrite mulrA e3 eq_sym.
  - by rewrite e1 e2.
  - by rewrite mulrBr e2 mulr1 opprB addrA subrK.
rewrite key qtE /rev; case: eqP => [m0|/eqP m0]; last first.
  by rewrite -!mulrA; congr (_ * _); rewrite mulrCA; congr (_ * _); rewrite mulrCA mulfV ?mulr1.
rewrite m0 mulr0 mul0r; case: (boolP [forall i, (x i == None) || (y i == x i)]) => [/forallP h|].
  have : marg q y <= marg q x.
    apply: marg_below => // i a xi; have := h i; by rewrite xi => /eqP.
  rewrite m0 => m1; have -> : marg q y = 0 by apply/eqP; rewrite eq_le m1 marg_ge0 //; case: dq.
  by rewrite mulr0.
rewrite negb_forall => /existsP[i]; rewrite negb_or => /andP[xi yi].
rewrite [X in _ * X * _](bigD1 i) //= /unmask.
case: (x i) xi yi => [u|] //= _ /negPf ->; by rewrite mul0r mulr0 mul0r.
Qed.

Section Step.
Variable q : full -> R.
Hypothesis dq : dist q.
Let q0 : nonneg q := proj1 dq.

Lemma sum_onto_below x B z : \sum_y (onto x B y)%:R * (below y z)%:R = (below x z)%:R :> R.
Proof.
pose c i (o : option A) : R :=
  ((if (x i == None) && (i \in B) then o != None else o == x i) && ((o == None) || (o == Some (z i))))%:R.
have nat_prod (P : pred I) : [forall i, P i]%:R = \prod_i (P i)%:R :> R.
  case: (boolP [forall i, P i]) => [/forallP h|].
    by rewrite big1 // => i _; rewrite h.
  by rewrite negb_forall => /existsP[i /negPf h]; rewrite (bigD1 i) //= h mul0r.
rewrite (eq_bigr (fun y : state => \prod_i c i (y i))) => [|y _]; last first.
  rewrite -natrM mulnb /onto /below.
  have -> : [forall i, if (x i == None) && (i \in B) then y i != None else y i == x i]
     && [forall i, (y i == None) || (y i == Some (z i))]
     = [forall i, (if (x i == None) && (i \in B) then y i != None else y i == x i)
          && ((y i == None) || (y i == Some (z i)))].
    apply/andP/forallP => [[/forallP h /forallP h'] i|h]; first by rewrite h h'.
    by split; apply/forallP=> i; case/andP: (h i).
  exact: nat_prod.
rewrite -(bigA_distr_bigA c) /below nat_prod; apply: eq_bigr => i _.
rewrite sum_option /c; case: (x i) => [a|] /=.
  rewrite add0r (bigD1 a) //= eqxx big1 ?addr0 //= => b ba.
  by rewrite (_ : (Some b == Some a) = false) //; apply/negbTE.
case: (i \in B) => /=; last by rewrite big1 ?addr0.
rewrite add0r (bigD1 (z i)) //= eqxx big1 ?addr0 // => b bz.
by rewrite (_ : (Some b == Some (z i)) = false) //; apply/negbTE.
Qed.

Lemma joint_dist x B : marg q x != 0 -> dist (joint q x B).
Proof.
move=> m0; split=> [y|]; first by rewrite mulr_ge0 ?ler0n // divr_ge0 // marg_ge0.
rewrite /joint; under eq_bigr do rewrite mulrA; rewrite -mulr_suml.
suff -> : \sum_y (onto x B y)%:R * marg q y = marg q x by rewrite mulfV.
rewrite {2}/marg [RHS]big_mkcond (eq_bigr (fun y => \sum_z q z * ((onto x B y)%:R * (below y z)%:R))).
  rewrite exchange_big; apply: eq_bigr => z _; rewrite -mulr_sumr sum_onto_below.
  by case: (below x z); rewrite ?mulr1 ?mulr0.
move=> y _; rewrite /marg big_mkcond mulr_sumr; apply: eq_bigr => z _.
by case: (below y z); rewrite ?mulr1 ?mulr0 // mulrC.
Qed.

(* The random set of tokens that a step reveals at x: each masked token independently. *)
Definition rbit (r : R) (xi : option A) (b : bool) : R :=
  if xi is Some _ then (~~ b)%:R else if b then r else 1 - r.
Definition rbits r x (f : {ffun I -> bool}) : R := \prod_i rbit r (x i) (f i).
Definition setof (f : {ffun I -> bool}) : {set I} := [set i | f i].

Lemma rbit_dist r xi : 0 <= r <= 1 -> dist (rbit r xi).
Proof.
move=> /andP[r0 r1]; split=> [b|].
  by case: xi => [a|] /=; rewrite ?ler0n //; case: b; rewrite ?subr_ge0.
by rewrite big_bool /=; case: xi => [a|] /=; rewrite ?add0r // addrC subrK.
Qed.

Lemma rbits_dist r x : 0 <= r <= 1 -> dist (rbits r x).
Proof.
move=> hr; split=> [f|]; first by apply: prodr_ge0 => i _; case: (rbit_dist (x i) hr).
rewrite /rbits -(bigA_distr_bigA (fun i b => rbit r (x i) b)) /=.
by apply: big1 => i _; case: (rbit_dist (x i) hr).
Qed.

(* The only f that counts for y. *)
Definition newf x y : {ffun I -> bool} := [ffun i => (x i == None) && (y i != None)].

Lemma unmask_mix r x y :
  \prod_i unmask r (x i) (y i) = \sum_f rbits r x f * (onto x (setof f) y)%:R.
Proof.
case: (boolP [forall i, (x i == None) || (y i == x i)]) => [/forallP h|no].
  rewrite (bigD1 (newf x y)) //= [X in _ + X]big1 ?addr0 => [|f fn].
    rewrite (_ : onto _ _ _ = true) ?mulr1; last first.
      apply/forallP=> i; have := h i; rewrite inE ffunE andbA andbb.
      by case: (x i) (y i) => [a|] [b|].
    apply: eq_bigr => i _; have := h i; rewrite ffunE /unmask /rbit.
    by case: (x i) (y i) => [a|] [b|] //= ->.
  case: (boolP (onto x (setof f) y)) => [/forallP on|_]; last by rewrite mulr0.
  suff [i e] : exists i, (x i != None) && f i.
    rewrite /rbits (bigD1 i) //= /rbit; case: (x i) e => [a|] //= ->; by rewrite !mul0r.
  apply/existsP; apply: contraNT fn; rewrite negb_exists => /forallP no.
  apply/eqP/ffunP=> i; rewrite ffunE; have := on i; have := no i; rewrite inE.
  by case: (x i) => [a|] /=; [move/negbTE | case: (f i) => // _ /eqP ->].
rewrite [RHS]big1 => [|f _]; last first.
  case: (boolP (onto x (setof f) y)) => [/forallP on|_]; last by rewrite mulr0.
  move: no; rewrite negb_forall => /existsP[i]; have := on i.
  by case: (x i == None) => //= ->.
move: no; rewrite negb_forall => /existsP[i]; rewrite negb_or => /andP[xi yi].
rewrite (bigD1 i) //= /unmask; case: (x i) xi yi => [u|] //= _ /negPf ->; by rewrite mul0r.
Qed.

Lemma rev_mix r x y : marg q x != 0 ->
  rev q r x y = push (rbits r x) (fun f => joint q x (setof f)) y.
Proof.
move=> /negPf m0; rewrite /rev m0 unmask_mix mulr_suml /push; apply: eq_bigr => f _.
by rewrite /joint -!mulrA.
Qed.

Lemma rev_dist r : 0 <= r <= 1 -> kernel (rev q r).
Proof.
move=> hr x; case: (eqVneq (marg q x) 0) => [m0|m0].
  have [h0 h1] := point_dist R x.
  by split=> [y|]; rewrite /rev m0 eqxx.
have [h0 h1] := push_dist (rbits_dist x hr) (fun f => joint_dist (setof f) m0).
split=> [y|]; first by rewrite rev_mix.
by rewrite -h1; apply: eq_bigr => y _; rewrite rev_mix.
Qed.

Lemma rev0 x y : dist q -> rev q 0 x y = point R x y.
Proof.
move=> _; rewrite /rev; case: eqP => // /eqP m0; rewrite /point.
case: (eqVneq y x) => [->|yx].
  rewrite divff // mulr1 big1 // => i _; rewrite /unmask; case: (x i) => [a|]; rewrite ?eqxx ?subr0 //.
have [i yi] : exists i, y i != x i.
  apply/existsP; rewrite -negb_forall; apply: contra yx => /forallP h.
  by apply/eqP/ffunP=> i; apply/eqP.
rewrite (bigD1 i) //= /unmask; case: (x i) yi => [a|] /= yi; first by rewrite (negPf yi) !mul0r.
by case: (y i) yi => [b|] //= _; rewrite !mul0r.
Qed.

(* q_s = q_t composed with the kernel. *)
Theorem F5 al be : 0 <= al -> al <= be -> be <= 1 -> al < 1 ->
  push (qt q al) (rev q ((be - al) / (1 - al))) =1 qt q be.
Proof.
move=> al0 albe be1 al1 y; have [be0|be0] := eqVneq be 0.
  have al_0 : al = 0 by apply/eqP; rewrite eq_le al0 -be0 albe.
  rewrite be0 al_0 subrr mul0r /push; under eq_bigr do rewrite rev0 //.
  rewrite (bigD1 y) //= /point eqxx mulr1 big1 ?addr0 // => x /negPf.
  by rewrite eq_sym => ->; rewrite mulr0.
have be_gt : 0 < be by rewrite lt_neqAle eq_sym be0 (le_trans al0).
rewrite /push; under eq_bigr do rewrite -F5_bayes //.
rewrite -mulr_sumr (proj2 (absorb_dist _ y)) ?mulr1 //.
by rewrite divr_ge0 ?(ltW be_gt) //= ler_pdivr_mulr // mul1r.
Qed.

End Step.
End Reverse.
