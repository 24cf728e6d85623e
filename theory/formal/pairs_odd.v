(* L1 at odd d: n pairs of equal, uniform symbols and one token alone. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler pairs.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* A law that has c q_0 on the support of q_0 is at distance 1 - c. *)
Lemma tv_scaled (R : realFieldType) (I A : finType) (P : state I A -> R) (q : full I A -> R) c :
  dist P -> dist q -> (forall y, q y != 0 -> P (inj y) = c * q y) -> tv P (ext q) = 1 - c.
Proof.
move=> dP dq h; have [p0 p1] := dP; have [q0 q1] := dq.
have c1 : c <= 1.
  rewrite -[c]mulr1 -[X in c * X]q1 mulr_sumr -[X in _ <= X]p1.
  apply: (@le_trans _ _ (\sum_(y : full I A) P (inj y))).
    apply: ler_sum => y _; case: (eqVneq (q y) 0) => [->|qy]; first by rewrite mulr0.
    by rewrite h.
  rewrite [X in _ <= X](bigID (fun x => x \in [set inj y | y in setT])) /=.
  rewrite big_imset /=; last by move=> y z _ _; apply: inj_inj.
  rewrite [\sum_(i in setT) _](eq_bigl xpredT) => [|y]; last by rewrite inE.
  by rewrite ler_addl sumr_ge0.
rewrite tv_posC //; last exact: ext_dist.
rewrite (eq_bigr (fun x => ext q x * (1 - c))) => [|x _].
  by rewrite -mulr_suml (proj2 (ext_dist dq)) mul1r.
case xf : (isfull x); last first.
  by rewrite ext_notfull ?xf // mul0r sub0r pos0 // oppr_le0.
case/isfullE: xf => y ->; rewrite ext_inj; case: (eqVneq (q y) 0) => [->|qy].
  by rewrite mul0r sub0r pos0 // oppr_le0.
rewrite h // mulrBr mulr1 [c * _]mulrC pos_id //.
by rewrite -[X in X - _]mulr1 -mulrBr mulr_ge0 ?subr_ge0.
Qed.

