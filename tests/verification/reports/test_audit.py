import csv
import io
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from rich.console import Console
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import copies
from sharprates.verification.arithmetic import Interval
from sharprates.verification.audit import TargetAudit, audit_target
from sharprates.verification.audit_plan import Plan
from sharprates.verification.files import to_json
from sharprates.verification.planning.loss_curve import read_loss_curve
from sharprates.verification.reports.audit import (
    audit_json,
    interval_json,
    loss_curve_csv,
    print_audit,
    print_terms,
)
from sharprates.verification.verdict import Verdict

from tests.samplers.perturbed import Drifting, Leaking, Scaled, TopK, Uniform


def test_rationals_stay_exact_and_nan_is_refused() -> None:
    third = Interval.exact(Fraction(1, 3))
    assert interval_json(third, "rational")["lower"] == "1/3"
    assert json.loads(to_json(interval_json(third, "ball")))["lower"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})


def test_fractions_of_any_length_are_written() -> None:
    """Python itself refuses to write numbers of more than 4300 digits."""
    long = Fraction(10**5000 + 1, 7)
    assert interval_json(Interval.exact(long), "rational")["lower"] == f"1{'0' * 4999}1/7"


# --- terms, errors, loss curves -------------------------------------------------------------------

TARGET = copies(3, 2)
EXACT = ExactDenoiser(TARGET)
PLAN = Plan(steps=(2, 64), clocks=("linear",), rules=("euler", "tau-leaping"), claims=("E1",))


def printed(one: TargetAudit) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_terms(one, console)
    text: str = console.file.getvalue()
    return text


def test_terms_errors_and_where_they_dominate_are_printed() -> None:
    text = printed(audit_target(TARGET, PLAN, Leaking(EXACT, 0.1)))
    lines = text.splitlines()
    assert lines[1].split()[:6] == ["sampler", "clock", "grid", "K", "exact", "TV"]
    rows = [line for line in lines if line.startswith(("euler", "tau-leaping", "fhs"))]
    assert len(rows) == 5 + 4  # terms, and bounds of the parallel samplers
    # after one token is shown the others are certain, and leak η each: 0, η, η
    assert "ε_FHS 0.2000 (by draw 0, 0.1000, 0.1000)" in text
    assert "entropy of the data 0.6931 nats" in text
    assert "at least half of the sum from K =" in text


def test_bounds_that_count_the_error_stand_side_by_side() -> None:
    one = audit_target(TARGET, PLAN, Leaking(EXACT, 0.1))
    text = printed(one)
    part = text.split("bounds that count the denoiser's error")[1].splitlines()
    assert part[1].split()[6:] == ["≤", "E3", "≤", "B1", "≤", "B2", "≤", "B3", "least"]
    for line, result in zip(part[2:6], one.results, strict=False):
        values = {name: bound.value for name, bound in result.score_bounds.items()}
        assert all(bound.verdict is Verdict.HOLDS for bound in result.score_bounds.values())
        assert line.split()[-1] == min(values, key=lambda name: values[name])
    assert "E3 and B1 count it in contexts of the data (ε_w)" in part[6]
    assert one.results[-1].score_bounds == {}  # first hitting
    found = audit_json([one])["targets"][0]["results"][0]["score_bounds"]
    assert list(found) == ["E3", "B1", "B2", "B3"]
    assert found["B3"]["value"] == one.results[0].score_bounds["B3"].value


def test_only_bounds_that_apply_are_shown() -> None:
    plan = replace(PLAN, steps=(2,))
    varies = printed(audit_target(TARGET, plan, Drifting(EXACT, Uniform(2), 0.1)))
    heads = varies.split("bounds that count the denoiser's error")[1].splitlines()[1]
    assert "B1" in heads
    assert "B2" not in heads
    unnormalised = printed(audit_target(TARGET, plan, Scaled(EXACT, 2)))
    assert "bounds that count" not in unnormalised


def test_infinite_errors_and_hitting_times() -> None:
    text = printed(audit_target(TARGET, PLAN, TopK(EXACT, 1)))
    assert "ε_KL ∞, NELBO ∞" in text
    short = replace(PLAN, steps=(2, 4))
    text = printed(audit_target(TARGET, short, Drifting(EXACT, Uniform(2), 1e-3)))
    assert "denoiser, hitting times of linear: ε_FHS" in text
    assert "less than half of the sum up to K = 4" in text


def test_an_estimate_is_called_one() -> None:
    one = audit_target(
        TARGET, replace(PLAN, steps=(2,)), Scaled(Drifting(EXACT, Uniform(2), 0.5), 1)
    )
    hitting = one.results[-1]
    assert hitting.estimate is not None
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_audit(one, console)
    text = console.file.getvalue()
    assert f"≈{hitting.estimate:.4f} (0–1.0000)" in text
    assert "smooth in t assumed" in text
    assert "ε_FHS ≈" in printed(one)
    found = audit_json([one])["targets"][0]
    tv = found["results"][-1]["tv"]
    assert (tv["lower"], tv["upper"], tv["method"]) == (0, 1, "estimate")
    assert tv["estimate"] == hitting.estimate
    (errors,) = found["denoiser"]["along_orders"]
    assert errors["epsilon_FHS_error"] is None
    assert errors["epsilon_KL_error"] is None


def test_nothing_is_printed_for_the_exact_denoiser() -> None:
    assert printed(audit_target(TARGET, PLAN, EXACT)) == ""


def test_the_loss_curve_is_one_that_the_planner_reads(tmp_path) -> None:
    one = audit_target(TARGET, PLAN, Leaking(EXACT, 0.1))
    assert one.denoiser is not None
    ((_, errors),) = one.denoiser.errors
    text = loss_curve_csv(errors)
    assert text is not None
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["masked"]) for row in rows] == [3, 2, 1]
    path = tmp_path / "losses.csv"
    path.write_text(text)
    curve = read_loss_curve(path, 3, 2)
    assert curve.losses.tolist() == list(errors.losses)
    assert curve.label == "exact"
    assert loss_curve_csv(replace(errors, losses=(0.1, float("inf"), 0.1))) is None
    assert sum(errors.losses) == pytest.approx(errors.nelbo)


def test_why_a_claim_is_not_shown_is_a_short_line() -> None:
    """However many samplers there are, each reason stands once and few of them are named."""
    policies = tuple(f"threshold:0.{k}" for k in range(1, 10))
    plan = replace(PLAN, claims=("E2", "E7", "F1"), policies=policies)
    console = Console(file=io.StringIO(), width=400, color_system=None)
    print_audit(audit_target(TARGET, plan, EXACT), console)
    lines = {x[:2]: x for x in console.file.getvalue().splitlines() if "is not shown" in x}
    assert "for tau-leaping, fhs and 9 more it " in lines["E2"]
    assert lines["F1"].startswith("F1 is not shown: it ")  # for all the same
    assert max(map(len, lines.values())) < 250
