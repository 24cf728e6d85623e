"""The framework: search and shrinking, counting, power, break-even, trends, precision."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import (
    LEFTOVER_FORGOTTEN,
    POINTS,
    Check,
    Trend,
    changed,
    decided,
    exact,
    formula,
    on_instances,
    run_check,
    tightened,
    trial_of,
)
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.checks.trial import STATED, Example, Mutant, Trial
from sharprates.verification.evidence import Fit, Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import rational
from sharprates.verification.verdict import Decision, Verdict

NUMBERS = st.integers(0, 100).map(lambda x: Example.of(x=x))


def below(limit: int, counts=lambda _: True):
    """x ≤ H4.constant · limit."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        bound = limit * mutant.scale.get("H4.constant", 1)
        side = (Interval.exact(Fraction(example["x"])), Interval.exact(Fraction(bound)))
        return Trial(example, Decision(Relation.UPPER, (side,)), counts(example["x"]))

    return trial


def a_check(trial, **options) -> Check:
    return Check("H4", "numbers", NUMBERS, trial, **options)


def test_a_failing_example_is_found_and_shrunk() -> None:
    kept = []
    found = run_check(
        a_check(below(60)), 50, store=lambda example: kept.append(example) or "a file"
    )
    assert found.failure == "x=61: 61 against 60"  # the smallest that fails
    assert (kept[0]["x"], found.witness) == (61, "a file")


def test_the_same_seed_tries_the_same_examples() -> None:
    seen: list[list[int]] = []
    for number in (1, 1, 2):
        tried: list[int] = []

        def trial(example: Example, mutant: Mutant, tried: list[int] = tried) -> Trial:
            tried.append(example["x"])
            return below(100)(example, mutant)

        run_check(a_check(trial), 20, number)
        seen.append(tried)
    assert seen[0] == seen[1] != seen[2]


def test_mutants_are_tried_on_every_example_and_a_survivor_is_reported() -> None:
    half = Mutant("half", {"H4.constant": Fraction(1, 2)})
    weak = Mutant("looser", {"H4.constant": Fraction(2)})
    outcome = run_check(a_check(below(100), mutants=(half, weak)), 50)
    assert outcome.power["half"] is not None
    assert outcome.power["looser"] is None
    assert outcome.complaint == "does not reject: looser"


def test_too_few_counting_examples_are_reported() -> None:
    outcome = run_check(a_check(below(100, counts=lambda x: x > 95)), 50)
    assert 0 < outcome.n_counting < 0.3 * outcome.n
    assert outcome.complaint is not None
    assert "count" in outcome.complaint


def test_that_few_examples_of_a_scaled_claim_count_is_no_complaint() -> None:
    check = a_check(below(100, counts=lambda x: x > 95))
    assert run_check(check, 50, scale={"H4.constant": Fraction(2)}).complaint is None


def test_an_edge_is_always_tried() -> None:
    outcome = run_check(
        a_check(below(100), edges={"the bound itself": Example.of(x=100)}), examples=1
    )
    assert outcome.ratio == 1


def test_break_even_is_the_factor_at_which_the_tightest_example_fails() -> None:
    check = a_check(below(200), edges={"largest": Example.of(x=100)})
    factor = run_check(check, 5).break_even["constant"]
    assert factor == pytest.approx(0.5, abs=1e-6)
    assert 200 * factor >= 100  # it fails just below


def test_of_equally_tight_examples_the_shortest_is_shown() -> None:
    def trial(example: Example, _: Mutant) -> Trial:
        side = (Interval.exact(Fraction(1)), Interval.exact(Fraction(2)))
        return Trial(example, Decision(Relation.UPPER, (side,)), counts=True)

    outcome = run_check(a_check(trial), 60)
    assert len(outcome.instance or "") == len("x=1")


def test_of_equally_tight_examples_one_that_says_more_is_shown() -> None:
    """More than one token, row and step, though it is longer to write."""
    laws = [families.family(text) for text in ("uniform:1:2", "point-mass:2:2", "copies:2:2")]
    at_once = [exact_experiment(law, steps=(Fraction(1),)) for law in laws]
    halves = exact_experiment(laws[2], steps=(Fraction(1, 2),) * 2)
    check = Check(
        "E4",
        "all equal",
        lambda _: [Example.of(one) for one in shown],
        lambda example, _: trial_of(example, Relation.UPPER, [(fmpq(1, 2), fmpq(1, 2))]),
    )
    shown = at_once
    assert "copies" in (run_check(check).instance or "")
    shown = [*at_once, halves]
    assert run_check(check).instance == str(halves)


