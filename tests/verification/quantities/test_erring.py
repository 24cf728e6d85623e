"""A denoiser that errs: run, allocations and contexts against other ways to the numbers."""

import itertools
import math
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given, settings
from sharprates.theory.claim import Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification import strategies as some
from sharprates.verification.checks.score_error import visited_often
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import positive_gap
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.erring import ErringQuantities
from sharprates.verification.quantities.exact import evaluate_claim, half_distance
from sharprates.verification.verdict import Verdict, decision_of

HALF = Fraction(1, 2)


@given(some.instances(some.laws(max_length=3), some.step_laws(4), erring=True))
@settings(max_examples=30)
def test_a_run_step_by_step_puts_out_the_law_of_the_expansion(it: Experiment) -> None:
    numbers = ErringQuantities(it)
    _, law = numbers.along_run(numbers.predict)
    assert law == numbers.law


@given(some.instances(some.laws(max_length=3), some.step_laws(3), erring=True))
@settings(max_examples=30)
def test_allocations_one_by_one(it: Experiment) -> None:
    """T̄ over all choices of a step for each token, where the quantity takes ordered partitions."""
    numbers, S, d = ErringQuantities(it), it.vocabulary, it.length
    options = [*enumerate(numbers.w), (-1, 1 - sum(numbers.w, fmpq(0)))]
    total = fmpq(0)
    for chosen in itertools.product(options, repeat=d):
        chance = math.prod((p for _, p in chosen), start=fmpq(1))
        steps = [k for k, _ in chosen]
        if -1 in steps:
            total += chance
            continue
        law = {}
        for row in numbers.pmf:
            value = fmpq(1)
            for i, k in enumerate(steps):
                context = tuple(x if steps[j] < k else S for j, x in enumerate(row))
                value *= numbers.conditional(context, i)[row[i]]
            law[row] = value
        total += chance * positive_gap(numbers.pmf, law)
    assert numbers.alloc_tv == total


def test_without_an_error_every_number_is_nothing() -> None:
    numbers = ErringQuantities(some.family_experiment("copies:3:2", steps=(HALF, HALF)))
    assert numbers.epsilon_w == numbers.epsilon_log == numbers.epsilon_sup == numbers.kl_root == 0
    assert numbers.epsilon_exact_run == numbers.epsilon_own_run == 0
    assert numbers.theta == 1


def test_an_error_at_the_start_is_the_same_in_all_contexts() -> None:
    """The empty context has probability 1 in every run."""
    wrong = {((2, 2), 0): (Fraction(3, 4), Fraction(1, 4))}
    it = ErringQuantities(
        exact_experiment(
            some.family_target("copies:2:2"),
            steps=(Fraction(1, 3), Fraction(2, 3)),
            predictions=wrong,
        )
    )
    # the first token errs if the second is not revealed before it
    seen = Fraction(1, 3) + Fraction(2, 3) ** 2
    assert it.epsilon_w == it.epsilon_sup == it.epsilon_exact_run == it.epsilon_own_run
    assert it.epsilon_w == fmpq(1, 4) * fmpq(seen.numerator, seen.denominator)
    assert it.theta == fmpq(1, 2)
    assert float(it.epsilon_log) == pytest.approx(float(seen) * 0.5 * math.log(2), abs=1e-15)


def test_a_symbol_that_is_missed_costs_infinity() -> None:
    wrong = {((2, 2), 0): (Fraction(0), Fraction(1))}
    law = some.family_target("uniform:2:2")
    it = ErringQuantities(exact_experiment(law, steps=(Fraction(1),), predictions=wrong))
    assert not it.epsilon_log.is_finite()
    assert it.theta == 0
    values = it.values(CLAIMS["B2"].symbols())
    assert float(evaluate_claim(CLAIMS["B2"], values)) == 1


def test_the_run_visits_what_the_data_hardly_shows() -> None:
    """B0 by hand: the context 11_ has probability ρ in q_0, (1+ρ)²/4 after one step of the run."""
    rho = Fraction(1, 10)
    it = ErringQuantities(visited_often(rho))
    both_before = (1 - rho / 2) ** 2 * rho / 2  # tokens 1 and 2 in step 1, token 3 in step 2
    error = (1 - Fraction(1, 2)) * both_before  # times the chance of the context
    assert it.epsilon_w == fmpq(*(error * rho).as_integer_ratio())
    assert it.epsilon_exact_run == fmpq(*(error * (1 + rho) ** 2 / 4).as_integer_ratio())
    assert it.epsilon_own_run == it.epsilon_exact_run  # nothing errs before


def test_the_bound_of_the_tokens_shown_is_that_of_their_law() -> None:
    """Two of three copies, both steps before the last: E5 of copies:2:2 at the law (½, ½)."""
    third = Fraction(1, 3)
    it = ErringQuantities(some.family_experiment("copies:3:2", steps=(third, third, third)))
    one = ErringQuantities(some.family_experiment("copies:2:2", steps=(Fraction(1),)))
    found = evaluate_claim(CLAIMS["E5"], one.values(CLAIMS["E5"].symbols()))
    # at the second step all tokens shown came in one
    decision = decision_of(Relation.EQUALITY, [(it.marginal_bound, found)])
    assert decision.verdict is Verdict.HOLDS
    assert half_distance([fmpq(1), fmpq(0)], [fmpq(1, 2), fmpq(1, 2)]) == fmpq(1, 2)
