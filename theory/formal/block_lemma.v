(* P8, Gini form: tokens drawn independently from their marginals miss their joint law by at most what
   the marginals but one lack of being certain. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler policy symmetric confident.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section P8.
Variable R : realFieldType.
Variables J T : finType.
Notation word := {ffun J -> T}.
Variable p : word -> R.
Hypothesis dp : dist p.
Implicit Types (z : word) (D : {set J}).
Let m := marginal p.
Let p0 : nonneg p. Proof. by case: dp. Qed.
Let dm j : dist (m j). Proof. exact: marginal_dist. Qed.

(* What two laws have in common. *)
Lemma tv_meet (U : finType) (a b c : U -> R) : dist a -> dist b ->
  (forall u, 0 <= c u) -> (forall u, c u <= a u) -> (forall u, c u <= b u) ->
  tv a b <= 1 - \sum_u c u.
Proof.
move=> [a0 a1] [b0 b1] c0 ca cb; rewrite tv_pos ?a1 ?b1 // -a1 -sumrB ler_sum // => u _.
by apply: pos_le; [rewrite ler_add2l ler_opp2 | rewrite subr_ge0].
Qed.

(* The tokens of D as in z', the others from their marginals. *)
Let row D z' (j : J) : T -> R := if j \in D then point R (z' j) else m j.
Definition part_law D : word -> R := push p (fun z' z => \prod_j row D z' j (z j)).

Let row_dist D z' j : dist (row D z' j).
Proof. by rewrite /row; case: (j \in D); [exact: point_dist | exact: dm]. Qed.

Lemma part_dist D : dist (part_law D).
Proof. by apply: push_dist => // z'; apply: prod_law_dist. Qed.

Lemma part_all : part_law setT =1 p.
Proof.
move=> z; rewrite /part_law /push (bigD1 z) //= big1 ?mulr1 => [|j _]; last by rewrite /row inE /point eqxx.
rewrite big1 ?addr0 // => z' ne; have [j zj] : exists j, z' j != z j.
  apply/existsP; rewrite -negb_forall; apply: contra ne => /forallP h.
  by apply/eqP/ffunP=> j; apply/eqP.
by rewrite (bigD1 j) //= /row inE /point eq_sym (negPf zj) mul0r mulr0.
Qed.