def a_trend(gap: Callable[[int], Fraction]) -> Fit:
    """Of a bound that a family x = 2, 4, 8, 16 misses by this gap."""

    def trial(example: Example, _: Mutant) -> Trial:
        side = (Interval.exact(1 - gap(int(example["x"]))), Interval.exact(Fraction(1)))
        return Trial(example, Decision(Relation.UPPER, (side,)), counts=True)

    check = Check(
        "H4",
        "a trend",
        lambda _: [Example.of(x=x) for x in (2, 4, 8, 16)],
        trial,
        trend=Trend("made up", "x"),
    )
    fit = run_check(check).fit
    assert fit is not None
    return fit


def test_a_trend_is_fitted() -> None:
    fit = a_trend(lambda x: Fraction(3, x**2))
    assert (fit.exponent, fit.constant) == (pytest.approx(2), pytest.approx(3))
    assert (fit.at, fit.last) == (16, pytest.approx(1 - 3 / 256))


def test_a_gap_that_falls_like_a_logarithm_is_no_power() -> None:
    fit = a_trend(lambda x: Fraction(1, 4 * x.bit_length()))
    assert (fit.exponent, fit.constant) == (None, None)
    assert fit.last == pytest.approx(1 - 1 / 20)


@pytest.mark.parametrize(
    ("gap", "exponent", "constant"),
    [
        (lambda x: Fraction(3, x**2) if x > 2 else Fraction(9, 10), 2, 3),  # the last three alone
        (lambda x: Fraction(x, 100), -1, 0.01),
        (lambda _: Fraction(1, 4), 0, 0.25),
    ],
)
def test_a_power_of_any_sign_is_one(gap, exponent: float, constant: float) -> None:
    fit = a_trend(gap)
    assert fit.exponent == pytest.approx(exponent)
    assert fit.constant == pytest.approx(constant)


def test_a_scale_is_applied_and_mutants_are_left_out() -> None:
    check = a_check(below(100), mutants=(tightened("H4"),))
    scale = {"H4.constant": Fraction(1, 2), "E3.constant": Fraction(0)}
    assert (run_check(check, 50, scale=scale).failure or "").startswith("x=51: ")


def test_bits_are_raised_until_the_sides_are_told_apart() -> None:
    """1 and 1 + 10⁻¹⁰⁰ are equal at 128 bits."""
    bits = []

    def trial(example: Example, _: Mutant) -> Trial:
        bits.append(ctx.prec)
        return trial_of(example, Relation.UPPER, [(1 + arb(10) ** -100, arb(1) / 3 * 3)], True)

    before = ctx.prec
    assert decided(a_check(trial), Example.of(x=0), STATED).decision.verdict is Verdict.FAILS
    assert bits == [128, 512]
    assert ctx.prec == before


def test_a_ball_that_says_nothing_is_computed_again() -> None:
    def trial(example: Example, _: Mutant) -> Trial:
        side = arb("nan") if ctx.prec < 500 else arb(0)
        return trial_of(example, Relation.UPPER, [(side, arb(1))], True)

    assert decided(a_check(trial), Example.of(x=0), STATED).decision.verdict is Verdict.HOLDS


def test_a_formula_is_exact_where_it_can_be() -> None:
    values = {"d": 2, "w": [Fraction(1, 2)] * 2, "epsilon_w": 0}
    assert formula("E3", None, values) == fmpq(1, 2)
    doubled = changed("twice w", w=lambda w: [2 * x for x in w])
    assert formula("E3", None, values, doubled) == 1 - 2
    assert isinstance(formula("F3", None, {"alpha_delta": arb(1) / 3, "d": 2}), arb)
    assert rational({"a": [1, Fraction(1, 2)]})
    assert not rational([arb(1)])


def test_tightening_goes_against_the_relation() -> None:
    assert tightened("E3").scale == {"E3.constant": Fraction(99, 100)}
    assert tightened("L0").scale == {"L0.constant": Fraction(101, 100)}


