"""The profile against its definitions, summed over subsets and patterns by brute force."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.families import copies, dirichlet, parity, product
from sharprates.samplers.target import Target
from sharprates.verification.arithmetic import interval, precision
from sharprates.verification.exact_law import exact_predictor, rational_pmf
from sharprates.verification.profile import (
    UNIT,
    exact_information,
    gap_rounding,
    marginals,
    profile,
    subset_law,
)


@st.composite
def small_targets(draw: st.DrawFn) -> Target:
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    states = list(itertools.product(range(S), repeat=d))
    rows = draw(st.lists(st.sampled_from(states), min_size=1, max_size=8, unique=True))
    weights = draw(st.lists(st.integers(1, 5), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


def subsets(d: int) -> list[tuple[int, ...]]:
    return [u for size in range(d + 1) for u in itertools.combinations(range(d), size)]


def law_of(target: Target, shown: tuple[int, ...]) -> dict[tuple[int, ...], float]:
    law: dict[tuple[int, ...], float] = {}
    for row, q in zip(target.rows.tolist(), target.weights.tolist(), strict=True):
        key = tuple(row[i] for i in shown)
        law[key] = law.get(key, 0.0) + q
    return law


@settings(max_examples=40)
@given(small_targets())
def test_the_information_curve_is_the_mean_conditional_entropy(target: Target) -> None:
    d = target.length
    predict = exact_predictor(rational_pmf(target), target.vocabulary)
    for m in range(d):
        total, count = 0.0, 0
        for shown in itertools.combinations(range(d), m):
            for i in set(range(d)) - set(shown):
                count += 1
                for pattern, q in law_of(target, shown).items():
                    context = [target.vocabulary] * d
                    for j, symbol in zip(shown, pattern, strict=True):
                        context[j] = symbol
                    conditional = [float(p) for p in predict(tuple(context), i)]
                    total -= q * sum(p * math.log(p) for p in conditional if p > 0)
        found = profile(target)
        assert float(found.information[m]) == pytest.approx(total / count, abs=1e-12)
        assert found.error < 1e-12


@settings(max_examples=40)
@given(small_targets())
def test_dependence_is_the_mean_distance_of_blocks_from_products(target: Target) -> None:
    d, S = target.length, target.vocabulary
    predict = exact_predictor(rational_pmf(target), S)
    expected = torch.zeros((d + 1, d + 1), dtype=torch.float64)
    for shown in subsets(d):
        rest = [i for i in range(d) if i not in shown]
        for size in range(len(rest) + 1):
            for block in itertools.combinations(rest, size):
                joint = law_of(target, shown + block)
                for pattern, q in law_of(target, shown).items():
                    context = [S] * d
                    for j, symbol in zip(shown, pattern, strict=True):
                        context[j] = symbol
                    conditionals = [predict(tuple(context), i) for i in block]
                    distance = 0.0
                    for values in itertools.product(range(S), repeat=size):
                        apart = math.prod(
                            float(p[a]) for p, a in zip(conditionals, values, strict=True)
                        )
                        distance += abs(joint.get(pattern + values, 0.0) / q - apart) / 2
                    expected[len(shown), size] += q * distance
    assert torch.allclose(profile(target).dependence, expected, atol=1e-12)


def test_values_that_a_person_can_check() -> None:
    """Two copies of a coin: log 2 for the first, nothing for the second; distance ½ as a pair."""
    found = profile(copies(2, 2))
    assert found.information.tolist() == pytest.approx([math.log(2), 0])
    assert found.mutual_information == pytest.approx(math.log(2))
    assert found.entropy == pytest.approx(math.log(2))
    assert float(found.dependence[0, 2]) == pytest.approx(0.5)
    assert float(profile(parity(3, 2)).dependence[0, 2]) == pytest.approx(0)
    assert float(profile(parity(3, 2)).dependence[1, 2]) == pytest.approx(3 * 0.5)


@settings(max_examples=20)
@given(small_targets())
def test_exact_entropies_lie_within_the_stated_error_of_float64(target: Target) -> None:
    found = profile(target)
    with precision(120):
        for h, exact in zip(found.information.tolist(), exact_information(target), strict=True):
            ends = interval(exact)
            assert abs(Fraction(h) - ends.lower) <= Fraction(found.error)
            assert ends.width < 1e-30


def test_sums_over_many_subsets_stay_within_the_stated_error() -> None:
    """924 subsets of six tokens, all with one entropy and one distance, rounded alike."""
    target = copies(12, 3)
    found = profile(target)
    with precision(120):
        for h, exact in zip(found.information.tolist(), exact_information(target), strict=True):
            assert abs(Fraction(h) - interval(exact).lower) <= Fraction(found.error)
    for s in range(2, 13):
        mean = float(found.dependence[0, s]) / math.comb(12, s)
        assert abs(mean - (1 - 3.0 ** (1 - s))) <= found.error < 1e-12


def test_independent_tokens_have_no_dependence() -> None:
    found = profile(product([[0.25, 0.75], [0.5, 0.5], [0.125, 0.875]]))
    assert float(found.dependence.abs().max()) < 1e-15
    assert found.mutual_information == pytest.approx(0, abs=1e-15)


@settings(max_examples=30)
@given(small_targets())
def test_marginals_are_sums_over_rows(target: Target) -> None:
    table = marginals(target)
    for subset in range(2**target.length):
        shown = tuple(i for i in range(target.length) if subset >> i & 1)
        law = law_of(target, shown)
        expected = [law[tuple(row[i] for i in shown)] for row in target.rows.tolist()]
        assert table[subset].tolist() == pytest.approx(expected, abs=1e-15)


def test_subset_law_is_a_law_of_subsets() -> None:
    law = subset_law(4, torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64))
    ways = torch.tensor([1.0, 4, 6, 4, 1], dtype=torch.float64)
    assert (law @ ways).tolist() == pytest.approx([1, 1, 1])
    assert law[0, 0] == 1
    assert law[2, 4] == 1


def test_what_is_certain_has_no_information_exactly() -> None:
    assert all(h == 0 for h in exact_information(copies(3, 1)))


def test_the_error_grows_with_the_largest_entropy_and_not_below_one_nat() -> None:
    rows = list(itertools.product(range(2), repeat=4))
    flat = Target.from_rows(rows, [1] * 16, 2)
    peaked = Target.from_rows(rows, [10**6] + [1] * 15, 2)
    assert peaked.support == flat.support
    assert profile(flat).error / profile(peaked).error == pytest.approx(math.log(16))
    assert profile(peaked).entropy < 1e-3


def test_as_many_contexts_may_be_summed_as_there_are() -> None:
    """All laws on three bits have 1, 6, 12, 8 contexts of sizes 0 to 3; each sum may round."""
    target = Target.from_rows(list(itertools.product(range(2), repeat=3)), [1] * 8, 2)
    counts = [
        len({*zip(*(target.rows[:, i].tolist() for i in shown), strict=True)})
        for u in (1, 2, 3)
        for shown in itertools.combinations(range(3), u)
    ]
    assert [sum(counts[:3]), sum(counts[3:6]), counts[6]] == [6, 12, 8]
    rest = gap_rounding(target) - ExactDenoiser(target).relative_error
    assert rest / 2.0**-53 == pytest.approx(2 + 8 + 12 + 4)


def test_the_stated_error_covers_sums_that_are_always_rounded_one_way() -> None:
    """Four thousand times 1/4000 is off by many last digits; then so is H of certainty."""
    rows = 4000
    target = Target.from_rows([[0, a] for a in range(rows)], [Fraction(1, rows)] * rows, rows)
    found = profile(target)
    off = (found.information - math.log(rows) / 2).abs().max()  # half of the orders ask it first
    assert 100 * UNIT < float(off) <= found.error  # how many depends on the processor
    assert abs(found.entropy - math.log(rows)) <= found.error


def test_the_most_contexts_of_a_wide_vocabulary_are_whole_sequences() -> None:
    target = Target.from_rows([[a] for a in range(5)], [1] * 5, 5)
    rest = gap_rounding(target) - ExactDenoiser(target).relative_error
    assert rest / 2.0**-53 == pytest.approx(5 + 5 + 5 + 4)


def test_what_is_asked_for_is_what_the_marginals_take(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        "sharprates.verification.profile.check_memory", lambda size, *_: asked.append(size)
    )
    table = marginals(copies(5, 3))
    assert asked == [table.element_size() * table.numel()]
    assert table.shape == (2**5, 3)


def test_exact_entropies_are_refused_where_there_are_too_many_logarithms() -> None:
    assert len(exact_information(copies(13, 3))) == 13
    rows = [[int(x) for x in f"{k:012b}"] for k in range(1000)]
    with pytest.raises(TooLargeError, match="too many patterns"):
        exact_information(Target.from_rows(rows, [1] * 1000, 2))


def test_the_stated_error_counts_every_rounding() -> None:
    """2d + 8 of N + 2 in a gap and a mean, and two sums over at most C(d, d/2) subsets."""
    for d, most in ((2, 2), (3, 3), (4, 6)):
        units = (2 * d + 8) * (3 + 2) + 2 * most
        expected = units * 2.0**-53 * math.log(3)
        assert profile(copies(d, 3)).error == pytest.approx(expected, rel=1e-12, abs=0)


def test_three_dependent_tokens_by_hand() -> None:
    """Of (0,0,0) and (0,1,1) and (1,1,1), a third each: h falls, and blocks of one are exact."""
    found = profile(Target.from_rows([[0, 0, 0], [0, 1, 1], [1, 1, 1]], [1, 1, 1], 2))
    third = math.log(3) - 2 / 3 * math.log(2)  # H of one token, whichever it is
    assert found.entropy == pytest.approx(math.log(3))
    assert float(found.information[0]) == pytest.approx(third)
    # the first is certain given both others in two of three cases; each of the others always
    assert float(found.information[2]) == pytest.approx(2 / 3 * math.log(2) / 3)
    assert found.mutual_information == pytest.approx(third - 2 / 9 * math.log(2))
    assert found.dependence[:, :2].abs().max() == 0
    assert profile(dirichlet(3, 3, 0.5, seed=1)).dependence[:, :2].abs().max() == 0


def test_contexts_are_powers_of_the_vocabulary() -> None:
    target = Target.from_rows(list(itertools.product(range(2), repeat=4)), [1] * 16, 2)
    rest = gap_rounding(target) - ExactDenoiser(target).relative_error
    assert rest / 2.0**-53 == pytest.approx(2 + 16 + 4 * 8 + 4)
