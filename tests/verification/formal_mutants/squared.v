(* A mutant: r is squared in a token's kernel, and in the step law as well, so that claim_E3 still
   holds word for word. No proof can object; the samplers do. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Squared.
Variable R : realFieldType.
Definition squared (r : nat -> R) : nat -> R := fun k => r k ^+ 2.
Definition surv (r : nat -> R) k : R := euler.surv (squared r) k.
Definition step (r : nat -> R) k : R := euler.step (squared r) k.

Lemma squared_rate r : rate r -> rate (squared r).
Proof.
by move=> h k; have /andP[r0 r1] := h k; rewrite exprn_ge0 // exprn_ile1.
Qed.

Variables I A : finType.
Definition tok (r : R) := @euler.tok R A (r ^+ 2).
Definition par (r : R) (p : state I A -> I -> A -> R) (x y : state I A) : R :=
  \prod_i tok r (p x i) (x i) (y i).
Definition euler (r : nat -> R) (p : nat -> state I A -> I -> A -> R) K : state I A -> R :=
  law (point R (allmask I A)) (fun k => par (r k) (p k)) K.
Definition eps_w (q : full I A -> R) p phat (r : nat -> R) K : R :=
  euler.eps_w q p phat (squared r) K.
End Squared.
Definition birthday (R : realFieldType) (I : finType) (r : nat -> R) K : R :=
  euler.birthday I (squared r) K.

Theorem claim_E3 (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) (r : nat -> R) K :
  dist q -> exact_denoiser q p -> (forall k, denoiser (phat k)) -> rate r ->
  tv (euler r phat K) (ext q)
    <= 1 - \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i step r (f i)
       + \sum_(k < K) step r k * \sum_i \sum_(x : state I A | x i == None)
           marg q x * (\sum_(l < k) step r l) ^+ revealed x
             * (1 - \sum_(l < k) step r l) ^+ (#|I|.-1 - revealed x) * tv (p x i) (phat k x i).
Proof.
by move=> dq ep dp /squared_rate hr; rewrite -(birthday_prob I (squared r)); apply: euler.E3.
Qed.
