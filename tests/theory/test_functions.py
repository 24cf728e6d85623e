"""Each named function against enumeration of the experiment that it is about, in fractions."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, product

import mpmath
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory import functions as f
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.errors import TheoryError
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.symbols import symbol

Law = list[Fraction]


@st.composite
def step_laws(draw: st.DrawFn, leftover: bool = True) -> Law:
    """Up to four steps with small rational weights, zeros included."""
    parts = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4))
    rest = draw(st.integers(0, 3)) if leftover else 0
    total = sum(parts) + rest
    if total == 0 or (not leftover and sum(parts) == 0):
        return [Fraction(1)]
    return [Fraction(part, total) for part in parts]


def allocations(d: int, w: Law) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    """Every way to give each of d tokens a step or none (−1), with its probability."""
    options = [*enumerate(w), (-1, 1 - sum(w))]
    for chosen in product(options, repeat=d):
        yield math.prod((p for _, p in chosen), start=Fraction(1)), tuple(k for k, _ in chosen)


def expectation(d: int, w: Law, value: Callable[[tuple[int, ...]], Fraction | int]) -> Fraction:
    """E[value(block sizes in order); no leftover]."""
    total = Fraction(0)
    for p, steps in allocations(d, w):
        if -1 not in steps:
            total += p * value(tuple(steps.count(k) for k in sorted(set(steps))))
    return total


lengths = st.integers(1, 4)


@given(step_laws(), lengths)
def test_distinct_steps(w: Law, d: int) -> None:
    expected = expectation(d, w, lambda sizes: int(max(sizes) == 1))
    assert f.DistinctSteps.compute(RATIONALS, d, w) == expected


@given(lengths, st.integers(1, 5))
def test_few_steps(d: int, K: int) -> None:
    choices = list(product(range(K), repeat=d))
    few = sum(len(set(choice)) <= d - 2 for choice in choices)
    assert f.FewSteps.compute(RATIONALS, d, K) == Fraction(few, len(choices))


@given(step_laws(), lengths)
def test_non_empty_steps(w: Law, d: int) -> None:
    expected = sum(p * len(set(steps) - {-1}) for p, steps in allocations(d, w))
    assert f.NonEmptySteps.compute(RATIONALS, d, w) == expected


@given(step_laws())
def test_sums_over_the_law(w: Law) -> None:
    share = sum(p for p, (i, j) in allocations(2, w) if i == j >= 0)
    assert f.SumOfSquares.compute(RATIONALS, w) == share
    assert f.Leftover.compute(RATIONALS, w) == sum(p for p, (k,) in allocations(1, w) if k < 0)
    assert f.Largest.compute(RATIONALS, w) == sorted(w)[-1]
    revealed = f.Conditioned.compute(RATIONALS, w)
    if sum(w):
        assert sum(revealed) == 1
        assert [x * sum(w) for x in revealed] == w
    else:
        assert revealed == w


@given(step_laws(), lengths, st.data())
def test_monomial_and_expansion(w: Law, d: int, data: st.DataObject) -> None:
    a = data.draw(st.sampled_from(f.all_compositions(d)))
    direct = sum(
        math.prod(w[k] ** n for k, n in zip(chosen, a, strict=True))
        for chosen in combinations(range(len(w)), len(a))
    )
    assert f.Monomial.compute(RATIONALS, a, w) == direct
    hit = expectation(d, w, lambda sizes: int(sizes == a))
    assert f.multinomial(a) * direct == hit
    table = {c: Fraction(i, 7) for i, c in enumerate(f.all_compositions(d))}
    expected = expectation(d, w, lambda sizes: table[sizes])
    assert f.CompositionSum.compute(RATIONALS, d, w, table) == expected


def test_compositions_are_all_of_them_once() -> None:
    for d in range(1, 7):
        found = f.all_compositions(d)
        assert len(found) == len(set(found)) == 2 ** (d - 1)
        assert all(sum(a) == d and min(a) >= 1 for a in found)


@given(step_laws(leftover=False), lengths)
def test_rank_law_and_what_is_built_on_it(w: Law, d: int) -> None:
    law = [Fraction(0)] * d
    for p, steps in allocations(d, w):
        if -1 not in steps:
            law[sum(k < steps[0] for k in steps[1:])] += p
    assert f.rank_law(RATIONALS, d, w) == law
    excess = [n - Fraction(1, d) for n in law]
    h = [Fraction(1, m + 1) for m in range(d)]
    pairs = list(zip(excess, h, strict=True))
    assert f.RankDistance.compute(RATIONALS, d, w) == sum(abs(x) for x in excess) / 2
    assert f.RankExcess.compute(RATIONALS, d, w, h) == sum(max(x, 0) * v for x, v in pairs)
    assert f.RankDivergence.compute(RATIONALS, d, w, h) == d * sum(x * v for x, v in pairs)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_rank_gap_is_the_distance_of_an_order_statistic_to_its_bin(d: int) -> None:
    # γ_j is E(right end of the bin of the (j+1)-th of d−1 uniform points − the point), by its
    # density; bins 1/2, 1/3, 1/6.
    w = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    x = sympy.Symbol("x")
    for j in range(d - 1):
        density = (d - 1) * math.comb(d - 2, j) * x**j * (1 - x) ** (d - 2 - j)
        low, expected = sympy.Integer(0), sympy.Integer(0)
        for weight in w:
            high = low + sympy.Rational(weight.numerator, weight.denominator)
            expected += sympy.integrate(density * (high - x), (x, low, high))
            low = high
        gap = f.RankGap.compute(RATIONALS, d, w, j)
        assert sympy.Rational(gap.numerator, gap.denominator) == expected


@pytest.mark.parametrize(("d", "K"), [(d, K) for d in range(1, 9) for K in (1, 2, 3, 7, 8, 9, 30)])
def test_uniform_rank_law_needs_no_loop_over_steps(d: int, K: int) -> None:
    w = [Fraction(1, K)] * K
    h = [Fraction(m * m + 1, 3) for m in range(d)]
    assert f.equal_steps_rank_excess(RATIONALS, d, K) == f.rank_excess(RATIONALS, d, w)
    uniform = f.EqualStepsRankDistance.compute(RATIONALS, d, K)
    assert uniform == f.RankDistance.compute(RATIONALS, d, w)
    entropy = f.EqualStepsRankExcess.compute(RATIONALS, d, K, h)
    assert entropy == f.RankExcess.compute(RATIONALS, d, w, h)


@pytest.mark.parametrize(("d", "K"), [(40, 40), (40, 57), (64, 1000), (130, 131), (12, 10**7)])
def test_stopping_early_in_floats_loses_nothing(d: int, K: int) -> None:
    exact = f.equal_steps_rank_excess(RATIONALS, d, K)
    for own, value in zip(f.equal_steps_rank_excess(FLOAT, d, K), exact, strict=True):
        assert own == pytest.approx(float(value), rel=1e-12, abs=1e-17 / K)


@pytest.mark.parametrize(("d", "K"), [(5, 5), (12, 12), (12, 30), (30, 31)])
@pytest.mark.parametrize("last", [2, 4, 8])
def test_what_is_left_out_is_within_the_remainder(d: int, K: int, last: int) -> None:
    full = f.equal_steps_rank_excess(RATIONALS, d, K)
    short = f.equal_steps_rank_excess(RATIONALS, d, K, last)
    lost = float(sum(abs(x - y) for x, y in zip(full, short, strict=True)) / 2)
    bound = f.equal_steps_rank_remainder(FLOAT, d, K, last)
    assert lost <= bound
    if d == 30 and last == 2:  # not idle: a twentieth of it would be too small
        assert lost > bound / 20


def test_binomial_law_neither_underflows_nor_drifts() -> None:
    exact = [Fraction(math.comb(9, m) * 2**m, 3**9) for m in range(10)]
    assert f.binomial_law(RATIONALS, 9, Fraction(2, 3)) == exact
    for t in (0.0, 1.0, 1e-9, 0.37):
        law = f.binomial_law(FLOAT, 5000, t)
        assert math.fsum(law) == pytest.approx(1, abs=1e-13)
        assert math.fsum(m * p for m, p in enumerate(law)) == pytest.approx(5000 * t, rel=1e-11)


@given(step_laws(), lengths, st.integers(1, 3))
def test_families_by_their_block_sizes(w: Law, d: int, S: int) -> None:
    first = expectation(d, w, lambda sizes: Fraction(1, S ** (sizes[0] - 1)))
    assert f.FirstBlock.compute(RATIONALS, d, S, w) == first
    last = expectation(d, w, lambda sizes: int(sizes[-1] >= 2))
    assert f.LastBlock.compute(RATIONALS, d, w) == last
    shared = expectation(d, w, lambda sizes: Fraction(1, S ** sum(math.comb(n, 2) for n in sizes)))
    assert f.SharedSymbols.compute(RATIONALS, d, S, w) == shared


@given(step_laws(), lengths, st.integers(1, 3), st.data())
def test_threshold(w: Law, d: int, S: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, d))

    def price(sizes: tuple[int, ...]) -> Fraction:
        known = 0
        for n in sizes:
            if known < k <= known + n:
                return Fraction(1, S ** (known + n - k))
            known += n
        return Fraction(1)

    assert f.Threshold.compute(RATIONALS, d, k, S, w) == expectation(d, w, price)


@given(step_laws(), lengths)
def test_permutations(w: Law, S: int) -> None:
    def price(sizes: tuple[int, ...]) -> Fraction:
        left, result = S, Fraction(1)
        for n in sizes:
            result *= Fraction(math.perm(left, n), left**n)
            left -= n
        return result

    assert f.Permutations.compute(RATIONALS, S, w) == expectation(S, w, price)


@pytest.mark.parametrize(("d", "K"), [(1, 1), (3, 1), (3, 2), (3, 3), (4, 5), (5, 4)])
def test_uniform_closed_forms(d: int, K: int) -> None:
    w = [Fraction(1, K)] * K
    distinct = expectation(d, w, lambda sizes: int(max(sizes) == 1))
    assert f.Birthday.compute(RATIONALS, d, K) == distinct
    for b in (1, 2, 3):
        expected = f.SharedSymbols.compute(RATIONALS, d, b, w)
        assert f.EqualStepsSharedSymbols.compute(RATIONALS, d, b, K) == expected


def test_enumeration_can_tell_the_order_of_steps() -> None:
    # the mutant: w read backwards
    w = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    back = w[::-1]
    for value in (
        lambda law: f.FirstBlock.compute(RATIONALS, 3, 2, law),
        lambda law: f.LastBlock.compute(RATIONALS, 3, law),
        lambda law: f.Threshold.compute(RATIONALS, 3, 2, 2, law),
        lambda law: f.rank_law(RATIONALS, 3, law),
    ):
        assert value(w) != value(back)


def test_harmonic_and_root() -> None:
    assert f.Harmonic.compute(RATIONALS, 4) == Fraction(25, 12)
    assert f.Root.compute(FLOAT, 2.25) == 1.5
    assert f.Root.compute(FLOAT, -1e-18) == 0.0


def test_deficit_and_first_order_constant() -> None:
    q = [Fraction(1, 2), Fraction(1, 2), Fraction(0)]
    p = [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]
    assert f.Deficit.compute(RATIONALS, q, p) == Fraction(1, 2)
    table = {(2, 1): p, (1, 2): q}
    early = f.FirstOrder.compute(RATIONALS, 3, q, table, [Fraction(3, 4), Fraction(1, 4)])
    late = f.FirstOrder.compute(RATIONALS, 3, q, table, [Fraction(1, 4), Fraction(3, 4)])
    assert (early, late) == (Fraction(3, 8), Fraction(1, 8))
    assert f.EqualStepsFirstOrder.compute(RATIONALS, 3, q, table) == Fraction(1, 4)
    assert f.EqualStepsFirstOrder.compute(RATIONALS, 1, q, {}) == 0


def test_block_divergence() -> None:
    h = [Fraction(8), Fraction(4), Fraction(2), Fraction(1)]
    assert f.BlockDivergence.compute(RATIONALS, (1, 1, 1, 1), h) == 0
    assert f.BlockDivergence.compute(RATIONALS, (4,), h) == 3 * 8 - 4 - 2 - 1
    assert f.BlockDivergence.compute(RATIONALS, (1, 2, 1), h) == 2


@pytest.mark.parametrize("level", [-1.0, 0.5, 3.0])
@pytest.mark.parametrize("pi", [[0.2, 0.8], [0.1, 0.3, 0.6], [0.25, 0.25, 0.5], [1.0]])
def test_truncated_gumbel_against_quadrature(pi: list[float], level: float) -> None:
    """P(argmax = m) for i.i.d. Gumbels below a level, by integrating over the winner's value."""

    def chance(m: int) -> float:
        def integrand(x: float) -> float:
            value = mpmath.exp(-x - mpmath.exp(-x) + mpmath.exp(-level))
            for j, other in enumerate(pi):
                if j != m:
                    edge = min(x + math.log(pi[m] / other), level)
                    value *= mpmath.exp(-mpmath.exp(-edge) + mpmath.exp(-level))
            return float(value)

        # the integrand bends where another Gumbel can no longer reach the winner
        bends = sorted({level, *(level + math.log(p / pi[m]) for p in pi if p < pi[m])})
        return float(mpmath.quad(integrand, [bends[0] - 12, bends[0] - 3, *bends]))

    law = [f.TruncatedGumbel.compute(FLOAT, pi, m + 1, level) for m in range(len(pi))]
    assert sum(law) == pytest.approx(1, abs=1e-12)
    assert law == pytest.approx([chance(m) for m in range(len(pi))], abs=1e-9)


