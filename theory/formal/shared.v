(* L3: the exact total variation on shared symbols, for every schedule, leftover included. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler euler_sharp birthday policy symmetric policy_lower alloc.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section L3.
Variable R : realFieldType.
Variables (d N : nat) (B : finType).
Hypothesis b_gt0 : (0 < #|B|)%N.
Let I := [finType of 'I_d].
Let A := [finType of {ffun 'I_d -> B}].
Let ib : R := #|B|%:R^-1.
Let q := uniform_on R (@symmetric_array d B).
Variables (r : nat -> R) (p : state I A -> I -> A -> R).
Hypotheses (hr : rate r) (ep : exact_denoiser q p).

Lemma ib_pow_gt0 m : (0 < m)%N -> 0 < ib ^+ m.
Proof. by move=> _; rewrite exprn_gt0 // ib_gt0. Qed.

Lemma alloc_loss3 (f : {ffun I -> 'I_N}) : alloc_loss (fun m => ib ^+ m) f
  = ib ^+ (\sum_(t < N) 'C(#|[set i | f i == t :> nat]|, 2)).
Proof.
rewrite /alloc_loss -prodrXr; apply: eq_bigr => t _; rewrite loss3 //.
by apply: subset_leq_card; apply/subsetP=> i; rewrite !inE => /eqP ->.
Qed.

Theorem L3 : tv (euler r (fun => p) N) (ext q)
  = 1 - \sum_(f : {ffun I -> 'I_N}) (\prod_i step r (f i))
          * ib ^+ (\sum_(t < N) 'C(#|[set i | f i == t :> nat]|, 2)).
Proof.
rewrite (tv_symmetric_euler N hr (dq3 R d b_gt0) ep (@q3u_counted R d B b_gt0) ib_pow_gt0 (ib_mono R b_gt0)).
by congr (1 - _); apply: eq_bigr => f _; rewrite alloc_loss3.
Qed.
End L3.
