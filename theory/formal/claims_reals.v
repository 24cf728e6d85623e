(* The machine-checked claims over the real numbers of MathComp-Analysis, which rest on its three
   classical axioms. The rules of claims.v hold here too. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import reals sequences exp.
From Sharprates Require Import compat dist partial euler e5 reals.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(** claim: E5
    says: E5's first form with the exponential and the logarithm of the real numbers.
    covers: The first form without leftover over the real numbers. It leaves out leftover masks
        and the form with the mutual information. *)
Theorem claim_E5_real (R : realType) (I A : finType) (q : full I A -> R) p (r : nat -> R) K :
  dist q -> exact_denoiser q p -> rate r -> r K = 1 -> (0 < #|I|)%N ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - expR (- (#|I|%:R * \sum_(m < #|I|)
         pos (nlaw I r K m - #|I|%:R^-1) * curve (@ln R) q p m)).
Proof. by move=> dq ep hr rK; apply: (E5 (@real_exponential R)). Qed.

(** claim: E5
    says: E5's log S form with the exponential and the logarithm of the real numbers: TV <= 1 -
        exp(-d TV(N, Unif) log S).
    covers: The log S form without leftover over the real numbers. It leaves out leftover masks. *)
Theorem claim_E5_real_logS (R : realType) (I A : finType) (q : full I A -> R) p (r : nat -> R) K :
  dist q -> exact_denoiser q p -> rate r -> r K = 1 -> (0 < #|I|)%N -> (0 < #|A|)%N ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - expR (- (#|I|%:R * tv (fun m : 'I_#|I| => nlaw I r K m) (fun => #|I|%:R^-1)
         * ln #|A|%:R)).
Proof. by move=> dq ep hr rK d0 A0; apply: (E5_logS (@real_exponential R) dq ep hr rK d0 A0). Qed.
