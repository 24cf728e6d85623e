"""The named functions of the formulas, with one algorithm each, generic over the number type.

Each is a sympy function, so that formulas print as in the book, and carries `compute`, an algorithm
in python's operators and an `Arithmetic` alone. Vectors (step law w, information curve h) are
symbols whose value is a sequence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from math import comb, perm
from typing import Any, ClassVar, get_type_hints

import sympy
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.errors import TheoryError

Vector = Sequence[Number]
Composition = tuple[int, ...]
Table = Mapping[Composition, Any]


class Argument(Enum):
    """What a named function expects at a place; its value is the type in the algorithm."""

    COUNT = int
    NUMBER = Number
    VECTOR = Vector
    COMPOSITION = Composition
    TABLE = Table


class Named(sympy.Function):  # type: ignore[misc]  # sympy ships no types
    """A function with a LaTeX template and an algorithm; made by `named`.

    Attributes:
        signature: what each argument is.
        template: LaTeX with {0}, {1}, … for the arguments.
        compute: the algorithm.
    """

    signature: ClassVar[tuple[Argument, ...]]
    template: ClassVar[str]
    compute: ClassVar[Callable[..., Any]]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = self.template.format(*(printer._print(argument) for argument in self.args))
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def named(template: str) -> Callable[[Callable[..., Any]], type[Named]]:
    """Make a function of the formulas out of an algorithm.

    The algorithm is a function of an `Arithmetic` and of the arguments, whose types, one of those
    in `Argument`, say what they are. It is kept as `compute`.

    Args:
        template: LaTeX with {0}, {1}, … for the arguments.
    """

    def define(algorithm: Callable[..., Any]) -> type[Named]:
        hints = get_type_hints(algorithm)
        kinds = [Argument(hint) for name, hint in hints.items() if hint is not Arithmetic][:-1]
        content = {
            "__doc__": algorithm.__doc__,
            "__module__": algorithm.__module__,
            "signature": tuple(kinds),
            "template": template,
            "compute": staticmethod(algorithm),
        }
        return type(algorithm.__name__, (Named,), content)

    return define


def all_compositions(d: int) -> list[Composition]:
    """All 2^{d−1} compositions of d ≥ 1."""
    if d == 0:
        return [()]
    return [(first, *rest) for first in range(1, d + 1) for rest in all_compositions(d - first)]


def ordered_partitions(d: int, sizes: Composition) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Ordered set partitions of 0..d−1 with these block sizes."""

    def place(left: tuple[int, ...], rest: Composition) -> Iterator[tuple[tuple[int, ...], ...]]:
        if not rest:
            yield ()
            return
        for block in itertools.combinations(left, rest[0]):
            others = tuple(i for i in left if i not in block)
            for more in place(others, rest[1:]):
                yield (block, *more)

    yield from place(tuple(range(d)), sizes)


def multinomial(parts: Composition) -> int:
    """The multinomial coefficient d!/∏ n_j! of a composition of d."""
    result, total = 1, 0
    for part in parts:
        total += part
        result *= comb(total, part)
    return result


def integer_power(x: Number, n: int) -> Number:
    """x^n for n ≥ 0, with 0^0 = 1 also where the type refuses it."""
    return x**n if n else 1


def _sum(arithmetic: Arithmetic, terms: Sequence[Number]) -> Number:
    return sum(terms, arithmetic.rational(0))


def _positive(arithmetic: Arithmetic, x: Number) -> Number:
    return arithmetic.maximum(x, arithmetic.rational(0))


def _before(arithmetic: Arithmetic, w: Vector) -> list[Number]:
    """u_k = Σ_{l<k} w_l for each step, and last Σ w."""
    sums = [arithmetic.rational(0)]
    for weight in w:
        sums.append(sums[-1] + weight)
    return sums


def _after(arithmetic: Arithmetic, w: Vector) -> list[Number]:
    """Σ_{l>k} w_l for each step; leftover not included."""
    sums = [arithmetic.rational(0)]
    for weight in reversed(w[1:]):
        sums.append(sums[-1] + weight)
    return sums[::-1]


# --- the step law ---------------------------------------------------------------------------------


