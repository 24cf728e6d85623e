"""One trajectory a sequence against propagation over partial states, on generated laws."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import OFF_SUPPORT, Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.policies import policy
from sharprates.samplers.reached_law import reached_law
from sharprates.samplers.target import Target, all_states
from sharprates.samplers.trajectories import Rounds, trajectories
from torch import Tensor

from tests.samplers.perturbed import Drifting, Mixed, Scaled, Uniform

RULES = (
    "confidence:1",
    "confidence:2",
    "margin:1",
    "entropy:2",
    "threshold:0.5",
    "threshold:0.8",
    "factor:1.2",
    "entropy-bounded:0.4",
    "left-to-right:1",
    "left-to-right:2:threshold:0.7",
    "bisection",
    "bisection:2",
    "random:2",
)


@st.composite
def laws(draw: st.DrawFn) -> Target:
    """d ≤ 5, S ≤ 3; few distinct weights make ties, most weights are 0."""
    d, S = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    symbols = st.lists(st.integers(0, S - 1), min_size=d, max_size=d)
    rows = draw(st.lists(symbols, min_size=1, max_size=8))
    weights = draw(st.lists(st.integers(1, 3), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


@st.composite
def denoisers(draw: st.DrawFn, q: Target) -> Denoiser:
    """Exact under two conventions, erring, unnormalised, or changing with time."""
    exact = ExactDenoiser(q, draw(st.sampled_from(OFF_SUPPORT[:2])))
    blurred = Mixed(exact, Uniform(q.vocabulary), 0.2)
    return draw(
        st.sampled_from(
            [
                exact,
                blurred,
                Scaled(blurred, tuple(1.0 + a for a in range(q.vocabulary))),
                Drifting(exact, Uniform(q.vocabulary), 0.4),
            ]
        )
    )


@given(st.data())
@settings(max_examples=100)
def test_trajectories_and_propagation_give_one_law(data: st.DataObject) -> None:
    q = data.draw(laws())
    d, S = q.length, q.vocabulary
    denoiser = data.draw(denoisers(q))
    fits = [text for text in RULES if _fits(text, d)]
    rule = policy(data.draw(st.sampled_from(fits)), d)
    most = data.draw(st.none() | st.integers(1, 3))
    last, cache = data.draw(st.sampled_from(["fill", "leave"])), data.draw(st.integers(1, 3))
    times = None if denoiser.time_free else (0.9, 0.7, 0.5, 0.3, 0.1)
    ranks = torch.tensor(data.draw(st.permutations(range(d))))
    if not rule.needs_ranks and data.draw(st.booleans()):
        ranks = None
    rows = all_states(d, S)
    found = trajectories(rule, denoiser, rows, most, last, ranks, cache=cache, times=times, batch=7)
    other = reached_law(rule, denoiser, d, Rounds(most, last, cache, times), ranks)
    law = {tuple(row): p for row, p in zip(other.rows.tolist(), other.mass.tolist(), strict=True)}
    assert math.fsum(law.values()) == pytest.approx(1, abs=1e-13)
    for row, p in zip(rows.tolist(), found.probability.tolist(), strict=True):
        assert abs(p - law.get(tuple(row), 0.0)) <= 1e-13
    full = found.probability > 0
    logs = found.log_probability[full].exp()
    assert float((logs - found.probability[full]).abs().sum()) <= 1e-13
    assert bool((found.log_probability[~full] == -math.inf).all())
    if last == "fill":
        mean = float((found.probability * found.rounds).sum())
        assert mean == pytest.approx(other.mean_rounds, abs=1e-12)


def _fits(text: str, d: int) -> bool:
    try:
        policy(text, d)
    except InputError:
        return False
    return True


def test_a_sequence_drives_its_own_trajectory() -> None:
    # A fair bit and its copy: the second one is sure after the first, so the threshold takes it
    # alone; in a pair with a third token that is as sure, both go in the second round.
    q = Target.from_rows([[0, 0, 0], [1, 1, 0], [1, 1, 1]], [2, 1, 1], 2)
    found = trajectories(policy("threshold:0.9", 3), ExactDenoiser(q), q.rows)
    # 3/4 for the third token's 0 is the surest first; given 0, x_1 = 0 has 2/3
    assert found.round_of.tolist() == [[1, 2, 0], [1, 2, 0], [1, 1, 0]]
    assert found.rounds.tolist() == [3, 3, 2]
    assert found.predicted[0].tolist() == pytest.approx([2 / 3, 1, 3 / 4])
    assert found.probability.tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4])


def test_what_a_cap_leaves_has_no_probability() -> None:
    q = family("uniform:3:2")
    found = trajectories(policy("confidence:1"), ExactDenoiser(q), q.rows, 2, "leave")
    assert found.round_of.tolist() == [[0, 1, -1]] * 8
    assert found.probability.tolist() == [0.0] * 8
    filled = trajectories(policy("confidence:1"), ExactDenoiser(q), q.rows, 2)
    assert filled.round_of.tolist() == [[0, 1, 1]] * 8


def test_stale_predictions_are_those_of_the_opening_state() -> None:
    # Two copies, one token a round: with predictions of the start, both are drawn from 1/2.
    q = family("copies:2:2")
    stale = trajectories(policy("confidence:1"), ExactDenoiser(q), q.rows, cache=2)
    assert stale.round_of.tolist() == [[0, 1]] * 2
    assert stale.probability.tolist() == [1 / 4] * 2


class Counting:
    """The exact conditionals, and how many it was asked for."""

    time_free = normalised = True

    def __init__(self, q: Target) -> None:
        self.exact, self.vocabulary, self.asked = ExactDenoiser(q), q.vocabulary, 0

    def __call__(
        self, x: Tensor, t: object = None, positions: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        del t
        assert positions is not None
        self.asked += len(positions[0])
        return self.exact(x, None, positions)


def test_rules_that_look_at_no_predictions_ask_for_those_drawn_from_only() -> None:
    q = family("uniform:8:2")
    blind, blocks, sure = Counting(q), Counting(q), Counting(q)
    rows = q.rows[:3]
    trajectories(policy("bisection"), blind, rows)
    assert blind.asked == 3 * 8
    trajectories(policy("left-to-right:4:confidence:2"), blocks, rows)
    assert blocks.asked == 3 * (4 + 2 + 4 + 2)
    trajectories(policy("confidence:4"), sure, rows)
    assert sure.asked == 3 * (8 + 4)


def test_long_sequences_in_batches() -> None:
    chain = MarkovChain.of(torch.tensor([[0.9, 0.1], [0.3, 0.7]], dtype=torch.float64), 1024)
    rows = chain.sample(16, torch.Generator().manual_seed(1))
    exact = chain.log_probability(rows)
    found = trajectories(policy("bisection"), chain, rows, batch=5)
    assert found.rounds.tolist() == [11] * 16
    assert float((found.log_probability - exact).abs().max()) < 1e-9
    coarse = trajectories(policy("left-to-right:256"), chain, rows)
    assert bool((coarse.log_probability != exact).all())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": 0}, "rounds: must be at least 1"),
        ({"cache": 0}, "cache: must be at least 1"),
        ({"last_step": "stop"}, "last step 'stop' is unknown"),
        ({"times": (1.0,)}, "takes up to 2 rounds, got 1"),
    ],
)
def test_what_is_refused(arguments: dict[str, object], message: str) -> None:
    q = family("uniform:4:2")
    with pytest.raises(InputError, match=re.escape(message)):
        trajectories(policy("confidence:2"), ExactDenoiser(q), q.rows, **arguments)
    with pytest.raises(InputError, match="3 tokens only"):
        trajectories(policy("confidence:4"), ExactDenoiser(q), q.rows[:, :3])
