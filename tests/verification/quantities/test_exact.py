"""Numbers in fractions, by hand."""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest
from flint import arb, fmpq
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, uniform
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import as_fmpq, interval, precision
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import ExactQuantities, evaluate_claim, rational

HALF, SIXTH = Fraction(1, 2), Fraction(1, 6)
ONE_FREE = Target.from_rows(
    [[a, a, b] for a in range(2) for b in range(2)], [Fraction(1, 4)] * 4, 2
)
"""Two copies and a free token: of three pairs one is dependent, and only while neither is shown."""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (copies(2, 2), {(2,): HALF, (1, 1): 0}),
        (copies(3, 2), {(3,): Fraction(3, 4), (2, 1): HALF, (1, 2): 0, (1, 1, 1): 0}),
        (ONE_FREE, {(3,): HALF, (2, 1): SIXTH, (1, 2): SIXTH, (1, 1, 1): 0}),
    ],
)
def test_what_blocks_lose_is_a_mean_over_their_places(
    target: Target, expected: dict[tuple[int, ...], Fraction]
) -> None:
    found = ExactQuantities(exact_experiment(target)).D
    assert found == {a: as_fmpq(Fraction(value)) for a, value in expected.items()}


def test_a_value_is_exact_only_if_all_of_it_is() -> None:
    sure, ball = fmpq(1, 3), arb(1) / 3
    for whole in (sure, 1, Fraction(1, 3), [sure, 2], (sure,), {"a": sure, "b": [1, sure]}, []):
        assert rational(whole)
    for part in (
        ball,
        0.5,
        [sure, ball],
        (ball, sure),
        {"a": sure, "b": ball},
        {"a": [sure, ball]},
    ):
        assert not rational(part)


def test_a_formula_of_balls_and_fractions_is_a_ball() -> None:
    values = {"epsilon_FHS": fmpq(1, 3)}
    assert isinstance(evaluate_claim(CLAIMS["H2"], values), fmpq)
    mixed = {"d": 2, "epsilon_KL": arb(1) / 8}
    found = evaluate_claim(CLAIMS["C1"], mixed, variant=None)
    assert isinstance(found, arb)


LAW = {(0, 0, 0): 1, (0, 1, 1): 3, (1, 0, 1): 2, (1, 1, 0): 5, (1, 1, 1): 10}
"""Of 21: three tokens that all depend on each other, and three sequences that never occur."""

TARGET = Target.from_rows(list(LAW), [Fraction(n, 21) for n in LAW.values()], 2)
SUBSETS = [shown for n in range(4) for shown in itertools.combinations(range(3), n)]
WRONG = {
    ((2, 2, 2), 1): (Fraction(1, 3), Fraction(2, 3)),
    ((0, 2, 2), 2): (Fraction(1, 4), Fraction(3, 4)),
    ((2, 1, 2), 0): (Fraction(9, 10), Fraction(1, 10)),
    ((1, 2, 1), 1): (Fraction(1, 2), Fraction(1, 2)),
    ((0, 0, 2), 2): (Fraction(3, 5), Fraction(2, 5)),
}


def chance(shown: Sequence[int], row: Sequence[int]) -> float:
    """q_0(x_U), by its definition."""
    agree = (n for x, n in LAW.items() if all(x[i] == row[i] for i in shown))
    return sum(agree) / 21


def mean_distance(shown: Sequence[int], place: int, wrong: Mapping, kind: str = "tv") -> float:
    """E of TV(p, p̂) or KL(p‖p̂) at a place, over the values that are shown."""
    total = 0.0
    for values in itertools.product(range(2), repeat=len(shown)):
        context = [2, 2, 2]
        for i, a in zip(shown, values, strict=True):
            context[i] = a
        if (whole := chance(shown, context)) and (tuple(context), place) in wrong:
            for a, said in enumerate(map(float, wrong[tuple(context), place])):
                here = [*context[:place], a, *context[place + 1 :]]
                true = chance((*shown, place), here) / whole
                far = abs(true - said) / 2 if kind == "tv" else 0.0
                total += whole * (far or (true and true * math.log(true / said)))
    return total


def others(shown: Sequence[int]) -> list[int]:
    return [i for i in range(3) if i not in shown]


def parallel(shown: Sequence[int], block: Sequence[int]) -> float:
    """E TV(q_0(x_B | x_U), ∏ q_0(x_i | x_U)), over all values."""
    total = 0.0
    for row in itertools.product(range(2), repeat=len((*shown, *block))):
        x = dict(zip((*shown, *block), row, strict=True))
        full = [x.get(i, 2) for i in range(3)]
        if whole := chance(shown, full):
            apart = math.prod(chance((*shown, i), full) / whole for i in block)
            total += abs(chance((*shown, *block), full) - whole * apart) / 2
    return total


