"""What an audit from samples leaves behind: a table, JSON, a plot of TV against rounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.verification.files import manifest
from sharprates.verification.reports.layout import NEVER, figure, shown, table
from sharprates.verification.sampled_audit import Estimate, SampledLaw, SampledResult

METHOD = "empirical Bernstein"

ROUNDING = 1e-9
"""A mean of log-ratios of long rows below it is shown as 0."""


def sampled_json(found: Sequence[SampledLaw], seed: int) -> dict[str, Any]:
    """JSON of the same form as `verification.reports.audit.audit_json`."""
    return {
        "version": 1,
        "manifest": manifest(seed),
        "targets": [
            {
                "name": one.name,
                "length": one.length,
                "vocabulary": one.vocabulary,
                "support": None,
                "samples": one.samples,
                "results": [_result_json(result, one.level) for result in one.results],
            }
            for one in found
        ],
    }


def _result_json(result: SampledResult, level: float) -> dict[str, Any]:
    return {
        "sampler": "policy",
        "policy": result.policy,
        "rounds": {"mean": result.rounds.mean, "max": result.most_rounds},
        "tv": {**vars(result.tv), "level": level, "method": METHOD},
        "kl": (
            {**vars(result.kl), "reason": None}
            if result.kl
            else {"mean": None, "standard_error": None, "reason": NEVER}
        ),
        "together": vars(result.together),
        "bounds": {
            name: {"value": value, "method": "estimate", "verdict": None}
            for name, value in result.bounds.items()
        },
        "seconds": result.seconds,
    }


def print_sampled(one: SampledLaw, console: Console) -> None:
    """Print one law's table, and what its columns are."""
    size = f"{one.name}: d = {one.length}, S = {one.vocabulary}, {one.samples} sequences drawn"
    rows = table(
        *("policy", ">mean rounds", ">most", ">TV from", ">to", ">mean"),
        *(">KL", ">± s.e.", ">tokens together", "bounds", ">seconds"),
        title=size,
    )
    for result in one.results:
        kl = _estimate(result.kl) if result.kl else ("∞", "·")
        rows.add_row(
            result.policy,
            f"{result.rounds.mean:.5g}",
            str(result.most_rounds),
            *(Text(shown(end), "bold") for end in (result.tv.lower, result.tv.upper)),
            shown(result.tv.mean) if result.tv.mean > ROUNDING else "0",
            *kl,
            f"{result.together.mean:.4g}",
            " ".join(f"{name} {_short(value)}" for name, value in result.bounds.items()),
            f"{result.seconds:.1f}",
        )
    console.print(rows)


def _short(value: float) -> str:
    """A bound; from 1 on it says nothing."""
    return shown(value) if value < 1 else "≥ 1"


def _estimate(value: Estimate) -> tuple[str, str]:
    # a divergence is not negative; the mean of a few samples may be, or be all rounding
    noise = abs(value.mean) < ROUNDING
    return ("0" if noise else f"{value.mean:.4g}", "0" if noise else f"{value.standard_error:.1g}")


def legend(found: Sequence[SampledLaw]) -> str:
    """What stands in the columns, and how sure it is."""
    level = max(one.level for one in found)
    return (
        f"TV: proved limits, each pair wrong with probability at most {level:.2g}. Estimates, "
        "without a verdict: KL in nats; tokens revealed in rounds of two or more; bounds on TV at "
        "the means of the samples, P9 without the score error of one token a block. seconds: of "
        "work, all processes together."
    )


def plot_sampled(found: Sequence[SampledLaw], path: Path) -> None:
    """Draw TV and its limits against the mean number of rounds, a panel a law.

    Args:
        found: what to draw.
        path: ends in .png, .svg or .pdf; written whole.
    """
    with figure(path, 1, len(found), figsize=(6.4 * len(found), 4.6)) as (_, axes):
        for axis, one in zip(axes[0], found, strict=True):
            draw_sampled(axis, one)


def draw_sampled(axis: Any, one: SampledLaw) -> None:
    """One panel: an interval a policy, a colour a rule."""
    kinds: dict[str, list[SampledResult]] = {}
    for result in one.results:
        kinds.setdefault(result.policy.partition(":")[0], []).append(result)
    for place, (kind, results) in enumerate(kinds.items()):
        ordered = sorted(results, key=lambda result: result.rounds.mean)
        rounds = [result.rounds.mean for result in ordered]
        means = [result.tv.mean for result in ordered]
        below = [result.tv.mean - result.tv.lower for result in ordered]
        above = [result.tv.upper - result.tv.mean for result in ordered]
        look = {"marker": "os^Dv*P<>"[place % 9], "color": f"C{place % 10}", "capsize": 3}
        axis.errorbar(rounds, means, (below, above), label=kind, **look)
        for result, x, y in zip(ordered, rounds, means, strict=True):
            number = result.policy.partition(":")[2]
            axis.annotate(number, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=7)
    axis.set(xscale="log", xlabel="mean rounds", ylabel="total variation", ylim=(-0.03, 1.03))
    axis.set_title(f"{one.name}: what a round buys")
    axis.grid(visible=True, which="both", alpha=0.2)
    axis.legend(fontsize=7)
