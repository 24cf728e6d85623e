"""Bins of a step law, and the chances of single groups against direct counting."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx
from scipy.special import betainc, gammaln
from scipy.stats import binom
from sharprates.samplers.occupancy import (
    Bins,
    Chance,
    _follow,
    _follow_deep,
    _Window,
    code_draws,
    distinct_draws,
    equal_draws,
    shared_draws,
)
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.arithmetic import precision


def by_hand(
    weights: list[Fraction], tokens: int, agree: Callable[[list[int]], Fraction]
) -> Fraction:
    """Sum over all allocations of tokens to bins, of their chance times that of success."""
    total = Fraction(0)
    for steps in itertools.product(range(len(weights)), repeat=tokens):
        sizes = [steps.count(k) for k in range(len(weights))]
        total += math.prod((weights[k] for k in steps), start=Fraction(1)) * agree(sizes)
    return total


def equal(sizes: list[int]) -> Fraction:
    return Fraction(1, 3) ** (next(n for n in sizes if n) - 1)


def shared(sizes: list[int]) -> Fraction:
    return Fraction(1, 3) ** sum(math.comb(n, 2) for n in sizes)


def beyond_two(sizes: list[int]) -> Fraction:
    known = 0
    for n in sizes:
        if known + n >= 2:
            return Fraction(1, 3) ** (known + n - 2)
        known += n
    return Fraction(1)


def distinct(sizes: list[int]) -> Fraction:
    left, chance = sum(sizes), Fraction(1)
    for n in sizes:
        chance *= Fraction(math.perm(left, n), left**n) if n else 1
        left -= n
    return chance


WEIGHTS = [Fraction(1, 8), Fraction(1, 2), Fraction(3, 8)]


@pytest.mark.parametrize("tokens", [2, 3, 6])
def test_chances_agree_with_counting(tokens: int) -> None:
    law = StepLaw.from_weights(torch.tensor([float(w) for w in WEIGHTS], dtype=torch.float64))
    bins = Bins.of(law)
    for found, agree in (
        (equal_draws(bins, tokens, 3), equal),
        (shared_draws(bins, tokens, 3), shared),
        (code_draws(bins, tokens, 2, 3), beyond_two),
        (distinct_draws(bins, tokens), distinct),
    ):
        exact = by_hand(WEIGHTS, tokens, agree)
        assert math.exp(found.log_success) == pytest.approx(float(exact), rel=1e-13)
        if exact > Fraction(1, 2):
            assert found.failure == pytest.approx(float(1 - exact), rel=1e-13)


def test_bins_of_weights_and_of_hazards_agree() -> None:
    """Empty steps are dropped, leftover is conditioned away, and both ends stay accurate."""
    weights = torch.tensor([0.0, 1e-9, 0.25, 0.0, 0.5, 1e-12], dtype=torch.float64)
    given = Bins.of(StepLaw.from_weights(weights))
    derived = Bins.of(StepLaw.from_hazards(StepLaw.from_weights(weights).hazards))
    for name in ("width", "before", "after", "hazard", "log_from_here", "log_after", "log_until"):
        np.testing.assert_allclose(getattr(given, name), getattr(derived, name), rtol=1e-14)
    assert given.width.tolist() == pytest.approx([4e-9 / 3, 1 / 3, 2 / 3, 4e-12 / 3], rel=1e-8)
    assert given.log_kept == pytest.approx(math.log(0.75), rel=1e-8)
    assert given.after[-1] == 0
    assert given.hazard[-1] == 1
    assert given.log_after[-1] == -math.inf
    assert given.log_after[0] == pytest.approx(-4e-9 / 3, rel=1e-8)


def test_a_million_steps_keep_their_digits() -> None:
    """Prefix sums against exact ones: the error stays near an ulp, not a million of them."""
    steps = 1_000_000
    bins = Bins.of(StepLaw.from_hazards(torch.full((steps,), 1e-9, dtype=torch.float64)))
    r = Fraction(1e-9)
    # 1 − (1−r)^K to second order and beyond, exactly enough: K·r = 1e-3.
    terms = [Fraction(math.comb(steps, j)) * (-r) ** j for j in range(1, 8)]
    kept = -sum(terms, Fraction(0))
    assert bins.log_kept == pytest.approx(math.log(kept), rel=1e-14)
    last = r * (1 - (steps - 1) * r + math.comb(steps - 1, 2) * r**2 - math.comb(steps, 3) * r**3)
    assert bins.width[-1] == pytest.approx(float(last / kept), rel=1e-8)
    np.testing.assert_allclose(bins.before + bins.width + bins.after, 1.0, rtol=1e-14)


def guesses(weights: list[Any], d: int, k: int, S: int) -> Any:
    """P(every guess is right): the bin that holds the k-th token, by how many it holds."""
    total, before = 0 * weights[0], 0 * weights[0]
    for w in weights:
        after = 1 - before - w
        for m in range(k):
            for n in range(k - m, d - m + 1):
                ways = math.comb(d, m) * math.comb(d - m, n)
                chance = ways * before**m * w**n * after ** (d - m - n)
                total += chance / S ** (m + n - k)
        before += w
    return total


@pytest.mark.parametrize(
    ("d", "k", "S"), [(2, 1, 2), (9, 1, 3), (12, 8, 2), (12, 11, 2), (30, 12, 5)]
)
@pytest.mark.parametrize(
    "exponents",
    [
        (1,),  # one bin: before and after are empty
        (1, 30),
        (30, 1),
        (40, 1, 2, 40, 3, 10),
        (3,) * 8,
        (200, 2, 1, 2),  # a chance below every digit of the others
    ],
)
def test_codes_agree_with_fractions_whatever_the_bins(
    exponents: tuple[int, ...], d: int, k: int, S: int
) -> None:
    raw = [Fraction(1, 2**e) for e in exponents]
    weights = [w / sum(raw) for w in raw]
    exact = guesses(weights, d, k, S)
    law = StepLaw.from_weights(torch.tensor([float(w) for w in weights], dtype=torch.float64))
    found = code_draws(Bins.of(law), d, k, S)
    assert math.exp(found.log_success) == pytest.approx(float(exact), rel=1e-12)
    assert found.failure == pytest.approx(float(1 - exact), rel=1e-12)


def normal(raw: Sequence[Fraction | int]) -> list[Fraction]:
    return [Fraction(x) / sum(raw) for x in raw]


HALVES = normal([Fraction(1, 2**k) for k in range(12)])
"""Bins of very different widths, the widest first."""

SHAPES = {
    "one": [Fraction(1)],
    "three": WEIGHTS,
    "falling": HALVES,
    "rising": HALVES[::-1],
    "equal": [Fraction(1, 40)] * 40,
    "many": [Fraction(1, 300)] * 300,
    "nearly one": normal([10**9, 1, 1]),
    "at last": normal([1, 1, 10**9]),
    "two": normal([1, 63]),
    "four": normal([10**6, 2, 1, 10**3]),
}


def bins_of(name: str) -> Bins:
    weights = torch.tensor([float(w) for w in SHAPES[name]], dtype=torch.float64)
    return Bins.of(StepLaw.from_weights(weights))


def assert_close(found: Chance, success: arb | Fraction, rel: float = 2e-12) -> None:
    """The smaller chance to so many digits, the larger one in any case."""
    with precision(400):
        exact = (
            arb(success)
            if isinstance(success, arb)
            else arb(success.numerator) / (success.denominator)
        )
        failure, log = float(1 - exact), float(exact.log())
    assert found.log_success == pytest.approx(log, rel=rel, abs=0 if failure < 0.5 else rel)
    if failure < 0.5:
        assert found.failure == pytest.approx(failure, rel=rel, abs=0)
    else:
        assert found.failure > 0.49


def equal_success(weights: Sequence[Fraction], g: int, S: int) -> Fraction:
    """The tokens of the first bin that is hit: Σ_k S·((after + w/S)^g − after^g)."""
    before, total = Fraction(0), Fraction(0)
    for w in weights:
        after = 1 - before - w
        total += S * ((after + w / S) ** g - after**g)
        before += w
    return total


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("g", "S"), [(2, 2), (5, 3), (40, 2), (300, 50), (3, 1000)])
def test_equal_draws_agree_with_fractions(name: str, g: int, S: int) -> None:
    assert_close(equal_draws(bins_of(name), g, S), equal_success(SHAPES[name], g, S))


def shared_success(weights: Sequence[Fraction], g: int, b: int) -> arb:
    """g!·[z^g] ∏_k Σ_n b^−C(n,2) (w_k z)^n/n!, in balls."""
    cap, ctx.cap = ctx.cap, g + 1
    try:
        product = arb_series([1])
        for w, count in Counter(weights).items():
            x = arb(w.numerator) / w.denominator
            terms = [
                x**n / (arb(b) ** math.comb(n, 2) * arb(math.factorial(n))) for n in range(g + 1)
            ]
            product = product * arb_series(terms) ** count
        return product[g] * math.factorial(g)
    finally:
        ctx.cap = cap


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("g", "b"), [(2, 2), (9, 3), (40, 2), (150, 7), (3, 100), (250, 50)])
def test_shared_draws_agree_with_a_series_in_balls(name: str, g: int, b: int) -> None:
    with precision(600):
        exact = shared_success(SHAPES[name], g, b)
    assert_close(shared_draws(bins_of(name), g, b), exact, 1e-11)


def permuted(weights: Sequence[Fraction], S: int) -> arb:
    """S tokens, the number of those that are still masked followed from bin to bin, in balls."""
    masked = [arb(0)] * S + [arb(1)]
    left = Fraction(1)
    for w in weights[:-1]:
        h = arb((w / left).numerator) / (w / left).denominator
        after = [arb(0)] * (S + 1)
        for m, chance in enumerate(masked):
            term = chance * (1 - h) ** m
            for n in range(m + 1):
                after[m - n] += term
                term = term * (m - n) * (m - n) * h / ((1 - h) * (n + 1) * max(m, 1))
        masked, left = after, left - w
    every = [arb(math.factorial(m)) / arb(m) ** m if m else arb(1) for m in range(S + 1)]
    return sum((x * y for x, y in zip(masked, every, strict=True)), arb(0))


@pytest.mark.parametrize(
    ("name", "S"),
    [
        *((name, S) for name in SHAPES for S in (2, 9)),
        *(("falling", 120), ("rising", 120), ("equal", 60), ("many", 40), ("at last", 90)),
        *(("nearly one", 90), ("three", 150)),
        *(("one", 800), ("two", 640), ("four", 640)),  # chances that float64 does not hold
    ],
)
def test_distinct_draws_agree_with_balls(name: str, S: int) -> None:
    with precision(300):
        exact = permuted(SHAPES[name], S)
    assert_close(distinct_draws(bins_of(name), S), exact, 1e-11)


def test_one_token_or_symbol_is_certain() -> None:
    bins = bins_of("three")
    sure = Chance(0.0, 0.0)
    assert equal_draws(bins, 1, 3) == equal_draws(bins, 3, 1) == sure
    assert shared_draws(bins, 1, 3) == shared_draws(bins, 3, 1) == sure
    assert code_draws(bins, 3, 3, 2) == code_draws(bins, 3, 2, 1) == sure
    assert distinct_draws(bins, 1) == sure


@pytest.mark.parametrize(("d", "k", "S", "steps"), [(200, 2, 2, 100), (150, 3, 5, 40)])
def test_codes_of_many_tokens_in_many_bins_agree_with_balls(
    d: int, k: int, S: int, steps: int
) -> None:
    """A bin then holds more of them than its width makes likely of any given few."""
    with precision(300):
        exact = guesses([arb(1) / steps] * steps, d, k, S)
    law = StepLaw.from_weights(torch.full((steps,), 1 / steps, dtype=torch.float64))
    assert_close(code_draws(Bins.of(law), d, k, S), exact, 1e-11)


def test_a_law_that_reveals_nothing_has_one_bin_that_is_never_hit() -> None:
    bins = Bins.of(StepLaw.from_weights(torch.zeros(2, dtype=torch.float64)))
    assert (bins.width.tolist(), bins.before.tolist(), bins.after.tolist()) == ([1], [0], [0])
    assert bins.log_kept == -math.inf
    # of hazards that are 0 and of one that is 1, too
    for hazards, log_kept in (([0.0, 0.0], -math.inf), ([0.25, 1.0], 0.0)):
        law = StepLaw.from_hazards(torch.tensor(hazards, dtype=torch.float64))
        assert Bins.of(law).log_kept == log_kept


def test_the_tables_of_many_tokens_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    place = "sharprates.samplers.occupancy.check_memory"
    monkeypatch.setattr(place, lambda size, *_: asked.append(size))
    distinct_draws(bins_of("one"), 9)
    distinct_draws(bins_of("three"), 9)
    assert asked == [40 * 10 * 1, 40 * 10 * 10]  # S + 1 rows, and up to 9 tokens in a bin


def test_sums_of_a_million_equal_widths_are_off_by_a_thousand_roundings_at_most() -> None:
    steps = 1_000_000
    bins = Bins.of(StepLaw.from_weights(torch.full((steps,), 1e-7, dtype=torch.float64)))
    exact = np.arange(steps) / steps  # each correctly rounded
    for found, true in ((bins.before, exact), (bins.after[::-1], exact)):
        assert np.all(np.abs(found - true) <= 3 * 1000 * 2.0**-53 * true)
    assert bins.log_kept == pytest.approx(math.log(0.1), rel=1e-12)


@pytest.mark.parametrize("S", [3, 60, 100_000])
@pytest.mark.parametrize("each", [-10.0, -50.0, -300.0])
@pytest.mark.parametrize("name", ["three", "rising", "equal", "at last", "many"])
def test_windows_are_left_as_rarely_as_asked_and_are_little_wider(
    name: str, S: int, each: float
) -> None:
    """By binomial tails: too few or too many before a bin, too many in it."""
    bins = bins_of(name)
    window = _Window.of(bins, S, each)
    share = bins.width + bins.after
    mean, masked = S * share, binom(S, np.minimum(share, 1))
    assert np.all(masked.logcdf(window.least - 1) <= each)
    assert np.all(masked.logsf(window.most) <= each)
    if S > 1000:
        variance = mean * bins.before
        wide = variance > 1000 * -each  # where tails are nearly normal
        for end in (window.least, window.most):
            needed = np.sqrt(2 * -each * variance)
            assert np.all((np.abs(end - mean) < 1.03 * needed + 2)[wide])
    n = np.arange(1, S + 1)
    ways = gammaln(S + 1) - gammaln(n + 1) - gammaln(S - n + 1)
    for k in (0, -1):
        likely = int((ways + n * math.log(bins.width[k]) > each).sum())
        assert window.cap[k] == min(likely, window.most[k])


def test_many_tokens_of_few_steps_are_followed_alike_in_logarithms() -> None:
    """There are more ways to choose them than float64 holds."""
    bins = Bins.of(StepLaw.from_weights(torch.arange(1.0, 8.0, dtype=torch.float64) / 28))
    window = _Window.of(bins, 1200, -590.0)
    assert 400 < window.cap[0] < window.cap[1]
    failure, log_success = _follow(bins, 1200, window)
    assert log_success == pytest.approx(_follow_deep(bins, 1200, window), rel=1e-12)
    assert failure == pytest.approx(1, abs=1e-11)


def test_codes_ask_only_for_chances_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 361 numbers of guesses in each of 2000 steps, about seven."""
    asked = []

    def counting(a: float, b: float, x: Any) -> Any:
        asked.append(x.size)
        return betainc(a, b, x)

    monkeypatch.setattr("sharprates.samplers.occupancy.betainc", counting)
    law = StepLaw.from_weights(torch.full((2000,), 1 / 2000, dtype=torch.float64))
    assert code_draws(Bins.of(law), 400, 40, 3).failure == pytest.approx(0.0638, abs=1e-4)
    assert 2 * 2000 < sum(asked) < 7.5 * 2000