def test_equal_instances_share_their_numbers() -> None:
    law = families.family("copies:2:2")
    one, two = (exact_experiment(law, steps=(Fraction(1, n),)) for n in (2, 3))
    assert exact(one) is exact(exact_experiment(law, steps=(Fraction(1, 2),)))
    assert exact(one) is not exact(two)


def test_an_outcome_keeps_the_points_that_a_plot_shows() -> None:
    """Bound and measured of every counting trial, the worst first; none where none are rated."""
    found = run_check(_named("E3", "any law, any step law"), 20)
    bound, measured = found.points[0]
    assert measured / bound == pytest.approx(found.ratio, rel=1e-4)
    assert len(set(found.points)) == len(found.points) <= found.n_counting
    assert all(y <= x * (1 + 1e-4) for x, y in found.points)
    assert found.difference is None
    same = run_check(_named("F1", "masking token by token"), 10)
    assert same.difference == 0
    assert all(x == y for x, y in same.points)


def _named(claim_id: str, start: str) -> Check:
    found = (one for one in checks_of(claim_id) if isinstance(one, Check))
    return next(one for one in found if one.name.startswith(start))


def test_what_is_not_rated_has_no_ratio_no_points_and_no_break_even() -> None:
    found = run_check(a_check(below(200), rated=False), 20)
    assert (found.ratio, found.relation, found.instance) == (None, None, None)
    assert (found.points, found.break_even, found.difference) == ((), {}, None)
    assert found.n_counting == found.n


def test_nothing_that_counts_has_no_ratio() -> None:
    found = run_check(a_check(below(200, counts=lambda _: False)), 20)
    assert (found.ratio, found.points) == (None, ())


def test_as_many_points_as_a_plot_takes_the_worst_first_and_once() -> None:
    numbers = [Example.of(x=x) for x in (*range(POINTS + 20), 100)]
    check = Check("H4", "numbers", lambda _: numbers, below(200))
    found = run_check(check, 1)
    assert found.points[0] == (200.0, 100.0)  # seen last, beyond what is kept
    assert sorted(found.points[1:]) == [(200.0, float(x)) for x in range(POINTS)]
    assert len(set(found.points)) == len(found.points) == POINTS + 1


def test_the_claim_is_decided_as_stated_unless_it_is_scaled() -> None:
    seen = []

    def trial(example: Example, mutant: Mutant) -> Trial:
        seen.append((mutant.name, dict(mutant.scale)))
        return below(300)(example, mutant)

    run_check(a_check(trial, rated=False), 1)
    run_check(a_check(trial, rated=False), 1, scale={"H4.constant": Fraction(1, 2)})
    run_check(a_check(trial, rated=False), 1, scale={"E3.constant": Fraction(1, 2)})
    half = ("as stated", {"H4.constant": Fraction(1, 2)})
    assert seen == [(STATED.name, {}), half, (STATED.name, {})]


def test_examples_are_counted_one_by_one() -> None:
    """Ten numbers, of which seven count and the last two are not known well enough."""

    def trial(example: Example, _: Mutant) -> Trial:
        x = example["x"]
        measured = Interval.around(0.5, 0.25) if x >= 8 else Interval.exact(0.25)
        decision = Decision(Relation.UPPER, ((measured, Interval.exact(0.5)),))
        return Trial(example, decision, counts=x < 7)

    numbers = [Example.of(x=x) for x in range(10)]
    found = run_check(Check("H4", "numbers", lambda _: numbers, trial, method=Method.TESTED))
    assert (found.n, found.n_counting, found.n_undecided) == (10, 7, 2)
    wrong = run_check(Check("H4", "numbers", lambda _: numbers, below(5), method=Method.TESTED))
    assert (wrong.n, wrong.n_counting) == (7, 6)  # 0 to 5, and 6, which fails


