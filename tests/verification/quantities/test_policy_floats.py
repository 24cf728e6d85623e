"""A policy's numbers in floats enclose those in exact fractions, by another algorithm."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.families import family
from sharprates.samplers.policies import Policy, policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.predictions import GivenPredictions
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import Rounds
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import Interval, interval
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import profile
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.policies import PolicyQuantities
from sharprates.verification.quantities.policy_floats import PolicyFloats

NUMBERS = (
    *("block_tv_hat", "block_tv", "epsilon_pi", "R", "R_max", "short", "parallel"),
    *("parallel_tokens", "tau", "doubt", "gamma", "data_doubt", "anchor"),
)
RULES = ("confidence:1", "confidence:2", "threshold:0.6", "entropy-bounded:0.5", "bisection")


def floats(q: Target, denoiser: Denoiser, sampler: PolicySampler) -> PolicyFloats:
    return PolicyFloats(Experiment(q, denoiser, sampler), profile(q))


def chooser(
    rule: Policy, denoiser: Denoiser, order: torch.Tensor | None
) -> Callable[[ExactQuantities, Context, int], Sequence[int]]:
    def choose(it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:
        x = torch.tensor([context])
        shown = torch.where((x == it.S)[..., None], denoiser(x), 0.0)
        ranks = None if order is None else order[None]
        return rule.choose(x, shown, turn, ranks)[0].nonzero().squeeze(1).tolist()

    return choose


@given(st.data())
@settings(max_examples=40)
def test_floats_enclose_fractions(data: st.DataObject) -> None:
    d, S = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 3))
    row = st.lists(st.integers(0, S - 1), min_size=d, max_size=d)
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    weights = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    q = Target.from_rows(rows, [Fraction(w) for w in weights], S)
    wrong = {}
    if data.draw(st.booleans()):  # wrong where nothing is revealed
        law = (Fraction(5, 8), Fraction(3, 8), *[Fraction(0)] * (S - 2))
        wrong = {((S,) * d, data.draw(st.integers(0, d - 1))): law}
    denoiser = GivenPredictions(q, wrong) if wrong else ExactDenoiser(q)
    text = data.draw(st.sampled_from([rule for rule in RULES if d > 1 or rule[-1] != "2"]))
    ties = data.draw(st.sampled_from(["left", "seed"]))
    sampler = PolicySampler(d, policy(text), ties=ties)
    found = floats(q, denoiser, sampler)
    rules = [chooser(sampler.policy, denoiser, order) for order in sampler.orders()]
    exact = PolicyQuantities(exact_experiment(q, predictions=wrong), rules)
    for name in NUMBERS:
        mine, true = interval(getattr(found, name)), getattr(exact, name)
        assert mine.width < 1e-11, name
        assert arb(mine.middle, mine.width / 2 + 1e-300).overlaps(arb(true)), name
    assert {sizes for sizes, p in exact.sizes.items() if p > 0} == set(found.sizes)
    for sizes, p in found.sizes.items():
        assert abs(interval(p).middle - float(exact.sizes[sizes])) < 1e-14
    # P2 by the exact tree, and by what the sampler's law has
    tv = float(exact.tv)
    assert tv <= interval(found.block_tv_hat).upper + 1e-12


def test_stale_predictions_have_a_score_term() -> None:
    # Two copies one at a time, the second from the prediction of the start: ½ instead of sure.
    q = family("copies:2:2")
    sampler = PolicySampler(2, policy("confidence:1"), Rounds(cache=2))
    found = floats(q, ExactDenoiser(q), sampler)
    assert interval(found.epsilon_pi).middle == pytest.approx(1 / 2)
    assert interval(found.block_tv).middle == pytest.approx(0, abs=1e-12)
    assert interval(found.block_tv_hat).middle == pytest.approx(1 / 2)


def test_what_a_cap_leaves_is_added_to_an_upper_bound() -> None:
    q = family("copies:2:2")
    sampler = PolicySampler(2, policy("confidence:1"), Rounds(1, "leave"))
    found = floats(q, ExactDenoiser(q), sampler)
    assert Interval.exact(1).lower <= interval(found.bound(CLAIMS["P2"])).upper
    assert interval(found.leftover).middle == pytest.approx(1)
    filled = floats(q, ExactDenoiser(q), PolicySampler(2, policy("confidence:1"), Rounds(1)))
    assert interval(filled.bound(CLAIMS["P2"])).middle == pytest.approx(1 / 2)