@named(r"w_\infty")
def Leftover(arithmetic: Arithmetic, w: Vector) -> Number:
    """w_∞ = 1 − Σ w_k: the probability that a token is never revealed."""
    return 1 - _sum(arithmetic, w)


@named(r"\bar w")
def Conditioned(arithmetic: Arithmetic, w: Vector) -> Vector:
    """w/(1−w_∞): the step law given that the token is revealed; w if it never is."""
    total = _sum(arithmetic, w)
    return list(w) if total == 0 else [weight / total for weight in w]


@named(r"\sum_k w_k^2")
def SumOfSquares(arithmetic: Arithmetic, w: Vector) -> Number:
    """Σ w_k²: the probability that two given tokens share a step."""
    return _sum(arithmetic, [weight * weight for weight in w])


@named(r"\max_k {0}_k")
def Largest(arithmetic: Arithmetic, w: Vector) -> Number:
    """The largest step W = max w_k. 0 for no step."""
    result = arithmetic.rational(0)
    for weight in w:
        result = arithmetic.maximum(result, weight)
    return result


@named(r"{0}!\,e_{{{0}}}({1})")
def DistinctSteps(arithmetic: Arithmetic, d: int, w: Vector) -> Number:
    """d!·e_d(w): the probability that all d tokens are revealed, in d distinct steps.

    In O(K·d), by n!·e_n(w, x) = n!·e_n(w) + n·x·(n−1)!·e_{n−1}(w).
    """
    # The factorial is carried along: e_d alone underflows a float from d of about 150.
    table = [arithmetic.rational(1)] + [arithmetic.rational(0)] * d
    for weight in w:
        for n in range(d, 0, -1):
            table[n] = table[n] + n * weight * table[n - 1]
    return table[d]


@named(r"\prod_{{j<{0}}}(1-j/{1})")
def Birthday(arithmetic: Arithmetic, d: int, K: int) -> Number:
    """∏_{j<d}(1−j/K) = d!·e_d(1/K, …, 1/K): d tokens in distinct steps out of K equal ones.

    0 if d > K.
    """
    result = arithmetic.rational(1)
    for j in range(min(d, K + 1)):
        result = result * arithmetic.rational(K - j, K)
    return result


@named(r"P(\text{{at most }}{0}-2\text{{ distinct steps}})")
def FewSteps(arithmetic: Arithmetic, d: int, K: int) -> Number:
    """P(d tokens choose at most d−2 distinct steps) if the K steps are equal.

    Token after token, by the number of steps chosen so far: positive terms only, in O(d²).
    """
    chosen = [arithmetic.rational(1)] + [arithmetic.rational(0)] * d
    for _ in range(d):
        chosen = [arithmetic.rational(0)] + [
            chosen[j] * arithmetic.rational(j, K)
            + chosen[j - 1] * arithmetic.rational(max(K - j + 1, 0), K)
            for j in range(1, d + 1)
        ]
    return _sum(arithmetic, chosen[: max(d - 1, 0)])


@named(r"\mathbb E[\text{{steps used}}]")
def NonEmptySteps(arithmetic: Arithmetic, d: int, w: Vector) -> Number:
    """Σ_k (1−(1−w_k)^d): the mean number of steps that some of d tokens choose.

    By f(n+1) = f(n) + w(1−f(n)), without cancellation for small weights.
    """
    result = arithmetic.rational(0)
    for weight in w:
        taken = arithmetic.rational(0)
        for _ in range(d):
            taken = taken + weight * (1 - taken)
        result = result + taken
    return result


@named(r"M_{{{0}}}({1})")
def Monomial(arithmetic: Arithmetic, a: Composition, w: Vector) -> Number:
    """The monomial quasisymmetric polynomial M_a(w) = Σ_{k_1<…<k_m} ∏ w_{k_j}^{n_j}.

    In O(K·m), by prefixes of a over prefixes of w.
    """
    prefix = [arithmetic.rational(1)] + [arithmetic.rational(0)] * len(a)
    for weight in w:
        for j in range(len(a), 0, -1):
            prefix[j] = prefix[j] + prefix[j - 1] * weight ** a[j - 1]
    return prefix[-1]


