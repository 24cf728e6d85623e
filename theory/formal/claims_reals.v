(* The machine-checked claims over the real numbers of MathComp-Analysis, which rest on its three
   classical axioms. The rules of claims.v hold here too. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import reals sequences exp.
From Sharprates Require Import compat dist partial euler forward split e1_euler e2 e5 reals
  pinsker c1 fhs.
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

(** claim: E2
    says: E2 with the exponential of the real numbers.
    covers: The whole bound over the real numbers. It leaves out the step count that follows. *)
Theorem claim_E2_real (R : realType) (I A : finType) (q : full I A -> R) p
    (s : nat -> state I A -> I -> A -> R) (T : R) K :
  dist q -> exact_denoiser q p -> (forall k x i b, 0 <= s k x i b) -> 0 < T -> (0 < K)%N ->
  let h := T / K%:R in
  let alpha k := expR (- (T - k%:R * h)) in
  let score k x i b := alpha k / (1 - alpha k) * p x i b in
  tv (sampler (fun k x i b => h * s k x i b) K) (ext q)
    <= #|I|%:R * expR (- T)
       + \sum_(k < K) h * (\sum_x qt q (alpha k) x *
           \sum_(i | x i == None) Num.max (\sum_b pos (s k x i b - score k x i b))
                                          (\sum_b pos (score k x i b - s k x i b)))
       + (#|I| * #|I|.+1)%:R * h / 4%:R.
Proof.
move=> dq ep s0 T0 K0; have h0 : 0 < T / K%:R by rewrite divr_gt0 ?ltr0n.
have [exD ex_ge _] := @real_exponential R.
have archi (a : R) : exists n : nat, a <= n%:R.
  exists (Num.bound `|a|); apply: ltW; apply: le_lt_trans (ler_norm a) _.
  exact: archi_boundP.
have := E2_step exD ex_ge archi dq ep h0 K0 s0.
have -> : K%:R * (T / K%:R) = T by rewrite mulrC divfK // pnatr_eq0 -lt0n.
by [].
Qed.

(** claim: C1
    says: With the logarithm of the real numbers: epsilon_FHS <= sqrt(d epsilon_KL/2), and the
        total variation of FHS is at most sqrt(epsilon_KL/2).
    covers: Both bounds over the real numbers, where epsilon_KL is finite: wherever a symbol is
        possible at a context of positive probability the denoiser gives it a positive
        probability. *)
Theorem claim_C1_real (R : realType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) :
  dist q -> exact_denoiser q p -> (forall n, denoiser (phat n)) ->
  (forall n (x : state I A) i b, (n < #|I|)%N -> marg q x != 0 -> x i = None ->
    0 < p x i b -> 0 < phat n x i b) ->
  let eps_KL := \sum_(n < #|I|) \sum_(x | revealed x == n) marg q x / 'C(#|I|, n)%:R *
    ((#|I| - n)%:R^-1 * \sum_(i | x i == None) \sum_b p x i b * ln (p x i b / phat n x i b)) in
  eps_fhs q p phat <= Num.sqrt (#|I|%:R * eps_KL / 2%:R)
  /\ tv (fhs phat) (ext q) <= Num.sqrt (eps_KL / 2%:R).
Proof.
move=> dq ep dph ac eps_KL; have h := @real_exponential R.
have archi (a : R) : exists n : nat, a <= n%:R.
  exists (Num.bound `|a|); apply: ltW; apply: le_lt_trans (ler_norm a) _.
  exact: archi_boundP.
have root (x y : R) : 2%:R * x ^+ 2 <= y -> x <= Num.sqrt (y / 2%:R).
  move=> xy; apply: le_trans (ler_norm x) _; rewrite -sqrtr_sqr; apply: ler_wsqrtr.
  have two : 0 < 2%:R :> R by rewrite ltr0n.
  by rewrite -(ler_pmul2r two) divfK ?gt_eqF // mulrC.
by split; apply: root; [exact: (C1_fhs h archi) | exact: (C1_tv h archi)].
Qed.