def test_break_even_looks_at_the_three_tightest_examples() -> None:
    """Bound 1 − k(1 − c) at a factor c: the looser of these ratios r fail at a larger one."""
    # 100·r and k, which fail below c = 1 − (1 − r)/k; of two that are equal one is kept
    steep = [(50, 125), (70, 10), (90, 1), (90, 1), (85, 3), (60, 20)]

    def trial(example: Example, mutant: Mutant) -> Trial:
        bound = 1 - example["k"] * (1 - Fraction(mutant.scale.get("H4.constant", 1)))
        side = (Interval.exact(Fraction(example["x"], 100)), Interval.exact(bound))
        return Trial(example, Decision(Relation.UPPER, (side,)), counts=True)

    tried = [Example.of(x=x, k=k) for x, k in steep]
    found = run_check(Check("H4", "numbers", lambda _: tried, trial))
    assert found.ratio == 0.9
    assert found.break_even["constant"] == pytest.approx(0.97, abs=1e-6)  # of 0.7, not of 0.6


@pytest.mark.parametrize(
    ("tenths", "factor"), [([635], 63.5), ([645], None), ([15], 1.5), ([30, 20, 40], 2.0)]
)
def test_a_lower_bound_breaks_even_up_to_sixty_four(
    tenths: list[int], factor: float | None
) -> None:
    def trial(example: Example, mutant: Mutant) -> Trial:
        bound = Fraction(mutant.scale.get("L0.constant", 1))
        side = (Interval.exact(Fraction(example["x"], 10)), Interval.exact(bound))
        return Trial(example, Decision(Relation.LOWER, (side,)), counts=True)

    one = Check("L0", "numbers", lambda _: [Example.of(x=x) for x in tenths], trial)
    found = run_check(one).break_even["constant"]
    assert found == (factor and pytest.approx(factor, abs=1e-5))


def test_a_trend_from_above_is_fitted_too() -> None:
    """From the last two examples that are not equal to what they tend to."""

    def trial(example: Example, _: Mutant) -> Trial:
        x = example["x"]
        gap = Fraction(3, x) if x < 100 else Fraction(0)
        bound = Fraction(x < 101)  # of 0 there is no ratio
        side = (Interval.exact((1 + gap) * bound), Interval.exact(bound))
        return Trial(example, Decision(Relation.LOWER, (side,)), counts=True)

    for numbers in ((2, 4, 8), (4, 8, 100), (8, 100), (4, 8, 101)):
        tried = [Example.of(x=x) for x in numbers]
        check = Check("L0", "a trend", lambda _, t=tried: t, trial, trend=Trend("f", "x"))
        fit = run_check(check).fit
        assert (fit is None) is (numbers == (8, 100))
        if fit is not None:
            assert (fit.exponent, fit.constant) == (pytest.approx(1), pytest.approx(3))
            assert fit.at == 8


def test_a_hunt_climbs_towards_tighter_examples() -> None:
    wide, top = st.integers(0, 10**9), 123_456_789
    near = wide.map(lambda x: Example.of(x=10**9 - abs(x - top)))  # tight inside, not at an end
    hunted, drawn = (
        run_check(Check("H4", "numbers", near, below(10**9), hunts=hunts), 200).ratio or 0.0
        for hunts in (True, False)
    )
    assert hunted > drawn


def test_a_check_without_examples_is_none_and_sizes_are_told() -> None:
    none = run_check(Check("H4", "nothing", lambda _: [], below(5)))
    assert (none.n, none.complaint) == (0, "no example was tried")
    one = run_check(Check("H4", "one", lambda _: [Example.of(x=1)], below(5)))
    assert (one.n, one.complaint) == (1, None)
    reach = run_check(_named("E3", "any law, any step law"), 10).reach
    assert reach.forms == ("",)
    assert reach.sizes["d"][0] >= 1


def test_as_many_examples_as_the_effort_asks_for_and_a_share_that_just_counts() -> None:
    asked = []

    def numbers(count: int) -> list[Example]:
        asked.append(count)
        return [Example.of(x=x) for x in range(10)]

    found = run_check(Check("H4", "numbers", numbers, below(9, lambda x: x < 3), effort=0.25), 40)
    run_check(Check("H4", "numbers", numbers, below(9)))
    assert asked == [10, 60]
    assert (found.n_counting, found.n, found.complaint) == (3, 10, None)
    few = run_check(Check("H4", "numbers", numbers, below(9, lambda x: x < 2)))
    assert few.complaint == "only 2 of 10 examples count"


