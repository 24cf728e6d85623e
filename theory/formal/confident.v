(* P3: confident batches. A block whose tokens each have a likely symbol is nearly independent; the
   threshold rule. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler policy symmetric.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Basics.
Variable R : realFieldType.

(* What two laws have in common at one point. *)
Lemma tv_common (T : finType) (p q : T -> R) a c : dist p -> dist q -> c <= p a -> c <= q a -> 0 <= c ->
  tv p q <= 1 - c.
Proof.
move=> [p0 p1] [q0 q1] cp cq c0; rewrite tv_pos ?p1 ?q1 // (bigD1 a) //= -p1 [X in X - c](bigD1 a) //=.
rewrite addrAC ler_add //.
  by apply: pos_le; [rewrite ler_add2l ler_opp2 | rewrite subr_ge0].
by apply: ler_sum => x _; apply: pos_le => //; rewrite ler_subl_addr ler_addl.
Qed.

Lemma prod_ge (J : finType) (P : pred J) (f : J -> R) : (forall j, 0 <= f j <= 1) ->
  1 - \sum_(j | P j) (1 - f j) <= \prod_(j | P j) f j.
Proof.
move=> f01; suff [] : 0 <= \prod_(j | P j) f j <= 1 /\ 1 - \sum_(j | P j) (1 - f j) <= \prod_(j | P j) f j by [].
elim/big_ind2: _ => [|a b a' b' [/andP[h0 h1] h] [/andP[h0' h1'] h']|j _].
- by rewrite subr0 ler01 !lexx.
- split; first by rewrite mulr_ge0 ?mulr_ile1.
  have e : b * b' - (1 - (a + a')) = (b - (1 - a)) + (b' - (1 - a')) + (1 - b) * (1 - b') by ring_R.
  rewrite -subr_ge0 e; apply: addr_ge0; first by apply: addr_ge0; rewrite subr_ge0.
  by apply: mulr_ge0; rewrite subr_ge0.
by rewrite subKr lexx; split.
Qed.
End Basics.

(* ------------------------------------------------------------------ P3(b) *)

Section Marginals.
Variable R : realFieldType.
Variables J T : finType.
Variable p : {ffun J -> T} -> R.
Hypothesis dp : dist p.
Implicit Types (z : {ffun J -> T}).

Definition marginal (j : J) (b : T) : R := \sum_(z : {ffun J -> T} | z j == b) p z.

Lemma marginal_dist j : dist (marginal j).
Proof.
case: dp => p0 p1; split=> [b|]; first exact: sumr_ge0.
by rewrite -p1 [RHS](partition_big (fun z : {ffun J -> T} => z j) xpredT).
Qed.

Lemma dist_le1 (T' : finType) (f : T' -> R) a : dist f -> f a <= 1.
Proof. by case=> f0 <-; rewrite (bigD1 a) //= ler_addl sumr_ge0. Qed.

(* Union bound. *)
Lemma point_ge (a : {ffun J -> T}) : 1 - \sum_j (1 - marginal j (a j)) <= p a.
Proof.
case: dp => p0 p1; rewrite ler_subl_addr -ler_subl_addl.
have -> : 1 - p a = \sum_(z | z != a) p z by rewrite -[X in X - _]p1 (bigD1 a) //= addrAC subrr add0r.
have -> : \sum_j (1 - marginal j (a j)) = \sum_j \sum_z p z * (z j != a j)%:R.
  apply: eq_bigr => j _; rewrite -[X in X - _]p1 (bigID (fun z : {ffun J -> T} => z j == a j)) /= -/(marginal j (a j)).
  rewrite addrAC subrr add0r big_mkcond; apply: eq_bigr => z _.
  by case: (z j == a j); rewrite /= ?mulr1 ?mulr0.
rewrite exchange_big [X in X <= _]big_mkcond ler_sum // => z _; case: (eqVneq z a) => [_|ne] /=.
  by apply: sumr_ge0 => j _; rewrite mulr_ge0 ?ler0n.
have [j zj] : exists j, z j != a j.
  apply/existsP; rewrite -negb_forall; apply: contra ne => /forallP h.
  by apply/eqP/ffunP=> j; apply/eqP.
rewrite (bigD1 j) //= zj mulr1 ler_addl; apply: sumr_ge0 => k _.
by rewrite mulr_ge0 ?ler0n.
Qed.

Theorem P3b (a : {ffun J -> T}) :
  let q z := \prod_j marginal j (z j) in
  tv p q <= 1 - Num.min (p a) (q a) /\ 1 - Num.min (p a) (q a) <= \sum_j (1 - marginal j (a j)).
Proof.
move=> q; have dq : dist q by apply: prod_law_dist => j; apply: marginal_dist.
have [p0 _] := dp; have [q0 _] := dq; rewrite minEle; split.
  by case: (lerP (p a) (q a)) => h; apply: (tv_common (a := a)) => //; apply: ltW.
rewrite ler_subl_addr -ler_subl_addl; case: ifP => _; first exact: point_ge.
apply: (prod_ge xpredT (f := fun j => marginal j (a j))) => j.
by rewrite dist_le1 ?andbT; [case: (marginal_dist j) | apply: marginal_dist].
Qed.
End Marginals.

(* ------------------------------------------------------------------ P3(d) *)

Section Threshold.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Implicit Types (x : state) (y z : full) (B : {set I}).
Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).