Lemma part_none : part_law set0 =1 (fun z => \prod_j m j (z j)).
Proof.
move=> z; rewrite /part_law /push (eq_bigr (fun z' => p z' * \prod_j m j (z j))) => [|z' _].
  by rewrite -mulr_suml; case: dp => _ ->; rewrite mul1r.
by congr (_ * _); apply: eq_bigr => j _; rewrite /row inE.
Qed.

(* One token of D. *)
Lemma part_mean D i (phi : T -> R) : i \in D ->
  \sum_z part_law D z * phi (z i) = \sum_z p z * phi (z i).
Proof.
move=> iD; rewrite /part_law push_expect; apply: eq_bigr => z' _; congr (_ * _).
pose c j a := row D z' j a * (if j == i then phi a else 1).
rewrite (eq_bigr (fun z : word => \prod_j c j (z j))) => [|z _]; last first.
  rewrite /c big_split /=; congr (_ * _); rewrite (bigD1 i) //= eqxx big1 ?mulr1 //.
  by move=> j /negPf ->.
rewrite -(bigA_distr_bigA c) /= (bigD1 i) //= [X in _ * X]big1 ?mulr1 => [|j /negPf ji]; last first.
  by rewrite /c ji; under eq_bigr do rewrite mulr1; case: (row_dist D z' j).
by rewrite /c eqxx /row iD sum_point.
Qed.

Lemma mean_marginal i (phi : T -> R) : \sum_z p z * phi (z i) = \sum_a m i a * phi a.
Proof.
rewrite (partition_big (fun z : word => z i) xpredT) //=; apply: eq_bigr => a _.
by rewrite /m /marginal mulr_suml; apply: eq_bigr => z /eqP ->.
Qed.

Lemma part_step D i : i \notin D ->
  tv (part_law (i |: D)) (part_law D) <= 1 - \sum_a m i a ^+ 2.
Proof.
move=> iD; have -> : \sum_a m i a ^+ 2 = \sum_z part_law (i |: D) z * m i (z i).
  by rewrite part_mean ?setU11 // mean_marginal; apply: eq_bigr => a _; rewrite expr2.
have m0 j a : 0 <= m j a by case: (dm j).
have m1 j a : m j a <= 1 by apply: dist_le1.
have [q0 q1] := part_dist (i |: D).
apply: tv_meet; [exact: part_dist | exact: part_dist | | |] => z.
- by rewrite mulr_ge0.
- by rewrite -[X in _ <= X]mulr1 ler_wpmul2l.
rewrite /part_law /push mulr_suml ler_sum // => z' _; rewrite -mulrA ler_wpmul2l //.
rewrite (bigD1 i) //= [X in _ <= X](bigD1 i) //= /row setU11 (negPf iD) mulrAC.
rewrite [X in _ * X](eq_bigr (fun j => row D z' j (z j))) => [|j ji]; last first.
  by rewrite /row in_setU1 (negPf ji).
rewrite ler_wpmul2r //; first by apply: prodr_ge0 => j _; case: (row_dist D z' j).
by rewrite /point; case: (z i == z' i); rewrite ?mul1r ?mul0r.
Qed.

Theorem P8 (j0 : J) : tv p (fun z => \prod_j m j (z j)) <= \sum_(j | j != j0) (1 - \sum_a m j a ^+ 2).
Proof.
have one : part_law [set j0] =1 (fun z => \prod_j m j (z j)).
  move=> z; rewrite /part_law /push (bigD1 j0) //=.
  rewrite (eq_bigr (fun z' => (p z' * (z j0 == z' j0)%:R) * \prod_(j | j != j0) m j (z j))) => [|z' _].
    rewrite -mulr_suml; congr (_ * _); rewrite /m /marginal [RHS]big_mkcond; apply: eq_bigr => z' _.
    by rewrite eq_sym; case: (_ == _); rewrite ?mulr1 ?mulr0.
  rewrite -mulrA; congr (_ * _); rewrite (bigD1 j0) //= /row inE eqxx /point; congr (_ * _).
  by apply: eq_bigr => j /negPf ji; rewrite inE ji.
have gen (s : seq J) : uniq s -> j0 \notin s ->
    tv (part_law [set j in j0 :: s]) (fun z => \prod_j m j (z j)) <= \sum_(j <- s) (1 - \sum_a m j a ^+ 2).
  elim: s => [_ _|i s IHs /= /andP[i_s us] j0_s].
    rewrite big_nil (_ : [set j in [:: j0]] = [set j0]); last by apply/setP=> j; rewrite !inE.
    by rewrite (eq_tv one (fun => erefl)) tvxx.
  move: j0_s; rewrite inE negb_or => /andP[j0i j0_s].
  rewrite big_cons (_ : [set j in [:: j0, i & s]] = i |: [set j in j0 :: s]); last first.
    by apply/setP=> j; rewrite !inE orbCA.
  apply: le_trans (tv_triangle _ (part_law [set j in j0 :: s]) _) _; apply: ler_add; last exact: IHs.
  by apply: part_step; rewrite !inE negb_or eq_sym j0i.
have := gen (filter (predC1 j0) (index_enum J)) (filter_uniq _ (index_enum_uniq J)).
rewrite mem_filter /= eqxx big_filter /= => /(_ isT); apply: le_trans.
rewrite (_ : [set j in _] = setT); first by rewrite (eq_tv part_all (fun => erefl)).
by apply/setP=> j; rewrite !inE mem_filter mem_index_enum /= andbT; case: eqP.
Qed.
End P8.

(* ------------------------------------------------------------------ blocks of a policy *)

Section Blocks.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Implicit Types (x : state) (y z : full) (B : {set I}).
Variables (q : full -> R) (p : state -> I -> A -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).

Definition gini (f : A -> R) : R := 1 - \sum_a f a ^+ 2.

Section Context.
Variables (B : {set I}) (x : state) (y0 : full).
Hypothesis m0 : marg q x != 0.

(* The tokens of B from q_0(.|x_U), the others constant. *)
Let keep z : full := [ffun j => if j \in fresh B x then z j else y0 j].
Let cnd z : R := (below x z)%:R * q z / marg q x.
Let v : full -> R := push cnd (fun z => point R (keep z)).

Let cnd_dist : dist cnd.
Proof.
have [q0 _] := dq; split=> [z|]; first by rewrite divr_ge0 ?mulr_ge0 ?ler0n ?marg_ge0.
rewrite -mulr_suml (_ : \sum_z _ = marg q x) ?divff // /marg [RHS]big_mkcond.
by apply: eq_bigr => z _; case: (below x z); rewrite ?mul1r ?mul0r.
Qed.

Let v_dist : dist v.
Proof. by apply: push_dist => // z; apply: point_dist. Qed.

Lemma v_marginal j a : marginal v j a = if j \in fresh B x then p x j a else (a == y0 j)%:R.
Proof.
have -> : marginal v j a = \sum_z cnd z * (keep z j == a)%:R.
  rewrite /marginal big_mkcond (eq_bigr (fun z => v z * (z j == a)%:R)) => [|z _]; last first.
    by case: (z j == a); rewrite ?mulr1 ?mulr0.
  by rewrite push_expect; apply: eq_bigr => z _; rewrite sum_point.
case: (boolP (j \in fresh B x)) => jB.
  have xj : x j = None by move: jB; rewrite inE => /andP[_ /eqP].
  rewrite (exact_cond _ ep m0 xj) /marg mulr_suml [RHS]big_mkcond; apply: eq_bigr => z _.
  rewrite below_upd // /cnd /keep ffunE jB.
  by case: (below x z); case: (z j == a); rewrite /= ?mul1r ?mul0r ?mulr1 ?mulr0.
rewrite (eq_bigr (fun z => cnd z * (a == y0 j)%:R)) => [|z _].
  by rewrite -mulr_suml; case: cnd_dist => _ ->; rewrite mul1r.
by rewrite /keep ffunE (negPf jB) eq_sym.
Qed.

Let show z : state -> R := point R (uncover B z x).

Lemma joint_push : joint_block B q x =1 push v show.
Proof.
move=> x'; have -> : push v show x' = \sum_z cnd z * (uncover B z x == x')%:R.
  rewrite /push (push_expect cnd (fun z => point R (keep z)) (fun z => show z x')).
  apply: eq_bigr => z _; rewrite sum_point /show /point eq_sym.
  rewrite (_ : uncover B (keep z) x = uncover B z x) //.
  by apply/ffunP=> j; rewrite !ffunE; case: (j \in fresh B x).
rewrite /joint_block mulr_suml big_mkcond; apply: eq_bigr => z _; rewrite /cnd.
by case: (below x z); case: (_ == x'); rewrite /= ?mul1r ?mul0r ?mulr1 ?mulr0.
Qed.

Lemma draw_push : draw_block B p x =1 push (fun z => \prod_j marginal v j (z j)) show.
Proof.
move=> x'; rewrite /push /draw_block.
pose c j a : R := marginal v j a * ((if j \in fresh B x then Some a else x j) == x' j)%:R.
rewrite (eq_bigr (fun z => \prod_j c j (z j))) => [|z _]; last first.
  rewrite /c big_split /=; congr (_ * _); rewrite /show /point eq_sym.
  case: (eqVneq (uncover B z x) x') => [<-|ne]; first by rewrite big1 // => j _; rewrite ffunE eqxx.
  have [j zj] : exists j, uncover B z x j != x' j.
    apply/existsP; rewrite -negb_forall; apply: contra ne => /forallP h.
    by apply/eqP/ffunP=> j; apply/eqP.
  by rewrite (bigD1 j) //=; move: zj; rewrite ffunE => /negPf ->; rewrite mul0r.
rewrite -(bigA_distr_bigA c) /=; apply: eq_bigr => j _; rewrite /c.
under eq_bigr do rewrite v_marginal.
case: (boolP (j \in fresh B x)) => jB; last first.
  rewrite (bigD1 (y0 j)) //= eqxx mul1r big1 ?addr0 => [|a /negPf ->]; last by rewrite mul0r.
  move: jB; rewrite inE /tok; case: (j \in B) => /=; case xj : (x j) => [a|] //= _; rewrite ?[_ == x' j]eq_sym //.
  by case: (x' j) => [b|] /=; rewrite ?mul0r ?subr0.
move: jB; rewrite inE => /andP[-> /eqP xj]; rewrite xj /tok; case: (x' j) => [b|]; last first.
  by rewrite subrr big1 // => a _; rewrite mulr0.
rewrite (bigD1 b) //= eqxx mulr1 big1 ?addr0 ?mul1r // => a ab.
by rewrite (_ : (Some a == Some b) = false) ?mulr0 //; apply/negbTE; apply: contra ab => /eqP [->].
Qed.

Lemma local_tv_gini j : j \in fresh B x ->
  local_tv q p B x <= \sum_(i in fresh B x | i != j) gini (p x i).
Proof.
move=> jB; rewrite /local_tv (eq_tv draw_push joint_push) tvC.
apply: le_trans (tv_contract _ _ (k := show) _) _; first by move=> z; apply: point_dist.
apply: le_trans (P8 v_dist j) _; rewrite [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum //= => i _.
under eq_bigr do rewrite v_marginal; case: (i \in fresh B x) => /=; case: (i != j) => //=.
rewrite (bigD1 (y0 i)) //= eqxx expr1n big1 ?addr0 ?subrr // => a /negPf ->.
by rewrite expr0n.
Qed.
End Context.

Variables (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) (n : nat) (eta : R).
Hypothesis dW : dist W.

(* The Gini rule: blocks of two tokens or more with sum minus one of the Gini indices at most eta. *)
Theorem gini_rule :
  (forall o t x, (1 < #|fresh (pi o t x) x|)%N -> exists2 j, j \in fresh (pi o t x) x
     & \sum_(i in fresh (pi o t x) x | i != j) gini (p x i) <= eta) ->
  tv (mixed_law W (fun => p) pi n) (ext q)
    <= \sum_o W o * \sum_y q y * (eta * #|[set t : 'I_n | (1 < #|block (pi o) y t|)%N]|%:R
                                  + (~~ isfull (seen (pi o) y n))%:R).
Proof.
move=> rule; have [dp _] := ep; apply: le_trans (P2 pi dW dq (fun => dp) n) _; apply: ler_sum => o _.
rewrite ler_wpmul2l //; first by case: dW.
have [q0 _] := dq; apply: ler_sum => y _; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy].
  by rewrite !mul0r.
rewrite ler_wpmul2l // ler_add2r mulr_natr -sumr_const [X in _ <= X]big_mkcond ler_sum //= => t _.
have m0 : marg q (seen (pi o) y t) != 0 by apply: marg_neq0 (seen_below _ _ _) => //; apply: lt0r_neq0.
rewrite inE; case: ltnP => [big|le1]; last first.
  apply: le_trans (local_tv_one ep dp m0 le1) _.
  by rewrite big1 // => i _; rewrite tvxx.
have [j jB le] := rule o t _ big; apply: le_trans _ le.
exact: (local_tv_gini y m0 jB).
Qed.
End Blocks.
