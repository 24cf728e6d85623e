"""Exact TV at any length: against balls, enumeration, simulation, and its own invariances."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, arb_series, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family, structured_tv
from sharprates.samplers.schedule import step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.structured import RELATIVE_ERROR, StructuredTV

TOLERANCE = RELATIVE_ERROR  # of TV and of 1 − TV


def euler(steps: int, horizon: float = 6.0) -> StepLaw:
    """A law with leftover and unequal weights."""
    constant = clock("constant")
    return step_law("euler", constant, grid("uniform", constant, steps, horizon))


def ragged(seed: int, steps: int) -> StepLaw:
    """Hazards of very different sizes, some 0."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(steps, generator=generator, dtype=torch.float64)
    return StepLaw.from_hazards(torch.where(draws < 0.2, 0.0, draws**4))


# ── balls: the law over the number of masked tokens, step by step, to 200 bits ──────────────────

Factor = Callable[[int, int], arb]
"""(masked before the step, revealed in it) → chance that the structure survives."""


def power(base: int, exponent: int) -> arb:
    return arb(base) ** exponent


def recursion(text: str) -> tuple[int, int, int, Factor]:
    """Of a family: groups, tokens in each, tokens in none, and what a step costs a group."""
    name, *parts = text.split(":")
    d, *numbers = map(int, parts)
    if name == "uniform":
        return d, 1, 0, lambda *_: arb(1)
    if name in ("copies", "pairs", "blocks"):
        S = numbers[-1]
        g = {"copies": d, "pairs": min(2, d)}.get(name) or numbers[0]
        return d // g, g, d % g, lambda m, n: power(S, 1 - n) if m == g and n else arb(1)
    if name in ("groups", "shared-symbols"):
        g, b = (numbers[0], 2) if name == "groups" else (d, numbers[0])
        return d // g, g, d % g, lambda _, n: power(b, -math.comb(n, 2))
    if name in ("mds", "parity"):
        k, S = numbers if name == "mds" else (d - 1, numbers[0])
        return 1, d, 0, lambda m, n: power(S, -max(0, min(d - m + n - k, n)) if d - m < k else 0)
    (S,) = numbers
    return (
        d // S,
        S,
        0,
        lambda m, n: arb(math.perm(m, n)) / power(m, n) if m else arb(1),
    )


def ball_complement(text: str, law: StepLaw) -> arb:
    count, g, alone, factor = recursion(text)
    hazards = [arb(r) for r in law.hazards.tolist()]
    if law.given is not None:  # then the weights are the law, and the hazards are rounded
        weights = [Fraction(w) for w in law.given.tolist()]
        left = Fraction(1) if law.leftover else sum(weights)
        hazards = []
        for w in weights:
            hazards.append(arb(fmpq(*(w / left).as_integer_ratio())) if left else arb(0))
            left -= w

    def success(size: int, step: Factor) -> arb:
        ahead = [arb(1)] + [arb(0)] * size  # masks that remain are a failure
        for r in reversed(hazards):
            ahead = [
                sum(
                    (
                        math.comb(m, n) * r**n * (1 - r) ** (m - n) * step(m, n) * ahead[m - n]
                        for n in range(m + 1)
                    ),
                    arb(0),
                )
                for m in range(size + 1)
            ]
        return ahead[size]

    return success(g, factor) ** count * success(1, lambda *_: arb(1)) ** alone


def error(found: StructuredTV, complement: arb) -> float:
    """The larger of the relative errors of TV and 1 − TV; infinite where the ball says nothing."""
    tv = 1 - complement
    if tv.contains(0):
        return 0.0 if found.tv == 0 else math.inf
    logs = [
        arb(log) - exact.log()
        for log, exact in ((found.log_tv, tv), (found.log_complement, complement))
    ]
    return max(float(abs(difference).abs_upper().mid()) for difference in logs)


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    """300 bits here, and what it was for the tests of other files."""
    before = ctx.prec, ctx.cap
    ctx.prec = 300
    yield
    ctx.prec, ctx.cap = before


