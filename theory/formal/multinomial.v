(* The number of ordered set partitions with given sizes is a multinomial coefficient; S2 in full. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday policy symmetric alloc compositions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.

Section Multinomial.
Variable m : nat.

Definition counts (T : finType) (a : 'I_m -> nat) : nat :=
  \sum_(g : {ffun T -> 'I_m}) [forall k, \sum_i (g i == k) == a k].

Lemma counts_succ n (a : 'I_m -> nat) : counts [finType of 'I_n.+1] a
  = \sum_k \sum_(h : {ffun 'I_n -> 'I_m}) [forall l, (k == l) + \sum_i (h i == l) == a l].
Proof.
rewrite pair_bigA /= /counts.
rewrite (reindex (fun g : {ffun 'I_n.+1 -> 'I_m} => (g ord0, [ffun i => g (lift ord0 i)]))) /=.
  apply: eq_bigr => g _; congr nat_of_bool; apply: eq_forallb => k.
  rewrite big_ord_recl; congr (_ + _ == _); by apply: eq_bigr => i _; rewrite ffunE.
exists (fun c : 'I_m * {ffun 'I_n -> 'I_m} =>
  [ffun i : 'I_n.+1 => if unlift ord0 i is Some j then c.2 j else c.1]) => [g _|[k h] _] /=.
  apply/ffunP=> i; rewrite ffunE; case: unliftP => [j ->|-> //]; by rewrite ffunE.
congr (_, _); first by rewrite ffunE unlift_none.
by apply/ffunP=> i; rewrite !ffunE liftK.
Qed.

Lemma counts_ord n (a : 'I_m -> nat) : \sum_k a k = n ->
  counts [finType of 'I_n] a * \prod_k (a k)`! = n`!.
Proof.
elim: n a => [|n IHn] a an.
  have a0 k : a k = 0 by apply/eqP; move/eqP: an; rewrite sum_nat_eq0 => /forallP/(_ k).
  rewrite big1 ?muln1 => [|k _]; last by rewrite a0.
  rewrite /counts (eq_bigr (fun => 1)) => [|g _].
    by rewrite sum1_card card_ffun !card_ord.
  rewrite (_ : [forall k, _] = true) //; apply/forallP=> k.
  by rewrite big_ord0 a0.
rewrite counts_succ big_distrl /= (eq_bigr (fun k => a k * n`!)) => [|k _].
  by rewrite -big_distrl /= an factS.
case: (posnP (a k)) => [a0|ak].
  rewrite a0 mul0n big1 ?mul0n // => h _; apply/eqP; rewrite eqb0; apply/forallPn; exists k.
  by rewrite eqxx a0.
pose a' l := a l - (k == l).
have a'n : \sum_l a' l = n.
  apply: succn_inj; rewrite -an (bigD1 k) //= [RHS](bigD1 k) //= /a' eqxx subn1 -addSn prednK //.
  congr (_ + _); apply: eq_bigr => l; rewrite eq_sym => /negPf ->; by rewrite subn0.
rewrite -(IHn a' a'n) mulnCA; congr (_ * _).
  apply: eq_bigr => h _; congr nat_of_bool; apply: eq_forallb => l; rewrite /a'.
  case: (eqVneq k l) => [<-|_]; last by rewrite subn0.
  by rewrite -[in LHS](prednK ak) eqSS subn1.
rewrite (bigD1 k) //= [X in _ = _ * X](bigD1 k) //= /a' eqxx subn1 mulnA; congr (_ * _).
  by rewrite -{1 2}(prednK ak) factS.
by apply: eq_bigr => l; rewrite eq_sym => /negPf ->; rewrite subn0.
Qed.

Lemma card_partitions (I : finType) (a : 'I_m -> nat) : \sum_k a k = #|I| ->
  #|[pred g : {ffun I -> 'I_m} | [forall k, #|[set i | g i == k]| == a k]]| * \prod_k (a k)`! = #|I|`!.
Proof.
move=> ad; rewrite -(counts_ord ad); congr (_ * _); rewrite -sum1_card big_mkcond /counts.
rewrite (reindex (fun g : {ffun I -> 'I_m} => [ffun i : 'I_#|I| => g (enum_val i)])) /=; last first.
  exists (fun h : {ffun 'I_#|I| -> 'I_m} => [ffun i => h (enum_rank i)]) => [g _|h _].
    by apply/ffunP=> i; rewrite !ffunE enum_rankK.
  by apply/ffunP=> i; rewrite !ffunE enum_valK.
apply: eq_bigr => g _; rewrite inE.
rewrite (_ : [forall k, #|[set i | g i == k]| == a k]
  = [forall k, \sum_i ([ffun i : 'I_#|I| => g (enum_val i)] i == k) == a k]); first by case: [forall _, _].
apply: eq_forallb => k; congr (_ == _); rewrite -sum1_card big_mkcond /=.
rewrite (reindex (@enum_val I (mem I))) /=; last first.
  by exists enum_rank => i _; [exact: enum_valK | exact: enum_rankK].
by apply: eq_bigr => i _; rewrite ffunE inE; case: (_ == k).
Qed.
End Multinomial.

Section S2full.
Local Open Scope ring_scope.
Variable R : realFieldType.
Variables I A : finType.
Variable K : nat.
Notation d := #|I|.
Variables (r : nat -> R) (p : state I A -> I -> A -> R).

Definition partitions m (a : {ffun 'I_m -> 'I_d.+1}) : pred {ffun I -> 'I_m} :=
  [pred g | [forall k, sizes g k == a k]].

(* The block sampler: a uniformly random ordered set partition with the sizes a. *)
Definition block_mean m (a : {ffun 'I_m -> 'I_d.+1}) y : R :=
  #|partitions a|%:R^-1 * \sum_(g in partitions a) block_law p g y.

Lemma partitions_card m (a : {ffun 'I_m -> 'I_d.+1}) : composition a ->
  #|partitions a|%:R = d`!%:R / \prod_k (a k)`!%:R :> R.
Proof.
move=> /andP[_ /eqP ad]; rewrite -(card_partitions ad) natrM natr_prod mulfK //.
by apply/prodf_neq0 => k _; rewrite pnatr_eq0 -lt0n fact_gt0.
Qed.

Theorem S2_full y : euler r (fun => p) K (inj y)
  = \sum_(m < d.+1) \sum_(a : {ffun 'I_m -> 'I_d.+1} | composition a)
      d`!%:R / (\prod_k (a k)`!%:R) * monomial K (step r) (fun k => a k) * block_mean a y.
Proof.
rewrite S2_compositions; apply: eq_bigr => m _; apply: eq_bigr => a ca.
have nz : #|partitions a|%:R != 0 :> R.
  rewrite partitions_card // mulf_neq0 ?pnatr_eq0 -?lt0n ?fact_gt0 // invr_neq0 //.
  by apply/prodf_neq0 => k _; rewrite pnatr_eq0 -lt0n fact_gt0.
rewrite -partitions_card // mulrAC /block_mean mulrA divff // mul1r mulrC; congr (_ * _).
Qed.
End S2full.
