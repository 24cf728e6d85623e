"""The tree of trajectories against propagation over all partial states, and by hand."""

import itertools
import math
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given, settings
from sharprates.samplers import families
from sharprates.verification import strategies as some
from sharprates.verification.checks.choices import LeftBlocks, Scattered
from sharprates.verification.checks.trial import Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context
from sharprates.verification.quantities.policies import PolicyQuantities, policied


def propagated(it: PolicyQuantities) -> tuple[dict[Context, fmpq], fmpq]:
    """Output law on all of [S]^d and E[R], over partial states; off the support p̂ is uniform."""
    total: dict[Context, fmpq] = {}
    rounds = fmpq(0)
    for rule in it.rules:
        law = {(it.S,) * it.d: fmpq(1, len(it.rules))}
        for turn in range(it.d):
            after: dict[Context, fmpq] = {}
            for context, mass in law.items():
                if it.S not in context:
                    after[context] = after.get(context, fmpq(0)) + mass
                    continue
                rounds += mass
                inside = context in it.marginal
                hidden = [i for i, x in enumerate(context) if x == it.S]
                block = rule(it, context, turn) if inside else hidden
                uniform = [fmpq(1, it.S)] * it.S
                p = {i: it.predict(context, i) if inside else uniform for i in block}
                for values in itertools.product(range(it.S), repeat=len(block)):
                    drawn = dict(zip(block, values, strict=True))
                    chance = math.prod((p[i][a] for i, a in drawn.items()), start=mass)
                    full = tuple(drawn.get(i, x) for i, x in enumerate(context))
                    after[full] = after.get(full, fmpq(0)) + chance
            law = after
        for row, mass in law.items():
            total[row] = total.get(row, fmpq(0)) + mass
    return total, rounds


@given(some.erring_with(some.policies(most=2), max_length=3))
@settings(max_examples=40, deadline=None)
def test_the_law_by_two_algorithms(example: Example) -> None:
    it = policied(example)
    law, rounds = propagated(it)
    assert sum(law.values()) == 1
    assert it.law == {row: law.get(row, fmpq(0)) for row in it.pmf}
    distance = sum(abs(law.get(x, fmpq(0)) - q) for x, q in it.pmf.items())
    distance += sum(mass for x, mass in law.items() if x not in it.pmf)
    assert it.tv == distance / 2
    assert it.run_rounds <= rounds  # it leaves out runs that end off the support


@given(some.laws_with(some.policies(most=2), some.laws(max_length=3)))
@settings(max_examples=30, deadline=None)
def test_probabilities_to_come_somewhere_are_those_of_q_0(example: Example) -> None:
    it = policied(example)
    share = fmpq(1, len(it.rules))
    assert all(one.data == share * it.marginal[one.context] for one in it.rounds)
    assert sum(it.sizes.values()) == 1
    assert sum(end.data for end in it.ends) == 1
    assert it.R <= it.R_max <= it.d


def test_copies_by_hand() -> None:
    """Three copies of a fair bit, two at once and then one: ½ of q_0 is kept."""
    it = PolicyQuantities(exact_experiment(families.family("copies:3:2")), (LeftBlocks((2,)),))
    half = fmpq(1, 2)
    assert (it.tv, it.block_tv, it.block_tv_hat) == (half, half, half)
    assert (it.doubt, it.run_gini) == (1, half)
    assert (it.sizes, it.R, it.parallel, it.parallel_tokens) == ({(2, 1): 1}, 2, 1, 2)
    assert (it.tau, it.data_doubt, it.anchor, it.epsilon_pi) == (half, half, 0, 0)
    assert (it.short, it.run_parallel, it.run_rounds, it.R_max) == (1, 1, 1, 2)
    for number in (it.kl, it.block_tc, it.block_entropy, it.gamma, it.log_R):
        assert float(number) == pytest.approx(math.log(2))
    assert float(it.root_tc) == pytest.approx(math.sqrt(math.log(2) / 2))


def test_errors_are_weighed_by_data_and_by_the_run() -> None:
    """A bit that is 1 with ¾, drafted with ½; then a copy of it, which is drawn wrong after a 1."""
    law = families.family("copies:2:2")
    wrong = {
        ((2, 2), 0): (Fraction(1, 4), Fraction(3, 4)),
        ((1, 2), 1): (Fraction(1, 3), Fraction(2, 3)),
    }
    it = PolicyQuantities(exact_experiment(law, predictions=wrong), (LeftBlocks((1, 1)),))
    assert it.epsilon_pi == fmpq(1, 4) + fmpq(1, 2) * fmpq(1, 3)
    assert it.run_epsilon == fmpq(1, 4) + fmpq(3, 4) * fmpq(1, 3)
    assert it.tv == fmpq(1, 4)  # 00: ¼ for ½, 11: ¾·⅔ = ½, and the rest is off the support


def test_a_seed_is_a_mean_over_rules() -> None:
    law = exact_experiment(families.family("permutations:3:3"))
    rules = (LeftBlocks(), Scattered(4, 1))
    both, *single = (PolicyQuantities(law, r) for r in (rules, *((one,) for one in rules)))
    assert all(2 * p == sum(one.law[x] for one in single) for x, p in both.law.items())
    assert sum(one.R for one in single) == 2 * both.R
