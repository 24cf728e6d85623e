"""The lemmas of X3, by hand and against other formulas."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linprog
from sharprates.theory.arithmetic import FLOAT
from sharprates.verification.checks import budgets
from sharprates.verification.checks.boxes import ARRAYS
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.verdict import Verdict


@pytest.mark.parametrize(("p", "q"), [(0.2, 0.7), (0.8, 0.3), (0.6, 0.9), (0.3, 0.1)])
def test_losses_are_integrals(p: float, q: float) -> None:
    s, step = np.linspace(p, q, 200_001, retstep=True)
    for value, weight in (
        (budgets.loss(FLOAT, p, q), s),
        (budgets.counter_loss(FLOAT, p, q), 1 - s),
        (budgets.sag(FLOAT, p, q), np.maximum(s, 1 - s)),
    ):
        heights = (q - s) / weight
        assert value == pytest.approx(step * (heights.sum() - heights[[0, -1]].mean()), abs=1e-9)


def test_gamma_runs_from_the_least_one_to_one() -> None:
    least = budgets.between(FLOAT, 0.0)
    assert least == pytest.approx(0.885389, abs=1e-5)
    assert budgets.steepness(FLOAT, least) == pytest.approx(math.log(2))
    assert budgets.between(FLOAT, 1.0) == 1
    assert budgets.law_of([0.5, 0.5, 0.2]) == pytest.approx([0.5, 0.25, 0.05, 0.2])


def test_the_greedy_right_side_is_the_least_one() -> None:
    """Against a linear programme, where the left side is 0."""
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(60):
        shares = rng.uniform(0.05, 0.95, 4)
        p, q = (np.array(budgets.law_of(list(x))) for x in (shares[:2], shares[2:]))
        eta = rng.uniform(0.5, 0.99)
        prices = p / q - 1 - np.log(p / q)
        solved = linprog(-prices, A_eq=[[1.0] * 3], b_eq=[eta], bounds=[(0, x) for x in q])
        right = 2 * ((q * prices).sum() + solved.fun)
        left = [
            max(budgets.tangent(FLOAT, a, b) - max(budgets.one_target_curve(FLOAT, b), eta * t), 0)
            for a, b in zip(p, q, strict=True)
            for t in [budgets.steepness(FLOAT, 1.0)]
        ]
        found = budgets.diamond(FLOAT, 1.0, eta, *shares)
        assert found == pytest.approx(right - sum(left), abs=1e-9)
        compared += right > 1e-3
    assert compared > 20


@pytest.mark.parametrize("lemma", budgets.LEMMAS, ids=lambda one: one.name)
def test_lemmas_at_many_points(lemma: budgets.Lemma) -> None:
    rng = np.random.default_rng(1)
    for size in lemma.sizes:
        values = rng.uniform(0.001, 0.999, (size, 50_000))
        assert lemma.formula(ARRAYS, *values).min() > -1e-11


@pytest.mark.parametrize("lemma", budgets.LEMMAS, ids=lambda one: one.name)
def test_a_tight_point_rejects_the_mutant(lemma: budgets.Lemma) -> None:
    points = lemma.checks()[0]
    (tight,) = points.edges.values()
    assert decided(points, tight, STATED).decision.verdict is Verdict.HOLDS
    assert decided(points, tight, points.mutants[0]).decision.verdict is Verdict.FAILS


def test_more_boxes_decide_more() -> None:
    lemma = next(one for one in budgets.LEMMAS if one.name == "Lemma A")
    shares = []
    for boxes in (500, 4000):
        trial = lemma.on_boxes(Example.of(box=lemma.box, boxes=boxes), STATED)
        (violation, _), (undecided, _) = trial.decision.sides
        assert violation.upper == 0
        shares.append(undecided.middle)
    assert shares[0] > shares[1] > 0


def test_every_lemma_of_the_proof_is_there() -> None:
    names = [lemma.name for lemma in budgets.LEMMAS]
    expected = ["(F1)", "(F2)", "(F3)", "(F4)", "(a3)", "(a4)", "Lemma A", "(III*)"]
    assert names[: len(expected)] == expected
    assert all("♦" in name for name in names[len(expected) :])
    assert len(list(itertools.chain.from_iterable(one.checks() for one in budgets.LEMMAS))) > 15
