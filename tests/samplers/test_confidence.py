"""Confidence-based unmasking: the run, its exact law, and that this law is not the target's."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.confidence import MEASURES, ConfidenceSampler, confidence_law
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.propagation import propagate_kernel
from sharprates.samplers.tabled import tabled
from sharprates.samplers.target import Target
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

from tests.samplers.targets import FAMILIES, target

CASES = dict.fromkeys(FAMILIES, 2) | {
    "dirichlet:3:4": 1,
    "markov:4:1/3,2/3:9/10,1/10:1/20,19/20": 1,
    "permutations:4:4": 3,
}
REAL = {"words4": 1, "patterns12": 3}
CHECKS = (*(f"{name} {measure}" for name in CASES for measure in MEASURES), *REAL, "target")

SCORES: dict[str, Callable[[list[float]], float]] = {
    "probability": max,
    "margin": lambda p: sorted(p)[-1] - sorted(p)[-2],
    "entropy": lambda p: math.fsum(v * math.log(v) for v in p if v > 0),
}


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def propagated(q: Target, denoiser: Denoiser, count: int, measure: str) -> Tensor:
    """The law on the support by the other algorithm, the choice written out in plain Python."""

    def kernel(x: Tensor, step: int) -> Tensor:  # noqa: ARG001 - the same in every step
        p = denoiser(x)
        move = torch.zeros(*x.shape, q.vocabulary + 1, dtype=torch.float64)
        move[..., -1] = 1
        for state, row in enumerate(x.tolist()):
            masked = [i for i, a in enumerate(row) if a == q.vocabulary]
            masked.sort(key=lambda i: (-round(SCORES[measure](p[state, i].tolist()), 9), i))
            for i in masked[:count]:
                move[state, i, :-1], move[state, i, -1] = p[state, i], 0
        return move

    return propagate_kernel(q, kernel, -(-q.length // count)).probability


@given(
    st.integers(1, 4),
    st.integers(2, 3),
    st.integers(1, 3),
    st.sampled_from(sorted(SCORES)),
    st.integers(0, 99),
)
def test_two_algorithms_give_one_law(d: int, S: int, count: int, measure: str, seed: int) -> None:
    q = dirichlet(d, S, 0.5, seed)
    denoiser = ExactDenoiser(q)
    rows, weights = confidence_law(ConfidenceSampler(d, count, measure), denoiser)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    law = torch.zeros(S**d, dtype=torch.float64)
    law[(rows * S ** torch.arange(d - 1, -1, -1)).sum(1)] = weights
    other = propagated(q, denoiser, count, measure)
    listed = law[(q.rows * S ** torch.arange(d - 1, -1, -1)).sum(1)]
    assert float((listed - other).abs().max()) < 1e-12


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", CASES)
def test_empirical_law_is_the_exact_law(name: str, measure: str, ledger: Ledger) -> None:
    q = target(name)
    sampler = ConfidenceSampler(q.length, CASES[name], measure)
    denoiser = tabled(ExactDenoiser(q), q.length)
    rows, weights = confidence_law(sampler, denoiser)
    law = Target.from_rows(rows, weights, q.vocabulary)
    run = sampler.run(denoiser, 20_000, seeded())
    level = ledger.take(f"{name} {measure}")
    p = torch.cat([law.weights, torch.zeros(1, dtype=torch.float64)])
    check = law_test("confidence", counts(cells(law, run.rows), law), p, level)
    assert check.passed, str(check)
    assert run.calls == -(-q.length // CASES[name])
    assert int((run.steps == 0).sum()) == CASES[name] * len(run.rows)


@pytest.mark.parametrize("name", REAL)
def test_real_data(name: str, ledger: Ledger) -> None:
    q = target(name)
    sampler, denoiser = ConfidenceSampler(q.length, REAL[name]), tabled(ExactDenoiser(q), q.length)
    rows, weights = confidence_law(sampler, denoiser)
    law = Target.from_rows(rows, weights, q.vocabulary)
    found = counts(cells(law, sampler.sample(denoiser, 20_000, seeded())), law)
    p = torch.cat([law.weights, torch.zeros(1, dtype=torch.float64)])
    check = law_test(name, found, p, ledger.take(name))
    assert check.passed, str(check)


def test_one_by_one_with_an_exact_denoiser_is_the_target_only_in_value_blind_order(
    ledger: Ledger,
) -> None:
    # One token a step from exact conditionals is exact in any order, also a value-dependent one …
    q = family("dirichlet:3:2:0.5:7")
    rows, weights = confidence_law(ConfidenceSampler(3, 1), ExactDenoiser(q))
    assert torch.equal(rows, q.rows)
    assert float((weights - q.weights).abs().max()) < 1e-15
    # … two tokens at once are not, and confidence and random order then differ.
    rows, weights = confidence_law(ConfidenceSampler(3, 2), ExactDenoiser(q))
    assert float((weights - q.weights).abs().sum() / 2) > 0.02
    blocks = BlockSampler(3, (2, 1)).sample(ExactDenoiser(q), 200_000, seeded())
    p = torch.cat([weights, torch.zeros(1, dtype=torch.float64)])
    assert not law_test("target", counts(cells(q, blocks), q), p, ledger.take("target")).passed


class Fixed:
    """The same predictions whatever is revealed."""

    time_free = True

    def __init__(self, table: list[list[Fraction]], normalised: bool = True) -> None:
        self.table = torch.tensor([[float(v) for v in row] for row in table], dtype=torch.float64)
        self.vocabulary = self.table.shape[1]
        self.normalised = normalised

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        del t  # the protocol's; time-free
        full = self.table.expand(x.shape[0], -1, -1)
        return full if positions is None else full[positions]


THIRD, HALF = Fraction(1, 3), Fraction(1, 2)


@pytest.mark.parametrize(
    ("measure", "order"),
    # Largest probabilities .5 .6 .55; margins 0 .2 .25; entropies .69 .90 .86.
    [("probability", [1, 2, 0]), ("margin", [2, 1, 0]), ("entropy", [0, 2, 1])],
)
def test_each_measure_orders_by_itself(measure: str, order: list[int]) -> None:
    table = [
        [HALF, HALF, Fraction(0)],
        [Fraction(6, 10), Fraction(4, 10) - Fraction(1, 50), Fraction(1, 50)],
        [Fraction(55, 100), Fraction(30, 100), Fraction(15, 100)],
    ]
    if measure == "margin":
        table[1] = [Fraction(6, 10), Fraction(4, 10), Fraction(0)]
    if measure == "entropy":
        table[1] = [Fraction(6, 10), Fraction(2, 10), Fraction(2, 10)]
        table[2] = [Fraction(55, 100), Fraction(40, 100), Fraction(5, 100)]
    run = ConfidenceSampler(3, 1, measure).run(Fixed(table), 3, seeded())
    assert run.steps.argsort(1).tolist() == [order] * 3


def test_of_equal_confidences_the_leftmost_comes_first() -> None:
    # 1/3 three times, and once as the sum of rounded parts: equal up to the last bit.
    near = [THIRD, Fraction(1 / 3 + 1e-13), 1 - THIRD - Fraction(1 / 3 + 1e-13)]
    denoiser = Fixed([[THIRD] * 3, near, [THIRD] * 3])
    run = ConfidenceSampler(3, 1).run(denoiser, 5, seeded())
    assert run.steps.tolist() == [[0, 1, 2]] * 5


def test_predictions_are_normalised_before_they_are_compared() -> None:
    table = [[Fraction(5), Fraction(4)], [Fraction(2, 10), Fraction(1, 10)]]
    run = ConfidenceSampler(2, 1).run(Fixed(table, normalised=False), 4, seeded())
    assert run.steps.tolist() == [[1, 0]] * 4


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InputError, match="measure"):
        ConfidenceSampler(2, 1, "surprise")
    with pytest.raises(InputError, match="count"):
        ConfidenceSampler(2, 0)


def test_too_many_states_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sharprates.samplers.errors.available_bytes", lambda: 10_000_000)
    with pytest.raises(TooLargeError, match="partial states"):
        confidence_law(ConfidenceSampler(60, 30), Fixed([[HALF, HALF]] * 60))


def drawn_law(denoiser: Denoiser, d: int, S: int, count: int) -> dict[tuple[int, ...], float]:
    """Draw at all masked positions and keep the likeliest draws, written out state by state."""
    states = {(S,) * d: 1.0}
    while any(S in state for state in states):
        after: dict[tuple[int, ...], float] = {}
        for state, mass in states.items():
            p = denoiser(torch.tensor([state]))[0].tolist()
            masked = [i for i, a in enumerate(state) if a == S]
            for values in itertools.product(range(S), repeat=len(masked)):
                drawn = dict(zip(masked, values, strict=True))
                kept = sorted(masked, key=lambda i: (-round(p[i][drawn[i]], 9), i))[:count]
                full = tuple(drawn[i] if i in kept else a for i, a in enumerate(state))
                chance = mass * math.prod(p[i][a] for i, a in drawn.items())
                after[full] = after.get(full, 0.0) + chance
        states = after
    return states


@given(st.integers(1, 3), st.integers(2, 3), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=20)
def test_the_law_of_kept_draws_by_two_algorithms(d: int, S: int, count: int, seed: int) -> None:
    denoiser = ExactDenoiser(dirichlet(d, S, 0.5, seed))
    expected = drawn_law(denoiser, d, S, count)
    rows, mass = confidence_law(ConfidenceSampler(d, count, "drawn"), denoiser)
    for row, weight in zip(rows.tolist(), mass.tolist(), strict=True):
        assert weight == pytest.approx(expected.pop(tuple(row)), rel=1e-12)
    assert sum(expected.values()) == pytest.approx(0, abs=1e-12)


def test_keeping_the_surest_draw_does_not_give_the_target() -> None:
    # Choosing before drawing does; a probable value raises its own chance to be kept.
    target = family("dirichlet:3:2")
    sampler, exact = ConfidenceSampler(3, 1, "drawn"), ExactDenoiser(target)
    assert total_variation(sampler.law(target, exact), target).value > 0.02
    before = replace(sampler, measure="probability")
    assert total_variation(before.law(target, exact), target).value < 1e-12
