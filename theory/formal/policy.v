(* Policies: the tokens of round t are a function of the partial state (and so of the predictions at
   it), of t and of a seed drawn at the start; blind to the values that the round draws. Their kernels
   on partial states, the law of their output, and P2, with its form for one token a round. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import compat dist partial euler.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.Theory.
Local Open Scope ring_scope.

(* ------------------------------------------------------------------ product laws *)

Section ProductLaws.
Variable R : realFieldType.
Variables J T : finType.
Implicit Types (a f g : J -> T -> R).

Lemma prod_law_dist f : (forall j, dist (f j)) -> dist (fun y : {ffun J -> T} => \prod_j f j (y j)).
Proof.
move=> df; split=> [y|]; first by apply: prodr_ge0 => j _; case: (df j).
by rewrite -(bigA_distr_bigA f) /= big1 // => j _; case: (df j).
Qed.

Lemma tv_prod1 a f (i : J) : (forall j, dist (a j)) -> (forall j, j != i -> a j =1 f j) ->
  tv (fun y : {ffun J -> T} => \prod_j a j (y j)) (fun y => \prod_j f j (y j)) <= tv (a i) (f i).
Proof.
move=> da e; rewrite /tv ler_wpmul2l ?invr_ge0 ?ler0n //.
pose c j (o : T) := if j == i then `|a j o - f j o| else a j o.
rewrite (eq_bigr (fun y : {ffun J -> T} => \prod_j c j (y j))) => [|y _].
  rewrite -(bigA_distr_bigA c) /= (bigD1 i) //= [X in _ * X]big1 ?mulr1; last first.
    by move=> j /negPf ji; rewrite -[RHS](proj2 (da j)); apply: eq_bigr => o _; rewrite /c ji.
  by apply: ler_sum => o _; rewrite /c eqxx.
rewrite (bigD1 i) // [\prod_j f j _](bigD1 i) // [RHS](bigD1 i) //= /c eqxx.
rewrite (eq_bigr (fun j => a j (y j)) (F1 := fun j => f j (y j))) => [|j ji]; last by rewrite e.
rewrite -mulrBl normrM; congr (_ * _); rewrite ger0_norm; last first.
  by apply: prodr_ge0 => j _; case: (da j).
by apply: eq_bigr => j /negPf ->.
Qed.

(* TV is subadditive over product laws. *)
Lemma tv_prod f g : (forall j, dist (f j)) -> (forall j, dist (g j)) ->
  tv (fun y : {ffun J -> T} => \prod_j f j (y j)) (fun y => \prod_j g j (y j))
    <= \sum_j tv (f j) (g j).
Proof.
move=> df dg; pose h (s : seq J) j := if j \in s then g j else f j.
have dh s j : dist (h s j) by rewrite /h; case: (j \in s).
have gen s : uniq s -> tv (fun y : {ffun J -> T} => \prod_j f j (y j)) (fun y => \prod_j h s j (y j))
    <= \sum_(j <- s) tv (f j) (g j).
  elim: s => [|i s IHs] /= => [_|/andP[i_s /IHs le_s]].
    by rewrite big_nil (eq_tv (p' := fun y : {ffun J -> T} => \prod_j h [::] j (y j))
         (q' := fun y : {ffun J -> T} => \prod_j h [::] j (y j))) ?tvxx.
  rewrite big_cons addrC; apply: le_trans (tv_triangle _ (fun y : {ffun J -> T} => \prod_j h s j (y j)) _) _.
  apply: ler_add => //; apply: le_trans (tv_prod1 (i := i) (dh s) _) _ => [j ji o|].
    by rewrite /h inE (negPf ji).
  by rewrite /h inE eqxx (negPf i_s).
have := gen (index_enum J) (index_enum_uniq J); apply: le_trans; rewrite le_eqVlt; apply/orP; left.
by apply/eqP; apply: eq_tv => y //; apply: eq_bigr => j _; rewrite /h mem_index_enum.
Qed.
End ProductLaws.

(* ------------------------------------------------------------------ policies *)

Section Policy.
Variable R : realFieldType.
Variables I A : finType.
Notation full := (full I A).
Notation state := (state I A).
Notation d := #|I|.
Notation denoisers := (nat -> state -> I -> A -> R).
Implicit Types (x : state) (y z : full) (q : full -> R) (p : state -> I -> A -> R) (B : {set I}).

(* The tokens of round t at the partial state x; those of them that are already revealed are ignored. *)
Definition policy := nat -> state -> {set I}.
Implicit Types (pi : policy).
Definition fresh B x : {set I} := [set i in B | x i == None].
(* The masked tokens of B show the symbols of y. *)
Definition uncover B y x : state := [ffun i => if i \in fresh B x then Some (y i) else x i].

(* One round: the masked tokens of B are drawn independently from p_i(.|x). *)
Definition draw_block B p x (x' : state) : R := \prod_i tok (i \in B)%:R (p x i) (x i) (x' i).
(* The same with a joint draw from q_0(x_B|x_U): x' shows on B a full y drawn from q_0(.|x_U). *)
Definition joint_block B q x (x' : state) : R :=
  (\sum_(y | below x y && (uncover B y x == x')) q y) / marg q x.

(* The partial state after n rounds: the sampler, and the trajectory that a full y drives. *)
Definition policy_law pi (phat : denoisers) n : state -> R :=
  law (point R (allmask I A)) (fun t x => draw_block (pi t x) (phat t) x) n.
Fixpoint seen pi y n : state :=
  if n is t.+1 then uncover (pi t (seen pi y t)) y (seen pi y t) else allmask I A.

(* Round t of the trajectory of y: the tokens it reveals; its local error. *)
Definition block pi y t : {set I} := fresh (pi t (seen pi y t)) (seen pi y t).
Definition local_tv q p B x : R := tv (draw_block B p x) (joint_block B q x).

(* ---------------------------------------------------------------- kernels *)

Lemma bool01 (b : bool) : 0 <= (b%:R : R) <= 1.
Proof. by case: b; rewrite ?lexx ?ler01. Qed.

Lemma tok_dist (r : R) (pi : A -> R) (o : option A) : 0 <= r <= 1 -> dist pi -> dist (tok r pi o).
Proof.
move=> /andP[r0 r1] [p0 p1]; split=> [o'|].
  rewrite /tok; case: o => [a|]; first by rewrite ler0n.
  by case: o' => [b|]; rewrite ?subr_ge0 // mulr_ge0.
have := sum_tok r pi o (fun => 1); under eq_bigr do rewrite mulr1.
by move=> ->; case: o => // ; under eq_bigr do rewrite mulr1; rewrite p1 !mulr1 subrK.
Qed.

Lemma draw_block_dist B p : denoiser p -> kernel (draw_block B p).
Proof.
move=> dp x; apply: (prod_law_dist (f := fun i => tok (i \in B)%:R (p x i) (x i))) => i.
by apply: tok_dist; rewrite ?bool01.
Qed.

Lemma tv_tok1 (pi pi' : A -> R) : tv (tok 1 pi None) (tok 1 pi' None) = tv pi pi'.
Proof.
rewrite /tv sum_option /= subrr normr0 add0r; congr (_ * _).
by apply: eq_bigr => a _; rewrite !mul1r.
Qed.

Lemma draw_block_tv B p p' x : denoiser p -> denoiser p' ->
  tv (draw_block B p x) (draw_block B p' x) <= \sum_(i in fresh B x) tv (p x i) (p' x i).
Proof.
move=> dp dp'; apply: le_trans (tv_prod (f := fun i => tok (i \in B)%:R (p x i) (x i))
   (g := fun i => tok (i \in B)%:R (p' x i) (x i)) _ _) _; try by move=> i; apply: tok_dist; rewrite ?bool01.
rewrite [X in _ <= X]big_mkcond ler_sum // => i _; rewrite inE.
case: (i \in B) => /=; last first.
  rewrite (eq_tv (p' := tok 0 (p' x i) (x i)) (q' := tok 0 (p' x i) (x i))) ?tvxx //.
  by move=> o; rewrite /tok; case: (x i) => //; case: o => // b; rewrite !mul0r.
case xi : (x i) => [a|] /=; last by rewrite tv_tok1.
by rewrite (eq_tv (p' := tok 1 (p' x i) (Some a)) (q' := tok 1 (p' x i) (Some a))) ?tvxx.
Qed.

Lemma draw_blockE B p y x : draw_block B p x (uncover B y x) = \prod_(i in fresh B x) p x i (y i).
Proof.
rewrite [RHS]big_mkcond; apply: eq_bigr => i _; rewrite ffunE /fresh inE.
case xi : (x i) => [a|] /=; first by rewrite andbF eqxx.
by case: (i \in B); rewrite /= ?mul1r ?subr0.
Qed.

Lemma draw_block_supp B p x x' y : below x' y -> draw_block B p x x' != 0 ->
  below x y /\ x' = uncover B y x.
Proof.
move=> /forallP x'y /prodf_neq0 h.
have e i : ((x i == None) || (x i == Some (y i))) /\ x' i = uncover B y x i.
  have := h i isT; have := x'y i; rewrite ffunE inE /tok.
  case: (x i) => [a|] /=; rewrite ?andbF ?andbT.
    case: (eqVneq (x' i) (Some a)) => [->|_ _]; last by rewrite eqxx.
    by [].
  case: (x' i) => [b|] /=; case: (i \in B) => //=; rewrite ?subrr ?mul0r ?eqxx //.
  by move=> /eqP ->.
split; first by apply/forallP=> i; case: (e i).
by apply/ffunP=> i; case: (e i).
Qed.

(* ---------------------------------------------------------------- trajectories *)

Lemma below_allmask y : below (allmask I A) y.
Proof. by apply/forallP=> i; rewrite ffunE. Qed.

Lemma below_uncover B x y z : below (uncover B y x) z ->
  below x z /\ uncover B z x = uncover B y x.
Proof.
move=> /forallP h; split.
  apply/forallP=> i; have := h i; rewrite ffunE inE.
  by case: (x i) => [a|] //=; rewrite andbF.
apply/ffunP=> i; have := h i; rewrite !ffunE inE; case: ifP => // _.
by move=> /eqP [->].
Qed.

Lemma uncover_below B x y : below x y -> below (uncover B y x) y.
Proof.
by move=> /forallP h; apply/forallP=> i; rewrite ffunE; case: ifP => // _; rewrite eqxx orbT.
Qed.

Lemma seen_below pi y t : below (seen pi y t) y.
Proof. by elim: t => [|t IHt]; [exact: below_allmask | exact: uncover_below]. Qed.

(* What is revealed determines the trajectory. *)
Lemma seen_det pi y z t : below (seen pi y t) z -> seen pi z t = seen pi y t.
Proof.
elim: t => //= t IHt h; have [/IHt e e'] := below_uncover h.
by rewrite e -e'.
Qed.

(* The output law of a policy: a full y drives one trajectory (theory-2.md, before P1). *)
Lemma policy_law_path pi (phat : denoisers) n x y : below x y ->
  policy_law pi phat n x
  = (x == seen pi y n)%:R * \prod_(t < n) \prod_(i in block pi y t) phat t (seen pi y t) i (y i).
Proof.
rewrite /policy_law; elim: n x => [|n IHn] x xy /=; first by rewrite big_ord0 mulr1.
set s := seen pi y n; rewrite /push (bigD1 s) //= big1 ?addr0 => [|x' x's].
  rewrite IHn ?seen_below // eqxx mul1r big_ord_recr /=.
  case: (eqVneq x (uncover (pi n s) y s)) => [->|xs]; first by rewrite draw_blockE mul1r.
  rewrite mul0r (_ : draw_block _ _ _ _ = 0) ?mulr0 //; apply/eqP; apply: contraNT xs => h.
  by have [_ ->] := draw_block_supp xy h.
case: (eqVneq (draw_block (pi n x') (phat n) x' x) 0) => [->|h]; first by rewrite mulr0.
by have [x'y _] := draw_block_supp xy h; rewrite IHn // (negPf x's) !mul0r.
Qed.

Theorem policy_law_full pi (phat : denoisers) n y :
  policy_law pi phat n (inj y)
  = (isfull (seen pi y n))%:R
    * \prod_(t < n) \prod_(i in block pi y t) phat t (seen pi y t) i (y i).
Proof.
rewrite (@policy_law_path pi phat n (inj y) y) ?below_inj //; congr (_%:R * _); congr nat_of_bool.
apply/eqP/idP => [<-|/isfullE[z e]]; first exact: isfull_inj.
by have := seen_below pi y n; rewrite e below_inj => /eqP ->.
Qed.

Lemma policy_law_dist pi (phat : denoisers) n : (forall t, denoiser (phat t)) ->
  dist (policy_law pi phat n).
Proof. by move=> dp; apply: law_dist => [|t x]; [apply: point_dist | apply: draw_block_dist]. Qed.

(* ---------------------------------------------------------------- the exact run *)

Section ExactRun.
Variable q : full -> R.
Hypothesis dq : dist q.
Variable pi : policy.

Definition exact_run n : state -> R :=
  law (point R (allmask I A)) (fun t x => joint_block (pi t x) q x) n.

Lemma joint_block_ge0 B x x' : 0 <= joint_block B q x x'.
Proof. by case: dq => q0 _; rewrite divr_ge0 ?marg_ge0 // sumr_ge0. Qed.

(* With joint draws the values are those of a y from q_0. *)
Lemma exact_run_law n x : exact_run n x = \sum_(y | seen pi y n == x) q y.
Proof.
case: dq => q0 q1; rewrite /exact_run; elim: n x => [|n IHn] x' /=.
  rewrite /point eq_sym; case: eqP => _; last by rewrite big_pred0.
  by rewrite -q1.
rewrite /push [RHS](partition_big (fun y => seen pi y n) xpredT) //=; apply: eq_bigr => x _.
rewrite IHn; case: (pickP (fun y => seen pi y n == x)) => [y0 /eqP y0x|no]; last first.
  rewrite big_pred0 // mul0r big_pred0 // => y; by rewrite no andbF.
have eqx y : (seen pi y n == x) = below x y.
  apply/eqP/idP => [<-|]; first exact: seen_below.
  by rewrite -y0x => /seen_det ->.
rewrite (eq_bigl _ _ eqx) -/(marg q x) /joint_block.
have -> : \sum_(y | (uncover (pi n (seen pi y n)) y (seen pi y n) == x') && (seen pi y n == x)) q y
  = \sum_(y | below x y && (uncover (pi n x) y x == x')) q y.
  apply: eq_bigl => y; rewrite -eqx andbC.
  by case: (eqVneq (seen pi y n) x) => [->|_].
case: (eqVneq (marg q x) 0) => [m0|m0]; last by rewrite mulrC divfK.
have le_m : \sum_(y | below x y && (uncover (pi n x) y x == x')) q y <= marg q x.
  rewrite /marg [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum // => y _.
  by case: (below x y); case: (_ == x').
by rewrite m0 in le_m; rewrite m0 mul0r; apply/esym/eqP; rewrite eq_le le_m sumr_ge0.
Qed.

Lemma exact_run_expect n (f : state -> R) :
  \sum_x exact_run n x * f x = \sum_y q y * f (seen pi y n).
Proof.
under eq_bigr do rewrite exact_run_law mulr_suml big_mkcond.
rewrite exchange_big; apply: eq_bigr => y _ /=.
rewrite (bigD1 (seen pi y n)) //= eqxx big1 ?addr0 // => x /negPf; rewrite eq_sym => -> //.
Qed.

Lemma exact_run_left n :
  tv (exact_run n) (ext q) <= \sum_y q y * (~~ isfull (seen pi y n))%:R.
Proof.
rewrite (eq_tv (p' := push q (fun y => point R (seen pi y n)))
               (q' := push q (fun y => point R (inj y)))) => [||x]; last first.
- rewrite /ext /push big_mkcond; apply: eq_bigr => y _; rewrite /point eq_sym.
  by case: eqP; rewrite ?mulr1 ?mulr0.
- move=> x; rewrite exact_run_law /push big_mkcond; apply: eq_bigr => y _; rewrite /point eq_sym.
  by case: eqP; rewrite ?mulr1 ?mulr0.
apply: le_trans (tv_push _ _ _) _; first by case: dq.
apply: ler_sum => y _; rewrite ler_wpmul2l //; first by case: dq.
rewrite tv_point; last exact: point_dist.
have sy := seen_below pi y n; case: (boolP (isfull _)) => [/isfullE[z e]|_]; last first.
  by rewrite ler_subl_addr ler_addl /point ler0n.
by move: sy; rewrite e below_inj => /eqP ->; rewrite /point eqxx subrr.
Qed.

(* The contexts that cannot occur are given the sampler's own law: the kernel is then Markov. *)
Definition joint_conv p t x : state -> R :=
  if marg q x == 0 then draw_block (pi t x) p x else joint_block (pi t x) q x.

Lemma joint_block_dist B x : marg q x != 0 -> dist (joint_block B q x).
Proof.
move=> m0; split=> [x'|]; first exact: joint_block_ge0.
rewrite /joint_block -mulr_suml.
transitivity ((\sum_(y | below x y) q y) / marg q x); last exact: divff.
by congr (_ / _); rewrite [RHS](partition_big (fun y => uncover B y x) xpredT).
Qed.

Lemma joint_conv_law (phat : denoisers) n :
  law (point R (allmask I A)) (fun t => joint_conv (phat t) t) n =1 exact_run n.
Proof.
elim: n => [|n IHn] x' //=; apply: eq_bigr => x _; rewrite IHn.
change (exact_run n x * joint_conv (phat n) n x x' = exact_run n x * joint_block (pi n x) q x x').
rewrite /joint_conv.
case: (eqVneq (marg q x) 0) => // m0; rewrite (_ : exact_run n x = 0) ?mul0r //.
have le_m : exact_run n x <= marg q x.
  rewrite exact_run_law /marg [X in X <= _]big_mkcond [X in _ <= X]big_mkcond ler_sum // => y _.
  case: (eqVneq (seen pi y n) x) => [<-|_]; first by rewrite seen_below.
  by case: (below x y) => //; case: dq.
by rewrite m0 in le_m; apply/eqP; rewrite eq_le le_m exact_run_law sumr_ge0 //; case: dq.
Qed.

(* P2, contexts drawn from q_0. *)
Lemma P2_data (phat : denoisers) n : (forall t, denoiser (phat t)) ->
  tv (policy_law pi phat n) (ext q)
    <= \sum_y q y * (\sum_(t < n) local_tv q (phat t) (pi t (seen pi y t)) (seen pi y t)
                     + (~~ isfull (seen pi y n))%:R).
Proof.
move=> dp; have := @E1 R _ (point R (allmask I A)) (point R (allmask I A)) (ext q)
  (fun t x => draw_block (pi t x) (phat t) x) (fun t x => joint_block (pi t x) q x) n
  (proj1 (point_dist _ _)) (fun t x => draw_block_dist (pi t x) (dp t) x) (fun t x => joint_block_ge0 _ x).
move/le_trans; apply; rewrite tvxx add0r.
under [X in _ <= X]eq_bigr do rewrite mulrDr mulr_sumr.
rewrite big_split /=; apply: ler_add; last exact: exact_run_left.
rewrite [X in _ <= X]exchange_big /=; apply: ler_sum => t _.
by rewrite -(exact_run_expect t (fun x => local_tv q (phat t) (pi t x) x)).
Qed.

(* P2, contexts drawn by the sampler: those of positive probability count. *)
Lemma P2_run (phat : denoisers) n : (forall t, denoiser (phat t)) ->
  tv (policy_law pi phat n) (ext q)
    <= \sum_(t < n) (\sum_(x | marg q x != 0)
          policy_law pi phat t x * local_tv q (phat t) (pi t x) x)
       + \sum_y q y * (~~ isfull (seen pi y n))%:R.
Proof.
move=> dp; apply: le_trans (tv_triangle _ (exact_run n) _) _.
apply: ler_add; last exact: exact_run_left.
have kJ t : kernel (joint_conv (phat t) t).
  by move=> x; rewrite /joint_conv; case: eqP => [_|/eqP m0]; [exact: draw_block_dist | exact: joint_block_dist].
have P0 := proj1 (policy_law_dist pi n dp).
have := @E1 R _ (point R (allmask I A)) (point R (allmask I A)) (policy_law pi phat n)
  (fun t => joint_conv (phat t) t) (fun t x => draw_block (pi t x) (phat t) x) n
  (proj1 (point_dist _ _)) kJ (fun t x => proj1 (draw_block_dist (pi t x) (dp t) x)).
rewrite !tvxx add0r addr0 tvC (eq_tv (fun => erefl) (@joint_conv_law phat n)).
move/le_trans; apply; apply: ler_sum => t _.
rewrite [X in _ <= X]big_mkcond ler_sum //= => x _.
rewrite /joint_conv; case: eqP => [m0|m0]; last by rewrite tvC.
by rewrite tvxx mulr0.
Qed.

End ExactRun.

(* ---------------------------------------------------------------- blocks *)

Lemma exists_above (y0 : full) x : exists y, below x y.
Proof.
exists [ffun i => odflt (y0 i) (x i)]; apply/forallP=> i; rewrite ffunE.
by case: (x i) => [a|] //=; rewrite eqxx.
Qed.

Lemma below_uncoverE B x y z : below x y ->
  below x z && (uncover B z x == uncover B y x) = below (uncover B y x) z.
Proof.
move=> xy; apply/andP/idP => [[xz /eqP <-]|h]; first exact: uncover_below.
by have [xz ->] := below_uncover h.
Qed.

Lemma joint_blockE B q x y : below x y ->
  joint_block B q x (uncover B y x) = marg q (uncover B y x) / marg q x.
Proof. by move=> xy; rewrite /joint_block (eq_bigl _ _ (fun z => below_uncoverE B z xy)). Qed.

Lemma uncover0 B x y : fresh B x = set0 -> uncover B y x = x.
Proof. by move=> e; apply/ffunP=> i; rewrite ffunE e inE. Qed.

Lemma uncover1 B x y i : fresh B x = [set i] -> uncover B y x = upd x i (y i).
Proof. by move=> e; apply/ffunP=> j; rewrite !ffunE e inE; case: eqP => [->|]. Qed.

(* With at most one token to draw an exact denoiser draws jointly. *)
Lemma joint_one B q p x : exact_denoiser q p -> marg q x != 0 -> (#|fresh B x| <= 1)%N ->
  draw_block B p x =1 joint_block B q x.
Proof.
move=> [dp ep] m0 le1 x'.
have [y0 _] : exists y0 : full, below x y0.
  case: (pickP (below x)) => [y0 xy0|no]; first by exists y0.
  by move: m0; rewrite /marg big_pred0 ?eqxx.
have [y x'y] := exists_above y0 x'.
case: (eqVneq (draw_block B p x x') 0) => [d0|d0].
  case: (pickP (fun z => below x z && (uncover B z x == x'))) => [z /andP[xz /eqP e]|no]; last first.
    by rewrite d0 /joint_block big_pred0 // mul0r.
  move: d0; rewrite -e joint_blockE // draw_blockE.
  move: le1; rewrite leq_eqVlt ltnS leqn0 cards_eq0 => /orP[/cards1P[i fi]|/eqP f0]; last first.
    by rewrite f0 big_set0 => /eqP; rewrite oner_eq0.
  have xi : x i = None by have : i \in fresh B x; [rewrite fi inE | rewrite inE => /andP[_ /eqP]].
  by rewrite fi big_set1 (uncover1 z fi) -(ep _ _ _ xi) mulrC mulKf.
have [xy ->] := draw_block_supp x'y d0; rewrite joint_blockE // draw_blockE.
move: le1; rewrite leq_eqVlt ltnS leqn0 cards_eq0 => /orP[/cards1P[i fi]|/eqP f0]; last first.
  by rewrite f0 big_set0 uncover0 // divff.
have xi : x i = None by have : i \in fresh B x; [rewrite fi inE | rewrite inE => /andP[_ /eqP]].
by rewrite fi big_set1 (uncover1 y fi) -(ep _ _ _ xi) mulrC mulKf.
Qed.

Lemma local_tv_ge0 q p B x : 0 <= local_tv q p B x.
Proof. exact: tv_ge0. Qed.

Lemma local_tv_split q p p' B x : denoiser p -> denoiser p' ->
  local_tv q p' B x <= local_tv q p B x + \sum_(i in fresh B x) tv (p x i) (p' x i).
Proof.
move=> dp dp'; apply: le_trans (tv_triangle _ (draw_block B p x) _) _.
by rewrite addrC ler_add2l tvC; apply: draw_block_tv.
Qed.

Lemma local_tv_one q p p' B x : exact_denoiser q p -> denoiser p' -> marg q x != 0 ->
  (#|fresh B x| <= 1)%N -> local_tv q p' B x <= \sum_(i in fresh B x) tv (p x i) (p' x i).
Proof.
move=> ep dp' m0 le1; apply: le_trans (local_tv_split _ _ _ (proj1 ep) dp') _.
by rewrite /local_tv (eq_tv (joint_one ep m0 le1) (fun => erefl)) tvxx add0r.
Qed.

Lemma nmask_uncover B y x : nmask x = (nmask (uncover B y x) + #|fresh B x|)%N.
Proof.
rewrite /nmask -cardsUI [X in (_ + X)%N]eq_card0 ?addn0 => [|i]; last first.
  by rewrite !inE ffunE inE; case: (i \in B) => /=; case: (x i).
by apply: eq_card => i; rewrite !inE ffunE inE; case: (i \in B) => /=; case: (x i).
Qed.

(* A policy that reveals something as long as something is masked ends within d rounds. *)
Definition progress pi := forall t x, ~~ isfull x -> fresh (pi t x) x != set0.

Lemma seen_nmask pi y t : progress pi -> (nmask (seen pi y t) <= d - t)%N.
Proof.
move=> hp; elim: t => [|t IHt] /=; first by rewrite nmask_allmask subn0.
set x := seen pi y t in IHt *; have := nmask_uncover (pi t x) y x.
case: (boolP (isfull x)) => [|xf].
  by rewrite isfullP => /eqP -> /esym/eqP; rewrite addn_eq0 => /andP[/eqP ->].
have := hp t x xf; rewrite -card_gt0 => f0 e; move: IHt; rewrite e subnS.
case: #|_| f0 => // f _; case: (d - t)%N => [|n]; first by rewrite addnS.
by rewrite addnS ltnS; apply: leq_trans; rewrite leq_addr.
Qed.

Lemma seen_full pi y n : progress pi -> (d <= n)%N -> isfull (seen pi y n).
Proof.
move=> hp dn; rewrite isfullP -leqn0; apply: leq_trans (seen_nmask y n hp) _.
by rewrite leqn0 subn_eq0.
Qed.

(* ---------------------------------------------------------------- claim P2 *)

Section P2.
Variable Omega : finType.
Variable W : Omega -> R.
Variables (q : full -> R) (p : state -> I -> A -> R) (phat : denoisers).
Variable pi : Omega -> policy.
Hypotheses (dW : dist W) (dq : dist q) (ep : exact_denoiser q p) (dphat : forall t, denoiser (phat t)).

Lemma tv_mix (T : finType) (P : Omega -> T -> R) (Q : T -> R) :
  tv (fun u => \sum_o W o * P o u) Q <= \sum_o W o * tv (P o) Q.
Proof.
case: dW => W0 W1; rewrite (@eq_tv R _ _ (push W P) _ (push W (fun => Q))) //; last first.
  by move=> u; rewrite /push -mulr_suml W1 mul1r.
exact: tv_push.
Qed.

(* The law of the output: the seed from W, then n rounds. *)
Definition mixed_law n x : R := \sum_o W o * policy_law (pi o) phat n x.

Theorem P2 n :
  tv (mixed_law n) (ext q)
    <= \sum_o W o * \sum_y q y * (\sum_(t < n) local_tv q (phat t) (pi o t (seen (pi o) y t)) (seen (pi o) y t)
                                  + (~~ isfull (seen (pi o) y n))%:R).
Proof.
apply: le_trans (tv_mix _ _) _; apply: ler_sum => o _; rewrite ler_wpmul2l //; first by case: dW.
exact: P2_data.
Qed.

Theorem P2_split n :
  (\sum_o W o * \sum_y q y * (\sum_(t < n) local_tv q (phat t) (pi o t (seen (pi o) y t)) (seen (pi o) y t)
                                  + (~~ isfull (seen (pi o) y n))%:R))
  <= \sum_o W o * \sum_y q y * (\sum_(t < n) local_tv q p (pi o t (seen (pi o) y t)) (seen (pi o) y t)
       + \sum_(t < n) \sum_(i in block (pi o) y t) tv (p (seen (pi o) y t) i) (phat t (seen (pi o) y t) i)
       + (~~ isfull (seen (pi o) y n))%:R).
Proof.
apply: ler_sum => o _; rewrite ler_wpmul2l //; first by case: dW.
apply: ler_sum => y _; rewrite ler_wpmul2l //; first by case: dq.
rewrite ler_add2r -big_split ler_sum // => t _.
by apply: local_tv_split; case: ep.
Qed.

Theorem P2_run_mixed n :
  tv (mixed_law n) (ext q)
    <= \sum_o W o * (\sum_(t < n) (\sum_(x | marg q x != 0)
                        policy_law (pi o) phat t x * local_tv q (phat t) (pi o t x) x)
                     + \sum_y q y * (~~ isfull (seen (pi o) y n))%:R).
Proof.
apply: le_trans (tv_mix _ _) _; apply: ler_sum => o _; rewrite ler_wpmul2l //; first by case: dW.
exact: P2_run.
Qed.

(* One token a round, in any order that may depend on the values seen so far. *)
Hypothesis one : forall o t x, ~~ isfull x -> #|fresh (pi o t x) x| = 1%N.

Lemma one_progress o : progress (pi o).
Proof. by move=> t x /(one o t) e; rewrite -card_gt0 e. Qed.

Theorem P2_one :
  tv (mixed_law d) (ext q)
    <= \sum_o W o * \sum_y q y * \sum_(t < d) \sum_(i in block (pi o) y t)
         tv (p (seen (pi o) y t) i) (phat t (seen (pi o) y t) i).
Proof.
apply: le_trans (P2 _) _; apply: ler_sum => o _; rewrite ler_wpmul2l //; first by case: dW.
case: dq => q0 _; apply: ler_sum => y _; have := q0 y; rewrite le_eqVlt => /orP[/eqP <-|qy].
  by rewrite !mul0r.
rewrite ler_wpmul2l // (seen_full _ (@one_progress o)) // addr0 ler_sum // => t _.
apply: local_tv_one => //; last first.
  case: (boolP (isfull (seen (pi o) y t))) => [xf|/one -> //]; rewrite (_ : fresh _ _ = set0) ?cards0 //.
  by apply/setP=> i; rewrite !inE; move/forallP: xf => /(_ i) /negPf ->; rewrite andbF.
apply: lt0r_neq0; apply: lt_le_trans qy _.
by rewrite /marg (bigD1 y) ?seen_below //= ler_addl sumr_ge0.
Qed.
End P2.

(* ... and with the exact denoiser the law is q_0. *)
Theorem P2_one_exact (Omega : finType) (W : Omega -> R) q p (pi : Omega -> policy) :
  dist W -> dist q -> exact_denoiser q p ->
  (forall o t x, ~~ isfull x -> #|fresh (pi o t x) x| = 1%N) ->
  tv (mixed_law W (fun => p) pi d) (ext q) = 0.
Proof.
move=> dW dq ep one; apply/eqP; rewrite eq_le tv_ge0 andbT.
have := P2_one dW dq ep (fun => proj1 ep) one; rewrite [X in _ <= X]big1 // => o _.
rewrite big1 ?mulr0 // => y _; rewrite big1 ?mulr0 // => t _.
by rewrite big1 // => i _; rewrite tvxx.
Qed.

End Policy.