def test_a_pair_that_is_not_finite_is_not_drawn() -> None:
    def trial(example: Example, _: Mutant) -> Trial:
        return trial_of(example, Relation.UPPER, [(fmpq(1, 2), arb("inf"))], counts=True)

    found = run_check(Check("H4", "one", lambda _: [Example.of(x=1)], trial))
    assert (found.n_counting, found.points) == (1, ())


def test_a_difference_has_no_sign_and_any_pair_that_counts_counts() -> None:
    def trial(example: Example, _: Mutant) -> Trial:
        side = (Interval.around(0.5, 0.25), Interval.around(0.5 + example["x"] / 16, 0.25))
        return Trial(example, Decision(Relation.EQUALITY, (side,)), counts=True)

    tried = [Example.of(x=1), Example.of(x=2), Example.of(x=1)]
    check = Check("F1", "near", lambda _: tried, trial, method=Method.TESTED)
    assert run_check(check).difference == 0.125
    half, vacuous = (fmpq(1, 4), fmpq(1, 2)), (fmpq(1, 4), fmpq(2))
    for sides, counts in (([half, vacuous], True), ([vacuous], False)):
        assert trial_of(Example.of(x=1), Relation.UPPER, sides).counts is counts


@pytest.mark.parametrize(("slope", "power"), [(1.08, True), (1.15, False)])
def test_slopes_within_a_tenth_are_those_of_one_power(slope: float, power: bool) -> None:
    gaps = {2: Fraction(1, 2), 4: Fraction(1, 4), 8: Fraction(1, 8)}
    gaps[16] = gaps[8] * Fraction(2**-slope)
    fit = a_trend(lambda x: gaps[x])
    assert (fit.exponent is not None) is power


@pytest.mark.parametrize(("apart", "shown"), [(8e-13, "x=1"), (1.5e-12, "x=10")])
def test_ratios_within_a_trillionth_rank_alike(apart: float, shown: str) -> None:
    """Then the plainer example is shown."""

    def trial(example: Example, _: Mutant) -> Trial:
        ratio = Fraction(1, 2) + (Fraction(apart) if example["x"] == 10 else 0)
        side = (Interval.exact(ratio), Interval.exact(Fraction(1)))
        return Trial(example, Decision(Relation.UPPER, (side,)), counts=True)

    tried = [Example.of(x=10), Example.of(x=1)]
    assert run_check(Check("H4", "two", lambda _: tried, trial)).instance == shown


def test_leftover_is_forgotten_by_weights_that_sum_to_one() -> None:
    assert LEFTOVER_FORGOTTEN.values is not None
    found = LEFTOVER_FORGOTTEN.values({"w": [Fraction(1, 4), Fraction(1, 8)]})
    assert found["w"] == [Fraction(2, 3), Fraction(1, 3)]


def test_parameters_of_an_example_stand_in_for_numbers_of_its_experiment() -> None:
    """Those that the formula asks for; also of symbols that no experiment has."""
    experiment = exact_experiment(families.family("copies:2:2"), steps=(Fraction(1, 2),) * 2)
    example = Example.of(experiment, epsilon_w=Fraction(1, 8), unknown=Fraction(1, 2))
    ((_, bound),) = on_instances("E3")(example, STATED).decision.sides
    assert bound.lower == Fraction(1, 2) + Fraction(1, 8)
    hidden = Example.of(experiment, alpha_delta=Fraction(1, 2))
    trial = on_instances("F3", measured=lambda _: fmpq(3, 4))
    ((_, bound),) = trial(hidden, STATED).decision.sides
    assert bound.lower == Fraction(3, 4)  # 1 − α_δ^d


def test_what_is_not_said_is_the_first_seed_and_no_hunt() -> None:
    check = a_check(below(200))
    assert not check.hunts
    assert run_check(check, 20) == run_check(check, 20, 0)
    assert run_check(check, 20).instance != run_check(check, 20, 1).instance


def test_values_of_the_formula_may_be_worked_out_from_an_example() -> None:
    experiment = exact_experiment(families.family("copies:2:2"))
    trial = on_instances(
        "F3",
        measured=lambda _: fmpq(1, 2),
        extra=lambda example, it: {"alpha_delta": Fraction(1, example["n"] * it.S)},
    )
    ((_, bound),) = trial(Example.of(experiment, n=2), STATED).decision.sides
    assert bound.lower == 1 - Fraction(1, 16)
