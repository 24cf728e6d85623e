"""Every claim of an audit holds on generated targets and schedules, and its mutants do not."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import OFF_SUPPORT, Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import (
    copies,
    dirichlet,
    groups,
    mds,
    pairs,
    parity,
    point_mass,
    shared_symbols,
)
from sharprates.samplers.schedule import RULES
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states
from sharprates.theory.claim import Relation
from sharprates.verification.audit import audit, audit_target
from sharprates.verification.audit_plan import Plan
from sharprates.verification.decomposition import Decomposition
from sharprates.verification.empirical import Sampling
from sharprates.verification.verdict import Verdict
from torch import Tensor

from tests.samplers.perturbed import (
    Drifting,
    Leaking,
    Mixed,
    Scaled,
    Switching,
    Telling,
    Uniform,
    catalogue,
    in_a_window,
)

CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")
UPPER = ("E1", "E2", "E3", "E5", "E7", "E8")
ALL = (*UPPER, "L0", "L1", "L2", "L3", "H1", "H2")


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Sparse, dense and degenerate laws with d ≤ 6, S ≤ 4; small ones first."""
    d = draw(st.integers(1, 6))
    S = draw(st.integers(1, 4 if d <= 4 else 2))
    states = all_states(d, S).tolist()
    rows = draw(st.lists(st.sampled_from(states), min_size=1, max_size=12, unique_by=tuple))
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any clock, grid, rule and ending; δ > 0 where the grid needs it."""
    name = draw(st.sampled_from(CLOCKS))
    grid = draw(st.sampled_from(["uniform", "alpha", "logsnr", "exp-const"]))
    if grid in ("logsnr", "exp-const"):
        horizon, delta = draw(st.sampled_from([0.9, 0.6])), draw(st.sampled_from([0.05, 0.2]))
    else:
        horizon = draw(st.sampled_from([None, 0.7])) if name != "constant" else None
        delta = draw(st.sampled_from([0.0, 0.0, 0.1]))
    return Plan(
        steps=(draw(st.integers(1, 40)),),
        clocks=(name,),
        grids=(grid,),
        horizon=horizon,
        delta=delta,
        last_step=draw(st.sampled_from(["leave", "leave", "fill"])),  # L0 is about what is left
        claims=ALL,
    )


def test_every_claim_holds_on_instances_that_count() -> None:
    """Bounds of 1 prove nothing: at least 30 % of a claim's instances must say something."""
    counting: Counter[str] = Counter()
    tried: Counter[str] = Counter()

    @settings(max_examples=120)
    @given(targets(), plans())
    def every_claim_holds(target: Target, plan: Plan) -> None:
        for result in audit_target(target, plan, ExactDenoiser(target)).results:
            for name, bound in result.bounds.items():
                # between two times it is asked at, a denoiser may decide H2 and C1 either way
                undecided = {Verdict.UNDECIDED} if result.estimate is not None else set()
                assert bound.verdict in {Verdict.HOLDS, Verdict.NONE} | undecided, (name, result)
                if bound.value is not None:
                    tried[name] += 1
                    counting[name] += bound.value > 0 or bound.relation is not Relation.LOWER
                    counting[name] -= bound.value == 1 and bound.relation is Relation.UPPER
            if result.sampler == "fhs":
                assert result.tv.upper <= 1e-13

    every_claim_holds()
    for name in ("E1", "E3", "E5", "E8", "L0", "H1", "H2"):
        assert counting[name] >= 0.3 * tried[name], (name, counting[name], tried[name])