@pytest.mark.parametrize(("steps", "g"), [(20_000, 3_000), (20_000, 100), (5_000, 4_000)])
def test_tokens_of_very_many_symbols_succeed_in_steps_of_their_own(steps: int, g: int) -> None:
    """The birthday problem, K!/((K − g)!·K^g), in small bins and in large ones."""
    with precision(400):
        exact = (arb(steps + 1).lgamma() - arb(steps - g + 1).lgamma()).exp() / arb(steps) ** g
    law = StepLaw.from_weights(torch.full((steps,), 1 / steps, dtype=torch.float64))
    assert_close(shared_draws(Bins.of(law), g, 10**300), exact, 1e-11)


@pytest.mark.parametrize("each", [-1.0, -3.0, -9.0, -100.0])
@pytest.mark.parametrize("widths", [(1, 2, 3, 4, 5, 6, 7), (7, 6, 5, 4, 3, 2, 1)])
def test_what_stays_in_the_windows_is_followed_number_by_number(
    widths: tuple[int, ...], each: float
) -> None:
    """And what leaves them is left out, as nowhere else it would be seen."""
    S = 50
    bins = Bins.of(StepLaw.from_weights(torch.tensor(widths, dtype=torch.float64) / 28))
    window = _Window.of(bins, S, each)
    masked, failure, success = {S: 1.0}, 0.0, 0.0
    for k, h in enumerate(bins.hazard.tolist()[:-1]):
        after: dict[int, float] = {}
        for m, chance in masked.items():
            for n in range(min(m, window.cap[k]) + 1):
                if window.least[k + 1] <= m - n <= window.most[k + 1]:
                    fall = chance * math.comb(m, n) * h**n * (1 - h) ** (m - n)
                    well = math.perm(m, n) / m**n if n else 1.0
                    after[m - n] = after.get(m - n, 0.0) + fall * well
                    failure += fall * (1 - well)
        masked = after
    for m, chance in masked.items():
        well = math.factorial(m) / m**m if m else 1.0
        success += chance * well
        failure += chance * (1 - well)
    assert _follow(bins, S, window) == pytest.approx((failure, math.log(success)), rel=1e-11)
    assert _follow_deep(bins, S, window) == pytest.approx(math.log(success), rel=1e-11)
