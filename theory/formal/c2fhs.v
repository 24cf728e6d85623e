(* C2: eps_FHS <= d always, while the KL error is infinite as soon as the denoiser gives 0 to a possible
   symbol. H3, second half: errors of the same mass at every context. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial fhs fhs_sharp.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

Section Spread.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Implicit Types (x : state) (p : state -> I -> A -> R) (phat : nat -> state -> I -> A -> R).

(* A uniformly random n-subset, values from q_0: a law. *)
Lemma sum_marg_rev (q : full -> R) n : dist q -> (n < d)%N ->
  \sum_(x : state | revealed x == n) marg q x / 'C(d, n)%:R = 1.
Proof.
move=> dq nd.
have [a _] : exists a : A, true.
  have [y _] : exists y : full, q y != 0.
    apply/existsP; rewrite -[X in is_true X]negbK negb_exists; apply/negP => /forallP h.
    have := proj2 dq; rewrite big1 => [/eqP|y _]; first by rewrite eq_sym oner_eq0.
    by apply/eqP/negPn.
  have /card_gt0P[i _] : (0 < d)%N by apply: leq_ltn_trans nd.
  by exists (y i).
have ep := cond_exact dq (point_dist R a).
have := law_dist n (point_dist R (allmask I A)) (fun _ => draw_dist (proj1 ep)).
case=> _ e; rewrite -[RHS]e big_mkcond; apply: eq_bigr => x _.
by rewrite (fhs_law dq ep (ltnW nd)); case: eqP => _; rewrite ?mul1r // !mul0r.
Qed.

Theorem C2_le (q : full -> R) p phat :
  dist q -> denoiser p -> (forall n, denoiser (phat n)) -> eps_fhs q p phat <= d%:R.
Proof.
move=> dq dp dph; rewrite /eps_fhs.
have -> : d%:R = \sum_(n < d) 1 :> R by rewrite sumr_const card_ord.
apply: ler_sum => -[n nd] _ /=; rewrite -[X in _ <= X](sum_marg_rev dq nd); apply: ler_sum => x /eqP xn.
rewrite -[X in _ <= X]mulr1 ler_wpmul2l //.
  by rewrite divr_ge0 ?ler0n // marg_ge0 //; case: dq.
rewrite mulrC ler_pdivr_mulr ?ltr0n ?subn_gt0 // mul1r -xn -nmaskE.
have -> : (nmask x)%:R = \sum_(i | x i == None) 1 :> R.
  by rewrite sumr_const; congr (_ *+ _); apply: eq_card => i; rewrite !inE.
by apply: ler_sum => i _; apply: tv_le1; [apply: dph | apply: dp].
Qed.

(* The FHS chain reveals one token a call. *)
Lemma fhs_support phat k x : (k <= d)%N -> revealed x != k ->
  law (point R (allmask I A)) (fun n => draw (phat n)) k x = 0.
Proof.
elim: k x => [|k IHk] x kd xk /=; first by rewrite /point -revealed0 (negPf xk).
rewrite /push big1 // => z _; case: (eqVneq (revealed z) k) => [zk|zk]; last first.
  by rewrite IHk ?mul0r // ltnW.
have zf : isfull z = false by rewrite isfull_revealed zk; apply: ltn_eqF.
rewrite /draw zf big1 ?mulr0 // => i /eqP zi; rewrite big1 ?mulr0 // => b _.
case: eqP => [e|]; last by rewrite mulr0.
by move: xk; rewrite e revealed_upd // zk eqxx.
Qed.

Section H3spread.
Variables (z : full) (eta : R).
Let f x : R := (below x z)%:R * (1 - eta) ^+ nmask x.

Lemma draw_spread p x : denoiser p -> (forall i, x i = None -> p x i (z i) = 1 - eta) ->
  \sum_y draw p x y * f y = f x.
Proof.
move=> dp pe; case xf : (isfull x).
  rewrite /draw xf (bigD1 x) //= eqxx mul1r big1 ?addr0 // => y /negPf ->.
  by rewrite mul0r.
rewrite draw_expect ?xf // -mulr_sumr.
have nz : (nmask x)%:R != 0 :> R by rewrite pnatr_eq0 -isfullP xf.
apply: (mulfI nz); rewrite mulrA divff // mul1r.
have -> : (nmask x)%:R * f x = \sum_(i | x i == None) f x.
  by rewrite sumr_const mulr_natl; congr (_ *+ _); apply: eq_card => i; rewrite !inE.
apply: eq_bigr => i /eqP xi.
rewrite (bigD1 (z i)) //= big1 ?addr0 => [|b bz].
  by rewrite pe // /f below_upd // eqxx andbT (nmask_upd (z i) xi) exprS mulrCA.
by rewrite /f below_upd // [z i == b]eq_sym (negPf bz) andbF mul0r mulr0.
Qed.

Variable phat : nat -> state -> I -> A -> R.
Hypothesis dph : forall n, denoiser (phat n).
Hypothesis pe : forall n x i, x i = None -> phat n x i (z i) = 1 - eta.

Theorem H3_spread : tv (fhs phat) (ext (point R z)) = 1 - (1 - eta) ^+ d.
Proof.
have dF : dist (fhs phat).
  by apply: law_dist => [|n]; [exact: point_dist | exact: draw_dist].
have ez x : ext (point R z) x = point R (inj z) x.
  rewrite extE; case: ifP => [/isfullE [y ->]|xf].
    by rewrite marg_inj /point; congr (_%:R); rewrite (inj_eq (@inj_inj I A)).
  by rewrite /point; case: eqP xf => // ->; rewrite isfull_inj.
rewrite (eq_tv (fun => erefl) ez) tv_point //; congr (1 - _).
have e k : \sum_x law (point R (allmask I A)) (fun n => draw (phat n)) k x * f x = f (allmask I A).
  elim: k => [|k IHk] /=; first by rewrite sum_point.
  rewrite push_expect -IHk; apply: eq_bigr => x _; rewrite draw_spread // => i xi.
  exact: pe.
have := e d; rewrite {2}/f nmask_allmask (_ : below _ _ = true) ?mul1r; last first.
  by apply/forallP=> i; rewrite ffunE.
move=> <-; rewrite (bigD1 (inj z)) //= {1}/f below_inj eqxx mul1r.
have -> : nmask (inj z) = 0%N by apply/eqP; rewrite -isfullP isfull_inj.
rewrite expr0 mulr1 big1 ?addr0 // => x xz.
case: (eqVneq (revealed x) d) => [xd|xd]; last first.
  by rewrite fhs_support ?mul0r.
move: xd => /eqP; rewrite -isfull_revealed => /isfullE [y xy].
move: xz; rewrite xy (inj_eq (@inj_inj I A)) => /negPf yz.
by rewrite /f below_inj yz mul0r mulr0.
Qed.

Theorem H3_spread_eps p : exact_denoiser (point R z) p -> eps_fhs (point R z) p phat = d%:R * eta.
Proof.
move=> [dp ep]; have dz := point_dist R z.
have mz x : marg (point R z) x = (below x z)%:R.
  rewrite /marg big_mkcond (bigD1 z) //= big1 ?addr0.
    by rewrite /point eqxx; case: (below x z).
  by move=> y /negPf yz; case: ifP => // _; rewrite /point yz.
have tvE n x i : x i = None -> below x z -> tv (phat n x i) (p x i) = eta.
  move=> xi bx; rewrite (@eq_tv R A _ (phat n x i) _ (point R (z i))) //; last first.
    move=> b; have := ep x i b xi; rewrite !mz bx mul1r below_upd // bx /= => ->.
    by rewrite /point eq_sym.
  by rewrite tv_point ?pe ?subKr //; apply: dph.
rewrite /eps_fhs mulrC -[d in RHS]card_ord mulr_natr -sumr_const.
apply: eq_bigr => -[n nd] _ /=; rewrite -[RHS]mul1r -[X in _ = X * _](sum_marg_rev dz nd) mulr_suml.
apply: eq_bigr => x /eqP xn; rewrite mz; case bx : (below x z); last by rewrite !mul0r.
congr (_ * _); rewrite (eq_bigr (fun => eta)) => [|i /eqP xi]; last by rewrite tvE.
rewrite sumr_const -xn -nmaskE -[eta *+ _]mulr_natl.
have -> : #|[pred i | x i == None]| = nmask x by apply: eq_card => i; rewrite !inE.
by rewrite mulrA mulVf ?mul1r // pnatr_eq0 nmaskE xn -lt0n subn_gt0.
Qed.

End H3spread.

(* ------------------------------------------------------------------ C2, instances *)

Section C2.
Variables (a0 a1 : A) (eta : R).
Hypotheses (a01 : a1 != a0) (e0 : 0 < eta) (e1 : eta <= 1) (d0 : (0 < d)%N).
(* Copies: all tokens a1 with probability eta, else all a0. The denoiser always says a0. *)
Let z0 : full := [ffun => a0].
Let z1 : full := [ffun => a1].
Definition q_rare (y : full) : R := (1 - eta) * point R z0 y + eta * point R z1 y.
Definition p_never x (i : I) : A -> R := point R a0.

Lemma q_rare_dist : dist q_rare.
Proof.
split=> [y|]; first by rewrite addr_ge0 // mulr_ge0 ?subr_ge0 ?(ltW e0) ?ler0n.
rewrite big_split /= -!mulr_sumr (proj2 (point_dist _ _)) (proj2 (point_dist _ _)).
by rewrite !mulr1 subrK.
Qed.

Lemma z01 : (z0 == z1) = false.
Proof.
apply/eqP => /ffunP e; case/card_gt0P: d0 => i _; have := e i; rewrite !ffunE => e'.
by have := a01; rewrite e' eqxx.
Qed.

Lemma C2_tv : tv (fhs (fun => p_never)) (ext q_rare) = eta.
Proof.
have := @H3_spread z0 0 (fun => p_never) (fun => (fun x i => point_dist R a0)).
rewrite subr0 => h; have {h} tv0 : tv (fhs (fun => p_never)) (ext (point R z0)) = 0.
  by rewrite h ?expr1n ?subrr // => n x i _; rewrite /p_never ffunE /point eqxx.
have tvq : tv (ext (point R z0)) (ext q_rare) = eta.
  have ez x : ext (point R z0) x = point R (inj z0) x.
    rewrite extE; case: ifP => [/isfullE [y ->]|xf].
      by rewrite marg_inj /point; congr (_%:R); rewrite (inj_eq (@inj_inj I A)).
    by rewrite /point; case: eqP xf => // ->; rewrite isfull_inj.
  rewrite (eq_tv ez (fun => erefl)) tvC tv_point; last exact: ext_dist q_rare_dist.
  by rewrite ext_inj /q_rare /point eqxx z01 mulr1 mulr0 addr0 subKr.
apply/eqP; rewrite eq_le; apply/andP; split.
  by apply: le_trans (tv_triangle _ (ext (point R z0)) _) _; rewrite tv0 tvq add0r.
rewrite -[X in X <= _]tvq; apply: le_trans (tv_triangle _ (fhs (fun => p_never)) _) _.
by rewrite [X in X + _]tvC tv0 add0r.
Qed.

(* At the empty context every exact denoiser gives a1 the probability eta > 0, this one 0. *)
Lemma C2_zero p i : exact_denoiser q_rare p ->
  [/\ 0 < marg q_rare (allmask I A), 0 < p (allmask I A) i a1 & p_never (allmask I A) i a1 = 0].
Proof.
move=> [_ ep]; have m1 : marg q_rare (allmask I A) = 1.
  by rewrite marg_allmask; case: q_rare_dist.
have ai : allmask I A i = None by rewrite ffunE.
split; [by rewrite m1 ltr01 | | by rewrite /p_never /point (negPf a01)].
have := ep (allmask I A) i a1 ai; rewrite m1 mul1r => ->.
rewrite /marg (bigD1 z1) /=; last by rewrite below_upd // ffunE eqxx andbT; apply/forallP=> j; rewrite ffunE.
rewrite ltr_paddr ?sumr_ge0 // => [y _|]; first by case: q_rare_dist.
by rewrite /q_rare /point eqxx eq_sym z01 mulr0 add0r mulr1.
Qed.

End C2.
End Spread.
