"""Which tokens share a step, and the chance that values drawn together agree.

Given that none of the tokens is left over, their steps are those of i.i.d. uniforms that fall into
bins of widths w_k/(1−w_∞). Each function here scans the bins, with the number of tokens that are
still masked as its state. It sums positive terms only, and twice: the chance of a failure, accurate
where that is small, and the logarithm of the chance of none, accurate where that is small.
"""

# NumPy and SciPy, not torch: complex expm1, log-gamma and the incomplete beta function.

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, logsumexp
from sharprates.samplers.errors import check_memory
from sharprates.samplers.step_law import StepLaw

Array = NDArray[np.float64]


def _sums(x: Array) -> Array:
    """Sums of the entries before each index, and the total, [K + 1].

    Two levels (within rows of about √K, then over rows) keep the rounding error near √K ulp even
    in the worst case; plain accumulation reaches K ulp.
    """
    side = math.isqrt(x.size)
    rows = np.concatenate([x, np.zeros(-x.size % side)]).reshape(-1, side)
    within = np.cumsum(rows, axis=1)
    before = np.concatenate([[0.0], np.cumsum(within[:-1, -1])])
    return np.concatenate([[0.0], (within + before[:, None]).ravel()[: x.size]])


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of [0, 1] into which tokens fall that are not left over; empty bins are dropped.

    Attributes:
        width: [K], positive, sum 1.
        before: [K], what lies left of each bin.
        after: [K], what lies right of it; 0 at the last.
        log_kept: log(1 − w_∞), the chance that a token falls into any bin; −∞ if there is none.
    """

    width: Array
    before: Array
    after: Array
    log_kept: float

    @staticmethod
    def of(law: StepLaw) -> Bins:
        """The bins of a step law."""
        w = law.weights.numpy()
        kept = float(_sums(w)[-1])
        if kept == 0:
            return Bins(np.ones(1), np.zeros(1), np.zeros(1), -math.inf)
        width = w[w > 0] / kept
        log_kept = float(_log(kept, law.leftover))
        return Bins(width, _sums(width)[:-1], _sums(width[::-1])[-2::-1], log_kept)

    @property
    def hazard(self) -> Array:
        """The chance to fall into each bin when the earlier ones are missed; 1 at the last."""
        return self.width / (self.width + self.after)

    @property
    def log_from_here(self) -> Array:
        """log(1 − before), accurate to an absolute error of an ulp where `before` is small."""
        return _log(self.width + self.after, self.before)

    @property
    def log_after(self) -> Array:
        """log(after), accurate in the same sense; −∞ at the last."""
        return _log(self.after, self.before + self.width)

    @property
    def log_until(self) -> Array:
        """log(before + width), accurate in the same sense; 0 at the last."""
        return _log(self.before + self.width, self.after)


def _log(x: Array | float, rest: Array | float) -> Array:
    """Log x where x + rest = 1, from the smaller of the two; −∞ at 0."""
    with np.errstate(divide="ignore"):
        return np.where(rest < x, np.log1p(-np.minimum(rest, x)), np.log(x))


@dataclass(frozen=True)
class Chance:
    """The chance of a success and of a failure.

    Attributes:
        failure: accurate where it is below ½.
        log_success: log(1 − failure), accurate everywhere.
    """

    failure: float
    log_success: float

    @staticmethod
    def of(failure: float, log_success: float) -> Chance:
        """From both sums: the smaller chance decides."""
        return Chance(failure, math.log1p(-failure) if failure < 0.5 else log_success)


CERTAIN = Chance(0.0, 0.0)


def equal_draws(bins: Bins, g: int, S: int) -> Chance:
    """All tokens in the first bin that is hit draw the same of S symbols.

    Args:
        bins: where tokens fall.
        g: number of tokens.
        S: number of symbols; each draw is uniform.
    """
    if g == 1 or S == 1:
        return CERTAIN
    # If the bin is the first one hit, and those in it draw a certain symbol:
    log_alike = g * _log(bins.after + bins.width / S, bins.before + bins.width * (1 - 1 / S))
    share = bins.width / (bins.width + S * bins.after)
    with np.errstate(divide="ignore"):  # at the last bin share = 1: log 0 = −∞ is meant
        log_hit = np.log(-np.expm1(g * np.log1p(-share)))
    log_success = math.log(S) + float(logsumexp(log_alike + log_hit))
    # A token alone cannot fail. Of two or more at most the share 1/S succeeds: little cancels.
    several = np.exp(g * bins.log_from_here) * betainc(2, g - 1, bins.hazard)
    failure = several - S * np.exp(log_alike) * betainc(2, g - 1, share)
    return Chance.of(float(failure.sum()), log_success)


def code_draws(bins: Bins, d: int, k: int, S: int) -> Chance:
    """The first k tokens are free; each further one in the bin that holds the k-th is a guess.

    With c = k + e tokens up to the end of a bin, it holds the k-th if at least e + 1 of the c lie
    in it, and then e of them are guesses, each right with chance 1/S.

    Args:
        bins: where tokens fall.
        d: number of tokens.
        k: number of free ones, 1 ≤ k ≤ d.
        S: number of symbols.
    """
    if k == d or S == 1:
        return CERTAIN
    share = bins.width / (bins.before + bins.width)
    log_width, log_until, log_after = np.log(bins.width), bins.log_until, bins.log_after
    log_failure = log_success = -math.inf
    for e in range(d - k + 1):
        # Left out where a bound says that even 10^9 such terms add less than the last digit to the
        # failures so far; to the successes so far too, as these are at least S^−e times as many.
        least = log_failure - 60
        many = _log_ways(d, e + 1) + (e + 1) * log_width  # at least e + 1 tokens in the bin
        if bool((many < least).all()):
            break  # and so for all larger e: (d·width)^e/e! falls once it is below 1
        end = _log_ways(d, k + e) + (k + e) * log_until
        if k + e < d:
            end = end + (d - k - e) * log_after
        matter = np.minimum(many, end) > least
        if bool(matter.any()):
            with np.errstate(divide="ignore"):
                # A chance below the range of float64 may read 0: given c, the k-th is then almost
                # surely in an earlier bin, with no more guesses, and that term decides.
                log_crossed = np.log(betainc(e + 1, k, share[matter]))
            found = float(logsumexp(end[matter] + log_crossed))
            log_success = float(np.logaddexp(log_success, found - e * math.log(S)))
            if e:
                wrong = math.log(-math.expm1(-e * math.log(S)))
                log_failure = float(np.logaddexp(log_failure, found + wrong))
    return Chance.of(math.exp(log_failure), log_success)


def _log_ways(n: int, m: int) -> float:
    """Log of the binomial coefficient."""
    return math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)


def shared_draws(bins: Bins, g: int, b: int) -> Chance:
    """Every two tokens in one bin draw their common one of b symbols, and draw it alike.

    A bin with n tokens succeeds with chance b^−C(n,2), so the chance of success is
    g!·[z^g] ∏_k f(w_k z), f(x) = Σ_n b^−C(n,2) x^n/n!. The coefficient is a mean over a circle.
    All coefficients are positive, so at the saddle-point radius nothing cancels.

    Args:
        bins: where tokens fall.
        g: number of tokens.
        b: number of symbols; each draw is uniform.
    """
    if g == 1 or b == 1:
        return CERTAIN
    series = _SharedSeries(bins.width, g, b)
    log_success = series.log_success()
    # What is rarely a success needs no chance of a failure, of which the terms then overflow.
    return Chance.of(series.failure() if log_success > -1 else 1.0, log_success)


@dataclass(frozen=True, eq=False)
class _Circle:
    """Points e^{iπj/H}, j = 0..H; functions with real coefficients need no others."""

    half: int

    def power(self, n: NDArray[np.int64] | int) -> NDArray[np.complex128]:
        """e^{inθ}, exact in the phase for any n; a new first axis if n is an array."""
        turns = np.multiply.outer(n, np.arange(self.half + 1)) % (2 * self.half)
        return np.asarray(np.exp(1j * np.pi / self.half * turns))

    def mean(self, values: NDArray[np.complex128]) -> float:
        """The mean over the whole circle."""
        real = values.real
        return float((real.sum() - (real[0] + real[-1]) / 2) / self.half)


class _SharedSeries:
    """The generating function of `shared_draws`, with φ(x) = log f(x) − x = O(x²).

    Bins with arguments below `RADIUS` are summed together: Σ φ(w_k z) = Σ_j c_j z^j Σ w_k^j.
    """

    RADIUS = 0.25  # f has no zero within |x| < 1, so |c_j| < 1 to leading order
    POWERS = np.arange(33)  # 0.25^33 is below the last digit
    ROWS = 256  # of the other bins at a time
    BEYOND = 16  # terms past the largest: each ratio is half the one before, 2^−C(16,2) is left

    def __init__(self, width: Array, g: int, b: int) -> None:
        self.log_width, self.g, self.log_b = np.sort(np.log(width)), g, math.log(b)
        n = self.POWERS
        f = np.exp(-self.log_b * n * (n - 1) / 2 - gammaln(n + 1))
        c = np.zeros_like(f)
        for m in n[1:]:  # f′ = f·(log f)′
            c[m] = f[m] - sum(j * c[j] * f[m - j] for j in range(1, m)) / m
        c[1] = 0.0  # φ, not log f
        self.coefficients = c
        # On both circles the numbers of tokens are spread no more than by Poisson's law of mean g:
        # b^−C(n,2) is log-concave. To be off by as much as the number of points is below e^−80.
        self.circle = _Circle(40 + 8 * math.isqrt(g))

    def _small(self, log_radius: float) -> tuple[int, float, Array]:
        """How many bins are small, their Σ x, and their Σ φ(x e^{iθ}) as a series in e^{iθ}."""
        log_x = self.log_width + log_radius
        count = int(np.searchsorted(log_x, math.log(self.RADIUS)))
        x = np.exp(log_x[:count])
        power, sums = np.ones_like(x), np.zeros_like(self.coefficients)
        for j in self.POWERS[1:]:
            power = power * x
            sums[j] = power.sum()
        return count, float(sums[1]), self.coefficients * sums

    def _large(self, log_radius: float, start: int) -> list[tuple[Array, Array]]:
        """For the other bins, in chunks: terms of f(x) over the largest, and its logarithm."""
        chunks = []
        for row in range(start, self.log_width.size, self.ROWS):
            log_x = self.log_width[row : row + self.ROWS] + log_radius
            # Terms grow while x·b^−n > n + 1, and so n < log x/log b.
            n = np.arange(int(log_x[-1] / self.log_b) + self.BEYOND)
            log_term = n * log_x[:, None] - self.log_b * n * (n - 1) / 2 - gammaln(n + 1)
            top = log_term.max(axis=1)
            chunks.append((np.exp(log_term - top[:, None]), top))
        return chunks

    def _mean(self, log_radius: float) -> float:
        """The mean number of tokens that the radius stands for."""
        start, x, series = self._small(log_radius)
        mean = x + float(self.POWERS @ series)
        for terms, _ in self._large(log_radius, start):
            mean += float((terms @ np.arange(terms.shape[1]) / terms.sum(axis=1)).sum())
        return mean

    def log_success(self) -> float:
        """Log of g!·[z^g] ∏ f(w_k z), on the circle where the mean number of tokens is g."""
        low = high = math.log(self.g)  # b^−C(n,2) only lowers the mean below the radius
        while self._mean(high) < self.g:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            mean = self._mean(middle)
            if abs(mean - self.g) < 0.1:
                break
            low, high = (middle, high) if mean < self.g else (low, middle)
        circle, point = self.circle, self.circle.power(1)
        start, x, series = self._small(middle)
        log_size = x + float(series.sum())
        values = np.exp(x * (point - 1) + series @ (circle.power(self.POWERS) - 1))
        for terms, top in self._large(middle, start):
            total = terms.sum(axis=1)
            log_size += float((top + np.log(total)).sum())
            values *= np.prod(self._at(terms / total[:, None], circle), axis=0)
        height = circle.mean(values * circle.power(-self.g))
        return math.lgamma(self.g + 1) - self.g * middle + log_size + math.log(height)

    def failure(self) -> float:
        """g!·[z^g] (e^z − ∏ f(w_k z)), all of whose terms are positive, on the circle |z| = g."""
        circle, point = self.circle, self.circle.power(1)
        start, _, series = self._small(math.log(self.g))
        log_ratio = series @ circle.power(self.POWERS)
        x = np.exp(self.log_width[start:] + math.log(self.g))
        # Where failures are no more likely than successes, Σ x² < 4: one chunk holds x > RADIUS.
        for terms, top in self._large(math.log(self.g), start):
            with np.errstate(divide="ignore"):  # f = 0: the product is 0, as log 0 = −∞ says
                log_f = np.log(self._at(terms, circle)) + top[:, None]
            log_ratio = log_ratio + (log_f - x[:, None] * point).sum(axis=0)
        values = np.exp(self.g * (point - 1)) * circle.power(-self.g) * -np.expm1(log_ratio)
        log_weight = math.lgamma(self.g + 1) - self.g * math.log(self.g) + self.g
        return math.exp(log_weight) * circle.mean(values)

    @staticmethod
    def _at(terms: Array, circle: _Circle) -> NDArray[np.complex128]:
        """Σ_n terms[:, n]·e^{inθ}."""
        roots = circle.power(np.arange(terms.shape[1]))
        return np.asarray(terms @ roots.real + 1j * (terms @ roots.imag))


def distinct_draws(bins: Bins, S: int) -> Chance:
    """S tokens, each bin's tokens draw from the symbols not yet seen, and draw distinct ones.

    With m tokens still masked, n in a bin succeed with chance m!/((m−n)!·m^n). The number of masked
    tokens is followed from bin to bin within a window, and what leaves it is left out. Let bin k of
    K with width w have hazard h. Given all sizes, success is likelier than exp(−Σ n(n−1)/m), whose
    mean is at least exp(−S Σ w·h) by Jensen; two certain tokens share a bin with chance Σ w² ≥ 1/K,
    and draw alike there with chance 1/m ≥ 1/S.

    Args:
        bins: where tokens fall.
        S: number of tokens and of symbols.

    Raises:
        TooLargeError: if the tables for many tokens in one bin do not fit into memory.
    """
    if S == 1:
        return CERTAIN
    # There are 3K ways to leave it. Times K·S for failures, e^−70 holds less than the last digit.
    log_each = -S * float(bins.width @ bins.hazard) - 70
    window = _Window.of(bins, S, log_each)
    if log_each < -600:  # float64 does not hold such chances
        return Chance(1.0, _follow_deep(bins, S, window))
    return Chance.of(*_follow(bins, S, window))


@dataclass(frozen=True, eq=False)
class _Window:
    """For each bin, how many of S tokens may be masked before it, and how many fall into it.

    Attributes:
        least: [K], masked before the bin.
        most: [K], masked before the bin, inclusive.
        cap: [K], in the bin, inclusive.
    """

    least: NDArray[np.int64]
    most: NDArray[np.int64]
    cap: NDArray[np.int64]

    @staticmethod
    def of(bins: Bins, S: int, log_each: float) -> _Window:
        """Windows that are left, at each of their ends, with a chance of this logarithm at most."""
        # Masked before a bin is Bin(S, 1 − before): Bernstein's inequality.
        mean = S * (bins.width + bins.after)
        away = np.sqrt(-2 * log_each * mean * bins.before) - log_each / 3
        least = np.ceil(np.maximum(mean - away, 0)).astype(np.int64)
        most = np.floor(np.minimum(mean + away, S)).astype(np.int64)
        # In a bin: P(n or more) ≤ C(S,n) w^n; the w at which that is so rare rises with n.
        n = np.arange(1, S + 1)
        log_ways = gammaln(S + 1) - gammaln(n + 1) - gammaln(S - n + 1)
        cap = np.searchsorted((log_each - log_ways) / n, np.log(bins.width)).astype(np.int64)
        return _Window(least, most, np.minimum(cap, most))


def _follow(bins: Bins, S: int, window: _Window) -> tuple[float, float]:
    """The chance of a failure and log that of a success, from what stays in the windows."""
    top = int(window.cap[:-1].max(initial=0))
    log_ways, log_distinct = _distinct_tables(S, top)
    direct = min(top, 64) + 1  # beyond it the binomials leave the range of float64
    ways = np.exp(log_ways[:, :direct])
    succeed = ways * np.exp(log_distinct[:, :direct])
    fail = ways * -np.expm1(log_distinct[:, :direct])

    masked = np.zeros(S + top + 1)  # by m, the chance that m are masked and all is well so far
    masked[S] = 1.0
    # Row m: the chances of m, m + 1, … masked tokens; a view, so it follows `masked`.
    reached = sliding_window_view(masked, top + 1)
    failure = log_scale = 0.0
    hazard = bins.hazard
    log_stay, count, tokens = np.log1p(-hazard[:-1]), np.arange(top + 1), np.arange(S + 1)
    for k in range(hazard.size - 1):
        rows, n = slice(window.least[k + 1], window.most[k + 1] + 1), int(window.cap[k]) + 1
        before = reached[rows, :n]
        stay = np.exp(tokens[rows] * log_stay[k])
        if n <= direct:
            power = hazard[k] ** count[:n]
            after = (before * succeed[rows, :n]) @ power * stay
            lost = (before * fail[rows, :n]) @ power @ stay
        else:
            log_pick = log_ways[rows, :n] + count[:n] * math.log(hazard[k])
            pick = before * np.exp(log_pick + (tokens[rows] * log_stay[k])[:, None])
            after = (pick * np.exp(log_distinct[rows, :n])).sum(axis=1)
            lost = -(pick * np.expm1(log_distinct[rows, :n])).sum()
        failure += float(lost) * math.exp(log_scale)
        size = float(after.sum())
        masked[:] = 0.0
        masked[rows] = after / size
        log_scale += math.log(size)

    log_all = _log_all_distinct(S)  # the last bin takes all
    failure -= float(masked[: S + 1] @ np.expm1(log_all)) * math.exp(log_scale)
    with np.errstate(divide="ignore"):
        log_success = float(logsumexp(np.log(masked[: S + 1]) + log_all))
    return failure, log_scale + log_success


def _follow_deep(bins: Bins, S: int, window: _Window) -> float:
    """As `_follow`, the success alone, in logarithms."""
    top = int(window.cap[:-1].max(initial=0))
    log_ways, log_distinct = _distinct_tables(S, top)
    log_masked = np.full(S + top + 1, -math.inf)
    log_masked[S] = 0.0
    reached = sliding_window_view(log_masked, top + 1)
    hazard, count, tokens = bins.hazard, np.arange(top + 1), np.arange(S + 1)
    for k in range(hazard.size - 1):
        rows, n = slice(window.least[k + 1], window.most[k + 1] + 1), int(window.cap[k]) + 1
        log_path = log_ways[rows, :n] + log_distinct[rows, :n] + reached[rows, :n]
        after = logsumexp(log_path + count[:n] * math.log(hazard[k]), axis=1)
        after += tokens[rows] * math.log1p(-hazard[k])
        log_masked[:] = -math.inf
        log_masked[rows] = after
    return float(logsumexp(log_masked[: S + 1] + _log_all_distinct(S)))


def _log_all_distinct(S: int) -> Array:
    """log(m!/m^m) for m = 0..S."""
    m = np.arange(S + 1)
    return np.asarray(gammaln(m + 1) - m * np.log(np.maximum(m, 1)))


def _distinct_tables(S: int, top: int) -> tuple[Array, Array]:
    """Log C(m+n, n), and log of the chance that n of m + n symbols are distinct: [m, n ≤ top]."""
    check_memory(
        40 * (S + 1) * (top + 1),
        f"tables for up to {top} of {S} tokens in a step",
        "take smaller groups or a finer step law",
    )
    m, n = np.arange(S + top + 1)[:, None], np.arange(1, top + 1)
    possible = n <= m
    ways, distinct = np.zeros((S + top + 1, top + 1)), np.zeros((S + top + 1, top + 1))
    ratio = np.where(possible, (m - n + 1) / n, 1.0)
    np.cumsum(np.log(ratio), axis=1, out=ways[:, 1:])
    fresh = np.where(possible, -(n - 1) / np.maximum(m, 1), 0.0)
    np.cumsum(np.log1p(fresh), axis=1, out=distinct[:, 1:])
    skew = np.arange(S + 1)[:, None] + np.arange(top + 1), np.arange(top + 1)
    return ways[skew], distinct[skew]
