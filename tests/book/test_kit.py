"""What the pages share: a live check fails where a claim does not hold."""

from __future__ import annotations

from fractions import Fraction

import kit
import pytest
from flint import fmpq
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval


def test_a_check_that_holds_and_one_that_does_not() -> None:
    values = {"d": 3, "w": [0.5, 0.25, 0.25], "epsilon_w": 0}
    bound = kit.formula("E3", **values)
    assert kit.check("E3", bound - 1e-6, values).measured.middle < bound
    with pytest.raises(AssertionError, match="fails"):
        kit.check("E3", bound + 1e-6, values)


def test_a_worst_case_is_an_equality_on_its_own_family() -> None:
    bench, law = kit.Bench.of("copies:3:2"), kit.random_law(5, 0.2, 1)
    values = {"d": 3, "S": 2, "w": law.weights.tolist()}
    assert kit.check("L2", bench.tv(law), values).relation is Relation.EQUALITY
    with pytest.raises(AssertionError):
        kit.check("L2", bench.tv(law).middle + 1e-6, values)


def test_a_bench_compares_its_exact_tv() -> None:
    bench = kit.Bench.of("parity:4:2")
    row = bench.check("E3", StepLaw.equal(8))
    assert row.measured == bench.tv(StepLaw.equal(8))
    assert row.value.middle == bench.bound("E3", StepLaw.equal(8))
    assert bench.tv(first_hitting(4)).middle < 1e-12
    assert bench.kl(first_hitting(4)) == pytest.approx(0, abs=1e-12)
    assert bench.tv(StepLaw.equal(8)).middle <= bench.bound("E3", StepLaw.equal(8))


def test_a_bench_refuses_a_claim_that_does_not_apply() -> None:
    with pytest.raises(AssertionError, match="equal steps"):
        kit.Bench.of("copies:3:2").check("E7", kit.random_law(5))


def test_random_laws_have_the_leftover_that_was_asked_for() -> None:
    assert kit.random_law(7, 0.25, 3).leftover == pytest.approx(0.25)
    assert kit.random_law(7).leftover == 0


def test_slope_is_the_exponent() -> None:
    assert kit.slope([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
    assert kit.powers_of_two(4, 64) == [4, 8, 16, 32, 64]


def test_checks_are_one_line_above_a_closed_table() -> None:
    row = kit.check("E3", 0.1, {"d": 2, "w": [0.5, 0.5], "epsilon_w": 0}, "a <b>")
    text = kit.Checks([row])._repr_html_()
    assert "<td>E3</td><td>a &lt;b&gt;</td><td>0.1</td><td>≤</td><td>0.5</td><td>✓</td>" in text
    line = "✓ 1 comparison holds; tightest E3 at a &lt;b&gt;: 20.0% of the bound</summary>"
    assert text.startswith(f'<details class="checks-closed"><summary>{line}<table')


def test_numbers_of_a_text_are_computed_again() -> None:
    rows = [("TV", Fraction(1, 4), "1/4"), ("root", 0.35017, "0.350"), ("flint", fmpq(2, 3), "2/3")]
    text = kit.Agreed(rows)._repr_html_()
    assert "3 numbers of the solutions" in text
    assert "<td>TV</td><td>1/4</td><td>1/4</td>" in text
    for wrong in (("TV", Fraction(1, 4), "1/5"), ("root", 0.35017, "0.351"), ("", fmpq(2), "3")):
        with pytest.raises(AssertionError, match="the text says"):
            kit.Agreed([*rows, wrong])


def test_a_wide_table_carries_its_headings_in_each_row() -> None:
    text = kit.WideWords(["one", "<two>"], [[1, "b"]])._repr_html_()
    assert '<tr><td data-label="one">1</td><td data-label="&lt;two&gt;">b</td></tr>' in text
    plain = kit.Words(["one", "<two>"], [[1, "b"]])._repr_html_()
    assert "<th>&lt;two&gt;</th>" in plain
    assert "<tr><td>1</td><td>b</td></tr>" in plain


def test_the_tightest_comparison_is_named() -> None:
    values = {"d": 2, "w": [0.5, 0.5], "epsilon_w": 0}
    upper = [kit.check("E3", tv, values, f"TV {tv}") for tv in (0.1, 0.4, 0.3)]
    lower = kit.check("L0", 0.8, {"d": 1, "w": [0.25]}, "half left")
    assert kit.summary([*upper, lower]).endswith("tightest L0 at half left: 93.8% of the bound")
    assert "E3 at TV 0.4: 80.0%" in kit.summary(upper)


def test_a_number_that_is_zero_up_to_rounding_reads_zero() -> None:
    around = [Interval(Fraction(-1, 10**17), Fraction(3, 10**17)), Interval(-0.1, 0.3)]
    assert [kit.shown(one) for one in around] == ["0", "0.1"]
    assert kit.shown(Interval(-1e-5, -1e-5)) == "−1e−05"


def test_equalities_tell_their_difference() -> None:
    values = {"d": 3, "S": 2, "w": [0.5, 0.5]}
    row = kit.check("L2", kit.formula("L2", **values), values)
    assert kit.summary([row, row]).startswith("2 comparisons hold; equal ")
