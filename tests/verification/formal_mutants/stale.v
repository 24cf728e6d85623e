(* A mutant: the denoiser always sees the all-mask state, as if no context were ever updated.
   claim_L0, which holds for every denoiser, still holds word for word. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Stale.
Variable R : realFieldType.
Variables I A : finType.
Definition par (r : R) (p : state I A -> I -> A -> R) (x y : state I A) : R :=
  euler.par r (fun _ => p (allmask I A)) x y.
Definition euler (r : nat -> R) (p : nat -> state I A -> I -> A -> R) K : state I A -> R :=
  law (point R (allmask I A)) (fun k => par (r k) (p k)) K.
End Stale.

Theorem claim_L0 (R : realFieldType) (I A : finType) (q : full I A -> R)
    (phat : nat -> state I A -> I -> A -> R) (r : nat -> R) K :
  rate r -> (forall k, denoiser (phat k)) -> dist q ->
  1 - (1 - surv r K) ^+ #|I| <= tv (euler r phat K) (ext q).
Proof.
move=> hr dp dq; apply: (euler.L0 K hr _ dq (p := fun k _ => phat k (allmask I A))).
by move=> k x; apply: dp.
Qed.
