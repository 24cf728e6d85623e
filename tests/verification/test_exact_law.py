"""The exact law against a walk over every allocation of tokens to steps, and against float64."""

import itertools
from fractions import Fraction

import pytest
import torch
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, pairs, parity, shared_symbols
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.verification.exact_law import (
    ExactTables,
    exact_monomials,
    exact_predictor,
    exact_tables,
    fractions_of,
    positive_gap,
    rational_pmf,
    step_weights,
)

small_targets = st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda size: (
        st.lists(st.integers(0, 3), min_size=size[1] ** size[0], max_size=size[1] ** size[0])
        .filter(any)
        .map(
            lambda weights: Target.from_rows(
                list(itertools.product(range(size[1]), repeat=size[0])), weights, size[1]
            )
        )
    )
)
hazard_lists = st.lists(st.fractions(0, 1, max_denominator=6), min_size=1, max_size=4)


def tv_of(exact: ExactTables, weights: list[Number]) -> Number:
    return exact.total_variation(exact.probability(weights))


def by_allocation(target: Target, weights: list[fmpq]) -> dict[tuple[int, ...], fmpq]:
    """p_out(x) by its definition: every token picks a step, marginals summed by brute force."""
    pmf = rational_pmf(target)

    def marginal(x: tuple[int, ...], shown: set[int]) -> fmpq:
        return sum((q for y, q in pmf.items() if all(y[i] == x[i] for i in shown)), fmpq(0))

    law = {}
    for x in pmf:
        law[x] = fmpq(0)
        for steps in itertools.product(range(len(weights)), repeat=target.length):
            chance = fmpq(1)
            for i, k in enumerate(steps):
                before = {j for j, other in enumerate(steps) if other < k}
                chance *= weights[k] * marginal(x, before | {i}) / marginal(x, before)
            law[x] += chance
    return law


@settings(max_examples=30)
@given(small_targets, hazard_lists)
def test_the_expansion_is_the_definition(target: Target, hazards: list[Fraction]) -> None:
    weights = step_weights([fmpq(r.numerator, r.denominator) for r in hazards])
    exact = exact_tables(rational_pmf(target), target.vocabulary)
    assert exact.probability(weights) == by_allocation(target, weights)


@settings(max_examples=30)
@given(small_targets, hazard_lists)
def test_float64_lies_within_its_stated_error_of_the_exact_law(
    target: Target, hazards: list[Fraction]
) -> None:
    law = StepLaw.from_hazards(torch.tensor([float(r) for r in hazards]))
    measured = total_variation(tables(target, ExactDenoiser(target)).law(law), target)
    dyadic = [Fraction(r) for r in law.hazards.tolist()]
    weights = step_weights([fmpq(r.numerator, r.denominator) for r in dyadic])
    exact = tv_of(exact_tables(rational_pmf(target), target.vocabulary), weights)
    distance = abs(Fraction(measured.value) - Fraction(int(exact.p), int(exact.q)))
    assert distance <= Fraction(measured.error)
    assert measured.error < 1e-12


def test_values_that_a_person_can_check() -> None:
    """Copies in one step: both tokens differ with probability 1 − 1/S."""
    one_step = [fmpq(1)]
    assert tv_of(exact_tables(rational_pmf(copies(2, 3)), 3), one_step) == fmpq(2, 3)
    assert tv_of(exact_tables(rational_pmf(pairs(3, 2)), 2), one_step) == fmpq(1, 2)
    assert tv_of(exact_tables(rational_pmf(parity(3, 2)), 2), one_step) == fmpq(1, 2)
    shared = exact_tables(rational_pmf(shared_symbols(3, 2)), 4)
    assert tv_of(shared, one_step) == 1 - fmpq(1, 8)
    assert shared.total_variation(shared.blocks((1, 1, 1))) == 0
    assert shared.total_variation(shared.blocks((3,))) == 1 - fmpq(1, 8)


def test_balls_enclose_rationals() -> None:
    target = pairs(3, 2)
    pmf = rational_pmf(target)
    rational = tv_of(exact_tables(pmf, 2), step_weights([fmpq(1, 3), fmpq(1, 2)]))
    enclosed = tv_of(exact_tables(pmf, 2), step_weights([arb(1) / 3, arb(1) / 2]))
    assert enclosed.contains(arb(rational))
    assert float(enclosed.rad()) < 1e-14


def test_leftover_counts_as_wrong() -> None:
    half = [fmpq(1, 2)]
    assert tv_of(exact_tables(rational_pmf(copies(1, 2)), 2), half) == fmpq(1, 2)


def test_a_transposed_conditional_is_noticed() -> None:
    """The mutant predicts token i from the law of token 1−i, and loses the agreement above."""
    target = Target.from_rows([[0, 0], [0, 1], [1, 1]], [1, 2, 4], 2)
    pmf = rational_pmf(target)
    right = exact_predictor(pmf, 2)
    mutant = exact_tables(pmf, 2, lambda context, i: right(context[::-1], 1 - i))
    weights = [fmpq(1, 2), fmpq(1, 2)]
    assert mutant.probability(weights) != by_allocation(target, weights)


def test_monomials_sum_to_a_power() -> None:
    """Σ_a d!/∏n_j!·M_a(w) = (Σ w)^d: every token picks some step."""
    from math import factorial, prod

    w = [fmpq(1, 2), fmpq(1, 5), fmpq(1, 7)]
    total = sum(
        factorial(4) // prod(map(factorial, a)) * value
        for a, value in exact_monomials(w, 4).items()
    )
    assert total == sum(w) ** 4


def test_weights_that_are_only_floats_are_taken_at_their_exact_value() -> None:
    target = Target.from_rows([[0], [1]], [0.1, 0.2], 2)
    assert sum(fractions_of(target)) == 1
    assert abs(float(fractions_of(target)[0]) - 1 / 3) < 1e-15


def test_positive_gap_in_balls_encloses_a_sign_that_is_open() -> None:
    gap = positive_gap({(0,): arb(0, 0.1)}, {(0,): arb(0)})
    assert gap.contains(arb(0))
    assert gap.contains(arb(0.1))
    assert not gap.contains(arb(-0.05))


def test_an_unknown_context_is_an_error() -> None:
    with pytest.raises(KeyError):
        exact_predictor({(0, 0): fmpq(1)}, 2)((1, 2), 1)