@named(r"\sum_{{a \models {0}}}\frac{{{0}!}}{{\prod_j n_j!}}\,M_a({1})\,{2}_a")
def CompositionSum(arithmetic: Arithmetic, d: int, w: Vector, table: Table) -> Number:
    """Σ_{a ⊨ d} d!/(∏n_j!)·M_a(w)·f(a), the expansion S2 of a quantity f of compositions.

    f(a) may be a number or an array of them.
    """
    result = arithmetic.rational(0)
    for a in all_compositions(d):
        result = result + multinomial(a) * Monomial.compute(arithmetic, a, w) * table[a]
    return result


# --- the rank law ---------------------------------------------------------------------------------


def binomial_law(arithmetic: Arithmetic, n: int, t: Number) -> list[Number]:
    """The binomial probabilities Bin(n, t)(m), m = 0..n, for 0 ≤ t ≤ 1.

    By the ratio of neighbours outwards from the mode, then normalised: positive terms only, so
    that no float under- or overflows where it matters, and exact in rationals.
    """
    mode = max(0, min(n, int((n + 1) * float(t))))
    law = [arithmetic.rational(1)] * (n + 1)
    for m in range(mode, n):
        law[m + 1] = law[m] * ((n - m) * t) / ((m + 1) * (1 - t))
    for m in range(mode, 0, -1):
        law[m - 1] = law[m] * (m * (1 - t)) / ((n - m + 1) * t)
    total = _sum(arithmetic, law)
    return [value / total for value in law]


def rank_law(arithmetic: Arithmetic, d: int, w: Vector) -> list[Number]:
    """n_m = Σ_k w_k·Bin(d−1, u_k)(m), m = 0..d−1: how many other tokens come strictly earlier.

    Args:
        arithmetic: the number type.
        d: sequence length.
        w: step law without leftover, [K].

    Returns:
        The d probabilities, in O(K·d).
    """
    law, one = [arithmetic.rational(0)] * d, arithmetic.rational(1)
    for weight, t in zip(w, _before(arithmetic, w), strict=False):
        if weight == 0:
            continue
        t = arithmetic.minimum(t, one)  # sums of rounded weights may exceed 1
        for m, value in enumerate(binomial_law(arithmetic, d - 1, t)):
            law[m] = law[m] + weight * value
    return law


def rank_excess(arithmetic: Arithmetic, d: int, w: Vector) -> list[Number]:
    """n_m − 1/d for m = 0..d−1."""
    return [value - arithmetic.rational(1, d) for value in rank_law(arithmetic, d, w)]


def equal_steps_rank_excess(
    arithmetic: Arithmetic, d: int, K: int, last: int | None = None
) -> list[Number]:
    """n_m − 1/d for equal steps, w_k = 1/K, without a loop over the steps if K ≥ d.

    Exactly Σ_m (n_m − 1/d) z^m = Σ_{j=1}^{d} (B_j/j!) K^{−j} (d−1)_{j−1} (z−1)^{j−1} (z^{d−j}−1)
    (Euler–Maclaurin for a polynomial: only boundary terms; proof of E7). All d terms are taken,
    but for K ≥ d they fall so fast that floats stop where a term changes nothing. For K < d they
    need not fall, and the definition is used, which is short then.

    Args:
        arithmetic: the number type.
        d: sequence length.
        K: number of steps.
        last: stop after the term j = last ≥ 2 (K ≥ d only); `equal_steps_rank_remainder` bounds
            what is left out, so that balls at large d need not take all terms.
    """
    if d > K:
        return rank_excess(arithmetic, d, [arithmetic.rational(1, K)] * K)
    zero = arithmetic.rational(0)
    excess = [zero] * d
    if d == 1:
        return excess
    excess[0] = arithmetic.rational(1, 2 * K)
    excess[-1] = -excess[0]
    factor = Fraction(1, K)  # (d−1)_{j−1}/(j!·K^j)
    for j in range(2, min(d, last or d) + 1):
        factor *= Fraction(d - j + 1, j * K)
        if j % 2:  # B_j = 0
            continue
        bernoulli = sympy.bernoulli(j)
        term = factor * Fraction(int(bernoulli.p), int(bernoulli.q))
        size = arithmetic.rational(term.numerator, term.denominator)
        still = True
        for i in range(j):
            # (z−1)^{j−1} has coefficient −(−1)^i·C(j−1, i), j being even
            value = size * ((-1) ** i * comb(j - 1, i))
            for m, change in ((i, value), (d - j + i, -value)):
                new = excess[m] + change
                still = still and bool(new == excess[m])
                excess[m] = new
        if still:
            break
    return excess