Lemma local_tv_confident B x (top : I -> A) : marg q x != 0 ->
  local_tv q p B x <= \sum_(i in fresh B x) (1 - p x i (top i)).
Proof.
move=> m0; have [dp _] := ep; have [q0 q1] := dq.
pose a : full := [ffun i => if x i is Some b then b else top i].
have xa : below x a by apply/forallP=> i; rewrite ffunE; case: (x i) => [b|] //=; rewrite eqxx.
have aE i : i \in fresh B x -> a i = top i /\ x i = None.
  by rewrite inE => /andP[_ /eqP xi]; rewrite ffunE xi.
set S := \sum_(i in _) _.
have dd := draw_block_dist B dp x; have dj := joint_block_dist dq B m0.
case: (lerP S 1) => S1; last by apply: le_trans (tv_le1 dd dj) (ltW S1).
have -> : S = 1 - (1 - S) by rewrite subKr.
apply: (tv_common (a := uncover B a x)) => //; last by rewrite subr_ge0.
  rewrite draw_blockE (eq_bigr (fun i => p x i (top i))) => [|i iB]; last by case: (aE i iB) => ->.
  apply: (prod_ge (mem (fresh B x)) (f := fun i => p x i (top i))) => i.
  by rewrite dist_le1 ?andbT; [case: (dp x i) | apply: dp].
have mp : 0 < marg q x by rewrite lt_neqAle eq_sym m0 marg_ge0.
have mi : 0 <= (marg q x)^-1 by rewrite invr_ge0 ltW.
rewrite joint_blockE // -[X in X <= _](mulfK m0) ler_wpmul2r //.
rewrite mulrBl mul1r ler_subl_addr -ler_subl_addl mulr_suml.
rewrite (eq_bigr (fun i => \sum_(z | below x z) q z * (z i != top i)%:R)) => [|i iB]; last first.
  have [_ xi] := aE i iB; have [_ e] := ep; rewrite mulrBl mul1r mulrC e // /marg.
  rewrite (bigID (fun z : full => z i == top i)) /= (eq_bigl (below (upd x i (top i)))) => [|z]; last first.
    by rewrite below_upd.
  rewrite addrAC subrr add0r [LHS]big_mkcond [RHS]big_mkcond; apply: eq_bigr => z _.
  by case: (below x z); case: (z i == top i); rewrite /= ?mulr1 ?mulr0.
rewrite exchange_big /= [X in X - _](bigID (fun z => below (uncover B a x) z)) /=.
rewrite (eq_bigl (below (uncover B a x))) => [|z]; last first.
  by case: (boolP (below (uncover B a x) z)) => [/below_uncover[->]|_] //; rewrite andbF.