def families(d: int) -> list[str]:
    texts = [f"uniform:{d}:3", f"copies:{d}:2", f"copies:{d}:50257", f"pairs:{d}:2"]
    texts += [f"parity:{d}:2", f"parity:{d}:7", f"shared-symbols:{d}:2", f"shared-symbols:{d}:9"]
    texts += [f"mds:{d}:{k}:{S}" for k in {1, (d + 1) // 2, d} for S in (2, 65537)]
    texts += [f"blocks:{d}:{g}:3" for g in {1, (d + 1) // 2}] + [f"groups:{d}:{(d + 1) // 2}"]
    return texts + [f"permutations:{d}:{S}" for S in range(1, d + 1) if d % S == 0]


LAWS = {
    "one step": StepLaw.equal(1),
    "three equal": StepLaw.equal(3),
    "euler": euler(7),
    "little leftover": euler(5, horizon=40.0),
    "ragged": ragged(1, 9),
    "ragged, filled": ragged(2, 6).filled(),
    "half never": StepLaw.from_hazards(torch.tensor([0.0, 0.5, 0.0], dtype=torch.float64)),
    "tiny steps": StepLaw.from_hazards(torch.tensor([1e-9, 1e-12, 1.0], dtype=torch.float64)),
    "almost all at once": StepLaw.from_weights(
        torch.tensor([1e-7, 1 - 2e-7, 1e-7], dtype=torch.float64)
    ),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_agrees_with_balls(d: int, name: str) -> None:
    law = LAWS[name]
    for text in families(d):
        assert error(structured_tv(text, law), ball_complement(text, law)) < TOLERANCE, text


LONG = {
    "equal": StepLaw.equal(24),
    "euler": euler(20),
    "two": StepLaw.equal(2),
    "ragged": ragged(3, 12),
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize(
    "text", ["shared-symbols:60:2", "permutations:60:60", "mds:60:20:65537", "permutations:60:12"]
)
def test_agrees_with_balls_where_few_succeed(text: str, name: str) -> None:
    """1 − TV down to e^−1000: the saddle point, and the window that widens itself."""
    assert error(structured_tv(text, LONG[name]), ball_complement(text, LONG[name])) < TOLERANCE


def exact_weights(law: StepLaw) -> tuple[list[arb], list[arb]]:
    """w_k and t_k of the hazards as they stand."""
    weights, before, masked = [], [arb(0)], arb(1)
    for r in law.hazards.tolist():
        weights.append(masked * r)
        masked *= 1 - arb(r)
        before.append(1 - masked)
    return weights, before


@pytest.mark.parametrize("law", [euler(3000), euler(3000, 40.0)], ids=["leftover", "little"])
def test_agrees_with_balls_at_the_length_of_real_models(law: StepLaw) -> None:
    """d = 4096, where sums over the steps have a closed term."""
    d = 4096
    weights, before = exact_weights(law)
    kept = before[-1]
    for S in (2, 50257):
        copies = sum(
            (S * ((kept - t - w + w / S) ** d - (kept - t - w) ** d))
            for w, t in zip(weights, before, strict=False)
        )
        pairs = (kept**2 - (1 - arb(1) / S) * sum((w * w for w in weights), arb(0))) ** (d // 2)
        alone = sum((d * w * t ** (d - 1) for w, t in zip(weights, before, strict=False)), arb(0))
        parity = alone + (kept**d - alone) / S
        for text, exact in (("copies", copies), ("pairs", pairs), ("parity", parity)):
            assert error(structured_tv(f"{text}:{d}:{S}", law), exact) < TOLERANCE, text


@pytest.mark.parametrize(("g", "steps"), [(256, 60), (256, 4000), (40, 20000)])
def test_shared_symbols_agree_with_a_power_series(g: int, steps: int) -> None:
    """g!·[z^g] f(z/K)^K by series arithmetic in balls; from 1 − TV = e^−1000 to TV = 0.02."""
    ctx.prec, ctx.cap = 1200, g + 1  # the series alternates: 1 − TV is left after cancellation
    f = arb_series([power(2, -math.comb(n, 2)) / math.factorial(n) for n in range(g + 1)], g + 1)
    exact = (f.log() * steps).exp()[g] * math.factorial(g) / arb(steps) ** g
    assert error(structured_tv(f"shared-symbols:{g}:2", StepLaw.equal(steps)), exact) < TOLERANCE


def test_the_comparison_with_balls_rejects_a_wrong_digit() -> None:
    """Power: the smallest error it must see, and one step law in place of another."""
    law, text = ragged(5, 8), "copies:6:3"
    exact, found = ball_complement(text, law), structured_tv(text, law)
    for part in ("log_tv", "log_complement"):
        wrong = replace(found, **{part: getattr(found, part) + 2e-10})
        assert error(wrong, exact) > TOLERANCE
    assert error(structured_tv(text, ragged(6, 8)), exact) > 1e-3


# ── enumeration, for families that can be listed ────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "uniform:3:3",
        "copies:8:3",
        "pairs:7:2",
        "blocks:7:3:2",
        "pairs:8:2",
        "groups:7:3",
        "shared-symbols:3:3",
        "shared-symbols:5:2",
        "parity:6:3",
        "parity:2:5",
        "mds:6:3:5",
        "mds:8:2:7",
        "mds:4:1:3",
        "permutations:6:3",
        "permutations:4:4",
        "permutations:8:2",
    ],
)
def test_agrees_with_enumeration(text: str) -> None:
    target = family(text)
    table = tables(target, ExactDenoiser(target))
    for law in (StepLaw.equal(5), euler(9), ragged(4, 6)):
        found, enumerated = structured_tv(text, law), total_variation(table.law(law), target)
        assert abs(found.tv - enumerated.value) <= enumerated.error + TOLERANCE * found.tv


# ── simulation at d = 64: draw steps, then values, and look whether the sequence is allowed ──────


def simulate(text: str, law: StepLaw, runs: int, seed: int) -> int:
    """How many of so many sampler runs end outside the support."""
    name, *parts = text.split(":")
    d, *numbers = map(int, parts)
    rng = np.random.default_rng(seed)
    chances = np.append(law.weights.numpy(), law.leftover)
    step = rng.choice(len(chances), size=(runs, d), p=chances / chances.sum())
    wrong = (step == len(chances) - 1).any(axis=1)
    for run in np.flatnonzero(~wrong):
        known: list[int] = []  # of a code: values in the order of revealing
        seen: set[int] = set()
        for k in np.unique(step[run]):
            size = int((step[run] == k).sum())
            if name == "permutations":
                rest = [a for a in range(numbers[0]) if a not in seen]
                drawn = [rest[i] for i in rng.integers(len(rest), size=size)]
                wrong[run] |= len(set(drawn)) < size
                seen |= set(drawn)
            else:
                dimension, S = numbers
                free = max(0, min(size, dimension - len(known)))
                # Tokens past the dimension are fixed once it was reached before this step; a guess
                # is right when it hits the one value that the code allows, here called 0.
                guesses = size - free if len(known) < dimension else 0
                wrong[run] |= bool(rng.integers(S, size=guesses).any())
                known += [0] * size
            if wrong[run]:
                break
    return int(wrong.sum())


@pytest.mark.parametrize("text", ["permutations:64:64", "mds:64:20:3"])
@pytest.mark.parametrize("law", [StepLaw.equal(900), euler(2500, 12.0)], ids=["uniform", "euler"])
def test_agrees_with_simulation(text: str, law: StepLaw) -> None:
    """Within 5.5 standard deviations: a false alarm in 4e-8, for a fixed seed never."""
    runs, exact = 1000, structured_tv(text, law).tv
    share = simulate(text, law, runs, seed=11) / runs
    assert 0.02 < exact < 0.9
    assert abs(share - exact) < 5.5 * math.sqrt(exact * (1 - exact) / runs)


# ── properties ──────────────────────────────────────────────────────────────────────────────────

hazards = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1.0)), min_size=1, max_size=30)


@settings(max_examples=20)
@given(st.integers(1, 40), hazards, st.integers(0, 29))
def test_an_idle_step_changes_nothing(d: int, r: list[float], place: int) -> None:
    law = StepLaw.from_hazards(torch.tensor(r, dtype=torch.float64))
    r.insert(place % (len(r) + 1), 0.0)
    idle = StepLaw.from_hazards(torch.tensor(r, dtype=torch.float64))
    for text in families(d):
        one, other = structured_tv(text, law), structured_tv(text, idle)
        assert one.log_complement == pytest.approx(other.log_complement, rel=1e-11)


@settings(max_examples=25)
@given(st.integers(1, 40), hazards)
def test_leftover_and_no_guess_can_only_lose(d: int, r: list[float]) -> None:
    """Masks alone bound TV from below, and E3's birthday event from above (S = ∞)."""
    law = StepLaw.from_hazards(torch.tensor(r, dtype=torch.float64))
    least = structured_tv(f"uniform:{d}:2", law)
    for text in families(d):
        found = structured_tv(text, law)
        assert 0 <= found.tv <= 1
        assert found.log_complement <= least.log_complement * (1 - 1e-12) + 1e-15
        assert found.tv + found.complement == pytest.approx(1, abs=1e-12)


@given(st.integers(2, 60), st.integers(1, 200))
def test_relations_between_families(d: int, steps: int) -> None:
    """The same law under two names, computed by different code paths."""
    law = StepLaw.equal(steps)
    same = [
        (f"copies:{d}:5", f"mds:{d}:1:5"),
        ("copies:2:5", "shared-symbols:2:5"),
        ("permutations:2:2", "copies:2:2"),  # symbol or its complement
        (f"groups:{d}:2", f"pairs:{d}:2"),
    ]
    for one, other in same:
        left, right = structured_tv(one, law), structured_tv(other, law)
        assert left.log_complement == pytest.approx(right.log_complement, rel=1e-10), (one, other)


def test_no_step_reveals_anything() -> None:
    law = StepLaw.from_hazards(torch.zeros(3, dtype=torch.float64))
    for text in families(4):
        assert structured_tv(text, law) == StructuredTV(0.0, -math.inf)


# ── large sizes: limits that do not use the code under test ─────────────────────────────────────


def test_first_order_constants_at_large_sizes() -> None:
    """K·TV → d/4 for copies and parity, (d/2)(H_S − 1) for permutations, as K grows."""
    steps, d = 100_000, 64
    law = StepLaw.equal(steps)
    harmonic = sum(1 / j for j in range(1, 17))
    for text, constant in (
        (f"copies:{d}:2", d / 4),
        (f"parity:{d}:2", d / 4),
        (f"permutations:{d}:16", d / 2 * (harmonic - 1)),
    ):
        assert structured_tv(text, law).tv * steps == pytest.approx(constant, rel=3e-3), text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ising:8:0.5", "at any length there are uniform, blocks"),
        ("pairs:8", "write it as pairs:d:S"),
        ("pairs:8:two", "write it as pairs:d:S"),
        ("pairs:0:2", "d: must be at least 1"),
        ("blocks:8:9:2", "size: a block has 1..8 tokens"),
        ("groups:8:9", "g: a group has 1..8 tokens"),
        ("mds:8:9:2", "k: the dimension must lie in 1..8"),
        ("permutations:8:3", "multiple of S"),
    ],
)
def test_bad_input_is_named(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        structured_tv(text, StepLaw.equal(3))


@pytest.mark.parametrize(
    "text", ["uniform:3:2", "blocks:5:2:2", "shared-symbols:3:2", "groups:4:2", "mds:4:2:3"]
)
def test_a_target_knows_its_closed_form(text: str) -> None:
    member = family(text).family
    assert member is not None
    assert structured_tv(member, StepLaw.equal(5)) == structured_tv(text, StepLaw.equal(5))


def test_a_target_without_a_closed_form_says_so() -> None:
    member = family("ising:3:1").family
    assert member is not None
    with pytest.raises(InputError, match="family ising:3:1"):
        structured_tv(member, StepLaw.equal(5))