def equal_steps_rank_remainder(arithmetic: Arithmetic, d: int, K: int, last: int) -> Number:
    """A bound on ½Σ_m of what `equal_steps_rank_excess` leaves out after `last`, an even term.

    K ≥ d: (ζ(4)/d)·x^{last+2}/(1−x²) with x = d/(πK) and ζ(4) = π⁴/90: the remainder in E7's proof.
    """
    x = arithmetic.rational(d, K) / arithmetic.pi()
    zeta = arithmetic.pi() ** 4 / 90
    return zeta / d * x ** (last + 2) / (1 - x * x)


@named(r"\mathrm{{TV}}(N,\mathrm{{Unif}})")
def RankDistance(arithmetic: Arithmetic, d: int, w: Vector) -> Number:
    """TV(N, Unif{0..d−1}) = ½Σ|n_m − 1/d|."""
    return _half_norm(arithmetic, rank_excess(arithmetic, d, w))


@named(r"\mathrm{{TV}}(N_{{{1}}},\mathrm{{Unif}})")
def EqualStepsRankDistance(arithmetic: Arithmetic, d: int, K: int) -> Number:
    """TV(N, Unif{0..d−1}) for K equal steps, in O(d) for floats at any K ≥ d."""
    return _half_norm(arithmetic, equal_steps_rank_excess(arithmetic, d, K))


def _half_norm(arithmetic: Arithmetic, values: Vector) -> Number:
    return _sum(arithmetic, [arithmetic.maximum(value, -value) for value in values]) / 2


@named(r"\sum_m (n_m-1/{0})_+ h_m")
def RankExcess(arithmetic: Arithmetic, d: int, w: Vector, h: Vector) -> Number:
    """Σ_m (n_m − 1/d)_+ h_m."""
    return _positive_mean(arithmetic, rank_excess(arithmetic, d, w), h)


@named(r"\sum_m (n_m^{{({1})}}-1/{0})_+ h_m")
def EqualStepsRankExcess(arithmetic: Arithmetic, d: int, K: int, h: Vector) -> Number:
    """Σ_m (n_m − 1/d)_+ h_m for K equal steps."""
    return _positive_mean(arithmetic, equal_steps_rank_excess(arithmetic, d, K), h)


def _positive_mean(arithmetic: Arithmetic, excess: Vector, h: Vector) -> Number:
    return _sum(
        arithmetic,
        [_positive(arithmetic, value) * h_m for value, h_m in zip(excess, h, strict=True)],
    )


@named(r"\sum_m ({0}\,n_m-1) h_m")
def RankDivergence(arithmetic: Arithmetic, d: int, w: Vector, h: Vector) -> Number:
    """Σ_m (d·n_m − 1) h_m ≥ 0: the divergence of KL1 averaged over the step law."""
    pairs = zip(rank_excess(arithmetic, d, w), h, strict=True)
    return d * _sum(arithmetic, [x * h_m for x, h_m in pairs])


@named(r"\gamma_{{{2}}}({1})")
def RankGap(arithmetic: Arithmetic, d: int, w: Vector, j: int) -> Number:
    """γ_j = Σ_{m≤j}(n_m − 1/d): expected distance of an order statistic to its bin's right end."""
    return _sum(arithmetic, rank_excess(arithmetic, d, w)[: j + 1])


# --- exact families -------------------------------------------------------------------------------


@named(r"\mathbb E[{1}^{{-(|B_1|-1)}};\,\text{{no leftover}}]")
def FirstBlock(arithmetic: Arithmetic, d: int, S: int, w: Vector) -> Number:
    """E[S^{−(N−1)}; no leftover], N the number of tokens in the first non-empty step.

    S·Σ_k [(w_k/S + v_k)^d − v_k^d], v_k = Σ_{l>k} w_l: binomial theorem in each step.
    """
    terms = [(x / S + v) ** d - v**d for x, v in zip(w, _after(arithmetic, w), strict=True)]
    return S * _sum(arithmetic, terms)


