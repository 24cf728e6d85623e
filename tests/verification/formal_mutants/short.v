(* A mutant: d! e_d(w) leaves the last step out. The bound becomes weaker, so E3 still holds word
   for word. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler birthday.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Short.
Variable R : realFieldType.
Variables I A : finType.
Notation state := (state I A).
Notation full := (full I A).
Notation schedule := (nat -> R).
Notation denoisers := (nat -> state -> I -> A -> R).
Implicit Types q : full -> R.

Definition birthday (r : schedule) K : R := #|I|`!%:R * esp (step r) K.-1 #|I|.

Theorem E3 q p (phat : denoisers) (r : schedule) K :
  dist q -> exact_denoiser q p -> (forall k, denoiser (phat k)) -> rate r ->
  tv (euler r phat K) (ext q) <= 1 - birthday r K + eps_w q p phat r K.
Proof.
move=> dq ep dp hr; apply: le_trans (euler.E3 K dq ep dp hr) _.
rewrite ler_add2r ler_add2l ler_opp2 ler_wpmul2l ?ler0n //.
case: K => [|K]; rewrite ?lexx // -[K.+1.-1]/K; case: #|I| => [|n]; rewrite ?espn0 // espS ler_addl.
by rewrite mulr_ge0 ?step_ge0 ?esp_ge0 // => k; apply: step_ge0.
Qed.
End Short.
