"""The bounds as functions of K: which K they are evaluated at, and at which parameters."""

import math
from dataclasses import replace

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.planning import bounds
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import StepCount, enough_steps, needed_steps


def test_e5_says_where_it_is_evaluated_from_d_on_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def e5() -> StepCount:
        return next(row for row in enough_steps(Question(40, 2, 0.5)) if row.claim == "E5")

    everywhere = e5()
    assert everywhere.steps is not None
    assert everywhere.steps < 40
    assert everywhere.reason is None
    monkeypatch.setattr(bounds, "_RANK_LENGTH", 39)
    assert (e5().steps, e5().reason) == (40, "K ≥ 40 only: is not evaluated below")


def test_e2_takes_the_best_horizon() -> None:
    """No T on a grid does with fewer steps."""
    row = enough_steps(Question(10, 4, 0.1))[0]
    assert row.claim == "E2"
    needed = min(
        math.ceil(10 * 11 / 4 * T / (0.1 - 10 * math.exp(-T)))
        for T in (4.7 + i / 1000 for i in range(8000))
        if 10 * math.exp(-T) < 0.1
    )
    assert row.steps == needed


def test_something_must_bound_the_information() -> None:
    ask = Question(4, None, 0.1)
    with pytest.raises(InputError, match="vocab: needed"):
        enough_steps(ask)
    known = replace(ask, information=0.5, curve=(0.7, 0.5, 0.3, 0.2))
    assert all(row.steps for row in enough_steps(known))
    # without S and the curve E5 has nothing to go by
    reasons = {row.claim: row.reason for row in enough_steps(replace(ask, information=0.5))}
    assert reasons.pop("E5") == "needs S, or the information curve h"
    assert set(reasons.values()) == {None}
    assert needed_steps(ask) == ()
