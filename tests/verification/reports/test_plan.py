"""Plots of plans."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from sharprates.samplers.datasets import load
from sharprates.verification.planning.policy_plan import plan_policy
from sharprates.verification.reports import plan as report


def test_marks_of_a_frontier_do_not_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many thresholds choose alike; the one that is chosen is a ring around its mark."""
    figure = Figure()

    @contextmanager
    def kept(*_: Any, **__: Any) -> Iterator[tuple[Figure, Any]]:
        yield figure, figure.subplots(squeeze=False)

    monkeypatch.setattr(report, "figure", kept)
    costs = plan_policy(load("words4"), "threshold", 0.05)
    report.plot_policy_plan(costs, Path("none.svg"))
    frontier, _, chosen = figure.axes[0].get_lines()
    marks = list(zip(frontier.get_xdata(), frontier.get_ydata(), strict=True))
    assert len(set(marks)) == len(marks) < len(costs.tried)
    assert costs.chosen is not None
    assert list(chosen.get_xdata()) == [costs.chosen.rounds.mean]
    assert chosen.get_markerfacecolor() == "none"
