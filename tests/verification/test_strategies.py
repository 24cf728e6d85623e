"""Strategies: what they can give, that it is valid, and that it shrinks to something small."""

from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.verification import strategies as some
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities

SEARCH = settings(
    max_examples=2000,
    database=None,
    derandomize=True,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def smallest(strategy, condition):
    return find(strategy, condition, settings=SEARCH)


# --- laws -----------------------------------------------------------------------------------------


@given(some.laws())
def test_laws_are_exact_and_within_size(law: Target) -> None:
    assert law.fractions is not None
    assert sum(law.fractions) == 1
    assert 1 <= law.length <= 4
    assert law.support <= 27


@pytest.mark.parametrize(
    "condition",
    [
        lambda law: law.length == 1,
        lambda law: law.vocabulary == 1,
        lambda law: law.support == 1,
        lambda law: law.support == law.vocabulary**law.length > 4,
        lambda law: law.family is not None and law.family.name == "parity",
        lambda law: min(law.fractions) < Fraction(1, 100),
        lambda law: law.length == 4 and law.support > 4,
    ],
    ids=["d=1", "S=1", "point mass", "dense", "family", "degenerate", "long and wide"],
)
def test_laws_reach_every_corner(condition) -> None:
    assert condition(smallest(some.laws(), condition))


def test_a_law_shrinks_to_few_words_with_small_weights() -> None:
    law = smallest(some.sparse_laws(), lambda law: law.length >= 2 and law.support >= 2)
    assert law.length <= 3
    assert law.support == 2
    assert law.name.startswith("S=2 q0=[00")


@given(some.laws(min_length=2, max_length=2, max_vocabulary=2))
def test_bounds_on_size_are_kept(law: Target) -> None:
    assert law.length == 2


# --- step laws ------------------------------------------------------------------------------------


@given(some.step_laws())
def test_step_laws_are_sub_probabilities(w: tuple[Fraction, ...]) -> None:
    assert all(x >= 0 for x in w)
    assert sum(w) <= 1


@given(some.step_laws(leftover=False))
def test_step_laws_without_leftover_sum_to_one(w: tuple[Fraction, ...]) -> None:
    assert sum(w) == 1


@pytest.mark.parametrize(
    "condition",
    [
        lambda w: len(w) == 1,
        lambda w: len(w) > 3 and len(set(w)) == 1,
        lambda w: 0 in w and sum(w) > 0,
        lambda w: 0 < sum(w) < 1,
        lambda w: 0 < sum(w) < Fraction(1, 1000),
    ],
    ids=["K=1", "uniform", "zero hazard", "leftover", "leftover near 1"],
)
def test_step_laws_reach_every_corner(condition) -> None:
    assert condition(smallest(some.step_laws(), condition))


def test_a_step_law_shrinks_to_few_steps() -> None:
    assert smallest(some.random_steps(), lambda w: 0 < sum(w) < 1) == (Fraction(1, 2),)


# --- denoisers in fractions -----------------------------------------------------------------------

COPIES = families.family("copies:2:3")


def test_contexts_are_those_of_positive_probability() -> None:
    found = some.contexts(families.family("copies:2:2"))
    assert found[:2] == [((2, 2), 0), ((2, 2), 1)]
    assert len(found) == 2 + 4  # nothing shown: two places; one token shown: one place each
    assert ((0, 2), 1) in found


@given(some.predictions(COPIES))
def test_predictions_are_laws_at_such_contexts(found) -> None:
    exact_experiment(COPIES, blocks=(1, 1), predictions=found)  # which checks them
    assert found.keys() <= set(some.contexts(COPIES))


@pytest.mark.parametrize("kind", ["off support", "zero on possible", "small"])
def test_predictions_err_in_every_way(kind: str) -> None:
    exact = some.conditionals(COPIES)

    def errs(found) -> bool:
        for place, law in found.items():
            pairs = list(zip(law, exact[place], strict=True))
            gap = sum(abs(p - q) for p, q in pairs) / 2
            if {
                "off support": any(p > 0 == q for p, q in pairs),
                "zero on possible": any(p == 0 < q for p, q in pairs),
                "small": 0 < gap <= Fraction(1, 1000),
            }[kind]:
                return True
        return False

    assert errs(smallest(some.predictions(COPIES), errs))


def test_conditionals_are_exact() -> None:
    table = some.conditionals(families.family("parity:2:2"))
    assert table[(2, 2), 0] == (Fraction(1, 2), Fraction(1, 2))
    assert table[(2, 1), 0] == (0, 1)


# --- instances ------------------------------------------------------------------------------------


@given(some.instances(erring=True))
def test_instances_have_an_exact_total_variation(it: Experiment) -> None:
    assert 0 <= ExactQuantities(it).tv <= 1


def test_instances_err_only_if_asked() -> None:
    assert smallest(some.instances(erring=True), lambda it: it.predictions).predictions

    @given(some.instances())
    def exact(it: Experiment) -> None:
        assert not it.predictions

    exact()


@given(some.in_blocks())
def test_blocks_are_compositions(it: Experiment) -> None:
    assert sum(it.blocks) == it.length


@given(some.on_grids(erring=True))
def test_grids_lie_on_their_clock(it: Experiment) -> None:
    assert it.grid is not None
    assert it.grid.steps >= 1
    if it.grid.clock != "constant":
        assert it.grid.horizon <= 1


def test_grids_reach_every_rule_and_last_step() -> None:
    for rule in ("euler", "tau-leaping", "ancestral"):
        for fill in (False, True):

            def want(grid: Schedule, rule: str = rule, fill: bool = fill) -> bool:
                return grid.rule == rule and (grid.last_step == "fill") == fill

            assert isinstance(smallest(some.grids(), want), Schedule)


def test_edge_cases_are_what_their_names_say() -> None:
    edges = some.EDGES
    assert edges["one token"].length == 1
    assert len(edges["one step"].steps) == 1
    short = edges["fewer steps than tokens"]
    assert len(short.steps) < short.length
    assert sum(edges["almost all left over"].steps) < Fraction(1, 10**5)
    assert sum(edges["nothing is ever revealed"].steps) == 0
    assert edges["zero hazards"].steps.count(0) == 3
    assert len(edges["point mass"].rows) == 1
    assert edges["one symbol"].vocabulary == 1


# --- what the torch samplers run on ---------------------------------------------------------------


@given(some.schedules())
def test_schedules_have_a_step_law(plan: some.Schedule) -> None:
    law = plan.law(3)
    assert law.steps == plan.steps + (plan.last_step == "fill")
    times = plan.times(3)
    assert float(times[-1]) == plan.delta
    assert plan.clock in str(plan)


@pytest.mark.parametrize("clock", some.CLOCKS)
@pytest.mark.parametrize("grid", ["uniform", "alpha", "logsnr", "exp-const"])
def test_schedules_reach_every_clock_and_grid(clock: str, grid: str) -> None:
    assert smallest(some.schedules(), lambda it: (it.clock, it.grid) == (clock, grid))


@given(st.data())
def test_denoisers_keep_their_promises(data: st.DataObject) -> None:
    target = families.family("pairs:3:2")
    denoiser = data.draw(some.denoisers(target, normalised=False))
    x = torch.tensor([[0, 2, 2], [2, 2, 2], [1, 1, 2]])
    early, late = denoiser(x, 0.0), denoiser(x, 1.0)
    masked = x == 2
    sums = early[masked].sum(-1)
    assert bool((early[masked] >= 0).all())
    if denoiser.normalised:
        assert torch.allclose(sums, torch.ones_like(sums))
    if denoiser.time_free:
        assert torch.equal(early, late)


def test_a_perturbed_denoiser_at_single_positions_and_times() -> None:
    base = ExactDenoiser(families.family("copies:2:2"))
    denoiser = some.Perturbed(base, share=0.5, wrong=1, slope=1.0)
    x = torch.tensor([[2, 2], [0, 2]])
    times = torch.tensor([0.0, 1.0], dtype=torch.float64)
    whole = denoiser(x, times)
    assert whole[0, 0].tolist() == [0.25, 0.75]  # half of ½ moved
    assert whole[1, 1].tolist() == [0.75, 0.25]  # a quarter of 1 moved
    places = (torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert torch.equal(denoiser(x, times, places), whole[places])
    dropped = some.Perturbed(base, drop=True, wrong=1)
    assert dropped(x)[1, 1].tolist() == [0.0, 1.0]
    assert "top dropped" in str(dropped)


def test_float_experiments_can_be_kept_exact_and_short() -> None:
    @settings(max_examples=30)
    @given(some.float_experiments(exact_only=True, max_length=3))
    def exact(it: Experiment) -> None:
        assert isinstance(it.denoiser, ExactDenoiser)
        assert it.target.length <= 3
        assert it.target.name in str(it)

    exact()
    assert smallest(some.float_experiments(normalised=False), lambda it: not it.denoiser.normalised)
    assert smallest(some.float_experiments(), lambda it: not it.denoiser.time_free)
