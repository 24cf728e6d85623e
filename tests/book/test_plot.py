"""Every claim has its plot of measured against bound, and a plot shows what the run kept."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sharpbook import claims, plot, results
from sharprates.theory.claim import BOUNDS
from sharprates.theory.registry import CLAIMS

KEPT = results.load(results.PLACES[1:])


def row(*checks: tuple[str, list[tuple[float, float]]], **more: Any) -> dict[str, Any]:
    """A row of `claims.json`; the first check holds the claim's worst instance."""
    found = [
        {"relation": relation, "points": [list(one) for one in some], "instance": f"i{n}"}
        for n, (relation, some) in enumerate(checks)
    ]
    return {"id": "E3", "checks": found, "ratio": {"instance": "i0"}, "status": "tested", **more}


def marks(text: str, relation: str) -> int:
    group = re.search(rf'<g class="{relation}">(.*?)</g>', text)
    return len(re.findall(r"<(?:circle|path)", group[1])) if group else 0


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_every_bound_of_the_book_has_its_plot(claim_id: str) -> None:
    """No exceptions: a run measures both sides of every claim on some examples."""
    one, kept = CLAIMS[claim_id], KEPT.row(claim_id)
    text = plot.figure(kept)
    # the plot of an equality is a diagonal: its largest difference says more
    assert (text in claims.block(one, kept, "proved")) == (one.relation in BOUNDS)
    for relation, some in plot.points(kept).items():
        assert marks(text, relation) == len(some) > 0
    assert 'class="worst"' in text


def test_points_of_all_checks_are_drawn_by_relation() -> None:
    text = plot.figure(row(("upper", [(0.5, 0.25), (0.4, 0.1)]), ("equality", [(0.3, 0.3)])))
    assert (marks(text, "upper"), marks(text, "equality"), marks(text, "lower")) == (2, 1, 0)
    assert "3 examples of the run" in text
    assert "above: measured lies below the line" in text


def test_a_point_lies_where_its_numbers_say() -> None:
    """Linear axes up to 1.06 times the largest value, y upwards."""
    text = plot.figure(row(("upper", [(0.5, 0.25)])))
    x, y = map(float, re.search(r'class="worst" cx="([\d.]+)" cy="([\d.]+)"', text).groups())
    assert x == pytest.approx(plot.LEFT + plot.SIZE / 1.06, abs=0.1)
    assert y == pytest.approx(plot.EDGE + plot.SIZE * (1 - 0.5 / 1.06), abs=0.1)


def test_wide_ranges_get_decades_and_zeros_lie_on_the_edge() -> None:
    scale = plot.Scale([1.0, 1e-3, 0.0])
    assert scale.log
    assert scale(0.0) == 0
    assert scale(0.1) - scale(0.01) == pytest.approx(scale(1.0) - scale(0.1))
    assert [text for _, text in scale.ticks()] == ["1", "0.1", "0.01", "0.001"]
    assert "On the edge" in plot.figure(row(("upper", [(1.0, 1e-3), (0.5, 0.0)])))
    assert not plot.Scale([1.0, 0.5]).log
    assert not plot.Scale([-0.5, 100.0]).log


@pytest.mark.parametrize(
    ("relations", "side"),
    [(("upper",), "H54"), (("lower", "equality"), "V210"), (("upper", "lower"), None)],
)
def test_the_side_on_which_a_claim_fails_is_shaded(
    relations: tuple[str, ...], side: str | None
) -> None:
    text = plot.figure(row(*((relation, [(0.5, 0.5)]) for relation in relations)))
    found = re.search(r'class="fails" d="([^"]+)"', text)
    assert (found is None) if side is None else (found is not None and side in found[1])


def test_an_equality_says_its_largest_difference() -> None:
    one = row(("equality", [(0.5, 0.5)]))
    one["checks"][0]["difference"] = 3e-16
    assert "Largest difference: 3e-16" in plot.figure(one)
    assert "formula" in plot.figure(one)
    one["checks"][0]["difference"] = 1e-150
    assert "below 1e-30" in plot.figure(one)


def test_many_points_are_thinned_and_the_worst_stays() -> None:
    some = [(1.0, n / 1000) for n in range(1000, 0, -1)]
    text = plot.figure(row(("upper", some)))
    assert 100 < marks(text, "upper") <= plot.MOST
    assert plot.points(row(("upper", some)))["upper"][0] == (1.0, 1.0)


def test_without_points_there_is_no_figure() -> None:
    assert plot.figure({}) == ""
    assert plot.figure(row(("upper", []))) == ""
    assert "claim-plot" not in claims.block(CLAIMS["E3"], {}, "proved")