@named(r"P(\text{{last block}} \ge 2;\,\text{{no leftover}})")
def LastBlock(arithmetic: Arithmetic, d: int, w: Vector) -> Number:
    """P(the last non-empty step reveals at least two tokens; no leftover).

    (Σw)^d − d·Σ_k w_k u_k^{d−1}: all revealed, but not one alone after all others.
    """
    sums = _before(arithmetic, w)
    alone = _sum(arithmetic, [x * integer_power(t, d - 1) for x, t in zip(w, sums, strict=False)])
    return sums[-1] ** d - d * alone


@named(r"\mathbb E[{1}^{{-\sum_j\binom{{n_j}}{{2}}}};\,\text{{no leftover}}]")
def SharedSymbols(arithmetic: Arithmetic, d: int, b: int, w: Vector) -> Number:
    """E[b^{−Σ_j C(n_j,2)}; no leftover] over the block sizes n_j.

    Step by step over the number of tokens revealed so far, in O(K·d²).
    """
    done = [arithmetic.rational(1)] + [arithmetic.rational(0)] * d
    weight_of = [arithmetic.rational(1, b ** comb(s, 2)) for s in range(d + 1)]
    for weight in w:
        powers = [integer_power(weight, s) * weight_of[s] for s in range(d + 1)]
        done = [
            _sum(arithmetic, [comb(n, s) * powers[s] * done[n - s] for s in range(n + 1)])
            for n in range(d + 1)
        ]
    return done[d]


@named(r"\mathbb E_{{{2}}}[{1}^{{-\sum_j\binom{{n_j}}{{2}}}}]")
def EqualStepsSharedSymbols(arithmetic: Arithmetic, d: int, b: int, K: int) -> Number:
    """E[b^{−Σ_j C(n_j,2)}] for K equal steps.

    d!·[z^d] A(z)^K by the recurrence for powers of a power series: O(d²) at any K.
    """
    # A(z) = Σ_s b^{−C(s,2)} (z/K)^s/s!; the recurrence follows from A·(A^K)' = K·A'·A^K.
    powers = [arithmetic.rational(1, b ** comb(s, 2) * K**s) for s in range(d + 1)]
    done = [arithmetic.rational(1)]
    for n in range(1, d + 1):
        terms = [
            arithmetic.rational((K + 1) * s - n, n) * (comb(n, s) * powers[s]) * done[n - s]
            for s in range(1, n + 1)
        ]
        done.append(_sum(arithmetic, terms))
    return done[d]


@named(r"\mathbb E[{2}^{{-\mathrm{{excess}}_{{{1}}}}};\,\text{{no leftover}}]")
def Threshold(arithmetic: Arithmetic, d: int, k: int, S: int, w: Vector) -> Number:
    """E[S^{−excess}; no leftover], excess = tokens beyond k in the block that crosses k.

    Sum over the crossing step, the n < k tokens before it and the s ≥ k−n tokens in it.
    """
    if k == 0:  # a single word: nothing to cross, nothing to get wrong
        return _sum(arithmetic, w) ** d
    result = arithmetic.rational(0)
    for x, t, v in zip(w, _before(arithmetic, w), _after(arithmetic, w), strict=False):
        for n in range(k):
            for s in range(k - n, d - n + 1):
                ways = comb(d, n) * comb(d - n, s)
                price = arithmetic.rational(ways, S ** (n + s - k))
                result = result + price * integer_power(t, n) * integer_power(x, s) * integer_power(
                    v, d - n - s
                )
    return result


