"""Where the error of an imperfect denoiser's samplers comes from: a table, and its loss curve."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sharprates.verification.audit import TargetAudit
from sharprates.verification.report import TERMS, settled, shown
from sharprates.verification.score_error import OrderError


def print_terms(one: TargetAudit, console: Console) -> None:
    """Print where an imperfect denoiser's samplers err, term by term, and how much it errs.

    Nothing is printed for the exact denoiser.
    """
    if one.denoiser is None:
        return
    table = Table(
        title="where the error comes from (E1; for fhs H2)",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for heading in ("sampler", "clock", "grid"):
        table.add_column(heading)
    for heading in ("K", "exact TV", *TERMS.values(), "sum", "TV / sum"):
        table.add_column(heading, justify="right")
    for result in one.results:
        terms = result.decomposition
        if terms is not None:
            table.add_row(
                result.sampler,
                result.clock or "·",
                result.grid or "·",
                str(result.steps),
                Text(shown(settled(result)), "bold"),
                *(shown(getattr(terms, name)) for name in TERMS),
                Text(shown(terms.sum), "bold"),
                f"{result.tv.middle / terms.sum:.2f}" if terms.sum else "·",
            )
    console.print(table)
    for clock, errors in one.denoiser.errors:
        place = "" if clock is None else f", hitting times of {clock.name}"
        draws = ", ".join(shown(gap) for gap in errors.gaps)
        console.print(
            f"denoiser{place}: ε_FHS {errors.epsilon_fhs:.4f} (by draw {draws}), "
            f"ε_KL {_nats(errors.epsilon_kl)}, NELBO {_nats(errors.nelbo)} "
            f"(entropy of the data {_nats(math.fsum(one.information))})",
            soft_wrap=True,
        )
    for line in _crossover_lines(one):
        console.print(line, soft_wrap=True)


def _nats(value: float) -> str:
    return f"{value:.4f} nats" if math.isfinite(value) else "∞"


def _crossover_lines(one: TargetAudit) -> list[str]:
    """From which K on the score error is at least half of the sum, samplers of one K together."""
    places: dict[tuple[int | None, int], list[str]] = {}
    for found in one.crossovers:
        where = f"{found.sampler} {found.clock} {found.grid}"
        places.setdefault((found.steps, found.searched), []).append(where)
    return [
        f"score error is at least half of the sum from K = {steps} on: {', '.join(where)}"
        if steps is not None
        else f"score error is less than half of the sum up to K = {searched}: {', '.join(where)}"
        for (steps, searched), where in places.items()
    ]


def loss_curve_csv(errors: OrderError) -> str | None:
    """The loss L_m by number of masked tokens d − m, as `sharprates plan --loss-curve` reads it.

    None if a loss is infinite.
    """
    d = len(errors.losses)
    if not math.isfinite(errors.nelbo):
        return None
    rows = [f"{d - m},{loss!r}" for m, loss in enumerate(errors.losses)]
    return "\n".join(["masked,loss", *rows]) + "\n"
