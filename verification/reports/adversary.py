"""What `sharprates verify --adversary` prints and writes: where bounds and constants stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from sharprates.verification.adversary.frontier import Row
from sharprates.verification.adversary.hunt import BreakEven, Worst
from sharprates.verification.files import manifest
from sharprates.verification.reports.layout import table


def print_campaign(
    worst: Sequence[Worst], constants: Sequence[BreakEven], rows: Sequence[Row], console: Console
) -> None:
    """All tables."""
    print_worst(worst, console)
    console.print()
    print_constants(constants, console)
    console.print()
    print_frontier(rows, console)


def print_worst(found: Sequence[Worst], console: Console) -> None:
    """The worst instance of each bound."""
    rows = table("claim", ">ratio", "", "at", title="Worst instances")
    for one in found:
        scale = ", ".join(f"{name} × {x}" for name, x in one.quest.scale.items())
        # on a grid the leftover follows from T: it is not the adversary's to choose
        on_grid = one.witness.experiment.grid is not None
        strict = "exact denoiser" if on_grid else "no leftover, exact denoiser"
        words = [strict] if one.quest.strict else []
        words += [scale] if scale else []
        words += ["FAILS"] if one.refuted else ["attained"] if one.score > 1 - 1e-9 else []
        rows.add_row(
            one.quest.claim.id,
            f"{one.score:.4f}",
            ", ".join(words),
            str(one.witness.experiment),
        )
    console.print(rows)


def print_constants(found: Sequence[BreakEven], console: Console) -> None:
    """How far inner constants can be lowered."""
    for one in found:
        if one.witness is None:
            console.print(f"{one.constant}: no instance that was tried needs it")
        else:
            at = str(one.witness.experiment)
            console.print(f"{one.constant}: fails below ×{one.factor:.4g} at {at}", soft_wrap=True)


def print_frontier(rows: Sequence[Row], console: Console) -> None:
    """The frontier table: certified lower bounds, proved upper bounds, and X1's value."""
    heads = ("d", "S", "found", "", "rows", "", "≤ E9", "≤ E10", "≤ X3", "≤ E7", "X1", "")
    lines = table(*(f">{head}" for head in heads), title="sup c(q_0) of L5, equal steps")
    for one in rows:
        mark = "REFUTED" if one.refutes else "attained" if one.attained else ""
        lines.add_row(
            str(one.length),
            str(one.vocabulary),
            text if len(text := str(one.lower)) <= 12 else "",
            f"{float(one.lower):.4f}",
            str(len(one.instance.rows)),
            "= sup" if one.closed else "",
            str(one.binary) if one.binary is not None else "",
            f"{one.short:.4f}",
            f"{one.positive:.4f}",
            f"{one.entropy:.4f}",
            f"{one.conjecture} = {float(one.conjecture):.4f}",
            mark,
        )
    console.print(lines)
    console.print("= sup: what was found is a proved bound.")


def adversary_json(
    worst: Sequence[Worst], constants: Sequence[BreakEven], rows: Sequence[Row], seed: int
) -> dict[str, Any]:
    """All results for a JSON file."""
    return {
        "version": 1,
        "manifest": manifest(seed),
        "worst": [
            {
                "claim": one.quest.claim.id,
                "strict": one.quest.strict,
                "scale": {name: str(x) for name, x in one.quest.scale.items()},
                "ratio": min(one.score, 1e300),
                "verdict": str(one.witness.decision.verdict),
                "instance": str(one.witness.experiment),
            }
            for one in worst
        ],
        "break_even": [
            {
                "constant": one.constant,
                "factor": one.factor,
                "instance": None if one.witness is None else str(one.witness.experiment),
            }
            for one in constants
        ],
        "frontier": frontier_json(rows),
    }


def frontier_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The table for a JSON file; exact numbers are strings."""
    return [
        {
            "length": one.length,
            "vocabulary": one.vocabulary,
            "lower": str(one.lower),
            "rows": len(one.instance.rows),
            "upper": {
                "E3": str(one.birthday),
                "E7": one.entropy,
                "E9": None if one.binary is None else str(one.binary),
                "E10": one.short,
                "X3": one.positive,
            },
            "closed": one.closed,
            "least": dict([one.upper]),
            "X1": str(one.conjecture),
            "attained": one.attained,
            "refutes": one.refutes,
        }
        for one in rows
    ]
