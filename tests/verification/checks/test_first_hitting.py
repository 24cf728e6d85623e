"""What the checks of H1–H4 compute on their own."""

from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.first_hitting import CHECKS, _erring_at_the_start, _shifted
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict


def check(name: str):
    return next(one for one in CHECKS if name in one.name)


@pytest.mark.parametrize(
    ("epsilon", "S"), [(Fraction(1, 2), 2), (Fraction(1, 5), 3), (Fraction(3, 4), 4)]
)
def test_the_laws_of_the_game_are_at_distance_epsilon(epsilon: Fraction, S: int) -> None:
    laws = _shifted(epsilon, S)
    assert len({tuple(q) for q in laws}) == S
    for q in laws:
        assert sum(q) == 1
        assert min(q) >= 0
        assert sum(abs(x - Fraction(1, S)) for x in q) / 2 == epsilon


@pytest.mark.parametrize("S", [2, 3, 5])
def test_the_game_is_worth_epsilon_up_to_its_end(S: int) -> None:
    for epsilon in (Fraction(1, 10), 1 - Fraction(1, S)):
        example = Example.of(S=S, epsilon=epsilon)
        assert (
            check("linear programming").evaluate(example, STATED).decision.verdict is Verdict.HOLDS
        )
        ((game, value), (given, error)) = (
            check("dual solution").evaluate(example, STATED).decision.sides
        )
        assert game.lower == value.lower == epsilon == given.lower == error.lower


def test_a_sampler_that_knows_q_wins_the_game() -> None:
    example = Example.of(S=3, epsilon=Fraction(1, 3))
    game = check("linear programming")
    informed = decided(game, example, game.mutants[1])
    assert informed.decision.sides[0][0].middle == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_errors_at_the_start_and_everywhere(d: int) -> None:
    eta = Fraction(1, 3)
    once, always = (_erring_at_the_start(eta, d, everywhere) for everywhere in (False, True))
    assert len(once.law.predictions) == d
    assert len(always.law.predictions) == sum(
        1 for state in range(2**d) for i in range(d) if not state >> i & 1
    )


def test_an_error_that_ends_in_time() -> None:
    """The point mass, errors η everywhere until 1−α = τ: 1 − (1 − η(1−τ))^d, and dη(1−τ)."""
    eta, tau, d = Fraction(1, 2), Fraction(1, 3), 2
    example = Example(_erring_at_the_start(eta, d, True).law, {"tau": tau})
    ((measured, bound),) = check("errs up to a time").evaluate(example, STATED).decision.sides
    each = eta * (1 - tau)
    assert measured.lower == 1 - (1 - each) ** d
    assert bound.lower == d * each


def test_a_score_of_half_the_mass_is_charged_for_it() -> None:
    """One fair bit, ŝ = half of s: FHS is exact, the bound pays ½."""
    law = exact_experiment(
        families.family("uniform:1:2"), blocks=(1,), predictions={((2,), 0): (Fraction(1, 2),) * 2}
    )
    found = check("not normalised").evaluate(Example.of(law, mass=Fraction(1, 2)), STATED)
    assert found.decision.sides[0][0].lower == 0
    assert found.decision.sides[0][1].lower == Fraction(1, 2)


def test_calls_are_counted() -> None:
    law = exact_experiment(families.family("pairs:4:2"))
    ((measured, _),) = check("denoiser calls").evaluate(Example.of(law), STATED).decision.sides
    assert measured.lower == 4