def put_out(hazards: Sequence[float], wrong: Mapping) -> dict[tuple[int, ...], float]:
    """The chain itself, over all partly masked sequences."""
    exact = ExactQuantities(exact_experiment(TARGET))
    states = {(2, 2, 2): 1.0}
    for r in hazards:
        following: dict[tuple[int, ...], float] = defaultdict(float)
        for state, mass in states.items():
            hidden = [i for i in range(3) if state[i] == 2]
            laws = [
                [float(p) for p in wrong.get((state, i)) or exact.conditional(state, i)]
                if state in exact.marginal
                else [0.5, 0.5]  # whatever is said there, no sequence of the law comes of it
                for i in hidden
            ]
            for new in itertools.product(range(3), repeat=len(hidden)):
                x = list(state)
                p = mass
                for i, a, law in zip(hidden, new, laws, strict=True):
                    x[i] = a
                    p *= 1 - r if a == 2 else r * law[a]
                following[tuple(x)] += p
        states = following
    return states


def test_entropies_are_those_of_the_definition() -> None:
    numbers = ExactQuantities(exact_experiment(TARGET))
    for m in range(3):
        terms = [
            -chance((*shown, i), x) * math.log(chance((*shown, i), x) / chance(shown, x))
            for shown in SUBSETS
            if len(shown) == m
            for i in others(shown)
            for values in itertools.product(range(2), repeat=m + 1)
            for x in [[dict(zip((*shown, i), values, strict=True)).get(j, 2) for j in range(3)]]
            if chance((*shown, i), x)
        ]
        pairs = math.comb(3, m) * (3 - m)
        assert float(numbers.h[m]) == pytest.approx(sum(terms) / pairs, rel=1e-12)
    whole = -sum(n / 21 * math.log(n / 21) for n in LAW.values())
    assert float(numbers.entropy) == pytest.approx(whole, rel=1e-12)
    assert float(numbers.I_bar) == pytest.approx(float(numbers.h[0] - numbers.h[2]), rel=1e-12)
    # of a uniform law Ī is 0, and no rounding makes it negative
    assert bool(ExactQuantities(exact_experiment(uniform(3, 3))).I_bar >= 0)


STEPS = (Fraction(1, 2), Fraction(1, 4), Fraction(1, 8))


def test_errors_of_a_denoiser_are_those_of_the_definition() -> None:
    numbers = ExactQuantities(exact_experiment(TARGET, steps=STEPS, predictions=WRONG))
    for name, kind in (("epsilon_FHS", "tv"), ("epsilon_KL", "kl")):
        expected = sum(
            mean_distance(shown, i, WRONG, kind) / (math.comb(3, len(shown)) * (3 - len(shown)))
            for shown in SUBSETS
            for i in others(shown)
        )
        assert float(getattr(numbers, name)) == pytest.approx(expected, rel=1e-12)
    before, expected = Fraction(0), 0.0
    for w in STEPS:
        for shown in SUBSETS:
            for i in others(shown):
                n = len(shown)
                expected += float(w * before**n * (1 - before) ** (2 - n)) * mean_distance(
                    shown, i, WRONG
                )
        before += w
    assert float(numbers.epsilon_w) == pytest.approx(expected, rel=1e-12)
    missing = {((2, 2, 2), 0): (Fraction(0), Fraction(1))}
    assert not ExactQuantities(exact_experiment(TARGET, predictions=missing)).epsilon_KL.is_finite()
    # what never occurs may be missed
    spare = {((0, 0, 2), 2): (Fraction(1), Fraction(0))}
    assert ExactQuantities(exact_experiment(TARGET, predictions=spare)).epsilon_KL == 0


def test_the_output_law_is_that_of_the_chain() -> None:
    numbers = ExactQuantities(exact_experiment(TARGET, steps=STEPS, predictions=WRONG))
    law = put_out((1 / 2, 1 / 2, 1 / 2), WRONG)  # the hazards of these weights
    assert {x: float(p) for x, p in numbers.law.items()} == pytest.approx(
        {x: law[x] for x in LAW}, rel=1e-12
    )
    tv = sum(max(0.0, n / 21 - law[x]) for x, n in LAW.items())
    assert float(numbers.tv) == pytest.approx(tv, rel=1e-12)
    kl = sum(n / 21 * math.log(n / 21 / law[x]) for x, n in LAW.items())
    assert float(numbers.kl) == pytest.approx(kl, rel=1e-12)
    assert fmpq(1, 2) == numbers.W
    assert isinstance(numbers.W, fmpq)
    assert set(numbers.compositions) == {(1, 1, 1), (1, 2), (2, 1), (3,)}
    never = {((2, 2, 2), i): (Fraction(1), Fraction(0)) for i in range(3)}
    stuck = ExactQuantities(exact_experiment(TARGET, steps=(Fraction(1),), predictions=never))
    assert bool(stuck.kl > 10**9)
    sure = exact_experiment(Target.from_rows([[1, 1]], [1], 2), steps=(Fraction(1),))
    assert float(ExactQuantities(sure).kl) == 0