Lemma eq_ext (R : realFieldType) (I A : finType) (q q' : full I A -> R) : q =1 q' -> ext q =1 ext q'.
Proof. by move=> e x; apply: eq_bigr => y _; rewrite e. Qed.

Lemma eq_exact (R : realFieldType) (I A : finType) (q q' : full I A -> R) p :
  q =1 q' -> exact_denoiser q p -> exact_denoiser q' p.
Proof.
move=> e [dp ep]; split=> // x i b xi; have m z : marg q' z = marg q z.
  by apply: eq_bigr => y _; rewrite e.
by rewrite !m ep.
Qed.

Lemma eq_dist (R : realFieldType) (T : finType) (q q' : T -> R) : q =1 q' -> dist q -> dist q'.
Proof.
by move=> e [q0 q1]; split=> [x|]; [rewrite -e | rewrite -[RHS]q1; apply: eq_bigr => x _; rewrite e].
Qed.

Section Lone.
Variable R : realFieldType.
Variables (I A : finType).
Hypothesis A_gt0 : (0 < #|A|)%N.
Notation I' := [finType of option I].
Notation full := (full I' A).
Notation state := (state I' A).
Implicit Types (x y : state).
Let iS : R := #|A|%:R^-1.
Variables (q : partial.full I A -> R) (p : partial.state I A -> I -> A -> R).

(* One more token, independent and uniform. *)
Definition cut x : partial.state I A := [ffun i => x (Some i)].
Definition cutf (y : full) : partial.full I A := [ffun i => y (Some i)].
Definition glue (z : partial.state I A) (o : option A) : state :=
  [ffun j => if j is Some i then z i else o].
Definition q_lone (y : full) : R := q (cutf y) * iS.
Definition p_lone x (j : I') : A -> R := if j is Some i then p (cut x) i else fun => iS.

Lemma sum_glue (F : state -> R) : \sum_x F x = \sum_z \sum_o F (glue z o).
Proof.
rewrite pair_bigA (reindex (fun zo : partial.state I A * option A => glue zo.1 zo.2)) //=.
exists (fun x : state => (cut x, x None)) => [[z o] _|x _] /=.
  by congr (_, _); [apply/ffunP=> i; rewrite !ffunE | rewrite ffunE].
by apply/ffunP=> -[i|]; rewrite !ffunE.
Qed.

Lemma prod_lone (F : I' -> R) : \prod_j F j = F None * \prod_i F (Some i).
Proof.
rewrite (bigD1 None) //=; congr (_ * _).
rewrite (reindex_omap Some id) => [|[a|] //].
by apply: eq_bigl => a; rewrite eqxx.
Qed.

Lemma p_lone_dist : denoiser p -> denoiser p_lone.
Proof.
move=> dp x [i|] /=; first exact: dp.
split=> [b|]; first by rewrite invr_ge0 ler0n.
by rewrite sumr_const -[iS *+ _]mulr_natl mulfV // pnatr_eq0 -lt0n.
Qed.

Lemma cut_upd x i b : cut (upd x (Some i) b) = upd (cut x) i b.
Proof. by apply/ffunP=> j; rewrite !ffunE. Qed.

Lemma cut_upd0 x b : cut (upd x None b) = cut x.
Proof. by apply/ffunP=> j; rewrite !ffunE. Qed.

Lemma marg_lone x : marg q_lone x = marg q (cut x) * (if x None is Some _ then iS else 1).
Proof.
pose M x := marg q (cut x) * (if x None is Some _ then iS else 1).
symmetry; apply: (marg_unique (M := M)) => [{}x j xj|y]; rewrite /M; last first.
  rewrite ffunE /q_lone; congr (_ * _); rewrite -(marg_inj q (cutf y)); congr (marg q _).
  by apply/ffunP=> i; rewrite !ffunE.
case: j xj => [i|] xj.
  under eq_bigr do rewrite cut_upd upd_neq //.
  by rewrite -mulr_suml marg_sum // ffunE.
under eq_bigr do rewrite cut_upd0 upd_eq.
rewrite xj mulr1 sumr_const -[_ *+ _]mulr_natl mulrCA mulfV ?mulr1 //.
by rewrite pnatr_eq0 -lt0n.
Qed.

Lemma p_lone_exact : exact_denoiser q p -> exact_denoiser q_lone p_lone.
Proof.
move=> [dp ep]; split=> [|x j b xj]; first exact: p_lone_dist.
rewrite !marg_lone; case: j xj => [i|] xj /=.
  by rewrite cut_upd upd_neq // mulrAC ep // ffunE.
by rewrite cut_upd0 upd_eq xj mulr1.
Qed.

Lemma q_lone_dist : dist q -> dist q_lone.
Proof.
move=> [q0 q1]; split=> [y|]; first by rewrite mulr_ge0 ?invr_ge0 ?ler0n.
rewrite -marg_allmask marg_lone ffunE mulr1 -[RHS]q1 -marg_allmask.
by congr (marg q _); apply/ffunP=> i; rewrite !ffunE.
Qed.

(* The chain is a product. *)
Lemma euler_lone (r : nat -> R) k x :
  euler r (fun => p_lone) k x
  = euler r (fun => p) k (cut x) * (if x None is Some _ then (1 - surv r k) * iS else surv r k).
Proof.
rewrite /euler; elim: k x => [|k IHk] x /=.
  rewrite /point /surv big_ord0 subrr mul0r.
  have -> : (x == allmask I' A) = (cut x == allmask I A) && (x None == None).
    apply/eqP/andP => [->|[/eqP/ffunP h /eqP h0]].
      by rewrite ffunE; split=> //; apply/eqP/ffunP=> i; rewrite !ffunE.
    by apply/ffunP=> -[i|]; [have := h i; rewrite !ffunE | rewrite h0 ffunE].
  by case: (x None) => [u|] /=; rewrite ?andbF ?andbT ?mulr0 ?mulr1.
rewrite /push sum_glue; under eq_bigr do under eq_bigr do rewrite IHk.
have cg z o : cut (glue z o) = z by apply/ffunP=> i; rewrite !ffunE.
rewrite mulr_suml; apply: eq_bigr => z _; rewrite /par.
under eq_bigr do rewrite cg prod_lone !ffunE.
have e o : \prod_i tok (r k) (p_lone (glue z o) (Some i)) (glue z o (Some i)) (x (Some i))
  = \prod_i tok (r k) (p z i) (z i) (cut x i).
  by apply: eq_bigr => i _; rewrite /= cg !ffunE.
under eq_bigr do rewrite e /=.
rewrite sum_option /=; move: (law _ _ k z) => L; move: (\prod_i _) => P.
rewrite survS; case: (x None) => [u|] /=; last first.
  rewrite big1 ?addr0 => [|a _]; first by ring_R.
  by rewrite mul0r mulr0.
rewrite (bigD1 u) //= eqxx mul1r [X in _ + (_ + X)]big1 ?addr0 => [|a au]; first by ring_R.
rewrite (_ : (Some u == Some a) = false) ?mul0r ?mulr0 //.
by apply: contraNF au => /eqP [->].
Qed.

End Lone.

Section L1odd.
Variable R : realFieldType.
Variables J A : finType.
Hypothesis A_gt0 : (0 < #|A|)%N.
Let I := [finType of option [finType of J * bool]].
Definition q1o : full I A -> R := q_lone (@q1 R J A).
Definition p1o : state I A -> I -> A -> R := p_lone (@p1 R J A).

Lemma q1o_dist : dist q1o.
Proof. by apply: q_lone_dist => //; apply: q1_dist. Qed.

Lemma p1o_exact : exact_denoiser q1o p1o.
Proof. by apply: p_lone_exact => //; apply: p1_exact. Qed.

Theorem L1_odd (r : nat -> R) K : rate r ->
  tv (euler r (fun => p1o) K) (ext q1o) = 1 - (1 - surv r K) * agree A r K ^+ #|J|.
Proof.
move=> hr; apply: tv_scaled => [||y qy].
- by apply: euler_dist => // _; case: p1o_exact.
- exact: q1o_dist.
rewrite /p1o euler_lone ffunE.
have -> : cut (inj y) = inj (cutf y) by apply/ffunP=> i; rewrite !ffunE.
rewrite euler_supp //; last first.
  by apply: contraNneq qy; rewrite /q1o /q_lone => ->; rewrite mul0r.
by rewrite /q1o /q_lone; move: (agree _ _ _ ^+ _) (#|A|%:R^-1) => a s; ring_R.
Qed.

Theorem L1_odd_lower (r : nat -> R) K : rate r -> (0 < K)%N ->
  1 - (1 - (1 - #|A|%:R^-1) / K%:R) ^+ #|J| <= tv (euler r (fun => p1o) K) (ext q1o).
Proof.
move=> hr K0; apply: le_trans (L1_lower J A_gt0 hr K0) _.
rewrite L1 // L1_odd // ler_add2l ler_opp2 -[X in _ <= X]mul1r ler_wpmul2r ?exprn_ge0 ?agree_ge0 //.
by rewrite ler_subl_addr ler_addl surv_ge0.
Qed.

Lemma q1oE (y : full I A) : q1o y =
  (\prod_j ((y (Some (j, false)) == y (Some (j, true)))%:R / #|A|%:R)) / #|A|%:R.
Proof.
rewrite /q1o /q_lone /q1 /M1; congr (_ * _); apply: eq_bigr => j _.
by rewrite !ffunE.
Qed.

End L1odd.
