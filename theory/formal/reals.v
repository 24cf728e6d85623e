(* The real numbers of MathComp-Analysis have an exponential: E5 over the reals. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import interval.
From mathcomp.classical Require Import boolp classical_sets functions mathcomp_extra.
From mathcomp Require Import reals signed topology normedtype sequences derive realfun exp.
From Sharprates Require Import compat dist partial euler e5.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Reals.
Variable R : realType.

(* The MathComp-Analysis of Debian 12 has this for a >= 0 only; the rest by the mean value theorem. *)
Lemma expR_ge_neg (a : R) : a < 0 -> 1 + a <= expR a.
Proof.
move=> a0; have [|c] := @MVT R (@expR R) (@expR R) a 0 a0 (fun x _ => is_derive_expR x).
  by apply/continuous_subspaceT=> ?; exact: continuous_expR.
rewrite in_itv /= => /andP[_ c0]; rewrite expR0 sub0r => e.
have c1 : expR c <= 1 by apply: ltW; rewrite expR_lt1.
have h : 1 - expR a <= - a by rewrite e -[X in _ <= X]mul1r ler_wpmul2r // oppr_ge0 ltW.
by move: h; rewrite ler_subl_addr addrC ler_subr_addr.
Qed.

Lemma expR_ge (a : R) : 1 + a <= expR a.
Proof. by case: (lerP 0 a) => a0; [exact: expR_ge1Dx | exact: expR_ge_neg]. Qed.

Lemma real_exponential : exponential (@expR R) (@ln R).
Proof.
split=> [a b|a|a a0]; [exact: expRD | exact: expR_ge | by rewrite lnK].
Qed.

End Reals.
