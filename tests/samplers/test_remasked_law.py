"""Remasking laws: two algorithms, and a third one in exact fractions."""

import itertools
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.families import family
from sharprates.samplers.remasked_law import RemaskingStep, remasked_law, remembered_law
from sharprates.samplers.target import Target

from tests.samplers.perturbed import Drifting, Mixed, Uniform

State = tuple[int, ...]


def brute_force(
    q: dict[State, Fraction], S: int, convention: str, steps: list[tuple[Fraction, Fraction]]
) -> dict[State, Fraction]:
    """The law after steps (σ, reveal), written out from the definition of one step."""
    d = len(next(iter(q)))

    def predict(x: State, i: int) -> list[Fraction]:
        def mass(*fixed: int) -> Fraction:
            return sum(
                (
                    w
                    for y, w in q.items()
                    if all(a in (S, b) for a, b in zip(x, y, strict=True))
                    and fixed in ((), (y[i],))
                ),
                Fraction(0),
            )

        whole = mass()
        if whole:
            return [mass(a) / whole for a in range(S)]
        if convention == "marginal":
            return [sum((w for y, w in q.items() if y[i] == a), Fraction(0)) for a in range(S)]
        return [
            Fraction(int(a == 0)) if convention == "first" else Fraction(1, S) for a in range(S)
        ]

    law = {(S,) * d: Fraction(1)}
    for sigma, reveal in steps:
        after: dict[State, Fraction] = {}
        for x, weight in law.items():
            moves = [
                [(a, reveal * p) for a, p in enumerate(predict(x, i))] + [(S, 1 - reveal)]
                if x[i] == S
                else [(x[i], 1 - sigma), (S, sigma)]
                for i in range(d)
            ]
            for move in itertools.product(*moves):
                chance = weight
                for _, p in move:
                    chance *= p
                if chance:
                    y = tuple(a for a, _ in move)
                    after[y] = after.get(y, Fraction(0)) + chance
        law = after
    return law


eighths = st.integers(0, 8).map(lambda n: n / 8)
some_steps = st.lists(st.tuples(eighths, eighths), min_size=1, max_size=3)


@st.composite
def small_laws(draw: st.DrawFn) -> Target:
    """Laws with zeros, d ≤ 3, S ≤ 3."""
    d, S = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    states = list(itertools.product(range(S), repeat=d))
    rows = draw(st.lists(st.sampled_from(states), min_size=1, max_size=4, unique=True))
    weights = draw(st.lists(st.integers(1, 5), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(torch.tensor(rows), weights=weights, vocabulary=S)


@given(small_laws(), some_steps, st.sampled_from(OFF_SUPPORT))
def test_both_algorithms_are_the_definition(
    q: Target, pairs: list[tuple[float, float]], convention: str
) -> None:
    exact, d, S = ExactDenoiser(q, convention), q.length, q.vocabulary
    steps = [RemaskingStep(1.0, sigma, reveal) for sigma, reveal in pairs]
    assert q.fractions is not None
    rows = dict(zip(map(tuple, q.rows.tolist()), q.fractions, strict=True))
    expected = brute_force(rows, S, convention, [(Fraction(a), Fraction(b)) for a, b in pairs])
    by_pattern, by_history = (law(exact, d, steps) for law in (remasked_law, remembered_law))
    for state in itertools.product(range(S + 1), repeat=d):
        value = float(expected.get(state, Fraction(0)))
        assert float(by_pattern[state]) == pytest.approx(value, abs=1e-13)
        assert float(by_history[state]) == pytest.approx(value, abs=1e-13)


def test_a_denoiser_in_time_is_asked_at_the_time_of_each_step() -> None:
    q = family("dirichlet:4:2")
    drifting = Drifting(ExactDenoiser(q), Uniform(2), 0.9)
    steps = [RemaskingStep(t, 0.2, r) for t, r in ((0.9, 0.5), (0.4, 0.7), (0.1, 1.0))]
    one, other = remasked_law(drifting, 4, steps), remembered_law(drifting, 4, steps)
    assert torch.allclose(one, other, rtol=0, atol=1e-14)
    late = [RemaskingStep(0.1, step.sigma, step.reveal) for step in steps]
    assert not torch.allclose(one, remasked_law(drifting, 4, late), rtol=0, atol=1e-6)


def test_shared_out_by_confidence_by_hand() -> None:
    # Two fair bits, always (1/2) when committed: the shares are equal, σ/2 for each of two.
    q = family("uniform:2:2")
    steps = [RemaskingStep(1.0, 0.0, 1.0, True), RemaskingStep(0.5, 0.5, 0.5, True)]
    law = remembered_law(ExactDenoiser(q), 2, steps)
    assert float(law[2, 2]) == pytest.approx(1 / 16)
    assert float(law[0, 2]) == pytest.approx(3 / 4 * 1 / 4 / 2)
    # A sure token (ψ = 1) and a fair one (ψ = 1/2): the fair one is masked e^{1/2} times as often.
    pair = family("product:1,0:1/2,1/2")
    law = remembered_law(ExactDenoiser(pair), 2, steps)
    fair, sure = float(law[0].sum() - law[0, :2].sum()), float(law[2].sum() - law[2, 2])
    assert fair / (1 - fair) > sure / (1 - sure)
    share = 1 / (1 + torch.e**-0.5)
    assert float(law[:, 2].sum()) == pytest.approx(0.5 * share)


def test_too_large_names_the_size() -> None:
    uniform = Uniform(2)
    steps = [RemaskingStep(1.0, 0.1, 0.5)] * 100
    with pytest.raises(TooLargeError, match=r"100 steps on 3\^14 partial states"):
        remasked_law(uniform, 14, steps)
    with pytest.raises(TooLargeError, match="remember"):
        remembered_law(Mixed(ExactDenoiser(family("dirichlet:7:4")), Uniform(4), 0.1), 7, steps)
