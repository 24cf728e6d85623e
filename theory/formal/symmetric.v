(* Laws whose conditionals on the support depend only on how many tokens are masked: copies, parity
   and other codes of threshold type, shared symbols (L3), permutations. A policy with the exact
   denoiser then samples them with an error that can be written down. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler policy.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Ratio.
Variable R : realFieldType.
Variables I A : finType.
Implicit Types (P : state I A -> R) (q : full I A -> R).

(* Mass that is lost on the support: a ratio P/q that is at most 1 there gives TV. *)
Lemma tv_ratio P q (c : full I A -> R) : dist P -> dist q ->
  (forall y, q y != 0 -> P (inj y) = q y * c y) -> (forall y, q y != 0 -> c y <= 1) ->
  tv P (ext q) = 1 - \sum_y q y * c y.
Proof.
move=> dP dq Pc c1; have [P0 _] := dP; have [q0 q1] := dq.
rewrite tv_posC //; last exact: ext_dist.
rewrite -[X in X - _]q1 -sumrB (bigID (@isfull I A)) /= [X in _ + X]big1 ?addr0 => [|x xf]; last first.
  by rewrite ext_notfull // sub0r pos0 // oppr_le0.
rewrite big_mkcond (eq_bigr (fun x => ext q x * (if isfull x then
    (if ext q x == 0 then 0 else pos (ext q x - P x) / ext q x) else 0))) => [|x _]; last first.
  case: ifP => [xf|_]; last by rewrite mulr0.
  case: eqP => [->|/eqP e]; last by rewrite mulrC divfK.
  by rewrite mul0r sub0r pos0 // oppr_le0.
rewrite sum_ext; apply: eq_bigr => y _; rewrite isfull_inj ext_inj.
case: (eqVneq (q y) 0) => [->|qy]; first by rewrite !mul0r subrr.
rewrite mulrC divfK // Pc // -[X in pos (X - _)]mulr1 -mulrBr posM // pos_id ?subr_ge0 ?c1 //.
by rewrite mulrBr mulr1.
Qed.

Lemma prod_le1 n (c : nat -> R) : (forall j, (j < n)%N -> 0 <= c j <= 1) -> \prod_(j < n) c j <= 1.
Proof.
move=> h; suff /andP[] : 0 <= \prod_(j < n) c j <= 1 by [].
elim: n h => [|n IHn] h; first by rewrite big_ord0 ler01 lexx.
have /andP[a0 a1] : 0 <= \prod_(j < n) c j <= 1 by apply: IHn => j jn; apply: h; apply: ltnW.
have /andP[b0 b1] := h n (ltnSn n); rewrite big_ord_recr /= mulr_ge0 //=.
by rewrite -[X in _ <= X]mulr1; apply: ler_pmul.
Qed.

(* On contexts that can occur an exact denoiser is the conditional. *)
Lemma exact_cond q p (x : state I A) i b : exact_denoiser q p -> marg q x != 0 -> x i = None ->
  p x i b = marg q (upd x i b) / marg q x.
Proof. by case=> _ ep m0 xi; rewrite -ep // mulrC mulKf. Qed.

Lemma marg_neq0 q (x : state I A) y : nonneg q -> q y != 0 -> below x y -> marg q x != 0.
Proof.
move=> q0 qy xy; apply: lt0r_neq0; apply: (@lt_le_trans _ _ (q y)); first by rewrite lt_neqAle eq_sym qy q0.
by rewrite /marg (bigD1 y) //= ler_addl sumr_ge0.
Qed.
End Ratio.

(* Along any y of the support, the next symbol has probability g(m) where m tokens are masked. *)
Definition counted (R : realFieldType) (I A : finType) (q : full I A -> R) (g : nat -> R) :=
  forall (x : state I A) (y : full I A) (i : I), q y != 0 -> below x y -> x i = None ->
  marg q (upd x i (y i)) = marg q x * g (nmask x).

(* The uniform law on the tuples that satisfy C. *)
Definition uniform_on (R : realFieldType) (T : finType) (C : pred T) (y : T) : R := (C y)%:R / #|C|%:R.

Section Uniform.
Variable R : realFieldType.

Lemma sum_pred (T : finType) (C : pred T) : \sum_y (C y)%:R = #|C|%:R :> R.
Proof.
rewrite -natr_sum -sum1_card; congr (_%:R); rewrite [RHS]big_mkcond /=.
by apply: eq_bigr => y _; rewrite -topredE /=; case: (C y).
Qed.

Lemma uniform_on_dist (T : finType) (C : pred T) : (0 < #|C|)%N -> dist (@uniform_on R T C).
Proof.
move=> C0; split=> [y|]; first by rewrite divr_ge0 ?ler0n.
by rewrite -mulr_suml sum_pred divff // pnatr_eq0 -lt0n.
Qed.

Lemma uniform_on_neq0 (T : finType) (C : pred T) y : uniform_on R C y != 0 -> C y.
Proof. by rewrite /uniform_on; case: (C y); rewrite ?mul0r ?eqxx. Qed.

(* A law that is constant on C and 0 elsewhere. *)
Lemma flat_uniform (T : finType) (C : pred T) (q : T -> R) (c : R) :
  dist q -> (forall y, q y = (C y)%:R * c) -> (0 < #|C|)%N /\ q =1 uniform_on R C.
Proof.
move=> [_ q1] e; have h : #|C|%:R * c = 1.
  by rewrite -[RHS]q1 (eq_bigr _ (fun y _ => e y)) -mulr_suml sum_pred.
have nz : #|C|%:R != 0 :> R by apply/eqP => e0; move: h; rewrite e0 mul0r => /eqP; rewrite eq_sym oner_eq0.
split; first by rewrite lt0n -(pnatr_eq0 R).
by move=> y; rewrite e; congr (_ * _); apply: (mulfI nz); rewrite h mulfV.
Qed.

Lemma eq_marg (I A : finType) (q q' : full I A -> R) : q =1 q' -> marg q =1 marg q'.
Proof. by move=> e x; apply: eq_bigr => y _; rewrite e. Qed.

Lemma eq_exact (I A : finType) (q q' : full I A -> R) p :
  q =1 q' -> exact_denoiser q p -> exact_denoiser q' p.
Proof. by move=> e [dp ep]; split=> // x i b xi; rewrite -!(eq_marg e) ep. Qed.

Lemma eq_dist (T : finType) (q q' : T -> R) : q =1 q' -> dist q -> dist q'.
Proof. by move=> e [q0 q1]; split=> [y|]; [rewrite -e | rewrite -q1; apply: eq_bigr => y _; rewrite e]. Qed.

Lemma eq_counted (I A : finType) (q q' : full I A -> R) g : q =1 q' -> counted q g -> counted q' g.
Proof. by move=> e c x y i qy xy xi; rewrite -!(eq_marg e) c // e. Qed.
End Uniform.

Section Symmetric.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x : state) (y z : full) (B : {set I}) (pi : policy I A).
Variables (q : full -> R) (p : state -> I -> A -> R) (g : nat -> R).
Hypotheses (dq : dist q) (ep : exact_denoiser q p).

Hypothesis q_g : counted q g.
Hypothesis g_gt0 : forall m, (0 < m)%N -> 0 < g m.
Hypothesis g_mono : forall j m, (0 < j)%N -> (j <= m)%N -> g m <= g j.

(* What a block of n tokens out of m loses. *)
Definition loss (m n : nat) : R := \prod_(j < n) (g m / g (m - j)%N).

Let q0 : nonneg q. Proof. by case: dq. Qed.
Let G (m : nat) : R := \prod_(j < m) g j.+1.

Lemma G_neq0 m : G m != 0.
Proof. by apply/prodf_neq0 => j _; apply: lt0r_neq0; apply: g_gt0. Qed.

Lemma G_split m n : (n <= m)%N -> G m = G (m - n) * \prod_(j < n) g (m - j)%N.
Proof.
elim: n => [|n IHn] le_nm; first by rewrite subn0 big_ord0 mulr1.
rewrite big_ord_recr IHn 1?ltnW //= -[in LHS](subnSK le_nm) /G big_ord_recr /=.
by rewrite (subnSK le_nm) -!mulrA; congr (_ * _); rewrite mulrC.
Qed.

Lemma marg_G x y : q y != 0 -> below x y -> marg q x * G (nmask x) = q y.
Proof.
move=> qy; move: {2}(nmask x) (erefl (nmask x)) => m; elim: m x => [|m IHm] x xm xy.
  move/eqP: (xm); rewrite -isfullP => /isfullE[z e]; rewrite xm /G big_ord0 mulr1.
  by move: xy; rewrite e below_inj marg_inj => /eqP ->.
have [i /eqP xi] : exists i, x i == None.
  have : (0 < nmask x)%N by rewrite xm.
  by rewrite /nmask card_gt0 => /set0Pn[i]; rewrite inE; exists i.
have e := nmask_upd (y i) xi; rewrite xm in e; case: e => e.
rewrite -(IHm (upd x i (y i))) -?e //; last by rewrite below_upd // xy eqxx.
by rewrite xm (q_g qy xy xi) xm /G big_ord_recr /= [_ * g _]mulrC mulrA.
Qed.

Lemma loss_ge0 m n : (n <= m)%N -> 0 <= loss m n.
Proof.
move=> le_nm; apply: prodr_ge0 => j _; have lt_jm := leq_trans (ltn_ord j) le_nm.
by rewrite divr_ge0 // ltW // g_gt0 ?subn_gt0 //; apply: leq_ltn_trans lt_jm.
Qed.

Lemma loss_le1 m n : (n <= m)%N -> loss m n <= 1.
Proof.
move=> le_nm; apply: (prod_le1 (c := fun j => g m / g (m - j)%N)) => j jn.
have lt_jm := leq_trans jn le_nm.
have gj : 0 < g (m - j) by rewrite g_gt0 ?subn_gt0.
have gm : 0 < g m by apply: g_gt0; apply: leq_ltn_trans (leq0n j) lt_jm.
apply/andP; split; first by apply: divr_ge0; apply: ltW.
by rewrite ler_pdivr_mulr // mul1r g_mono ?subn_gt0 ?leq_subr.
Qed.

Lemma block_le B x : (#|fresh B x| <= nmask x)%N.
Proof. by apply: subset_leq_card; apply/subsetP=> i; rewrite !inE => /andP[]. Qed.

Lemma block_weight B x y : q y != 0 -> below x y ->
  marg q x * \prod_(i in fresh B x) p x i (y i)
  = marg q (uncover B y x) * loss (nmask x) #|fresh B x|.
Proof.
move=> qy xy; have m0 := marg_neq0 q0 qy xy; set n := #|_|; set m := nmask x.
rewrite (eq_bigr (fun => g m)) => [|i]; last first.
  rewrite inE => /andP[_ /eqP xi]; rewrite (exact_cond _ ep m0 xi) q_g //.
  by rewrite mulrC mulKf.
rewrite prodr_const -/n; have le_nm : (n <= m)%N := block_le B x.
have e : marg q (uncover B y x) = marg q x * \prod_(j < n) g (m - j)%N.
  apply: (mulIf (G_neq0 (m - n))); rewrite -[RHS]mulrA [X in _ = _ * X]mulrC -G_split // (marg_G qy xy).
  by rewrite -[RHS](marg_G qy (uncover_below B xy)) /m /n (nmask_uncover B y x) addnK.
rewrite e -mulrA; congr (_ * _); rewrite /loss -big_split /= -[n in LHS]card_ord -prodr_const.
apply: eq_bigr => j _; rewrite mulrC divfK //; apply: lt0r_neq0; rewrite g_gt0 // subn_gt0.
exact: leq_trans le_nm.
Qed.

Let q1 : \sum_y q y = 1. Proof. by case: dq. Qed.

Lemma path_weight pi y n : q y != 0 ->
  \prod_(t < n) \prod_(i in block pi y t) p (seen pi y t) i (y i)
  = marg q (seen pi y n) * \prod_(t < n) loss (nmask (seen pi y t)) #|block pi y t|.
Proof.
move=> qy; elim: n => [|n IHn]; first by rewrite !big_ord0 mulr1 marg_allmask q1.
rewrite !big_ord_recr /= IHn mulrAC block_weight ?seen_below //.
by rewrite -mulrA; congr (_ * _); rewrite mulrC.
Qed.

(* The share of q_0(y) that is left: 0 where tokens stay masked. *)
Definition kept pi n y : R :=
  (isfull (seen pi y n))%:R * \prod_(t < n) loss (nmask (seen pi y t)) #|block pi y t|.

Lemma kept_le1 pi n y : kept pi n y <= 1.
Proof.
have h : \prod_(t < n) loss (nmask (seen pi y t)) #|block pi y t| <= 1.
  apply: (prod_le1 (c := fun t => loss (nmask (seen pi y t)) #|block pi y t|)) => t _.
  by rewrite loss_ge0 ?loss_le1 ?block_le.
by rewrite /kept; case: (isfull _); rewrite ?mul1r ?mul0r ?ler01.
Qed.

Lemma policy_law_sym pi n y : q y != 0 -> policy_law pi (fun => p) n (inj y) = q y * kept pi n y.
Proof.
move=> qy; rewrite policy_law_full path_weight // /kept mulrCA.
case: (boolP (isfull _)) => [/isfullE[z e]|_]; last by rewrite !mul0r !mulr0.
congr (_ * _); have := seen_below pi y n; rewrite e below_inj => /eqP <-.
by rewrite marg_inj.
Qed.

Theorem tv_symmetric (Omega : finType) (W : Omega -> R) (pi : Omega -> policy I A) n : dist W ->
  tv (mixed_law W (fun => p) pi n) (ext q) = 1 - \sum_o W o * \sum_y q y * kept (pi o) n y.
Proof.
move=> [W0 W1]; rewrite (@tv_ratio _ _ _ _ _ (fun y => \sum_o W o * kept (pi o) n y)) //.
- congr (1 - _); under eq_bigr do rewrite mulr_sumr; rewrite exchange_big /=.
  by apply: eq_bigr => o _; rewrite mulr_sumr; apply: eq_bigr => y _; rewrite mulrCA.
- apply: (push_dist (k := fun o => policy_law (pi o) (fun => p) n)) => // o.
  by apply: policy_law_dist => t; case: ep.
- move=> y qy; rewrite /mixed_law mulr_sumr; apply: eq_bigr => o _.
  by rewrite policy_law_sym // mulrCA.
move=> y _; rewrite -[X in _ <= X]W1 ler_sum // => o _.
by rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?kept_le1.
Qed.

End Symmetric.