@named(r"\mathbb E\Big[\prod_{{\text{{blocks}}}}\tfrac{{(m)_n}}{{m^n}}\Big]")
def Permutations(arithmetic: Arithmetic, S: int, w: Vector) -> Number:
    """E[∏_blocks (m)_n/m^n; no leftover] for S tokens, m symbols being left before the block.

    Step by step over the number of symbols left, in O(K·S²).
    """
    left = [arithmetic.rational(0)] * S + [arithmetic.rational(1)]
    for weight in w:
        new = list(left)
        for m in range(1, S + 1):
            falling = 1
            for n in range(1, m + 1):
                falling *= m - n + 1
                price = arithmetic.rational(comb(m, n) * falling, m**n)
                new[m - n] = new[m - n] + left[m] * price * weight**n
        left = new
    return left[0]


@named(r"H_{{{0}}}")
def Harmonic(arithmetic: Arithmetic, S: int) -> Number:
    """The harmonic number H_S = 1 + 1/2 + … + 1/S, small terms first."""
    return _sum(arithmetic, [arithmetic.rational(1, s) for s in range(S, 0, -1)])


# --- policies -------------------------------------------------------------------------------------


@named(r"\mathbb E_{{{0}}}\Big[\prod_t\tfrac{{(M_t)_{{B_t}}}}{{M_t^{{B_t}}}}\Big]")
def PermutationsKept(arithmetic: Arithmetic, sizes: Table) -> Number:
    """P5: what a policy keeps of q_0 on random permutations, M_t tokens masked before round t."""
    result = arithmetic.rational(0)
    for blocks, probability in sizes.items():
        kept, masked = Fraction(1), sum(blocks)
        for n in blocks:
            kept *= Fraction(perm(masked, n), masked**n)
            masked -= n
        result = result + probability * arithmetic.rational(kept.numerator, kept.denominator)
    return result


@named(
    r"\max_{{n_1+\dots+n_R={0},\,R\le {1}}}\textstyle\prod_t\tfrac{{(M_t)_{{n_t}}}}{{M_t^{{n_t}}}}"
)
def PermutationsBest(arithmetic: Arithmetic, d: int, R_max: int) -> Number:
    """P5: the most that block sizes of sum d in at most R_max rounds keep, by dynamic programme."""
    best = [Fraction(1)] + [Fraction(0)] * d  # of m tokens still masked
    for _ in range(R_max):
        best = [
            max((Fraction(perm(m, n), m**n) * best[m - n] for n in range(1, m + 1)), default=one)
            for m, one in enumerate(best)
        ]
    return arithmetic.rational(best[d].numerator, best[d].denominator)


@named(r"\mathbb E_{{{1}}}\big[{0}^{{-\sum_t\binom{{B_t}}{{2}}}}\big]")
def SharedKept(arithmetic: Arithmetic, b: int, sizes: Table) -> Number:
    """P7: what a policy keeps of q_0 on shared symbols of b values."""
    result = arithmetic.rational(0)
    for blocks, probability in sizes.items():
        price = arithmetic.rational(1, b ** sum(comb(n, 2) for n in blocks))
        result = result + probability * price
    return result


@named(r"\textstyle\sum_t\sum_{{j\le {0}_t}}H(\mathrm{{Bin}}(j,\frac12))-n\log 2")
def WalkDivergence(arithmetic: Arithmetic, a: Composition) -> Number:
    """P6: KL of blocks of sizes a from left to right on the walk of n = Σa fair bits."""

    def entropy(j: int) -> Number:
        terms = (comb(j, i) * arithmetic.log(arithmetic.rational(comb(j, i))) for i in range(j + 1))
        return j * two - sum(terms, arithmetic.rational(0)) / 2**j

    two = arithmetic.log(arithmetic.rational(2))
    # by blocks, so that blocks of one token give 0 and not a rounding of it
    return _sum(arithmetic, [entropy(j) - two for size in a for j in range(2, size + 1)])