rewrite addrAC subrr add0r [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum //= => z _.
case: (boolP (below x z)) => //= xz; case: (boolP (below (uncover B a x) z)) => /= [_|no].
  by apply: sumr_ge0 => i _; rewrite mulr_ge0 ?ler0n.
have [i iB ne] : exists2 i, i \in fresh B x & z i != top i.
  move: no => /forallPn[i]; rewrite ffunE; case: ifP => iB; last first.
    by move: xz => /forallP/(_ i) ->.
  rewrite /= => ne; exists i => //; have [e _] := aE i iB; rewrite -e eq_sym.
  by apply: contra ne => /eqP ->.
rewrite (bigD1 i) //= ne mulr1 ler_addl; apply: sumr_ge0 => j _.
by rewrite mulr_ge0 ?ler0n.
Qed.

Variables (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) (n : nat).
Hypothesis dW : dist W.

(* Rounds of one token cost nothing; in the others each token costs what its most likely symbol lacks. *)
Theorem P3d (top : state -> I -> A) :
  tv (mixed_law W (fun => p) pi n) (ext q)
    <= \sum_o W o * \sum_y q y * (\sum_(t < n | (1 < #|block (pi o) y t|)%N) \sum_(i in block (pi o) y t)
          (1 - p (seen (pi o) y t) i (top (seen (pi o) y t) i))
        + (~~ isfull (seen (pi o) y n))%:R).
Proof.
have [dp _] := ep; apply: le_trans (P2 pi dW dq (fun => dp) n) _; apply: ler_sum => o _.
rewrite ler_wpmul2l //; first by case: dW.
have [q0 _] := dq; apply: ler_sum => y _; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy].
  by rewrite !mul0r.
rewrite ler_wpmul2l // ler_add2r [X in _ <= X]big_mkcond ler_sum //= => t _.
have m0 : marg q (seen (pi o) y t) != 0 by apply: marg_neq0 (seen_below _ _ _) => //; apply: lt0r_neq0.
case: ltnP => [_|le1]; first exact: local_tv_confident.
apply: le_trans (local_tv_one ep dp m0 le1) _.
by rewrite big1 // => i _; rewrite tvxx.
Qed.

(* Threshold tau. *)
Theorem P3d_threshold (tau : R) :
  (forall o t x i, (1 < #|fresh (pi o t x) x|)%N -> i \in fresh (pi o t x) x -> exists a, tau <= p x i a) ->
  tv (mixed_law W (fun => p) pi n) (ext q)
    <= (1 - tau) * (\sum_o W o * \sum_y q y *
           (\sum_(t < n | (1 < #|block (pi o) y t|)%N) #|block (pi o) y t|)%:R)
       + \sum_o W o * \sum_y q y * (~~ isfull (seen (pi o) y n))%:R.
Proof.
move=> conf; case: (pickP (fun y : full => q y != 0)) => [y0 _|no]; last first.
  have [_ q1] := dq; move: q1; rewrite big1 => [|y _]; last by have := no y => /negbFE/eqP.
  by move/eqP; rewrite eq_sym oner_eq0.
pose top x i := odflt (y0 i) [pick a | tau <= p x i a].
apply: le_trans (P3d top) _; rewrite mulr_sumr -big_split ler_sum //= => o _.
rewrite mulrCA -mulrDr ler_wpmul2l //; first by case: dW.
rewrite mulr_sumr -big_split ler_sum //= => y _; rewrite mulrCA -mulrDr ler_wpmul2l //.
  by case: dq.
rewrite ler_add2r natr_sum mulr_sumr ler_sum // => t big; rewrite mulr_natr -sumr_const ler_sum // => i iB.
rewrite ler_add2l ler_opp2 /top; case: pickP => [a //|none].
by have [a ha] := conf o t _ i big iB; have := none a; rewrite ha.
Qed.
End Threshold.