@settings(max_examples=40)
@given(targets(), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_no_off_support_convention_changes_the_tv(target: Target, hazards: list[float]) -> None:
    law = StepLaw.from_hazards(torch.tensor(hazards, dtype=torch.float64))
    found = [
        total_variation(tables(target, ExactDenoiser(target, convention), rows).law(law), target)
        for convention in OFF_SUPPORT
        for rows in ("support", "all")
    ]
    for other in found[1:]:
        assert abs(other.value - found[0].value) <= found[0].error + other.error


FINE = Plan(steps=(2, 8, 32), clocks=("linear",), rules=("ancestral",), claims=ALL)


def test_exact_values_on_their_own_families() -> None:
    for target, name in [
        (pairs(5, 3), "L1"),
        (copies(4, 3), "L2"),
        (shared_symbols(3, 3), "L3"),
        (parity(4, 3), "L4"),
        (parity(2, 1), "L4"),
        (mds(4, 2, 5), "L4"),
        (groups(5, 2), "L6"),
    ]:
        plan = replace(FINE, clocks=("constant", "linear"), rules=tuple(RULES), claims=(name, "E2"))
        for result in audit_target(target, plan, ExactDenoiser(target)).results[:-1]:
            bound = result.bounds[name]
            assert bound.relation is Relation.EQUALITY
            assert bound.verdict is Verdict.HOLDS
            assert result.bounds["E2"].verdict is not Verdict.FAILS


@pytest.mark.parametrize(
    ("mutation", "target", "name"),
    [
        # shared symbols attain E3 as b grows: at d = 2 up to a factor 1 − 1/b
        ({"scale": {"E3.constant": Fraction(99, 100)}}, shared_symbols(2, 128), "E3"),
        ({"scale": {"E5.constant": Fraction(99, 100)}, "steps": (1,)}, copies(3, 4), "E5"),
        ({"scale": {"E1.constant": Fraction(9, 10)}}, pairs(2, 4), "E1"),
        ({"scale": {"L0.constant": Fraction(101, 100)}, "rules": ("tau-leaping",)}, None, "L0"),
    ],
)
def test_a_tightened_constant_is_refuted(
    mutation: dict[str, object], target: Target | None, name: str
) -> None:
    chosen = target or Target.from_rows([[0, 0, 0]], [1], 1)
    plan = replace(FINE, **mutation)
    verdicts = [r.bounds[name].verdict for r in audit([chosen], plan)[0].results]
    assert Verdict.FAILS in verdicts


def test_a_sampler_of_another_rule_breaks_an_exact_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant measures τ-leaping where ancestral was asked for: L1 notices."""
    from sharprates.verification import audit as module

    right = module.Measure.tv

    def wrong(self, experiment):
        if experiment.step_law is None:
            return right(self, experiment)
        lagging = StepLaw.from_hazards(-torch.expm1(-experiment.step_law.hazards))
        return right(
            self, replace(experiment, sampler=replace(experiment.sampler, schedule=lagging))
        )

    monkeypatch.setattr(module.Measure, "tv", wrong)
    results = audit([pairs(4, 2)], FINE)[0].results
    assert all(r.bounds["L1"].verdict is Verdict.FAILS for r in results[:-1])


def test_a_dropped_leftover_breaks_the_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant renormalises what was revealed: L0 notices."""
    from sharprates.verification import audit as module

    right = module.Measure.tv

    def wrong(self, experiment):
        if experiment.step_law is None:
            return right(self, experiment)
        weights = experiment.step_law.weights / experiment.step_law.weights.sum()
        whole = replace(experiment.sampler, schedule=StepLaw.from_weights(weights))
        return right(self, replace(experiment, sampler=whole))

    monkeypatch.setattr(module.Measure, "tv", wrong)
    plan = replace(FINE, rules=("tau-leaping",))
    results = audit([copies(3, 2)], plan)[0].results
    assert all(r.bounds["L0"].verdict is Verdict.FAILS for r in results[:-1])


def test_a_transposed_conditional_is_no_first_hitting_sampler() -> None:
    """The mutant denoiser reads the context backwards: H1 notices."""
    target = Target.from_rows([[0, 0], [0, 1], [1, 1]], [1, 2, 4], 2)

    class Transposed(ExactDenoiser):
        def __call__(self, x, t=None, positions=None):
            return super().__call__(x.flip(1), t, positions).flip(1)

    (result,) = audit_target(target, FINE, Transposed(target)).results[-1:]
    assert result.bounds["H1"].verdict is Verdict.FAILS


def test_targets_stand_in_the_order_of_the_arguments() -> None:
    names = [one.name for one in audit([pairs(2, 3), copies(2, 2)], FINE)]
    assert names == ["pairs:2:3", "copies:2:2"]


def test_own_clocks_and_rules_are_audited_like_ours() -> None:
    """A clock and a rule written anew give the numbers of the built-in ones."""

    def mine(chosen: Clock, times: torch.Tensor) -> torch.Tensor:
        return 1 - chosen.masked(times[1:]) / chosen.masked(times[:-1])

    own = replace(FINE, clocks=(Clock.from_alpha("mine", lambda t: 1 - t**2, 1.0),), rules=(mine,))
    ours = replace(FINE, clocks=("polynomial:2",))
    for a, b in zip(
        audit([pairs(3, 2)], own)[0].results, audit([pairs(3, 2)], ours)[0].results, strict=True
    ):
        assert abs(a.tv.middle - b.tv.middle) < 1e-13
        assert (a.bounds["E3"].value or 0) == pytest.approx(b.bounds["E3"].value or 0, abs=1e-12)
        assert a.bounds["E1"].verdict is b.bounds["E1"].verdict
    assert a.sampler == "fhs"


def test_explicit_times_replace_the_grid() -> None:
    plan = replace(FINE, times=(1.0, 0.5, 0.0))
    result = audit([copies(2, 2)], plan)[0].results[0]
    assert (result.steps, result.grid) == (2, None)
    assert result.tv.middle == pytest.approx(0.25)


# --- imperfect denoisers --------------------------------------------------------------------------

DEFECTS = sorted(catalogue(ExactDenoiser(copies(2, 2))))
IMPERFECT = ("E1", "E2", "E3", "L0", "H2", "C1")


def test_every_claim_holds_with_imperfect_denoisers() -> None:
    """Any defect, clock, grid, δ, rule and ending: E1's five terms sum to at least the TV."""
    counting: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    clipping = 0

    @settings(max_examples=100)
    @given(
        targets().filter(lambda target: target.vocabulary > 1 and target.length <= 3),
        plans(),
        st.sampled_from(DEFECTS),
        st.integers(1, 8),
    )
    def every_claim_holds(target: Target, plan: Plan, defect: str, steps: int) -> None:
        nonlocal clipping
        denoiser = catalogue(ExactDenoiser(target))[defect]
        plan = replace(plan, steps=(steps,), claims=IMPERFECT)
        for result in audit_target(target, plan, denoiser).results:
            for name, bound in result.bounds.items():
                # between two times it is asked at, a denoiser may decide H2 and C1 either way
                undecided = {Verdict.UNDECIDED} if result.estimate is not None else set()
                assert bound.verdict in {Verdict.HOLDS, Verdict.NONE} | undecided, (name, result)
                if bound.value is not None:
                    tried[name] += 1
                    counting[name] += bound.value < 1 if name != "L0" else bound.value > 0
            terms = result.decomposition
            assert terms is not None
            measured = result.tv.middle if result.estimate is None else result.estimate
            assert measured <= terms.sum + terms.error + result.tv.width
            assert terms.sum == pytest.approx(
                terms.initialisation
                + terms.score
                + terms.clock
                + terms.parallel
                + terms.early_stopping
            )
            clipping += result.clipped > 0

    every_claim_holds()
    assert clipping >= 5
    for name in ("E1", "E3", "L0", "H2", "C1"):
        assert counting[name] >= 0.3 * tried[name], (name, counting[name], tried[name])


# Not here: leaks, where nothing is impossible, and scores scaled up, under which all tokens come.
FELT = [
    name for name in DEFECTS if name not in ("above-hazard", "off-support", "off-support-at-start")
]


@pytest.mark.parametrize("defect", FELT)
def test_the_score_term_is_needed(defect: str) -> None:
    """The mutant leaves it out: with many steps of the exact bridge the other terms are too few."""
    target = dirichlet(2, 3, 0.3, seed=1)
    denoiser = catalogue(ExactDenoiser(target))[defect]
    plan = Plan(steps=(64,), clocks=("linear",), rules=("ancestral",), claims=("E1",))
    terms = audit_target(target, plan, denoiser).results[0]
    assert terms.decomposition is not None
    others = terms.decomposition.sum - terms.decomposition.score
    assert others < terms.tv.middle <= terms.decomposition.sum


def test_terms_vanish_with_their_cause() -> None:
    """Each term alone: what is exact, or does not occur, costs nothing."""
    exact = ExactDenoiser(copies(3, 2))
    flat = Target.from_rows(all_states(3, 2), torch.ones(8), 2)

    def terms(target: Target, denoiser: Denoiser, **options: object) -> Decomposition:
        plan = Plan(steps=(8,), clocks=("linear",), claims=("E1",))
        found = audit_target(target, replace(plan, **options), denoiser).results[0].decomposition
        assert found is not None
        return found

    bridge, lagging = ("ancestral",), ("tau-leaping",)
    leaking = Leaking(exact, 0.1)
    nothing = terms(flat, Leaking(ExactDenoiser(flat), 0.1), rules=bridge)
    assert nothing.sum < 1e-14  # independent tokens, and no symbol to leak to
    alone = terms(copies(3, 2), leaking, rules=bridge)
    assert alone.initialisation == alone.clock == alone.early_stopping == 0
    assert alone.score > 0.1
    assert alone.parallel > 0.05
    assert terms(copies(3, 2), Mixed(exact, Uniform(2), 0.0), rules=bridge).score == 0
    assert terms(copies(3, 2), leaking, rules=("euler",)).clock == 0  # on the linear clock
    assert terms(copies(3, 2), leaking, rules=lagging).clock > 0.1
    assert terms(copies(3, 2), leaking, rules=bridge, delta=0.1).early_stopping == pytest.approx(
        1 - 0.9**3
    )
    late = terms(copies(3, 2), leaking, rules=bridge, horizon=0.9)
    assert late.initialisation == pytest.approx(1 - 0.9**3)


@pytest.mark.parametrize("eta", [Fraction(0), Fraction(1, 8), Fraction(1)])
def test_the_path_wise_bound_is_attained_on_h3(eta: Fraction) -> None:
    target = point_mass(3, 2)
    leaking = Leaking(ExactDenoiser(target), float(eta), at_start=True)
    plan = replace(FINE, steps=(2,), claims=("H2",))
    result = audit_target(target, plan, leaking).results[-1]
    assert result.decomposition is not None
    assert result.decomposition.draws == pytest.approx((float(eta), 0, 0), abs=1e-15)
    assert result.tv.lower <= eta <= result.tv.upper
    bound = result.bounds["H2"]
    assert bound.verdict is Verdict.HOLDS
    if eta:
        assert bound.ratio == pytest.approx(1)
        tight = replace(plan, scale={"H2.constant": Fraction(99, 100)})
        assert (
            audit_target(target, tight, leaking).results[-1].bounds["H2"].verdict is Verdict.FAILS
        )


def test_scores_have_their_own_form_of_h2_and_no_leftover() -> None:
    target = copies(3, 2)
    found = audit_target(target, FINE, Scaled(ExactDenoiser(target), 1.2))
    *parallel, hitting = found.results
    assert all(result.leftover is None for result in parallel)
    assert hitting.tv.upper < 1e-13
    assert hitting.bounds["H2"].value == pytest.approx(3 * 0.2)
    assert hitting.bounds["H2"].verdict is Verdict.HOLDS
    assert all(result.bounds["E3"].verdict is Verdict.NONE for result in parallel)


def test_a_time_dependent_denoiser_has_a_hitting_law_for_each_clock() -> None:
    target = copies(2, 3)
    plan = replace(
        FINE,
        steps=(2, 4),
        clocks=("linear", "cosine"),
        blocks=((1,), (2,)),
        policies=("confidence:1",),
    )
    found = audit_target(target, plan, Drifting(ExactDenoiser(target), Uniform(3), 0.3))
    hitting = [result for result in found.results if result.sampler == "fhs"]
    assert [(one.clock, one.method) for one in hitting] == [
        ("linear", "estimate"),
        ("cosine", "estimate"),
    ]
    first, second = hitting
    assert first.tv.upper < second.tv.lower
    # the bound is attained, which an interval cannot tell from a failure
    assert all(one.bounds["H2"].verdict is Verdict.UNDECIDED for one in hitting)
    assert all(one.bounds["H2"].value >= one.estimate for one in hitting)
    assert len(found.results) == plan.rows(target.length, time_free=False)
    assert len(found.skipped) == 3
    assert {one.searched for one in found.dominance} == {4}


def test_a_denoiser_that_jumps_in_time_fails_nothing_and_decides_nothing_unless_told() -> None:
    """Steps of 1/2 or a narrow window: a rule of fixed nodes took them for smooth."""
    target = copies(2, 2)
    plan = replace(
        FINE,
        steps=(2,),
        clocks=("linear",),
        rules=("euler",),
        claims=("H2", "C1"),
        sampling=Sampling(50_000, seed=1),
    )
    for low, high in ((0.5, 0.5522), (0.0747, 0.0951)):
        true = (high - low) * (1 - (high - low) / 2)
        for kind in (Switching, Telling):
            hitting = audit_target(target, plan, in_a_window(target, low, high, kind)).results[-1]
            assert hitting.tv.lower <= true <= hitting.tv.upper
            assert hitting.runs_true
            silent = kind is Switching
            assert (hitting.method == "estimate") == silent == (hitting.law_check is None)
            verdict = Verdict.UNDECIDED if silent else Verdict.HOLDS
            assert {bound.verdict for bound in hitting.bounds.values()} == {verdict}


class ByBatch(Uniform):
    """Rounds a context differently in every batch, as float32 networks do."""

    def __call__(self, x, t=None, positions=None) -> Tensor:
        p = super().__call__(x, t, positions) + 1e-7 * len(x) * torch.tensor([1.0, -1.0, 0.0])
        return p / p.sum(-1, keepdim=True)


def test_rounding_by_batch_fails_no_claim() -> None:
    """One token: E1 and H2 are attained, and the law and its bound must be of one denoiser."""
    target = Target.from_rows([[0], [1], [2]], [2, 1, 1], 3)
    plan = replace(FINE, claims=("E1", "H2"))
    for result in audit_target(target, plan, ByBatch(3)).results:
        assert {bound.verdict for bound in result.bounds.values()} <= {Verdict.HOLDS, Verdict.NONE}
        assert result.tv.middle == pytest.approx(result.decomposition.sum)


@pytest.mark.parametrize("defect", ["top-p", "time-dependent", "above-hazard"])
def test_running_samplers_follow_the_laws_of_imperfect_denoisers(defect: str) -> None:
    target = copies(2, 3)
    plan = replace(
        FINE, steps=(3,), clocks=("cosine",), rules=("euler",), sampling=Sampling(3000, seed=1)
    )
    found = audit([target], plan, lambda it: catalogue(ExactDenoiser(it))[defect])
    for result in found[0].results:
        assert result.runs_true
        assert (result.law_check is None) == (result.estimate is not None)
    assert (found[0].results[-1].estimate is not None) == (defect == "time-dependent")


def test_the_score_dominates_where_the_decompositions_say() -> None:
    target = copies(3, 2)
    denoiser = Leaking(ExactDenoiser(target), 0.02)
    (dominance,) = audit_target(target, FINE, denoiser).dominance
    assert dominance.steps is not None
    plan = replace(FINE, steps=(dominance.steps - 1, dominance.steps))
    below, above, _ = audit_target(target, plan, denoiser).results
    assert below.decomposition is not None
    assert above.decomposition is not None
    assert not below.decomposition.score_dominates
    assert above.decomposition.score_dominates
    times = replace(FINE, times=(1.0, 0.5, 0.0))
    assert audit_target(target, times, denoiser).dominance == ()


def test_a_claim_is_held_against_a_tv_only_where_it_is_about_one() -> None:
    """E6 bounds 1 − d!e_d(w), which exceeds the TV: held against a TV it would fail."""
    names = ("E6", "E9", "F2", "KL1", "KL2", "C1", "C2", "L5")
    found = audit_target(copies(3, 2), replace(FINE, claims=names), ExactDenoiser(copies(3, 2)))
    for result in found.results:
        applies = {name for name, bound in result.bounds.items() if bound.applies}
        assert applies == ({"C1"} if result.sampler == "fhs" else {"KL2"})
        assert result.bounds["E6"].reason == "is not about a sampler's TV on a data law"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("defect", [None, "top-p", "time-dependent", "above-hazard"])
def test_an_audit_on_a_gpu_gives_the_same(defect: str | None) -> None:
    """Laws to rounding; each running sampler follows its exact law there too."""
    target = dirichlet(3, 3, 0.5, seed=1)
    exact = ExactDenoiser(target)
    denoiser = exact if defect is None else catalogue(exact)[defect]
    plan = replace(FINE, blocks=((2,),), policies=("confidence:1",))
    here, there = (
        audit_target(target, replace(plan, sampling=Sampling(20_000, device=device)), denoiser)
        for device in ("cpu", "cuda")
    )
    for one, other in zip(here.results, there.results, strict=True):
        assert other.tv.middle == pytest.approx(one.tv.middle, rel=1e-12, abs=1e-14)
        assert other.runs_true
        assert {name: bound.verdict for name, bound in one.bounds.items()} == {
            name: bound.verdict for name, bound in other.bounds.items()
        }


def test_early_stopping_is_held_against_the_horizon_of_the_data() -> None:
    """The constant clock's default horizon grows with the length: 5.3 at d = 2, 5.7 at d = 3."""
    plan = Plan(steps=(4,), clocks=("constant",), delta=5.5, claims=("L0",))
    plan.check()
    assert audit([copies(3, 2)], plan)[0].results
    with pytest.raises(InputError, match="delta"):
        audit([copies(2, 2)], plan)
