"""Certificates, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.verification.certificate import Certificate
from sharprates.verification.held_out import HeldOut
from sharprates.verification.reports.layout import shown, table

NOT_MEASURED = (
    "the score error of one token a block, its leftmost: E Σ_blocks TV(p_j, p̂_j); it compares "
    "predictions with the data law's own conditionals"
)


def print_certificates(data: HeldOut, found: Sequence[Certificate], console: Console) -> None:
    """Print what was measured, and what was not."""
    n, d = data.rows.shape
    rows = table(
        *("policy", ">mean blocks", ">most", ">not alone", ">measured", ">from", ">to"),
        title=f"{data.name}: {n} held-out sequences, d = {d}, S = {data.vocabulary}",
    )
    for one in found:
        rows.add_row(
            one.policy,
            f"{one.rounds.mean:.5g}",
            str(one.most_rounds),
            f"{one.together.mean:.4g}",
            Text(_short(one.measured.mean), "bold"),
            _short(one.measured.lower),
            _short(one.measured.upper),
        )
    console.print(rows)
    console.print(
        "Block: the tokens of a round; not alone: tokens a sequence in blocks of two or more. "
        "TV(p_out, q_0) ≤ the measured part + the part that is not measured (P9). "
        f"Proved limits of the measured part, wrong with probability at most {found[0].level:.2g} "
        f"each. Not measured: {NOT_MEASURED}.",
        style="dim",
        soft_wrap=True,
    )
    idle = [one.policy for one in found if one.measured.upper >= 1]
    if idle:
        console.print(
            f"{', '.join(idle)}: the limits allow 1 or more, which says nothing: take more "
            "sequences, a larger --budget or a policy that reveals fewer tokens together",
            style="dim",
            soft_wrap=True,
        )


def _short(value: float) -> str:
    """A part of a bound on a TV: capped at 1, with what it was."""
    return shown(value) if value <= 1 else f"1 ({value:.3g})"


def certificates_json(model: str, data: HeldOut, found: Sequence[Certificate]) -> dict[str, Any]:
    """All certificates; what is not measured stands there in words."""
    n, d = data.rows.shape
    return {
        "claim": "P9",
        "model": model,
        "data": {"name": data.name, "sequences": n, "length": d, "vocabulary": data.vocabulary},
        "not_measured": NOT_MEASURED,
        "certificates": [
            {
                "policy": one.policy,
                "measured": {**vars(one.measured), "level": one.level},
                "measured_at_most": min(1.0, one.measured.upper),
                "rounds": {"mean": one.rounds.mean, "max": one.most_rounds},
                "together": vars(one.together),
            }
            for one in found
        ],
    }