@pytest.mark.parametrize("rule", ["tau-leaping", "euler"])
def test_the_terms_of_e1_are_sums_over_steps_subsets_and_blocks(rule: str) -> None:
    """On the polynomial clock α = 1 − t², from 3/4 to 0 in three steps."""
    grid = Schedule(rule, "polynomial:2", "uniform", 3, Fraction(3, 4))
    numbers = ExactQuantities(exact_experiment(TARGET, grid=grid, predictions=WRONG))
    times = [0.75, 0.5, 0.25, 0.0]
    hidden = [t**2 for t in times]
    hazards = [float(step["r"]) for step in numbers.path]
    assert len(set(hazards)) > 1
    clock = score = apart = 0.0
    for k, r in enumerate(hazards):
        rho, m = 1 - hidden[k + 1] / hidden[k], hidden[k]
        clock += 3 * m * abs(rho - r)
        for shown in SUBSETS:
            at = (1 - m) ** len(shown) * m ** (3 - len(shown))
            score += at * r * sum(mean_distance(shown, i, WRONG) for i in others(shown))
            for size in range(2, 4):
                for block in itertools.combinations(others(shown), size):
                    together = r**size * (1 - r) ** (3 - len(shown) - size)
                    apart += at * together * parallel(shown, block)
    expected = {"clock": clock, "score": score, "parallel": apart, "early_stopping": 0}
    expected["initialisation"] = 1 - hidden[0] ** 3
    for name, value in expected.items():
        assert float(numbers.E1_term(name)) == pytest.approx(value, rel=1e-12, abs=1e-15), name
    assert Fraction(3, 4) == numbers.T
    assert [float(w) for w in numbers.w[:2]] == pytest.approx(
        [hazards[0], (1 - hazards[0]) * hazards[1]]
    )


def test_a_claim_about_steps_or_a_clock_needs_them() -> None:
    bare = ExactQuantities(exact_experiment(TARGET))
    for name in ("w", "path", "T"):
        with pytest.raises(InputError, match="needs"):
            getattr(bare, name)


def test_w_is_the_largest_weight_of_balls_too() -> None:
    grid = Schedule("ancestral", "cosine", "uniform", 5, Fraction(1))
    numbers = ExactQuantities(exact_experiment(TARGET, grid=grid))
    assert float(numbers.W) == pytest.approx(max(map(float, numbers.w)))
    # of balls that overlap either may be the largest, beside a fraction too
    numbers = ExactQuantities(exact_experiment(TARGET, grid=grid))
    numbers.w = [arb(0.3, 0.1), arb(0.32, 0.01), fmpq(1, 10)]
    assert interval(numbers.W).lower <= Fraction(31, 100)
    assert interval(numbers.W).upper >= Fraction(39, 100)


def test_every_number_rises_in_precision() -> None:
    assert ExactQuantities.rises
    widths = []
    for bits in (100, 200):
        with precision(bits):
            widths.append(ExactQuantities(exact_experiment(TARGET)).entropy.rad())
    assert bool(widths[1] < widths[0] * 1e-20)


def test_the_first_order_is_the_limit_of_steps_times_distance() -> None:
    """K·TV of K equal steps falls to it; of two of three copies it is half of d(d−1)/2 = 3, …"""
    for target, exact in ((copies(2, 2), HALF), (copies(3, 2), Fraction(3, 4)), (ONE_FREE, HALF)):
        assert ExactQuantities(exact_experiment(target)).first_order == as_fmpq(exact)
    assert ExactQuantities(exact_experiment(copies(1, 2))).first_order == 0
    limit = ExactQuantities(exact_experiment(TARGET)).first_order
    off = []
    for K in (64, 128):
        numbers = ExactQuantities(exact_experiment(TARGET, steps=(Fraction(1, K),) * K))
        off.append(float(K * numbers.tv / limit - 1))
    assert abs(off[1]) < 0.02
    assert off[0] / off[1] == pytest.approx(2, rel=0.05)
