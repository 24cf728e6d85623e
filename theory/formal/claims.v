(* The machine-checked claims, each stated in full.

   A reader has to trust this file, the definitions that its statements name (dist.v, partial.v, and
   the definitions of the other files; the book prints them) and Coq's kernel.

   Each theorem stands under a comment of three fields, which verification/formal.py reads:
     claim:   the ids of the registry to which the theorem belongs;
     says:    the theorem in words;
     covers:  how much of the registered claim this is, and what it leaves out.
   Nothing else may stand here, so that a statement means what it says without any context: no
   section, no variable, no definition, no notation. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial fhs fhs_sharp euler euler_sharp birthday pairs
  e5 forward c2fhs pairs_odd policy symmetric policy_lower reverse split e1_euler alloc codes
  shared e2 e6 e5_left spec compositions hellinger groups multinomial pinsker c1 confident
  permutations kl1 policy_kl block_lemma.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(** claim: F1
    says: The forward process, whatever times it is watched at: after steps in which an unmasked
        token survives with probabilities a_0, a_1, ..., a partial state that reveals x_U has
        probability alpha^|U| (1 - alpha)^(d - |U|) q_0(x_U), alpha the product of the a_k.
    covers: The whole claim, for the chain that masks every token independently, started from the
        data, at any finite set of times (one step of survival alpha included). *)
Theorem claim_F1 (R : realFieldType) (I A : finType) (q : full I A -> R) (a : nat -> R) n
    (x : state I A) :
  forward q a n x
    = let alpha := \prod_(k < n) a k in
      alpha ^+ revealed x * (1 - alpha) ^+ (#|I| - revealed x) * marg q x.
Proof. exact: F1. Qed.

(** claim: F2
    says: The total variation between q_T and the all-mask state is 1 - (1 - alpha)^d, at most
        d alpha; and for alpha > 0 some state has a positive probability under q_T and none under
        the all-mask law, so that KL(q_T, all masks) is infinite.
    covers: The whole claim; that KL is infinite is stated as the absence of absolute continuity. *)
Theorem claim_F2 (R : realFieldType) (I A : finType) (q : full I A -> R) (alpha : R) :
  dist q -> 0 <= alpha <= 1 ->
  [/\ tv (qt q alpha) (point R (allmask I A)) = 1 - (1 - alpha) ^+ #|I|,
      tv (qt q alpha) (point R (allmask I A)) <= #|I|%:R * alpha
    & 0 < alpha -> (0 < #|I|)%N -> exists x, 0 < qt q alpha x /\ point R (allmask I A) x = 0].
Proof.
move=> dq ha; split; [exact: F2 | exact: F2_le | move=> a0 d0].
by apply: F2_KL => //; rewrite a0; case/andP: ha.
Qed.

(** claim: F3
    says: Stopping early, at survival probability alpha, costs 1 - alpha^d, at most d (1 - alpha).
    covers: The whole claim. *)
Theorem claim_F3 (R : realFieldType) (I A : finType) (q : full I A -> R) (alpha : R) :
  dist q -> 0 <= alpha <= 1 ->
  tv (qt q alpha) (ext q) = 1 - alpha ^+ #|I| /\ tv (qt q alpha) (ext q) <= #|I|%:R * (1 - alpha).
Proof. by move=> dq ha; split; [exact: F3 | exact: F3_le]. Qed.

(** claim: F4
    says: The concrete score of q_t at a masked position i is alpha/(1 - alpha) q_0(a | x_U):
        q_t(x with x_i = a) is that multiple of q_t(x).
    covers: The formula of the score. It leaves out the rates and the Kolmogorov equation. *)
Theorem claim_F4 (R : realFieldType) (I A : finType) (q : full I A -> R) p (alpha : R)
    (x : state I A) i a :
  exact_denoiser q p -> alpha < 1 -> x i = None ->
  qt q alpha (upd x i a) = alpha / (1 - alpha) * p x i a * qt q alpha x.
Proof. exact: qt_score. Qed.

(** claim: F5
    says: From survival probability alpha to a larger one beta, the exact reverse kernel unmasks
        each masked token independently with probability rho = (beta - alpha)/(1 - alpha) and
        draws the revealed values jointly from q_0(x_B | x_U) = q_0(y)/q_0(x). It is a Markov
        kernel; with it q_s is q_t composed with the kernel; and it is the time reversal of the
        forward process: both give the same joint law of the two states.
    covers: The whole claim. Where q_0(x_U) = 0 the kernel stays. *)
Theorem claim_F5 (R : realFieldType) (I A : finType) (q : full I A -> R) (alpha beta : R) :
  dist q -> 0 <= alpha -> alpha <= beta -> beta <= 1 -> alpha < 1 ->
  let rho := (beta - alpha) / (1 - alpha) in
  [/\ 0 <= rho <= 1, kernel (rev q rho), push (qt q alpha) (rev q rho) =1 qt q beta
    & 0 < beta -> forall x y : state I A,
      qt q beta y * absorb (alpha / beta) y x = qt q alpha x * rev q rho x y].
Proof.
move=> dq a0 ab b1 a1 rho; have r01 : 0 <= rho <= 1.
  have c0 : 0 < 1 - alpha by rewrite subr_gt0.
  rewrite /rho; apply/andP; split; first by rewrite divr_ge0 ?subr_ge0 ?(ltW a1).
  by rewrite ler_pdivr_mulr // mul1r ler_add2r.
split=> //; [exact: rev_dist | exact: F5 | move=> b0 x y; exact: F5_bayes].
Qed.

(** claim: E1
    says: For any kernels of a sampler and any other kernels on a finite space, the error of the
        last law is at most the error of the first law, plus the error of each step averaged
        over the exact process, plus the error of stopping early.
    covers: The decomposition itself, for every finite state space and all kernels; for Euler's
        local split into score, clock and parallel decoding see claim_E1_euler. *)
Theorem claim_E1 (R : realFieldType) (T : finType) (p0 qT q0 : T -> R)
    (K Rv : nat -> T -> T -> R) n :
  nonneg qT -> (forall k, kernel (K k)) -> (forall k x, nonneg (Rv k x)) ->
  tv (law p0 K n) q0
    <= tv p0 qT + \sum_(k < n) (\sum_x law qT Rv k x * tv (K k x) (Rv k x))
       + tv (law qT Rv n) q0.
Proof. exact: E1. Qed.

(** claim: P2
    says: For a policy (the tokens of a round are a function of the partial state, of the round
        and of a seed, not of the values that the round draws) and any normalised denoiser, the
        total variation after n rounds is at most the expected sum, over the trajectory of a y
        from q_0, of the local errors: the total variation between the round's independent draws
        and a joint draw from q_0. Each local error is at most that of the exact denoiser plus
        the errors of the tokens drawn. The same bound holds with contexts drawn by the sampler.
        Each y drives one trajectory, which gives its exact probability.
    covers: The whole claim, for every n and any finite set of seeds; tokens left masked after n
        rounds are counted as errors. A set of tokens that are already revealed is allowed, and
        so is a round that reveals nothing; claim_P2_rounds says when nothing is left. The local
        errors are written as total variations between laws of the partial state after the
        round. *)
Theorem claim_P2 (R : realFieldType) (I A Omega : finType) (W : Omega -> R) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) (pi : Omega -> nat -> state I A -> {set I}) n :
  dist W -> dist q -> exact_denoiser q p -> (forall t, denoiser (phat t)) ->
  let context o y t := seen (pi o) y t in
  let drawn o y t := fresh (pi o t (context o y t)) (context o y t) in
  let error (p' : state I A -> I -> A -> R) o t x :=
    tv (draw_block (pi o t x) p' x) (joint_block (pi o t x) q x) in
  let left o y := (~~ isfull (context o y n))%:R in
  let P x := \sum_o W o * policy_law (pi o) phat n x in
  [/\ tv P (ext q)
        <= \sum_o W o * \sum_y q y * (\sum_(t < n) error (phat t) o t (context o y t) + left o y),
      (\sum_o W o * \sum_y q y * (\sum_(t < n) error (phat t) o t (context o y t) + left o y))
        <= \sum_o W o * \sum_y q y * (\sum_(t < n) error p o t (context o y t)
             + \sum_(t < n) \sum_(i in drawn o y t) tv (p (context o y t) i) (phat t (context o y t) i)
             + left o y),
      tv P (ext q)
        <= \sum_o W o * (\sum_(t < n) (\sum_(x | marg q x != 0)
                            policy_law (pi o) phat t x * error (phat t) o t x)
                         + \sum_y q y * left o y)
    & forall y, P (inj y) = \sum_o W o * ((isfull (context o y n))%:R
        * \prod_(t < n) \prod_(i in drawn o y t) phat t (context o y t) i (y i))].
Proof.
move=> dW dq ep dp /=; split; [exact: P2 | exact: P2_split | exact: P2_run_mixed |].
by move=> y; apply: eq_bigr => o _; rewrite policy_law_full.
Qed.

(** claim: P2
    says: A policy that reveals at least one token in every round has revealed all d tokens after
        d rounds; if it reveals exactly one a round, in an order that may depend on everything
        seen so far, the total variation is at most the expected sum of the denoiser's errors at
        the tokens drawn, and an exact denoiser gives q_0 itself.
    covers: The one-token form, consequence (i), for every policy; with claim_P2 the form without
        leftover. *)
Theorem claim_P2_rounds (R : realFieldType) (I A Omega : finType) (W : Omega -> R)
    (q : full I A -> R) p (phat : nat -> state I A -> I -> A -> R)
    (pi : Omega -> nat -> state I A -> {set I}) :
  dist W -> dist q -> exact_denoiser q p -> (forall t, denoiser (phat t)) ->
  let context o y t := seen (pi o) y t in
  let drawn o y t := fresh (pi o t (context o y t)) (context o y t) in
  let P (p' : nat -> state I A -> I -> A -> R) x := \sum_o W o * policy_law (pi o) p' #|I| x in
  ((forall o t x, ~~ isfull x -> fresh (pi o t x) x != set0) ->
     forall o y n, (#|I| <= n)%N -> isfull (context o y n))
  /\ ((forall o t x, ~~ isfull x -> #|fresh (pi o t x) x| = 1%N) ->
        (tv (P phat) (ext q)
          <= \sum_o W o * \sum_y q y * \sum_(t < #|I|) \sum_(i in drawn o y t)
               tv (p (context o y t) i) (phat t (context o y t) i))
        /\ tv (P (fun => p)) (ext q) = 0).
Proof.
move=> dW dq ep dp /=; split=> [hp o y n dn|one].
  exact: (seen_full y (hp o) dn).
by split; [exact: P2_one | exact: P2_one_exact dq ep one].
Qed.

(** claim: P2
    says: A round's local error with a denoiser that errs is at most its local error with any other
        denoiser, the exact one say, plus the differences of the two at the tokens drawn, at
        every context.
    covers: The second inequality of the claim context by context, so for contexts drawn by the
        sampler too; claim_P2 has the bounds that it is put into. *)
Theorem claim_P2_local (R : realFieldType) (I A : finType) (q : full I A -> R)
    (p phat : state I A -> I -> A -> R) (B : {set I}) x :
  denoiser p -> denoiser phat ->
  tv (draw_block B phat x) (joint_block B q x)
    <= tv (draw_block B p x) (joint_block B q x) + \sum_(i in fresh B x) tv (p x i) (phat x i).
Proof. exact: local_tv_split. Qed.

(** claim: P3
    says: For a law p of several tokens, q the product of its marginals and any tuple a of
        symbols: TV(p, q) is at most 1 - min(p(a), q(a)), and this is at most the sum of what
        the marginals lack at a; so at most n eps for n tokens with marginals at least 1 - eps.
        And a policy with an exact denoiser errs by at most the expected sum, over the rounds of
        two tokens or more, of what the tokens' conditionals lack at any chosen symbols; at most
        (1 - tau) times the expected number of tokens revealed in such rounds if each has a
        symbol of probability tau or more there.
    covers: The bounds of (b) and (d), for any symbols, any policy, any finite set of seeds and
        any number of rounds (tokens left masked count as errors). It leaves out that n is sharp
        in (b), and parts (a) and (c). *)
Theorem claim_P3 (R : realFieldType) (I A Omega : finType) (W : Omega -> R) (q : full I A -> R) p
    (pi : Omega -> nat -> state I A -> {set I}) n :
  let marginal (J : finType) (law : {ffun J -> A} -> R) j b := \sum_(z : {ffun J -> A} | z j == b) law z in
  let context o y t := seen (pi o) y t in
  let drawn o y t := fresh (pi o t (context o y t)) (context o y t) in
  let left o y := (~~ isfull (context o y n))%:R in
  let P x := \sum_o W o * policy_law (pi o) (fun => p) n x in
  (forall (J : finType) (law : {ffun J -> A} -> R) (a : {ffun J -> A}) (eps : R), dist law ->
     let common := Num.min (law a) (\prod_j marginal J law j (a j)) in
     [/\ tv law (fun z => \prod_j marginal J law j (z j)) <= 1 - common,
         1 - common <= \sum_j (1 - marginal J law j (a j))
       & (forall j, 1 - eps <= marginal J law j (a j)) -> 1 - common <= #|J|%:R * eps])
  /\ (dist W -> dist q -> exact_denoiser q p ->
      (forall top : state I A -> I -> A,
         tv P (ext q) <= \sum_o W o * \sum_y q y *
           (\sum_(t < n | (1 < #|drawn o y t|)%N) \sum_(i in drawn o y t)
              (1 - p (context o y t) i (top (context o y t) i)) + left o y))
      /\ forall tau, (forall o t x i, (1 < #|fresh (pi o t x) x|)%N -> i \in fresh (pi o t x) x ->
                        exists a, tau <= p x i a) ->
         tv P (ext q)
           <= (1 - tau) * (\sum_o W o * \sum_y q y *
                 (\sum_(t < n | (1 < #|drawn o y t|)%N) #|drawn o y t|)%:R)
              + \sum_o W o * \sum_y q y * left o y).
Proof.
move=> marginal context drawn left P; split=> [J law a eps dl common|dW dq ep].
  have [h1 h2] := P3b dl a; split=> // h; apply: le_trans h2 _.
  rewrite mulr_natl -sumr_const ler_sum // => j _.
  by rewrite ler_subl_addr -ler_subl_addl h.
by split=> [top|tau conf]; [exact: P3d | exact: P3d_threshold].
Qed.

(** claim: P1
    says: For a policy without private randomness, an exact denoiser and enough rounds that nothing
        is left masked, KL(q_0 || its output law) is the expected sum over the trajectory of the
        total correlations of the blocks, sum of the tokens' entropies minus the block's entropy,
        at the contexts; with a seed it is at most the mean of that over the seed.
    covers: The whole claim, for any finite set of seeds, over any ordered field with an
        exponential and its logarithm. The block's entropy is that of the law of the partial
        state after a joint draw. *)
Theorem claim_P1 (R : realFieldType) (ex ln : R -> R) (I A Omega : finType) (W : Omega -> R)
    (q : full I A -> R) p (pi : Omega -> nat -> state I A -> {set I}) n :
  exponential ex ln -> dist W -> dist q -> exact_denoiser q p ->
  (forall o y, isfull (seen (pi o) y n)) ->
  let H (T : finType) (f : T -> R) := - \sum_b f b * ln (f b) in
  let TC B x := \sum_(i in fresh B x) H A (p x i) - H _ (joint_block B q x) in
  let mean o := \sum_y q y * \sum_(t < n) TC (pi o t (seen (pi o) y t)) (seen (pi o) y t) in
  let KL (P : state I A -> R) := \sum_y q y * ln (q y / P (inj y)) in
  (forall o, KL (policy_law (pi o) (fun => p) n) = mean o)
  /\ KL (fun x => \sum_o W o * policy_law (pi o) (fun => p) n x) <= \sum_o W o * mean o.
Proof.
move=> exP dW dq ep full H TC mean KL; split=> [o|].
  exact: (P1 exP dq ep (full o)).
exact: (P1_seeds exP dq ep dW full).
Qed.

(** claim: P2
    says: With an exact denoiser and enough rounds that nothing is left masked the total variation
        is at most the expected sum of the square roots of half the blocks' total correlations:
        of any numbers s, at least 0, with TC at most 2 s^2.
    covers: Consequence (ii), for any finite set of seeds, over any Archimedean ordered field with an
        exponential and its logarithm. *)
Theorem claim_P2_correlation (R : realFieldType) (ex ln : R -> R) (I A Omega : finType)
    (W : Omega -> R) (q : full I A -> R) p (pi : Omega -> nat -> state I A -> {set I}) n
    (s : Omega -> nat -> state I A -> R) :
  exponential ex ln -> (forall a : R, exists k : nat, a <= k%:R) ->
  dist W -> dist q -> exact_denoiser q p -> (forall o y, isfull (seen (pi o) y n)) ->
  let H (T : finType) (f : T -> R) := - \sum_b f b * ln (f b) in
  let TC B x := \sum_(i in fresh B x) H A (p x i) - H _ (joint_block B q x) in
  (forall o t x, 0 <= s o t x) ->
  (forall o t x, marg q x != 0 -> TC (pi o t x) x <= 2%:R * s o t x ^+ 2) ->
  tv (fun x => \sum_o W o * policy_law (pi o) (fun => p) n x) (ext q)
    <= \sum_o W o * \sum_y q y * \sum_(t < n) s o t (seen (pi o) y t).
Proof. by move=> exP archi dW dq ep full H TC s0 s2; exact: (P2_pinsker exP dq ep dW full archi s0 s2). Qed.

(** claim: P4
    says: With an exact denoiser the total correlation of a block is at most the sum of its tokens'
        entropies minus the entropy of any one of them; so for a policy without private
        randomness that leaves nothing masked and whose blocks of two tokens or more have sum
        minus maximum of the entropies at most gamma, KL(q_0 || its output law) is at most gamma
        times the expected number of such rounds.
    covers: The bound on KL, over any ordered field with an exponential and its logarithm. Left out:
        that a round of copies attains the first inequality, and the bound on TV (it follows from
        claim_P2_correlation). *)
Theorem claim_P4 (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (pi : nat -> state I A -> {set I}) n (gamma : R) :
  exponential ex ln -> dist q -> exact_denoiser q p ->
  let H (T : finType) (f : T -> R) := - \sum_b f b * ln (f b) in
  let TC B x := \sum_(i in fresh B x) H A (p x i) - H _ (joint_block B q x) in
  let drawn y t := fresh (pi t (seen pi y t)) (seen pi y t) in
  (forall B x j, marg q x != 0 -> j \in fresh B x ->
     TC B x <= \sum_(i in fresh B x) H A (p x i) - H A (p x j))
  /\ ((forall y, isfull (seen pi y n)) ->
      (forall t x, (1 < #|fresh (pi t x) x|)%N -> exists2 j, j \in fresh (pi t x) x
         & \sum_(i in fresh (pi t x) x) H A (p x i) - H A (p x j) <= gamma) ->
      \sum_y q y * ln (q y / policy_law pi (fun => p) n (inj y))
        <= gamma * (\sum_y q y * #|[set t : 'I_n | (1 < #|drawn y t|)%N]|%:R)).
Proof.
move=> exP dq ep H TC drawn; split=> [B x j m0 jB|full h]; first exact: (tcorr_le exP dq ep m0 jB).
exact: (P4 exP dq ep full h).
Qed.

(** claim: P7
    says: On shared symbols (token i is the row b_i1, ..., b_id of a symmetric array with entries
        uniform on b values) every policy with an exact denoiser keeps, along each y, the
        fraction b^-(sum over its rounds of C(n_t, 2)) of the probability of y, n_t the number of
        tokens of round t; so its total variation is at least (1 - 1/b) times the probability
        that it uses fewer than d rounds or leaves a token masked.
    covers: The whole claim, for every d and b, every exact denoiser, any finite set of seeds and
        any cap N on the rounds (tokens left masked count as errors). The array has a free
        diagonal entry, so S = b^d instead of b^(d-1); it changes no term. *)
Theorem claim_P7 (R : realFieldType) (d : nat) (B Omega : finType) (W : Omega -> R)
    (pi : Omega -> nat -> state [finType of 'I_d] [finType of {ffun 'I_d -> B}] -> {set 'I_d}) N :
  (0 < #|B|)%N -> dist W ->
  let q : full [finType of 'I_d] [finType of {ffun 'I_d -> B}] -> R :=
    uniform_on R (fun y : {ffun 'I_d -> {ffun 'I_d -> B}} => [forall i, forall j, y i j == y j i]) in
  dist q /\ forall p, exact_denoiser q p ->
  let size o y t := #|fresh (pi o t (seen (pi o) y t)) (seen (pi o) y t)| in
  let left o y := ~~ isfull (seen (pi o) y N) in
  let rounds o y := #|[set t : 'I_N | (0 < size o y t)%N]| in
  let P x := \sum_o W o * policy_law (pi o) (fun => p) N x in
  tv P (ext q) = 1 - (\sum_o W o * \sum_y q y *
                   ((~~ left o y)%:R * #|B|%:R^-1 ^+ (\sum_(t < N) 'C(size o y t, 2))))
  /\ (1 - #|B|%:R^-1) * (\sum_o W o * \sum_y q y * (left o y || (rounds o y < d)%N)%:R)
       <= tv P (ext q).
Proof.
move=> B0 dW q; split=> [|p ep size left rounds' P]; first exact: dq3.
split; first by rewrite (P7 B0 ep) //; under [in RHS]eq_bigr do under eq_bigr do rewrite negbK.
apply: le_trans (P7_lower B0 ep pi N dW); rewrite le_eqVlt; apply/orP; left; apply/eqP; congr (_ * _).
apply: eq_bigr => o _; congr (_ * _); apply: eq_bigr => y _; congr (_ * (_ || (_ < _)%N)%:R).
by apply: eq_card => t; rewrite !inE card_gt0.
Qed.

(** claim: P8, P10
    says: The total variation between a law of several tokens and the product of its marginals is
        at most the sum of the marginals' Gini indices, G = 1 - sum of squares, but for any one
        of them. So is the local error of a policy's block with an exact denoiser; and if every
        block of two tokens or more has sum minus one of the indices at most eta, the total
        variation is at most eta times the expected number of such rounds.
    covers: Of P8 the Gini bound on total variation, for the law of any tokens and for a block at a
        context that can occur; of P10 the bound of the Gini rule, for any finite set of seeds and
        any number of rounds (tokens left masked count as errors). Left out: the entropy forms,
        the estimated denoiser, and that equal tokens attain them. *)
Theorem claim_P8 (R : realFieldType) (I A Omega : finType) (W : Omega -> R) (q : full I A -> R) p
    (pi : Omega -> nat -> state I A -> {set I}) n (eta : R) :
  let marginal (J : finType) (law : {ffun J -> A} -> R) j b := \sum_(z : {ffun J -> A} | z j == b) law z in
  let G (f : A -> R) := 1 - \sum_a f a ^+ 2 in
  (forall (J : finType) (law : {ffun J -> A} -> R) (j0 : J), dist law ->
     tv law (fun z => \prod_j marginal J law j (z j)) <= \sum_(j | j != j0) G (marginal J law j))
  /\ (dist W -> dist q -> exact_denoiser q p ->
      (forall B x j, marg q x != 0 -> j \in fresh B x ->
         tv (draw_block B p x) (joint_block B q x) <= \sum_(i in fresh B x | i != j) G (p x i))
      /\ ((forall o t x, (1 < #|fresh (pi o t x) x|)%N -> exists2 j, j \in fresh (pi o t x) x
             & \sum_(i in fresh (pi o t x) x | i != j) G (p x i) <= eta) ->
          tv (fun x => \sum_o W o * policy_law (pi o) (fun => p) n x) (ext q)
            <= \sum_o W o * \sum_y q y *
                 (eta * #|[set t : 'I_n | (1 < #|fresh (pi o t (seen (pi o) y t)) (seen (pi o) y t)|)%N]|%:R
                  + (~~ isfull (seen (pi o) y n))%:R))).
Proof.
move=> marginal G; split=> [J law j0 dl|dW dq ep]; first exact: P8.
split=> [B x j m0 jB|rule]; last exact: gini_rule.
case: (pickP (below x)) => [y xy|no]; first exact: (local_tv_gini dq ep y m0 jB).
by move: m0; rewrite /marg big_pred0 ?eqxx.
Qed.

(** claim: P5
    says: On uniformly random permutations of n symbols, every policy with an exact denoiser
        keeps, along each y, the product over its rounds of (m_t)_(n_t) / m_t^(n_t) (falling
        factorials; m_t tokens masked, n_t of them drawn); so its total variation is at least
        1 - E[R]/n, R the number of rounds that reveal something.
    covers: Part (a) for one group: the value and the bound, for every n at least 1, every exact
        denoiser, any finite set of seeds and any cap N on the rounds (tokens left masked count
        as errors); claim_P5_own_law has the bound under the sampler's own law. Left out: the
        cases of equality, the independent groups, and parts (b) and (c). *)
Theorem claim_P5 (R : realFieldType) (T Omega : finType) (W : Omega -> R)
    (pi : Omega -> nat -> state T T -> {set T}) N :
  (0 < #|T|)%N -> dist W ->
  let q : full T T -> R := uniform_on R (fun y : {ffun T -> T} => injectiveb y) in
  dist q /\ forall p, exact_denoiser q p ->
  let masks o y t := nmask (seen (pi o) y t) in
  let size o y t := #|fresh (pi o t (seen (pi o) y t)) (seen (pi o) y t)| in
  let rounds o y := #|[set t : 'I_N | (0 < size o y t)%N]| in
  let P x := \sum_o W o * policy_law (pi o) (fun => p) N x in
  tv P (ext q) = 1 - (\sum_o W o * \sum_y q y * ((isfull (seen (pi o) y N))%:R *
    \prod_(t < N) (((masks o y t) ^_ (size o y t))%:R / (masks o y t)%:R ^+ size o y t)))
  /\ 1 - (\sum_o W o * \sum_y q y * (rounds o y)%:R) / #|T|%:R <= tv P (ext q).
Proof.
move=> n0 dW q; split=> [|p ep masks size rounds' P]; first exact: dq5.
split; first exact: (P5a ep).
apply: le_trans (P5a_lower ep pi N dW n0); rewrite le_eqVlt; apply/orP; left; apply/eqP.
congr (1 - _ / _); apply: eq_bigr => o _; congr (_ * _); apply: eq_bigr => y _; congr (_ * _%:R).
by apply: eq_card => t; rewrite !inE card_gt0.
Qed.

(** claim: P5
    says: On uniformly random permutations of n symbols, under any policy's own law with an exact
        denoiser the expected number of rounds that reveal something is at least n (1 - TV)^2.
    covers: That sentence of part (a), for every n at least 1; of the runs under the policy's own
        law only those that end with every token revealed are counted, which makes the bound
        stronger. *)
Theorem claim_P5_own_law (R : realFieldType) (T Omega : finType) (W : Omega -> R) p
    (pi : Omega -> nat -> state T T -> {set T}) N :
  (0 < #|T|)%N -> dist W ->
  let q : full T T -> R := uniform_on R (fun y : {ffun T -> T} => injectiveb y) in
  let size o y t := #|fresh (pi o t (seen (pi o) y t)) (seen (pi o) y t)| in
  let rounds o y := #|[set t : 'I_N | (0 < size o y t)%N]| in
  let P x := \sum_o W o * policy_law (pi o) (fun => p) N x in
  exact_denoiser q p ->
  #|T|%:R * (1 - tv P (ext q)) ^+ 2
    <= \sum_o W o * \sum_y policy_law (pi o) (fun => p) N (inj y) * (rounds o y)%:R.
Proof.
move=> n0 dW q size rounds' P ep; apply: le_trans (P5a_own ep pi N dW n0) _.
rewrite le_eqVlt; apply/orP; left; apply/eqP.
apply: eq_bigr => o _; congr (_ * _); apply: eq_bigr => y _; congr (_ * _%:R).
by apply: eq_card => t; rewrite !inE card_gt0.
Qed.

(** claim: E1
    says: Euler, from the all-mask state, with any estimated jump probabilities u >= 0 (u is
        h_k (-alpha'/alpha) times the estimated score; nothing is normalised, and a token whose
        jumps total more than 1 has them rescaled to total 1) on any grid of survival
        probabilities alpha_0 <= ... <= alpha_K. With the exact jumps H_k p_i (H_k p_i is
        h_k (-alpha'/alpha) times the score), r_k = min(1, H_k) and rho_k the exact probability
        of F5, the total variation is at most the initial error 1 - (1 - alpha_0)^d, plus the
        mean under q_t of each step's score error, clock error m |rho_k - r_k| and parallel
        decoding error, plus the early-stopping error 1 - alpha_K^d.
    covers: The whole claim for Euler: initial law all masks, the exact reverse kernels of F5,
        unnormalised scores and clipping included. H_k and alpha_k are arbitrary numbers: how a
        clock gives them is outside. *)
Theorem claim_E1_euler (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (u : nat -> state I A -> I -> A -> R) (H alpha : nat -> R) K :
  dist q -> exact_denoiser q p ->
  (forall k x i b, 0 <= u k x i b) -> (forall k, 0 <= H k) ->
  (forall k, 0 <= alpha k <= 1) ->
  (forall k, (k < K)%N -> alpha k <= alpha k.+1 /\ alpha k < 1) ->
  let r k := Num.min 1 (H k) in
  let rho k := (alpha k.+1 - alpha k) / (1 - alpha k) in
  tv (sampler u K) (ext q)
    <= 1 - (1 - alpha 0%N) ^+ #|I|
       + \sum_(k < K) (\sum_x qt q (alpha k) x *
           (\sum_(i | x i == None) Num.max (\sum_b pos (u k x i b - H k * p x i b))
                                           (\sum_b pos (H k * p x i b - u k x i b))
            + (nmask x)%:R * `|rho k - r k|
            + \sum_(B : {set I} | B \subset maskset x)
                r k ^+ #|B| * (1 - r k) ^+ (nmask x - #|B|) * tv (joint q x B) (indep p x B)))
       + (1 - alpha K ^+ #|I|).
Proof.
move=> dq ep u0 H0 a01 ha.
exact: (@E1_euler R I A q p dq ep u H alpha K (fun k x i => u0 k x i) H0 (conj a01 ha)).
Qed.

(** claim: E1
    says: The same for a normalised denoiser that may depend on the step, and any rates r_k in
        [0,1]: the score error of a step is r_k sum_i TV(p_i, phat_i).
    covers: The form of the score term for a normalised denoiser, for every parallel unmasking
        sampler (Euler, tau-leaping, ancestral). *)
Theorem claim_E1_denoiser (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) (r alpha : nat -> R) K :
  dist q -> exact_denoiser q p -> (forall k, denoiser (phat k)) -> rate r ->
  (forall k, 0 <= alpha k <= 1) ->
  (forall k, (k < K)%N -> alpha k <= alpha k.+1 /\ alpha k < 1) ->
  let rho k := (alpha k.+1 - alpha k) / (1 - alpha k) in
  tv (euler r phat K) (ext q)
    <= 1 - (1 - alpha 0%N) ^+ #|I|
       + \sum_(k < K) (\sum_x qt q (alpha k) x *
           (r k * (\sum_(i | x i == None) tv (p x i) (phat k x i))
            + (nmask x)%:R * `|rho k - r k|
            + \sum_(B : {set I} | B \subset maskset x)
                r k ^+ #|B| * (1 - r k) ^+ (nmask x - #|B|) * tv (joint q x B) (indep p x B)))
       + (1 - alpha K ^+ #|I|).
Proof.
move=> dq ep dph hr a01 ha.
exact: (@E1_denoiser R I A q p dq ep phat r alpha K dph hr (conj a01 ha)).
Qed.

(** claim: E1
    says: At a context of positive probability with m masked tokens, the parallel decoding term
        is at most C(m,2) r^2; and it is the total variation between the parallel step with the
        exact denoiser and the exact step at the same r.
    covers: The last inequality of the claim, and that the term is the exact local error. *)
Theorem claim_E1_parallel (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (r : R) (x : state I A) :
  dist q -> exact_denoiser q p -> 0 <= r <= 1 -> marg q x != 0 ->
  let loss := \sum_(B : {set I} | B \subset maskset x)
    r ^+ #|B| * (1 - r) ^+ (nmask x - #|B|) * tv (joint q x B) (indep p x B) in
  loss = tv (par r p x) (rev q r x) /\ loss <= 'C(nmask x, 2)%:R * r ^+ 2.
Proof.
by move=> dq ep hr m0; split; [exact: parallelE | exact: (parallel_le dq ep)].
Qed.

(** claim: E2
    says: Euler on the constant-rate clock alpha(t) = e^{-t}, K equal steps h = T/K from T to 0,
        started from all masks: with any estimated score s >= 0 (not normalised) the total
        variation is at most d e^{-T} + epsilon_1 + d(d+1) h/4. The grid is t_k = T - k h, the
        true score is alpha/(1 - alpha) p_i, the jumps of a step are h s (rescaled to total 1
        where they exceed it), and epsilon_1 is the mean under q_t of
        h sum_i max(sum_a (s - score)_+, sum_a (score - s)_+), summed over the steps.
    covers: The whole bound, over any Archimedean ordered field with a function that turns sums
        into products and is at least 1 + a. It leaves out the step count that follows from it. *)
Theorem claim_E2 (R : realFieldType) (ex : R -> R) (I A : finType) (q : full I A -> R) p
    (s : nat -> state I A -> I -> A -> R) (T : R) K :
  (forall a b, ex (a + b) = ex a * ex b) -> (forall a, 1 + a <= ex a) ->
  (forall a : R, exists n : nat, a <= n%:R) ->
  dist q -> exact_denoiser q p -> (forall k x i b, 0 <= s k x i b) -> 0 < T -> (0 < K)%N ->
  let h := T / K%:R in
  let alpha k := ex (- (T - k%:R * h)) in
  let score k x i b := alpha k / (1 - alpha k) * p x i b in
  tv (sampler (fun k x i b => h * s k x i b) K) (ext q)
    <= #|I|%:R * ex (- T)
       + \sum_(k < K) h * (\sum_x qt q (alpha k) x *
           \sum_(i | x i == None) Num.max (\sum_b pos (s k x i b - score k x i b))
                                          (\sum_b pos (score k x i b - s k x i b)))
       + (#|I| * #|I|.+1)%:R * h / 4%:R.
Proof.
move=> exD ex_ge archi dq ep s0 T0 K0; have h0 : 0 < T / K%:R by rewrite divr_gt0 ?ltr0n.
have := E2_step exD ex_ge archi dq ep h0 K0 s0.
have -> : K%:R * (T / K%:R) = T by rewrite mulrC divfK // pnatr_eq0 -lt0n.
by [].
Qed.

(** claim: E3
    says: With a denoiser that errs, the total variation of the parallel sampler is at most the
        probability that two tokens share a step or one is never revealed, plus the denoiser's
        error averaged over the steps.
    covers: The whole bound, with denoiser error, for every law, schedule, number of steps, d
        and S, the birthday probability written as a sum over injective allocations of tokens to
        steps. How a clock and a grid give the rates r_k is outside: the rates are arbitrary
        numbers in [0,1]. *)
Theorem claim_E3 (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) (r : nat -> R) K :
  dist q -> exact_denoiser q p -> (forall k, denoiser (phat k)) -> rate r ->
  tv (euler r phat K) (ext q)
    <= 1 - \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i step r (f i)
       + \sum_(k < K) step r k * \sum_i \sum_(x : state I A | x i == None)
           marg q x * (\sum_(l < k) step r l) ^+ revealed x
             * (1 - \sum_(l < k) step r l) ^+ (#|I|.-1 - revealed x) * tv (p x i) (phat k x i).
Proof. by move=> dq ep dp hr; rewrite -birthday_prob; apply: E3. Qed.

(** claim: E3, L3
    says: For every schedule, number of steps and d there are laws whose total variation comes
        as close to the birthday bound as one likes: it is the supremum over vocabularies and
        laws.
    covers: That 1 - d! e_d(w) is the supremum, by a lower bound for L3's family with vocabulary
        b^d. claim_L3 is L3's exact value at finite b. *)
Theorem claim_E3_sharp (R : realFieldType) (d : nat) (r : nat -> R) (K : nat) (B : finType) :
  rate r -> (0 < #|B|)%N ->
  let D := \sum_(f : {ffun 'I_d -> 'I_K} | injectiveb f) \prod_i step r (f i) in
  exists (q : full [finType of 'I_d] [finType of {ffun 'I_d -> B}] -> R) p,
    [/\ dist q, exact_denoiser q p
      & (1 - #|B|%:R^-1) * (1 - D) <= tv (euler r (fun => p) K) (ext q) <= 1 - D].
Proof.
move=> hr B0; rewrite -(birthday_prob [finType of 'I_d] r K).
exact: (@E3_sharp R d r K B hr B0).
Qed.

(** claim: E3
    says: With K equal steps and an exact denoiser the total variation is at most d(d-1)/(2K).
    covers: The corollary for equal steps, for d at most K. *)
Theorem claim_E3_uniform (R : realFieldType) (I A : finType) (q : full I A -> R) p K :
  dist q -> exact_denoiser q p -> (0 < K)%N -> (#|I| <= K)%N ->
  tv (euler (uniform_rate R K) (fun => p) K) (ext q) <= 'C(#|I|, 2)%:R / K%:R.
Proof. exact: E3_uniform. Qed.

(** claim: S2, E4
    says: The parallel sampler's law on full states, for a denoiser that may depend on the step, is
        the average over allocations of tokens to steps, each token's step drawn from the step
        law, of the product of the denoiser's probabilities, each token seeing the tokens of
        earlier steps. And its total variation is at most the same average of the summed local
        errors of the blocks, plus the probability that a token is never revealed.
    covers: S2 before tokens are grouped into ordered partitions (claim_S2 does that), and E4
        with its weights written as a sum over allocations; for every denoiser, also one that
        errs or depends on the step. *)
Theorem claim_S2_allocations (R : realFieldType) (I A : finType) (q : full I A -> R)
    (phat : nat -> state I A -> I -> A -> R) (r : nat -> R) K :
  let earlier (f : {ffun I -> 'I_K}) y t : state I A :=
    [ffun j => if (f j < t)%N then Some (y j) else None] in
  (forall y, euler r phat K (inj y) = \sum_(f : {ffun I -> 'I_K})
     \prod_i (step r (f i) * phat (f i) (earlier f y (f i)) i (y i)))
  /\ (rate r -> dist q -> (forall k, denoiser (phat k)) ->
      tv (euler r phat K) (ext q)
        <= \sum_(f : {ffun I -> 'I_K}) (\prod_i step r (f i)) * (\sum_y q y * \sum_(t < K)
              tv (draw_block [set i | f i == t] (phat t) (earlier f y t))
                 (joint_block [set i | f i == t] q (earlier f y t)))
           + (1 - (1 - surv r K) ^+ #|I|)).
Proof.
split=> [y|hr dq dp]; first exact: alloc_law.
exact: E4_alloc.
Qed.

(** claim: S2
    says: For a denoiser that does not depend on the step, the law on full states is the sum over
        ordered set partitions of the tokens (m blocks, none empty) of M(w), the monomial
        quasisymmetric polynomial of the block sizes at the step law, times the law that draws
        the blocks in turn, each token given the earlier blocks; grouped by sizes: the sum over
        compositions a of d of M_a(w) T_a, for every number K of steps.
    covers: The second form of the claim, sum over a of M_a(w) T_a, T_a the sum over the ordered
        set partitions with sizes a, for every denoiser and schedule, leftover included;
        claim_S2_weights has the first form. Left out: the consequences (i) to (iii). *)
Theorem claim_S2 (R : realFieldType) (I A : finType) (p : state I A -> I -> A -> R)
    (r : nat -> R) K (y : full I A) :
  let increasing m (h : {ffun 'I_m -> 'I_K}) :=
    [forall k : 'I_m, forall l : 'I_m, (k < l)%N ==> (h k < h l)%N] in
  let M m (a : 'I_m -> nat) := \sum_(h : {ffun 'I_m -> 'I_K} | increasing m h)
                                 \prod_k step r (h k) ^+ a k in
  let size m (g : {ffun I -> 'I_m}) (k : 'I_m) := #|[set i | g i == k]| in
  let drawn m (g : {ffun I -> 'I_m}) :=
    \prod_i p [ffun j => if (g j < g i)%N then Some (y j) else None] i (y i) in
  euler r (fun => p) K (inj y)
    = (\sum_(m < #|I|.+1) \sum_(g : {ffun I -> 'I_m} | [forall k, exists i, g i == k])
        M m (size m g) * drawn m g)
  /\ euler r (fun => p) K (inj y)
    = \sum_(m < #|I|.+1) \sum_(a : {ffun 'I_m -> 'I_#|I|.+1} |
                                 [forall k, (0 < a k)%N] && ((\sum_k a k)%N == #|I|))
        M m (fun k => a k) * \sum_(g : {ffun I -> 'I_m} | [forall k, size m g k == a k]) drawn m g.
Proof. by split; [exact: S2 | exact: S2_compositions]. Qed.

(** claim: S2
    says: There are d!/(n_1! ... n_m!) ordered set partitions with the sizes of a composition a =
        (n_1, ..., n_m) of d, so for a denoiser that does not depend on the step the law on full
        states is the sum over compositions of d!/(n_1! ... n_m!) M_a(w) P_a, P_a the law of the
        block sampler whose ordered partition is uniform among those with sizes a.
    covers: The first form of the claim, for every denoiser, schedule and number of steps, leftover
        included; claim_S2 has the second form. Left out: the consequences (i) to (iii). *)
Theorem claim_S2_weights (R : realFieldType) (I A : finType) (p : state I A -> I -> A -> R)
    (r : nat -> R) K (y : full I A) :
  let increasing m (h : {ffun 'I_m -> 'I_K}) :=
    [forall k : 'I_m, forall l : 'I_m, (k < l)%N ==> (h k < h l)%N] in
  let M m (a : 'I_m -> nat) := \sum_(h : {ffun 'I_m -> 'I_K} | increasing m h)
                                 \prod_k step r (h k) ^+ a k in
  let composition m (a : {ffun 'I_m -> 'I_#|I|.+1}) :=
    [forall k, (0 < a k)%N] && ((\sum_k a k)%N == #|I|) in
  let partitions m (a : {ffun 'I_m -> 'I_#|I|.+1}) : pred {ffun I -> 'I_m} :=
    [pred g : {ffun I -> 'I_m} | [forall k, #|[set i | g i == k]| == a k]] in
  let P m (a : {ffun 'I_m -> 'I_#|I|.+1}) := #|partitions m a|%:R^-1 * \sum_(g in partitions m a)
    \prod_i p [ffun j => if (g j < g i)%N then Some (y j) else None] i (y i) in
  (forall m a, composition m a ->
     #|partitions m a|%:R = #|I|`!%:R / (\prod_k (a k)`!%:R) :> R)
  /\ euler r (fun => p) K (inj y)
    = \sum_(m < #|I|.+1) \sum_(a : {ffun 'I_m -> 'I_#|I|.+1} | composition m a)
        #|I|`!%:R / (\prod_k (a k)`!%:R) * M m (fun k => a k) * P m a.
Proof. by split=> [m a|]; [exact: partitions_card | exact: S2_full]. Qed.

(** claim: S3
    says: For K equal steps M_a is C(K, m)/K^d for every composition a of d with m parts.
    covers: The whole claim; the rates 1/(K-k) give equal steps. *)
Theorem claim_S3 (R : realFieldType) (d m K : nat) (a : {ffun 'I_m -> 'I_d.+1}) :
  (0 < K)%N -> (\sum_k a k)%N = d ->
  (forall k, (k < K)%N -> step (uniform_rate R K) k = K%:R^-1)
  /\ \sum_(h : {ffun 'I_m -> 'I_K} | [forall k : 'I_m, forall l : 'I_m, (k < l)%N ==> (h k < h l)%N])
       \prod_k step (uniform_rate R K) (h k) ^+ a k = 'C(K, m)%:R / K%:R ^+ d.
Proof. by move=> K0 ad; split=> [k|]; [exact: uniform_step | exact: S3]. Qed.

(** claim: E4
    says: The total variation is at most the sum over ordered set partitions of M(w) times the
        summed local errors of their blocks (each block's independent draws against its joint
        draw from q_0, contexts from q_0), plus 1 - (1 - w_oo)^d.
    covers: The whole claim, for every denoiser that does not depend on the step, so also with
        denoiser error (the local errors compare q_0's joint draw with the denoiser's product);
        claim_S2_allocations has the form for denoisers that depend on the step. *)
Theorem claim_E4 (R : realFieldType) (I A : finType) (q : full I A -> R)
    (p : state I A -> I -> A -> R) (r : nat -> R) K :
  rate r -> dist q -> denoiser p ->
  let increasing m (h : {ffun 'I_m -> 'I_K}) :=
    [forall k : 'I_m, forall l : 'I_m, (k < l)%N ==> (h k < h l)%N] in
  let M m (a : 'I_m -> nat) := \sum_(h : {ffun 'I_m -> 'I_K} | increasing m h)
                                 \prod_k step r (h k) ^+ a k in
  let block m (g : {ffun I -> 'I_m}) (k : 'I_m) := [set i | g i == k] in
  let context m (g : {ffun I -> 'I_m}) y (k : 'I_m) : state I A :=
    [ffun j => if (g j < k)%N then Some (y j) else None] in
  tv (euler r (fun => p) K) (ext q)
    <= \sum_(m < #|I|.+1) \sum_(g : {ffun I -> 'I_m} | [forall k, exists i, g i == k])
         M m (fun k => #|block m g k|) * (\sum_y q y * \sum_(k < m)
           tv (draw_block (block m g k) p (context m g y k))
              (joint_block (block m g k) q (context m g y k)))
       + (1 - (1 - surv r K) ^+ #|I|).
Proof. by move=> hr dq dp; exact: E4. Qed.

(** claim: E5
    says: With an exact denoiser, the total variation is at most 1 - exp(-d sum_m (n_m - 1/d)_+
        h_m), n_m the law of the number of tokens revealed before a given one and h_m the
        information curve.
    covers: The first form without leftover (the last step reveals all), over any ordered field
        with an exponential. It leaves out the form with the mutual information; claim_E5_left
        has the leftover masks. *)
Theorem claim_E5 (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (r : nat -> R) K :
  exponential ex ln -> dist q -> exact_denoiser q p -> rate r -> r K = 1 -> (0 < #|I|)%N ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - ex (- (#|I|%:R * \sum_(m < #|I|) pos (nlaw I r K m - #|I|%:R^-1) * curve ln q p m)).
Proof. by move=> h dq ep hr rK; apply: (E5 h). Qed.

(** claim: E5
    says: The same with every h_m bounded by log S: at most 1 - exp(-d TV(N, Unif) log S).
    covers: The log S form without leftover, over any ordered field with an exponential. It
        leaves out the form with the mutual information. *)
Theorem claim_E5_logS (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (r : nat -> R) K :
  exponential ex ln -> dist q -> exact_denoiser q p -> rate r -> r K = 1 ->
  (0 < #|I|)%N -> (0 < #|A|)%N ->
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - ex (- (#|I|%:R * tv (fun m : 'I_#|I| => nlaw I r K m) (fun => #|I|%:R^-1) * ln #|A|%:R)).
Proof. by move=> h dq ep hr rK d0 A0; apply: (E5_logS h dq ep hr rK d0 A0). Qed.

(** claim: E5
    says: With leftover masks (each token is never revealed with probability w_oo < 1) and an
        exact denoiser: the total variation is at most 1 - (1 - w_oo)^d + (1 - w_oo)^d B, B the
        first form of E5 at the law v = w/(1 - w_oo); and the same with every h_m bounded by
        log S. n_m is the law of the number of tokens revealed before a given one under v.
    covers: The leftover form of both bounds, for every schedule and number of steps, over any
        ordered field with an exponential. It leaves out the form with the mutual information. *)
Theorem claim_E5_left (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (r : nat -> R) K :
  exponential ex ln -> dist q -> exact_denoiser q p -> rate r -> surv r K.+1 < 1 ->
  (0 < #|I|)%N -> (0 < #|A|)%N ->
  let kept := 1 - surv r K.+1 in
  let v k := step r k / kept in
  let n m := 'C(#|I|.-1, m)%:R * \sum_(k < K.+1)
    v k * ((\sum_(l < k) v l) ^+ m * (1 - \sum_(l < k) v l) ^+ (#|I|.-1 - m)) in
  tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - kept ^+ #|I| + kept ^+ #|I|
       * (1 - ex (- (#|I|%:R * \sum_(m < #|I|) pos (n m - #|I|%:R^-1) * curve ln q p m)))
  /\ tv (euler r (fun => p) K.+1) (ext q)
    <= 1 - kept ^+ #|I| + kept ^+ #|I|
       * (1 - ex (- (#|I|%:R * tv (fun m : 'I_#|I| => n m) (fun => #|I|%:R^-1) * ln #|A|%:R))).
Proof.
move=> h dq ep hr s1 d0 A0 kept v n; split.
  exact: (E5_left h dq ep hr d0 s1 (fun k => erefl (v k))).
exact: (E5_left_logS h dq ep hr d0 A0 s1 (fun k => erefl (v k))).
Qed.

(** claim: E6
    says: Over all laws w of K steps (leftover allowed) the probability that the d tokens are
        revealed in d different steps, d! e_d(w), is largest for equal steps, where it is
        prod_{j<d} (1 - j/K). So the worst case over data and vocabularies, 1 - d! e_d(w), is
        least there.
    covers: That equal steps are worst-case optimal. For Schur-convexity see
        claim_E6_transfer. *)
Theorem claim_E6 (R : realFieldType) (I : finType) (w : nat -> R) K :
  (forall k, 0 <= w k) -> \sum_(k < K) w k <= 1 -> (0 < K)%N ->
  \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i w (f i)
    <= \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_(i : I) K%:R^-1
  /\ \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_(i : I) K%:R^-1
    = \prod_(j < #|I|) (1 - j%:R / K%:R) :> R.
Proof. by move=> w0 w1 K0; split; [exact: E6_weights | exact: distinct_uniform]. Qed.

(** claim: E6
    says: Two steps i and j exchange weight so that the sum of their weights stays and their
        product does not fall (they come closer): d! e_d(w) does not fall.
    covers: Schur-convexity of 1 - d! e_d(w) in the form of transfers between two steps, which
        generate majorisation (that theorem of Hardy, Littlewood and Polya is not formal here). *)
Theorem claim_E6_transfer (R : realFieldType) (I : finType) (w w' : nat -> R) K (i j : 'I_K) :
  (forall k, 0 <= w k) -> (forall k, 0 <= w' k) -> \sum_(k < K) w k <= 1 -> i != j ->
  (forall k : 'I_K, k != i -> k != j -> w' k = w k) ->
  w' i + w' j = w i + w j -> w i * w j <= w' i * w' j ->
  \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i w (f i)
    <= \sum_(f : {ffun I -> 'I_K} | injectiveb f) \prod_i w' (f i).
Proof. exact: E6_transfer. Qed.

(** claim: H1
    says: With an exact denoiser the first-hitting sampler draws from q_0 exactly.
    covers: The whole claim for the chain of S4 (one uniformly random masked position at a
        time). S4 itself, that the hitting times give this chain, is not formal. *)
Theorem claim_H1 (R : realFieldType) (I A : finType) (q : full I A -> R) p :
  dist q -> exact_denoiser q p -> fhs (fun => p) =1 ext q.
Proof. exact: H1. Qed.

(** claim: H2
    says: With any denoiser, which may depend on the call, the first-hitting sampler's total
        variation is at most the sum over its d draws of the expected error of the conditional
        that is used, contexts drawn from q_0.
    covers: The bound by epsilon_FHS, for every denoiser that may depend on the call. It leaves
        out hitting times that vary continuously, unnormalised scores and the integral over
        time. *)
Theorem claim_H2 (R : realFieldType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) :
  dist q -> exact_denoiser q p -> (forall n, denoiser (phat n)) ->
  tv (fhs phat) (ext q)
    <= \sum_(n < #|I|) \sum_(x | revealed x == n) marg q x / 'C(#|I|, n)%:R *
         ((#|I| - n)%:R^-1 * \sum_(i | x i == None) tv (phat n x i) (p x i)).
Proof. exact: H2. Qed.

(** claim: H3
    says: For every d, S at least 2 and eta in [0,1] there is an instance where total variation
        and epsilon_FHS both equal eta: the constant 1 of H2 can't be lowered.
    covers: The first half, an error at the empty context only; claim_H3_spread is the other. *)
Theorem claim_H3 (R : realFieldType) (I A : finType) (eta : R) :
  0 <= eta -> eta <= 1 -> (0 < #|I|)%N -> (1 < #|A|)%N ->
  exists (q : full I A -> R) p phat,
    [/\ dist q, exact_denoiser q p, denoiser phat, tv (fhs (fun => phat)) (ext q) = eta
      & eps_fhs q p (fun => phat) = eta].
Proof.
move=> e0 e1 d0 /card_gt1P[a [b [_ _ ab]]]; rewrite eq_sym in ab.
exists (@q_zero R I A a), (@p_zero R I A a), (@p_eta R I A a b eta); have [h1 h2] := H3 ab e0 e1 d0.
by split; [exact: q_zero_dist | exact: p_zero_exact | exact: p_eta_dist | exact: h1 | exact: h2].
Qed.

(** claim: H3
    says: For data that is one sequence z, and any denoiser that gives the right symbol the
        probability 1 - eta at every context, call and position, the total variation of FHS is
        1 - (1 - eta)^d and epsilon_FHS is d eta.
    covers: The second half, errors spread over all contexts, for every such denoiser. *)
Theorem claim_H3_spread (R : realFieldType) (I A : finType) (z : full I A) (eta : R)
    (phat : nat -> state I A -> I -> A -> R) p :
  (forall n, denoiser (phat n)) ->
  (forall n (x : state I A) i, x i = None -> phat n x i (z i) = 1 - eta) ->
  exact_denoiser (point R z) p ->
  tv (fhs phat) (ext (point R z)) = 1 - (1 - eta) ^+ #|I|
  /\ eps_fhs (point R z) p phat = #|I|%:R * eta.
Proof. by move=> dp pe ep; split; [exact: H3_spread | exact: (H3_spread_eps dp pe ep)]. Qed.

(** claim: C1
    says: epsilon_FHS is at most sqrt(d epsilon_KL/2) and the total variation of FHS at most
        sqrt(epsilon_KL/2), both stated as squares: epsilon_KL is the summed KL divergence of the
        denoiser's conditionals from q_0's, in the same mean as epsilon_FHS.
    covers: Both bounds with their constants (Pinsker's inequality and the chain rule of KL
        included), where epsilon_KL is finite: wherever a symbol is possible at a context of
        positive probability the denoiser gives it a positive probability. Over any Archimedean
        ordered field with an exponential and a logarithm; the denoiser may depend on the call. *)
Theorem claim_C1 (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) :
  exponential ex ln -> (forall a : R, exists n : nat, a <= n%:R) ->
  dist q -> exact_denoiser q p -> (forall n, denoiser (phat n)) ->
  (forall n (x : state I A) i b, (n < #|I|)%N -> marg q x != 0 -> x i = None ->
    0 < p x i b -> 0 < phat n x i b) ->
  let eps_KL := \sum_(n < #|I|) \sum_(x | revealed x == n) marg q x / 'C(#|I|, n)%:R *
    ((#|I| - n)%:R^-1 * \sum_(i | x i == None) \sum_b p x i b * ln (p x i b / phat n x i b)) in
  2%:R * eps_fhs q p phat ^+ 2 <= #|I|%:R * eps_KL
  /\ 2%:R * tv (fhs phat) (ext q) ^+ 2 <= eps_KL.
Proof. by move=> h arc dq ep dph ac; split; [exact: (C1_fhs h arc) | exact: (C1_tv h arc)]. Qed.

(** claim: C2
    says: epsilon_FHS is at most d for every denoiser. For every eta in (0,1], d >= 1 and S >= 2
        there are a law and a denoiser with total variation eta that gives 0, at a context of
        positive probability, to a symbol that every exact denoiser gives a positive probability:
        epsilon_KL is infinite.
    covers: The whole claim; that epsilon_KL is infinite is stated as the zero that makes it so. *)
Theorem claim_C2 (R : realFieldType) (I A : finType) :
  (forall (q : full I A -> R) p (phat : nat -> state I A -> I -> A -> R),
    dist q -> exact_denoiser q p -> (forall n, denoiser (phat n)) ->
    eps_fhs q p phat <= #|I|%:R)
  /\ (forall eta : R, 0 < eta -> eta <= 1 -> (0 < #|I|)%N -> (1 < #|A|)%N ->
    exists (q : full I A -> R) (phat : state I A -> I -> A -> R),
      [/\ dist q, denoiser phat, tv (fhs (fun => phat)) (ext q) = eta
        & exists (x : state I A) i b,
          [/\ x i = None, 0 < marg q x, phat x i b = 0
            & forall p, exact_denoiser q p -> 0 < p x i b]]).
Proof.
split=> [q p phat dq [dp _] dph|eta e0 e1 d0]; first exact: C2_le.
case/card_gt1P=> [a [b [_ _ ab]]]; rewrite eq_sym in ab.
exists (@q_rare R I A a b eta), (@p_never R I A a); split.
- exact: q_rare_dist.
- by move=> x i; apply: point_dist.
- exact: C2_tv.
case/card_gt0P: (d0) => i _; exists (allmask I A), i, b.
have dc := cond_exact (@q_rare_dist R I A a b eta e0 e1) (point_dist R a).
have [m0 _ z0] := C2_zero ab e0 e1 d0 i dc.
split=> //; first by rewrite ffunE.
by move=> p ep; have [_ + _] := C2_zero ab e0 e1 d0 i ep.
Qed.

(** claim: KL1
    says: Fixed blocks in a uniformly random order sg, exact denoiser: the token at place t of the
        order sees the first start(t) tokens of the order, those of earlier blocks. The mean over
        all orders of KL(q_0 || P_sg) is sum_t (h_start(t) - h_t), h the information curve. In a
        block of s places that opens at n, start is n at the places n, ..., n + s - 1, so the sum
        is the sum over blocks of sum_{r<s} (h_n - h_{n+r}).
    covers: The exact formula, for every composition of d (any function start(t) <= t), over any
        ordered field with an exponential and a logarithm. It leaves out the bound for the mixture
        over compositions. *)
Theorem claim_KL1 (R : realFieldType) (ex ln : R -> R) (I A : finType) (q : full I A -> R) p
    (start : nat -> nat) :
  exponential ex ln -> dist q -> exact_denoiser q p -> (0 < #|I|)%N ->
  (forall t, (start t <= t)%N) ->
  let place (sg : {perm I}) i := enum_rank (sg i) in
  let P sg (y : full I A) :=
    \prod_i p [ffun j => if (place sg j < start (place sg i))%N then Some (y j) else None] i (y i) in
  \sum_(sg : {perm I}) \sum_y q y * ln (q y / P sg y)
  = #|{perm I}|%:R * \sum_(t < #|I|) (curve ln q p (start t) - curve ln q p t).
Proof.
move=> h dq ep d0 st place P; rewrite -(KL1 h dq ep st d0).
apply: eq_bigr => sg _; apply: eq_bigr => y _; congr (_ * ln (_ / _)); apply: eq_bigr => i _.
by congr (p _ i (y i)); apply/ffunP=> j; rewrite !ffunE inE.
Qed.

(** claim: C4
    says: Each round reveals one token, its position drawn from any law that may depend on the
        round, on all that is revealed and on a seed (a deterministic choice and FHS's uniform one
        included), its symbol from the denoiser. If the squared Hellinger distance of the
        denoiser's conditional from q_0's is at most eta at every context of positive probability,
        the total variation is at most sqrt(1 - (1 - eta)^(2d)), at most sqrt(2 d eta).
    covers: The bound, for every such sampler and a denoiser that may depend on the round and the
        seed, over any real closed field. It leaves out that it is attained at d = 1. *)
Theorem claim_C4 (R : rcfType) (I A Omega : finType) (W : Omega -> R) (q : full I A -> R) p
    (phat : Omega -> nat -> state I A -> I -> A -> R) (w : Omega -> nat -> state I A -> I -> R)
    (eta : R) :
  dist W -> dist q -> exact_denoiser q p -> (forall o k, denoiser (phat o k)) ->
  (forall o k (x : state I A), ~~ isfull x ->
    (forall i, 0 <= w o k x i) /\ \sum_(i | x i == None) w o k x i = 1) ->
  0 <= eta -> eta <= 1 ->
  (forall o k (x : state I A) i, (k < #|I|)%N -> marg q x != 0 -> x i = None ->
    1 - \sum_b Num.sqrt (p x i b * phat o k x i b) <= eta) ->
  let out x := \sum_o W o * one_by_one (w o) (phat o) #|I| x in
  tv out (ext q) <= Num.sqrt (1 - (1 - eta) ^+ (2 * #|I|))
  /\ tv out (ext q) <= Num.sqrt ((2 * #|I|)%:R * eta).
Proof.
move=> [W0 W1] dq ep dph hw e0 e1 small out.
have one o := C4 dq ep (dph o) (hw o) e0 e1 (small o).
have h : tv out (ext q) <= Num.sqrt (1 - (1 - eta) ^+ (2 * #|I|)).
  rewrite (@eq_tv R _ _ (push W (fun o => one_by_one (w o) (phat o) #|I|)) _ (push W (fun => ext q))) //.
    apply: le_trans (tv_push _ _ W0) _; rewrite -[X in _ <= X]mul1r -[X in _ <= X * _]W1 mulr_suml.
    by apply: ler_sum => o _; rewrite ler_wpmul2l //; case: (one o).
  by move=> x; rewrite /push -mulr_suml W1 mul1r.
split=> //; apply: le_trans h _; apply: ler_wsqrtr; apply: bernoulli; rewrite e0; exact: e1.
Qed.

(** claim: C4
    says: The same for FHS: its position is uniform among the masked ones.
    covers: The bound for FHS, as the chain of S4. *)
Theorem claim_C4_fhs (R : rcfType) (I A : finType) (q : full I A -> R) p
    (phat : nat -> state I A -> I -> A -> R) (eta : R) :
  dist q -> exact_denoiser q p -> (forall k, denoiser (phat k)) -> 0 <= eta -> eta <= 1 ->
  (forall k (x : state I A) i, (k < #|I|)%N -> marg q x != 0 -> x i = None ->
    1 - \sum_b Num.sqrt (p x i b * phat k x i b) <= eta) ->
  tv (fhs phat) (ext q) <= Num.sqrt (1 - (1 - eta) ^+ (2 * #|I|)).
Proof.
by move=> dq ep dph e0 e1 small; case: (C4 dq ep dph (fun _ => @uniform_picks R I A) e0 e1 small).
Qed.

(** claim: H4
    says: There is a denoiser such that for every output law a data law exists on which the
        denoiser's error is at most eps and the total variation at least eps.
    covers: One token (d = 1; more tokens held constant change nothing), every S at least 2 and
        every eps up to 1 - 1/S, for every output law, so for every sampler that sees only the
        denoiser. *)
Theorem claim_H4 (R : realFieldType) (n : nat) (eps : R) :
  0 <= eps -> eps <= 1 - n.+2%:R^-1 ->
  exists phat : state [finType of 'I_1] [finType of 'I_n.+2] -> 'I_1 -> 'I_n.+2 -> R,
  forall P : state [finType of 'I_1] [finType of 'I_n.+2] -> R, dist P ->
  exists q p, [/\ dist q, exact_denoiser q p, eps_fhs q p (fun => phat) <= eps
                & eps <= tv P (ext q)].
Proof.
move=> e0 e1; exists (@p_unif R n) => P dP; have [s [h1 h2 h3 h4]] := H4 e0 e1 dP.
by exists (tilt_full eps s), (p_tilt eps s).
Qed.

(** claim: L0
    says: Whatever the law and the denoiser, the total variation is at least the probability
        that some token is never revealed.
    covers: The whole claim. *)
Theorem claim_L0 (R : realFieldType) (I A : finType) (q : full I A -> R)
    (phat : nat -> state I A -> I -> A -> R) (r : nat -> R) K :
  rate r -> (forall k, denoiser (phat k)) -> dist q ->
  1 - (1 - surv r K) ^+ #|I| <= tv (euler r phat K) (ext q).
Proof. exact: L0. Qed.

(** claim: L1
    says: For d = 2n tokens that form n independent pairs of equal uniform symbols: the exact
        total variation for every schedule, leftover masks included, and the lower bound that
        holds for every law of K steps.
    covers: Even d only, leftover included; claim_L1_odd is the other half. *)
Theorem claim_L1 (R : realFieldType) (J A : finType) (r : nat -> R) K :
  (0 < #|A|)%N -> rate r ->
  exists (q : full [finType of J * bool] A -> R) p,
    [/\ dist q, exact_denoiser q p,
        tv (euler r (fun => p) K) (ext q)
          = 1 - ((1 - surv r K) ^+ 2 - (1 - #|A|%:R^-1) * \sum_(l < K) step r l ^+ 2) ^+ #|J|
      & (0 < K)%N -> 1 - (1 - (1 - #|A|%:R^-1) / K%:R) ^+ #|J| <= tv (euler r (fun => p) K) (ext q)].
Proof.
move=> A0 hr; exists (@q1 R J A), (@p1 R J A).
by split; [exact: q1_dist | exact: p1_exact | exact: L1 | move=> K0; exact: L1_lower].
Qed.

(** claim: L1
    says: At odd d, one more token that is uniform and independent of the pairs: the total
        variation of the parallel sampler with an exact denoiser is
        1 - (1 - w_oo) ((1 - w_oo)^2 - (1 - 1/S) sum_k w_k^2)^n at d = 2n + 1, and the lower bound
        for every law of K steps stands.
    covers: Odd d, leftover included; with claim_L1 the whole claim but for the
        step count Omega(d/epsilon) that the lower bound implies. *)
Theorem claim_L1_odd (R : realFieldType) (J A : finType) (r : nat -> R) K :
  (0 < #|A|)%N -> rate r ->
  let q (y : full [finType of option [finType of J * bool]] A) : R :=
    (\prod_j ((y (Some (j, false)) == y (Some (j, true)))%:R / #|A|%:R)) / #|A|%:R in
  exists p,
    [/\ dist q, exact_denoiser q p,
        tv (euler r (fun => p) K) (ext q)
          = 1 - (1 - surv r K)
              * ((1 - surv r K) ^+ 2 - (1 - #|A|%:R^-1) * \sum_(l < K) step r l ^+ 2) ^+ #|J|
      & (0 < K)%N -> 1 - (1 - (1 - #|A|%:R^-1) / K%:R) ^+ #|J| <= tv (euler r (fun => p) K) (ext q)].
Proof.
move=> A0 hr q; have e := @q1oE R J A; exists (@p1o R J A).
have te P : tv P (ext q) = tv P (ext (@q1o R J A)).
  by apply: eq_tv => // x; rewrite (eq_ext e).
split; [exact: eq_dist e (q1o_dist R J A0) | exact: eq_exact e (p1o_exact R J A0) | | move=> K0];
  rewrite te; [exact: L1_odd | exact: L1_odd_lower].
Qed.

(** claim: L2
    says: On d equal uniform symbols the total variation is 1 - E[S^-(N-1); no leftover], N the
        size of the first non-empty block: an average over allocations of tokens to steps.
    covers: The whole claim, for every d and S at least 1, every schedule and every exact
        denoiser; allocations are maps from the tokens to the K steps, so leftover drops out. *)
Theorem claim_L2 (R : realFieldType) (I A : finType) (r : nat -> R) K :
  (0 < #|I|)%N -> (0 < #|A|)%N -> rate r ->
  let q : full I A -> R := uniform_on R (fun y : {ffun I -> A} => [forall i, forall j, y i == y j]) in
  dist q /\ forall p, exact_denoiser q p ->
  tv (euler r (fun => p) K) (ext q) = 1 - \sum_(f : {ffun I -> 'I_K})
    (\prod_i step r (f i)) * #|A|%:R^-1 ^+ #|[set i | [forall j, (f i <= f j)%N]]|.-1.
Proof.
move=> d0 A0 hr q; split=> [|p ep]; first exact: (dq4 R A0 d0 (@copies_mds I A)).
exact: L2.
Qed.

(** claim: L4
    says: Parity (S symbols added modulo S, the sum is 0): the total variation is 1 - E[1/S if the
        last block has two tokens or more, else 1; no leftover], and without leftover
        (1 - 1/S) P(last block has two tokens or more).
    covers: The parity half, for every d and S at least 1, every schedule, leftover included, and
        every exact denoiser. *)
Theorem claim_L4_parity (R : realFieldType) (I : finType) (n : nat) (r : nat -> R) K :
  (0 < #|I|)%N -> rate r ->
  let q : full I [finType of 'I_n.+1] -> R :=
    uniform_on R (fun y : {ffun I -> 'I_n.+1} => \sum_i y i == 0) in
  let last (f : {ffun I -> 'I_K}) := #|[set i | [forall j, (f j <= f i)%N]]| in
  dist q /\ forall p, exact_denoiser q p ->
  tv (euler r (fun => p) K) (ext q) = 1 - (\sum_(f : {ffun I -> 'I_K}) (\prod_i step r (f i))
       * (if (1 < last f)%N then n.+1%:R^-1 else 1))
  /\ (surv r K = 0 -> tv (euler r (fun => p) K) (ext q)
        = (1 - n.+1%:R^-1) * \sum_(f : {ffun I -> 'I_K} | (1 < last f)%N) \prod_i step r (f i)).
Proof.
move=> d0 hr q last; split=> [|p ep].
  by apply: (@dq4 R I _ _ _ _ (leq_pred _) (@parity_mds I n d0)); rewrite card_ord.
by split; [exact: L4_parity | exact: L4_parity_noleft].
Qed.

(** claim: L4
    says: On a code of dimension k in which any k places may hold anything and fix the rest (MDS),
        the total variation is 1 - E[S^-excess; no leftover], excess the tokens beyond k in the
        blocks that open with fewer than k tokens revealed.
    covers: The other half, for every such code given as a set of words, every schedule, leftover
        included, and every exact denoiser. Copies (k = 1) and parity (k = d - 1) are such codes. *)
Theorem claim_L4_mds (R : realFieldType) (I A : finType) (C : pred (full I A)) (k : nat)
    (r : nat -> R) K :
  (0 < #|A|)%N -> (k <= #|I|)%N -> rate r ->
  (forall (U : {set I}) (y : full I A), #|U| = k ->
     #|[set z | C z && [forall i, (i \in U) ==> (z i == y i)]]| = 1%N) ->
  let q := uniform_on R C in
  let opened (f : {ffun I -> 'I_K}) := #|[set i | (#|[set j | (f j < f i)%N]| < k)%N]| in
  dist q /\ forall p, exact_denoiser q p ->
  tv (euler r (fun => p) K) (ext q)
    = 1 - \sum_(f : {ffun I -> 'I_K}) (\prod_i step r (f i)) * #|A|%:R^-1 ^+ (opened f - k)%N.
Proof. by move=> A0 kd hr C_mds q opened; split=> [|p ep]; [exact: (dq4 R A0 kd C_mds) | exact: L4_mds]. Qed.

(** claim: L3
    says: On shared symbols the total variation is 1 - E[b^-(sum over steps of C(n_j, 2)); no
        leftover], n_j the number of tokens of step j.
    covers: The exact value, for every d, b, schedule and exact denoiser, leftover included. The
        array has a free diagonal entry, so S = b^d instead of b^(d-1); it changes no term. *)
Theorem claim_L3 (R : realFieldType) (d : nat) (B : finType) (r : nat -> R) K :
  (0 < #|B|)%N -> rate r ->
  let q : full [finType of 'I_d] [finType of {ffun 'I_d -> B}] -> R :=
    uniform_on R (fun y : {ffun 'I_d -> {ffun 'I_d -> B}} => [forall i, forall j, y i j == y j i]) in
  dist q /\ forall p, exact_denoiser q p ->
  tv (euler r (fun => p) K) (ext q) = 1 - \sum_(f : {ffun 'I_d -> 'I_K})
    (\prod_i step r (f i)) * #|B|%:R^-1 ^+ (\sum_(t < K) 'C(#|[set i | f i == t]|, 2)).
Proof. by move=> B0 hr q; split=> [|p ep]; [exact: dq3 | exact: L3]. Qed.

(** claim: L6
    says: For every d, g and b there is a law of floor(d/g) independent groups of g tokens with
        shared symbols of b values, the other tokens constant, on which the total variation is
        1 - (1 - w_oo)^(d mod g) E[b^-(sum of C(n_j, 2)); no leftover]^floor(d/g), the mean over
        one group, and for every law of K steps at least
        1 - (1 - (1 - 1/b)(1 - prod over j < g of (1 - j/K)))^floor(d/g).
    covers: Part (a), with its exact value, for every b (the claim has b = 2), every schedule,
        leftover included, and every exact denoiser; claim_L6_permutations has part (b). The
        vocabulary is b^g, not b^(g-1). Left out: the rate K = Theta(d min(d, log S)/eps) that
        follows with E3 and E7. *)
Theorem claim_L6 (R : realFieldType) (d g : nat) (B : finType) :
  (0 < #|B|)%N ->
  let I := [finType of ('I_(d %/ g) * 'I_g + 'I_(d %% g))%type] in
  #|I| = d /\ exists q : full I [finType of {ffun 'I_g -> B}] -> R,
    [/\ dist q, exists p, exact_denoiser q p
      & forall p r K, exact_denoiser q p -> rate r ->
        tv (euler r (fun => p) K) (ext q) = 1 - (1 - surv r K) ^+ (d %% g)
          * (\sum_(f : {ffun 'I_g -> 'I_K}) (\prod_i step r (f i))
               * #|B|%:R^-1 ^+ (\sum_(t < K) 'C(#|[set i | f i == t]|, 2))) ^+ (d %/ g)
        /\ ((0 < K)%N ->
            1 - (1 - (1 - #|B|%:R^-1) * (1 - \prod_(j < g) (1 - j%:R / K%:R))) ^+ (d %/ g)
              <= tv (euler r (fun => p) K) (ext q))].
Proof.
move=> /card_gt0P[b0 _] I; split; first by rewrite card_sum card_prod !card_ord -divn_eq.
pose J := [finType of 'I_(d %/ g)]; pose E := [finType of 'I_(d %% g)].
have dq := q6_dist R J E g b0; have ep := p6_exact R J E g b0.
exists (q6 R (J := J) (E := E) (g := g) b0); split=> //; first by exists (p6 R (J := J) (E := E) (g := g) b0).
move=> p r K ep' hr; rewrite (tv_exact_denoisers K hr dq ep' ep); split; last first.
  by move=> K0; have := L6_lower J E g b0 hr K0; rewrite card_ord.
rewrite L6_value // !card_ord /mean_kept; congr (1 - _ * _ ^+ _).
by apply: eq_bigr => f _; rewrite alloc_loss3 //; apply/card_gt0P; exists b0.
Qed.

(** claim: L6
    says: On independent groups of S tokens, each a uniformly random permutation of the S symbols,
        the total variation is 1 - (E of the product over steps of (m)_n / m^n; no
        leftover)^(number of groups): in one group m tokens are masked before the step and n of
        them are drawn, and (m)_n is the falling factorial.
    covers: Part (b)'s exact value, for every S at least 1, every schedule (the claim has
        equal steps), leftover included, and every exact denoiser. Left out: its first-order
        constant (d/2)(H_S - 1). *)
Theorem claim_L6_permutations (R : realFieldType) (J T : finType) (r : nat -> R) K :
  (0 < #|T|)%N -> rate r ->
  let q : full [finType of J * T] T -> R :=
    uniform_on R (fun y : {ffun J * T -> T} => [forall j, injectiveb [ffun t => y (j, t)]]) in
  let masks (f : {ffun T -> 'I_K}) (t : 'I_K) := #|[set i | (t <= f i)%N]| in
  let size (f : {ffun T -> 'I_K}) (t : 'I_K) := #|[set i | f i == t]| in
  dist q /\ forall p, exact_denoiser q p ->
  tv (euler r (fun => p) K) (ext q) = 1 - (\sum_(f : {ffun T -> 'I_K}) (\prod_i step r (f i)) *
    \prod_(t < K) ((masks f t ^_ size f t)%:R / (masks f t)%:R ^+ size f t)) ^+ #|J|.
Proof.
move=> T0 hr q masks size; split=> [|p ep]; last exact: L6b.
by apply: uniform_on_dist; case: (permutations_uniform R J T).
Qed.

(** claim: Q1
    says: A call opens at a partial state; the policy picks positions and their order from all that
        has been committed, in order, with the bits accepted or rejected, before it sees the
        drafts; all drafts are drawn at the opening, each from the drafter's law there; the
        verifier's conditionals are taken at the context that includes the tokens verified before;
        token j is accepted with probability min(1, p/phat), the first rejected one is replaced by
        a draw proportional to (p - phat)_+ and ends the call. With a verifier that has q_0's
        conditionals, the output after d calls or more is q_0, exactly, for any drafter (which may
        depend on the history) and any policy that picks masked positions, at least one.
    covers: The whole claim for a verifier with the exact conditionals of q_0. It leaves out a
        verifier whose conditionals are those of no law, and random seeds (the law for a seed is
        the same for each). *)
Theorem claim_Q1 (R : realFieldType) (I A : finType) (q : full I A -> R)
    (p : state I A -> I -> A -> R) (phat : seq (I * A * bool) -> state I A -> I -> A -> R)
    (policy : seq (I * A * bool) -> state I A -> seq I) (n : nat) :
  dist q -> exact_denoiser q p -> (forall h, denoiser (phat h)) ->
  (forall h (x : state I A), ~~ isfull x ->
    [/\ policy h x != [::], uniq (policy h x) & all (fun i => x i == None) (policy h x)]) ->
  (#|I| <= n)%N ->
  speculate p phat policy n =1 ext q.
Proof. by move=> dq ep dph ok dn; apply: Q1 => //; case: ep. Qed.
