"""Bound tables as text and JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.verification.bound_table import BoundTable
from sharprates.verification.reports.layout import shown, table


def print_bounds(title: str, bounds: BoundTable, console: Console) -> None:
    """Print all bounds on one sampler, the smallest first, below the exact values."""
    rows = table("of", "bound", "form", ">value", ">exact/bound", "verdict", "due to", title=title)
    for quantity, exact in (("TV", bounds.tv), ("KL", bounds.kl)):
        rows.add_row(quantity, "exact", "", Text(shown(exact.middle), "bold"), "", "", "")
        for row in bounds.rows:
            if row.quantity == quantity:
                ratio = "·" if row.ratio is None else f"{row.ratio:.3f}"
                works = "; ".join(row.works) or "this project"
                rows.add_row(
                    *(quantity, row.name, row.form, shown(row.value)),
                    *(ratio, row.verdict.value, works),
                )
    console.print(rows)


def bounds_json(bounds: BoundTable) -> dict[str, Any]:
    """Exact values and all bounds; null where infinite."""
    return {
        "tv": {"lower": float(bounds.tv.lower), "upper": float(bounds.tv.upper)},
        "kl": {"lower": float(bounds.kl.lower), "upper": float(bounds.kl.upper)},
        "bounds": [
            {
                "of": row.quantity,
                "claim": row.claim,
                "form": row.form,
                "route": row.route,
                "value": row.value,
                "ratio": row.ratio,
                "verdict": row.verdict.value,
                "works": list(row.works),
            }
            for row in bounds.rows
        ],
    }
