"""Numbers in fractions, by hand."""

from fractions import Fraction

import pytest
from flint import arb, fmpq
from sharprates.samplers.families import copies
from sharprates.samplers.target import Target
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import ExactQuantities, evaluate_claim, rational

HALF, SIXTH = Fraction(1, 2), Fraction(1, 6)
ONE_FREE = Target.from_rows(
    [[a, a, b] for a in range(2) for b in range(2)], [Fraction(1, 4)] * 4, 2
)
"""Two copies and a free token: of three pairs one is dependent, and only while neither is shown."""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (copies(2, 2), {(2,): HALF, (1, 1): 0}),
        (copies(3, 2), {(3,): Fraction(3, 4), (2, 1): HALF, (1, 2): 0, (1, 1, 1): 0}),
        (ONE_FREE, {(3,): HALF, (2, 1): SIXTH, (1, 2): SIXTH, (1, 1, 1): 0}),
    ],
)
def test_what_blocks_lose_is_a_mean_over_their_places(
    target: Target, expected: dict[tuple[int, ...], Fraction]
) -> None:
    found = ExactQuantities(exact_experiment(target)).D
    assert found == {a: as_fmpq(Fraction(value)) for a, value in expected.items()}


def test_a_value_is_exact_only_if_all_of_it_is() -> None:
    sure, ball = fmpq(1, 3), arb(1) / 3
    for whole in (sure, 1, Fraction(1, 3), [sure, 2], (sure,), {"a": sure, "b": [1, sure]}, []):
        assert rational(whole)
    for part in (
        ball,
        0.5,
        [sure, ball],
        (ball, sure),
        {"a": sure, "b": ball},
        {"a": [sure, ball]},
    ):
        assert not rational(part)


def test_a_formula_of_balls_and_fractions_is_a_ball() -> None:
    values = {"epsilon_FHS": fmpq(1, 3)}
    assert isinstance(evaluate_claim(CLAIMS["H2"], values), fmpq)
    mixed = {"d": 2, "epsilon_KL": arb(1) / 8}
    found = evaluate_claim(CLAIMS["C1"], mixed, variant=None)
    assert isinstance(found, arb)
