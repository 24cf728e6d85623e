"""Bound tables as text and JSON."""

import math
from dataclasses import replace

from rich.console import Console
from sharprates.samplers.families import family
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.arithmetic import Interval
from sharprates.verification.bound_table import BoundTables
from sharprates.verification.reports.bound_table import bounds_json, print_bounds

TABLE = BoundTables(family("copies:2:2"))(StepLaw.equal(2))


def test_exact_values_stand_above_what_bounds_them() -> None:
    console = Console(width=120, record=True)
    print_bounds("copies, two steps", TABLE, console)
    lines = [line.split() for line in console.export_text().splitlines()]
    assert " ".join(lines[0]) == "copies, two steps"
    assert lines[2][:3] == ["TV", "exact", "0.2500"]
    kinds = [line[0] for line in lines[2:] if line]
    assert kinds == sorted(kinds, reverse=True)  # TV before KL
    assert any("this project" in " ".join(line) for line in lines)


def test_json_keeps_both_ends_and_where_a_bound_is_from() -> None:
    found = bounds_json(TABLE)
    assert found["tv"]["lower"] <= 0.25 <= found["tv"]["upper"]
    of_kl = next(row for row in found["bounds"] if row["of"] == "KL")
    assert of_kl["claim"] == "KL1"
    assert of_kl["works"] == ["Chen, Cong, Li, arXiv 2511.04647"]
    infinite = bounds_json(replace(TABLE, kl=Interval.exact(math.inf)))
    assert math.isinf(infinite["kl"]["lower"])
