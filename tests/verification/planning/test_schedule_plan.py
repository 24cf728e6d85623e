"""Guaranteed schedules: promises that hold, none cheaper, and the exact optimum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.compositions import compositions
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.target import Target
from sharprates.verification.exact_law import exact_tables, rational_pmf
from sharprates.verification.planning.block_schedule import excess
from sharprates.verification.planning.dependence import Dependence
from sharprates.verification.planning.fewest_steps import grid_cost
from sharprates.verification.planning.loss_curve import loss_curve
from sharprates.verification.planning.schedule_plan import (
    Goal,
    Offer,
    SchedulePlan,
    linear_times,
    on_data,
    plan_curve,
    plan_number,
)
from sharprates.verification.profile import profile
from sharprates.verification.strategies import laws


def offer(plan: SchedulePlan, claim: str) -> Offer:
    return next(one for one in plan.offers if one.claim == claim)


def planned(target: Target, goal: Goal) -> SchedulePlan:
    shape = profile(target)
    plan = plan_curve(target.name, shape.information.tolist(), goal, error=shape.error)
    return on_data(plan, tables(target, ExactDenoiser(target)), target)


def test_a_number_alone() -> None:
    """d = 1024, T̂/ε = 4: 22 calls, against 31 as published."""
    plan = plan_number(Dependence.read("tc=4", 1024), Goal(kl=1.0))
    assert [one.calls for one in plan.offers if one.claim == "U3"] == [22, 31]
    assert plan.cheapest is offer(plan, "U3")
    assert plan.cheapest.promise == pytest.approx(1.0, abs=1e-12)
    assert sum(plan.cheapest.sizes) == 1024
    assert "Chen, Cong, Li" in str(plan.cheapest.authors)
    # a bound on Ī bounds both correlations, and the largest block
    plan = plan_number(Dependence.read("info=0.01", 64), Goal(kl=0.1))
    assert offer(plan, "KL5").sizes == (11,) * 5 + (9,)
    assert offer(plan, "KL5").promise == pytest.approx(0.1)
    assert plan_number(Dependence.read("tc=0", 9), Goal(tv=0.1)).cheapest.sizes == (9,)
    few = plan_number(Dependence.read("info=1/100", 256), Goal(kl=0.03))
    assert few.cheapest is offer(
        few, "KL7"
    )  # random sizes cost half a block where fixed ones may cost a whole one
    assert (few.cheapest.calls, offer(few, "KL5").calls) == (69, 86)
    assert not few.notes
    nothing = plan_number(Dependence.read("tc=5", 9), Goal(tv=0.01)).cheapest
    assert (nothing.claim, nothing.sizes) == ("H2", (1,) * 9)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=9).map(lambda one: sorted(one, reverse=True)),
    st.floats(0.05, 2),
)
def test_every_promise_holds_for_the_curve(h: list[float], kl: float) -> None:
    plan = plan_curve("curve", h, Goal(kl=kl))
    curve = loss_curve(range(len(h)), h, len(h))
    for one in plan.offers:
        assert one.promise is not None
        cost = excess(curve, one.sizes) if one.sizes else grid_cost(np.array(h), one.times)
        assert cost <= one.promise + 1e-12
        if one.calls < len(h):
            assert one.promise <= kl + 1e-12
    # fixed sizes are never worse than the random ones of steps, nor than what a number certifies
    fewest = offer(plan, "KL6").calls
    assert all(fewest <= one.calls for one in plan.offers)
    assert plan.cheapest.calls == fewest


@settings(max_examples=15, deadline=None)
@given(laws(max_length=4, max_vocabulary=3), st.sampled_from([0.05, 0.2, 0.5]), st.booleans())
def test_the_exact_optimum_in_fractions(target: Target, most: float, of_tv: bool) -> None:
    """No promise is broken, and no schedule of fewer blocks reaches the goal."""
    goal = Goal(most) if of_tv else Goal(kl=most)
    plan = planned(target, goal)
    pmf = rational_pmf(target)
    exact = exact_tables(pmf, target.vocabulary)

    def measured(sizes: tuple[int, ...]) -> float:
        law = exact.blocks(sizes)
        if of_tv:
            return float(exact.total_variation(law))
        return math.fsum(float(q) * math.log(float(q / law[row])) for row, q in pmf.items())

    for one in plan.offers:
        assert one.kl is not None
        assert one.promise is not None
        if one.promised == "KL":
            assert one.kl.value <= one.promise + one.kl.error + 1e-13
        if one.sizes:
            assert one.beyond(goal) <= 1e-12
            value = one.tv if of_tv else one.kl
            assert value is not None
            assert abs(value.value - measured(one.sizes)) <= value.error + 1e-12
    best = plan.optimum[0]
    assert measured(best.sizes) <= most + 1e-12
    fewer = [a for a in compositions(target.length) if len(a) < best.calls]
    assert all(measured(sizes) > most - 1e-12 for sizes in fewer)


def test_steps_found_by_gradient_are_measured_as_printed() -> None:
    target = family("copies:4:2")
    plan = planned(target, Goal(0.3))
    steps = [one for one in (*plan.offers, *plan.optimum) if one.times]
    assert steps
    for one in steps:
        assert one.times[0] == 1
        assert one.times[-1] == 0
        assert all(t == round(t, 6) for t in one.times) or one.claim == "E5"
        assert one.tv is not None


def test_times_leave_out_steps_that_vanish() -> None:
    assert linear_times([0.25, 0.75]) == (1.0, 0.75, 0.0)
    assert linear_times([0.5, 1e-9, 0.5 - 1e-9]) == (1.0, 0.5, 0.0)
    assert linear_times([1.0]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: Goal(), "give a total variation, or a divergence"),
        (lambda: Goal(0.1, 0.1), "give a total variation, or a divergence"),
        (lambda: Goal(1.0), "tv: must lie between 0 and 1, got 1"),
        (lambda: Goal(math.nan), "tv: must lie between 0 and 1, got nan"),
        (lambda: Goal(kl=0.0), "kl: must be a number above 0, got 0"),
        (lambda: Goal(kl=math.inf), "kl: must be a number above 0, got inf"),
        (lambda: plan_number(Dependence(3), Goal(0.1)), "at least one of tc, dtc and info"),
    ],
)
def test_bad_questions_are_named(call, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        call()