def test_truncated_gumbel_rejects_a_bad_place() -> None:
    with pytest.raises(TheoryError, match="need 1 ≤ m ≤ 2, got 3"):
        f.TruncatedGumbel.compute(FLOAT, [0.5, 0.5], 3, 1.0)


def test_functions_print_as_in_the_note() -> None:
    d, w = symbol("d"), symbol("w")
    assert sympy.latex(f.DistinctSteps(d, w)) == r"d!\,e_{d}(w)"
    assert sympy.latex(f.SumOfSquares(w) ** 2) == r"\left(\sum_k w_k^2\right)^{2}"


# --- policies -------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_what_blocks_keep_of_permutations_and_shared_symbols(sizes: list[int]) -> None:
    """Draw each token of a block independently: the chance that no symbol repeats, by counting."""
    n, kept, left = sum(sizes), Fraction(1), sum(sizes)
    for size in sizes:
        draws = list(product(range(left), repeat=size))
        kept *= Fraction(sum(len(set(one)) == size for one in draws), len(draws))
        left -= size
    table = {tuple(sizes): Fraction(1)}
    assert f.PermutationsKept.compute(RATIONALS, table) == kept
    pairs = sum(math.comb(size, 2) for size in sizes)
    assert f.SharedKept.compute(RATIONALS, 3, table) == Fraction(1, 3**pairs)
    best = f.PermutationsBest.compute(RATIONALS, n, len(sizes))
    assert best >= kept
    assert best == max(
        f.PermutationsKept.compute(RATIONALS, {a: Fraction(1)})
        for a in f.all_compositions(n)
        if len(a) <= len(sizes)
    )


def test_rounds_of_bisection() -> None:
    for n in range(1, 40):
        assert f.BinaryDigits.compute(RATIONALS, n) == math.floor(math.log2(n)) + 1
        for m in range(1, n + 1):
            steps = next(k for k in range(9) if m * 2**k >= n)  # ⌈log₂(n/m)⌉
            assert f.BisectionRounds.compute(RATIONALS, n, m) == m * (steps + 1)


def test_single_tokens_of_a_walk_cost_nothing() -> None:
    assert f.WalkDivergence.compute(FLOAT, (1, 1, 1)) == 0
    both = f.WalkDivergence.compute(FLOAT, (2, 2))
    assert both == pytest.approx(2 * f.WalkDivergence.compute(FLOAT, (2,)))


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (1, 1, 1), (2, 2), (1, 3)])
def test_ordered_partitions_are_counted_by_multinomials(sizes: tuple[int, ...]) -> None:
    d = sum(sizes)
    found = list(f.ordered_partitions(d, sizes))
    assert len(set(found)) == len(found)
    assert len(found) == math.factorial(d) // math.prod(map(math.factorial, sizes))
    assert all(sorted(i for block in one for i in block) == list(range(d)) for one in found)