@named(r"{1}\,(\lceil\log_2({0}/{1})\rceil+1)")
def BisectionRounds(arithmetic: Arithmetic, n: int, m: int) -> Number:
    """P6: rounds in which bisection samples n tokens of a chain of order m ≤ n."""
    return arithmetic.rational(m * ((-(-n // m) - 1).bit_length() + 1))


@named(r"\lfloor\log_2{0}\rfloor+1")
def BinaryDigits(arithmetic: Arithmetic, n: int) -> Number:
    """⌊log₂ n⌋ + 1."""
    return arithmetic.rational(n.bit_length())


# --- laws given as tables -------------------------------------------------------------------------


@named(r"\sum_{{x\in\mathrm{{supp}}\,q_0}}\big({0}(x)-{1}(x)\big)_+")
def Deficit(arithmetic: Arithmetic, q: Vector, p: Vector) -> Number:
    """Σ_x (q(x) − p(x))_+: the total variation of two laws, from the support of q alone."""
    pairs = zip(q, p, strict=True)
    return _sum(arithmetic, [_positive(arithmetic, q_x - p_x) for q_x, p_x in pairs])


@named(
    r"\tfrac12\big\|\textstyle\sum_{{n=0}}^{{{0}-2}}"
    r"\beta_n {2}_{{a^{{(n+1)}}}}-q_0\big\|_1"
)
def FirstOrder(arithmetic: Arithmetic, d: int, q: Vector, table: Table, beta: Vector) -> Number:
    """½‖Σ_n β_n P_{a^{(n+1)}} − q_0‖₁, a^{(j)} = ones with a 2 at place j, β a law on 0..d−2.

    As the positive part of q_0 − Σ β_n P, so that the support of q_0 is enough (S5).
    """
    mixture = [arithmetic.rational(0)] * len(q)
    for n, weight in enumerate(beta):
        law = table[(1,) * n + (2,) + (1,) * (d - 2 - n)]
        mixture = [x + weight * value for x, value in zip(mixture, law, strict=True)]
    return Deficit.compute(arithmetic, q, mixture)


@named(
    r"\tfrac1{{{0}-1}}\cdot\tfrac12\big\|\textstyle\sum_{{n=0}}^{{{0}-2}}"
    r"({2}_{{a^{{(n+1)}}}}-q_0)\big\|_1"
)
def EqualStepsFirstOrder(arithmetic: Arithmetic, d: int, q: Vector, table: Table) -> Number:
    """(1/(d−1))·½‖Σ_n (P_{a^{(n+1)}} − q_0)‖₁: `FirstOrder` at uniform β; 0 for one token."""
    if d == 1:
        return arithmetic.rational(0)
    beta = [arithmetic.rational(1, d - 1)] * (d - 1)
    return FirstOrder.compute(arithmetic, d, q, table, beta)


@named(r"\sum_{{\text{{blocks at }}n,\ \text{{size }}s}}\sum_{{r<s}}(h_n-h_{{n+r}})")
def BlockDivergence(arithmetic: Arithmetic, a: Composition, h: Vector) -> Number:
    """Σ_{blocks at n, size s} Σ_{r<s}(h_n − h_{n+r}): what decoding in blocks costs (KL1)."""
    result, n = arithmetic.rational(0), 0
    for s in a:
        for r in range(s):
            result = result + (h[n] - h[n + r])
        n += s
    return result


# --- precision ------------------------------------------------------------------------------------


@named(r"\pi'_{{{1}}}({0};{2})")
def TruncatedGumbel(arithmetic: Arithmetic, pi: Vector, index: int, level: Number) -> Number:
    """π'_m of G1: the law of Gumbel-max when every Gumbel is conditioned to stay below a level M.

    Args:
        arithmetic: the number type.
        pi: positive probabilities in ascending order.
        index: m, counted from 1.
        level: M, the largest Gumbel that can occur.
    """
    n = len(pi)
    if not 1 <= index <= n:
        raise TheoryError(f"index: need 1 ≤ m ≤ {n}, got {index}")
    price = arithmetic.exp(-level)
    result = arithmetic.rational(0)
    for i in range(1, index + 1):
        tail = _sum(arithmetic, pi[i - 1 :])
        term = arithmetic.exp((n + 1 - i - tail / pi[i - 1]) * price)
        if i > 1:
            term = term - arithmetic.exp((n + 1 - i - tail / pi[i - 2]) * price)
        result = result + term / tail
    return pi[index - 1] * result


@named(r"\sqrt{{{0}}}")
def Root(arithmetic: Arithmetic, x: Number) -> Number:
    """√x, one term in print; 0 where rounding made x negative: information is not."""
    return arithmetic.sqrt(_positive(arithmetic, x))
