"""Keeping the surest draws: the run, its exact law, and that this law is not the target's."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.tabled import tabled
from sharprates.samplers.target import Target
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts
from sharprates.verification.statistics.laws import law_test

from tests.samplers.targets import FAMILIES, target

CASES = dict.fromkeys(FAMILIES, 2) | {"dirichlet:3:4": 1, "permutations:4:4": 3}
CHECKS = tuple(CASES)


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
def test_the_law_by_two_algorithms(d: int, S: int, count: int, seed: int) -> None:
    denoiser = ExactDenoiser(dirichlet(d, S, 0.5, seed))
    expected = drawn_law(denoiser, d, S, count)
    rows, mass = KeptDraws(d, count).reached(denoiser)
    for row, weight in zip(rows.tolist(), mass.tolist(), strict=True):
        assert weight == pytest.approx(expected.pop(tuple(row)), rel=1e-12)
    assert sum(expected.values()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_empirical_law_is_the_exact_law(name: str, ledger: Ledger) -> None:
    q = target(name)
    sampler, denoiser = KeptDraws(q.length, CASES[name]), tabled(ExactDenoiser(q), q.length)
    law = Target.from_rows(*sampler.reached(denoiser), q.vocabulary)
    run = sampler.run(denoiser, 20_000, torch.Generator().manual_seed(1))
    p = torch.cat([law.weights, torch.zeros(1, dtype=torch.float64)])
    check = law_test(name, counts(cells(law, run.rows), law), p, ledger.take(name))
    assert check.passed, str(check)
    assert int((run.steps == 0).sum()) == CASES[name] * len(run.rows)


def test_two_independent_tokens_are_not_sampled_one_at_a_time() -> None:
    # The sure value 9/10 is kept first, then the fair bit; 1/10 is kept only after the bit, and a
    # rejected draw is drawn anew: the smallest case, TV = 9/100.
    q = family("product:1/2,1/2:9/10,1/10")
    law = KeptDraws(2, 1).law(q, ExactDenoiser(q))
    assert total_variation(law, q).value == pytest.approx(9 / 100, abs=1e-15)


def test_bad_arguments_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="count"):
        KeptDraws(2, 0)
    monkeypatch.setattr("sharprates.samplers.errors.available_bytes", lambda: 10_000_000)
    with pytest.raises(TooLargeError, match="candidates"):
        KeptDraws(30, 1).reached(ExactDenoiser(family("copies:30:2")))
