"""Plans on a terminal, and as plots of total variation against steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import precision
from sharprates.verification.planning.bounds import BoundCurve, lower_bounds, upper_bounds
from sharprates.verification.planning.curve_plan import CurvePlan
from sharprates.verification.planning.planner import StepPlan
from sharprates.verification.planning.policy_plan import PolicyPlan
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import BITS, StepCount
from sharprates.verification.reports.layout import figure, shown, table
from sharprates.verification.reports.schedules import draw_schedule, offers_drawn, print_schedules


def _grouped(number: int) -> str:
    """12 345 678."""
    return f"{number:,}".replace(",", " ")


def _asked(ask: Question, name: str | None = None) -> str:
    size = f"d = {ask.length}" + (f", S = {ask.vocabulary}" if ask.vocabulary else "")
    error = f", score error {ask.score_error:g}" if ask.score_error else ""
    return f"{name + ': ' if name else ''}{size}: parallel steps for TV ≤ {ask.tv:g}{error}"


def _bounds(counts: tuple[StepCount, ...]) -> Table:
    found = table("claim", "", "says", ">steps K", "")
    for one in counts:
        detail = ", ".join(f"{name} = {value:.4g}" for name, value in one.detail.items())
        found.add_row(
            one.claim,
            CLAIMS[one.claim].title,
            "enough" if one.role == "enough" else "fewer are forbidden",
            "·" if one.steps is None else Text(_grouped(one.steps), "bold"),
            Text(one.reason or detail, "dim"),
        )
    return found


def print_plan(plan: StepPlan, console: Console) -> None:
    """Print a plan: the bounds, the first-hitting alternative, what was found on data."""
    ask, enough, needed = plan.ask, plan.enough, plan.needed
    console.print(Text(_asked(ask, plan.target), "bold"))
    console.print(_bounds(plan.counts))
    if enough and needed and enough.steps == 1:
        console.print(f"One step is enough for every law ({enough.claim}).")
    elif enough and needed and enough.steps and needed.steps:
        text = f"{_grouped(enough.steps)} steps are enough for every law ({enough.claim})"
        if needed.steps > 1:
            text += (
                f", fewer than {_grouped(needed.steps)} are not for some ({needed.claim}): "
                f"a factor {enough.steps / needed.steps:.3g}"
            )
        console.print(f"{text}.")
    if plan.by_schedule:
        _print_schedules(plan.by_schedule, console)
    for found in plan.exact:
        if found.steps is None or found.tv is None:
            console.print(f"{found.schedule}: none found: {found.reason}.", markup=False)
            continue
        before = f", {shown(found.tv_before.value)} at K − 1" if found.tv_before else ""
        console.print(
            f"{found.schedule}: smallest K found {_grouped(found.steps)}, "
            f"exact TV {shown(found.tv.value)}{before}.",
            markup=False,
        )
    if plan.schedule is not None and plan.schedule.gain is not None:
        best = plan.schedule
        console.print(
            f"Best {best.steps}-step law found: exact TV {shown(best.tv.value)}, "
            f"{best.gain:.3f} times less than that of equal steps. Its weights, and times on "
            "the linear clock, are in the JSON."
        )
    if plan.estimates:
        _print_estimates(plan, console)
    reached = f"TV ≤ {shown(ask.score_error)}" if ask.score_error else "exact"
    calls = "1 call" if ask.length == 1 else f"{_grouped(ask.length)} calls"
    console.print(f"First-hitting sampler: {calls}, one token each: {reached}.")
    if plan.guaranteed is not None:
        print_schedules(plan.guaranteed, console)


def _print_schedules(found: Mapping[str, tuple[StepCount, ...]], console: Console) -> None:
    """Print the steps that each schedule's own weights ask for."""
    claims = [row.claim for row in next(iter(found.values()))]
    heads = [f"{claim}: enough" if claim != "L1" else "L1: needed" for claim in claims]
    lines = table("schedule", *(f">{head}" for head in heads))
    for name, rows in found.items():
        counts = ["·" if row.steps is None else _grouped(row.steps) for row in rows]
        lines.add_row(Text(name), *counts)
    console.print(lines)
    missing = {f"{row.claim} {row.reason}" for rows in found.values() for row in rows if row.reason}
    for reason in sorted(missing):
        console.print(Text(f"· {reason}.", "dim"))


def _print_estimates(plan: StepPlan, console: Console) -> None:
    """Print what samples say of equal steps, step count by step count."""
    lines = table("equal steps, steps K", "TV at least", "TV at most", "by", "KL1 mean (nats)")
    for one in plan.estimates:
        by = min(one.parts, key=lambda name: one.parts[name])
        kl = one.divergence
        lines.add_row(
            _grouped(one.steps),
            shown(one.lower),
            Text(shown(one.upper), "bold"),
            by,
            f"{kl.mean:.4g}, within {kl.lower:.4g} … {kl.upper:.4g}" if kl else "·",
        )
    console.print(lines)
    first = plan.estimates[0]
    console.print(
        f"Limits from {_grouped(first.samples)} rows a part; all of them hold together with "
        f"probability ≥ 1 − {plan.level:.2g}."
    )
    if plan.sampled is not None:
        console.print(f"Fewest steps tried that are enough: {_grouped(plan.sampled.steps)}.")


def print_curve_plan(plan: CurvePlan, console: Console) -> None:
    """Print what a loss curve says, each number with how far it can be trusted."""
    ask, best, equal = plan.ask, plan.best, plan.equal
    console.print(
        Text(
            f"d = {ask.length}: schedules of at most {plan.steps} blocks, "
            f"{plan.measured} of {ask.length} losses measured",
            "bold",
        )
    )
    lines = table("schedule", ">excess NELBO (nats)", "", "blocks")
    found = [("best blocks", best), ("equal blocks", equal)]
    found += [("your blocks", one) for one in plan.own]
    rows = [(one.excess, (name, one.label, _sizes(one.blocks))) for name, one in found]
    if plan.random is not None:
        rows.append((plan.random, ("equal steps, on average", best.label, "")))
    rows.append((0.0, ("one token at a time", "exact", f"{ask.length} calls")))
    for value, (name, label, sizes) in sorted(rows, key=lambda row: row[0]):
        lines.add_row(name, f"{value:.5g}", label, sizes)
    console.print(lines)
    if 0 < plan.pinsker < 1:
        console.print(f"TV of the best blocks: about {shown(plan.pinsker)} by Pinsker (estimate).")
    if plan.bound is not None and round(plan.bound, 4) < 1:
        console.print(
            f"TV of equal steps, {_grouped(plan.steps)} steps: at most {shown(plan.bound)} "
            f"(E5, {plan.bound_label}; for the exact denoiser, plus the score error given)."
        )
    console.print(Text(f"{_asked(ask)} ({plan.bound_label}, from h_m ≤ L_m)", "bold"))
    console.print(_bounds(plan.counts))
    if plan.guaranteed is not None:
        print_schedules(plan.guaranteed, console)


def _sizes(blocks: tuple[int, ...]) -> str:
    text = [str(size) for size in blocks]
    return " ".join(text if len(text) <= 12 else [*text[:6], "…", *text[-5:]])


def plot_plan(plan: StepPlan, path: Path) -> None:
    """Draw the bounds on TV, and exact TV where there is any, against K, log-log.

    Beside them, where it is known, the information curve with the cheapest schedules laid on it.

    Args:
        plan: what to draw.
        path: ends in .png, .svg or .pdf; written whole.
    """
    best = {row.claim: row for row in plan.counts}
    found = [row.steps for row in plan.counts if row.steps]
    found += [one.steps for one in plan.exact if one.steps]
    found += [one.steps for one in plan.estimates]
    ends = 1.0, 10.0 * max(found, default=100)
    grid = sorted({max(1, round(K)) for K in np.geomspace(*ends, 60)})
    laid = [] if plan.guaranteed is None else offers_drawn(plan.guaranteed)
    width = 6.4 + 4.0 * len(laid)
    with figure(path, 1, 1 + len(laid), figsize=(width, 5.2)) as (whole, ((axis, *rest),)):
        for other, offer in zip(rest, laid, strict=True):
            assert plan.guaranteed is not None
            draw_schedule(plan.guaranteed, offer, other)
        for place, bound in enumerate(_drawn(plan, best)):
            points = _points(bound, grid)
            if points:
                line = "--" if bound.role == "enough" else ":"
                axis.plot(
                    *zip(*points, strict=True), line, color=f"C{place}", lw=1.3, label=bound.claim
                )
        for place, one in enumerate(plan.exact):
            curve = [(K, tv) for K, tv in one.measured.items() if tv > 0]
            if curve:
                axis.plot(
                    *zip(*curve, strict=True),
                    f"{_MARKERS[place % len(_MARKERS)]}-",
                    color=f"{0.7 * place / len(plan.exact)}",
                    ms=3,
                    lw=1,
                    label=f"exact: {one.schedule}",
                )
        for place, sampled in enumerate(plan.estimates):
            ends = max(sampled.lower, 1e-9), sampled.upper
            label = "limits from samples" if place == 0 else None
            axis.plot([sampled.steps] * 2, ends, "k_-", lw=1.5, ms=7, label=label)
        axis.axhline(plan.ask.tv, color="0.5", lw=0.8)
        axis.set(xscale="log", yscale="log", xlabel="steps K", ylabel="total variation")
        axis.set_title(_asked(plan.ask, plan.target), fontsize=9)
        axis.set_ylim(plan.ask.tv / 30, 1.3)
        axis.grid(visible=True, alpha=0.2)
        whole.legend(
            *axis.get_legend_handles_labels(),
            fontsize=7,
            ncols=2 if plan.exact else 5,
            loc="outside lower center",
        )


_MARKERS = "osv^D<>"


def _drawn(plan: StepPlan, best: dict[str, StepCount]) -> list[BoundCurve]:
    """The bounds of the plan; of the lower ones those at the group size of their row."""
    bounds = [bound for bound in upper_bounds(plan.ask) if bound.claim in best]
    if any(row.role == "needed" for row in plan.counts):
        bounds += [
            bound
            for bound in lower_bounds(plan.ask)
            if dict(bound.detail(1)) == dict(best[bound.claim].detail)
        ]
    return bounds


def _points(bound: BoundCurve, grid: list[int]) -> list[tuple[int, float]]:
    points = []
    with precision(BITS):
        for K in grid:
            value: Any = bound.at(K)
            if value is not None and math.isfinite(float(value)) and 1e-12 < float(value) <= 1:
                points.append((K, float(value)))
    return points


_SEARCHES = {
    "all": "all its numbers were tried",
    "bisection": "TV falls along a scan of its number, so the border was bisected: between two "
    "numbers of the scan it is taken to fall too",
    "scan": "TV does not fall along its number, so it was scanned: a number between may be cheaper",
}


def print_policy_plan(plan: PolicyPlan, console: Console) -> None:
    """Print what each number of a rule costs, and the cheapest that reaches the TV."""
    size = f"{plan.target}: d = {plan.length}, S = {plan.vocabulary}"
    console.print(Text(f"{size}: {plan.rule} for TV ≤ {plan.tv:g}", "bold"))
    rows = table("policy", ">mean rounds", ">most", ">exact TV", "")
    chosen = plan.chosen
    for one in plan.tried:
        mark = "← the cheapest" if one is chosen else "✓" if one.within(plan.tv) else ""
        rounds = f"{one.rounds.mean:.4g}", str(one.rounds.most)
        rows.add_row(one.policy, *rounds, shown(one.settled), mark)
    console.print(rows)
    if chosen is None:
        console.print(f"None tried reaches TV ≤ {plan.tv:g}: {_SEARCHES[plan.search]}.")
    else:
        console.print(
            f"{chosen.policy}: {chosen.rounds.mean:.4g} rounds on average, exact TV "
            f"{shown(chosen.settled)}; {_SEARCHES[plan.search]}.",
            soft_wrap=True,
            markup=False,
        )


def plot_policy_plan(plan: PolicyPlan, path: Path) -> None:
    """Draw TV against mean rounds for all numbers tried; see `plot_plan` for the path."""
    with figure(path, figsize=(6.4, 4.4)) as (_, axes):
        axis = axes[0][0]
        # many numbers choose alike: each place has one mark, and the chosen one a ring around it
        places = sorted({(one.rounds.mean, one.settled) for one in plan.tried})
        axis.plot(*zip(*places, strict=True), "ko-", ms=3, lw=1, label=plan.rule)
        axis.axhline(plan.tv, color="C3", ls="--", lw=1, label=f"TV = {plan.tv:g}")
        if plan.chosen is not None:
            best = (plan.chosen.rounds.mean, plan.chosen.settled)
            axis.plot(*best, "C3o", ms=9, mfc="none", label=plan.chosen.policy)
        axis.set(xlabel="mean rounds", ylabel="exact TV", title=plan.target)
        axis.grid(visible=True, alpha=0.2)
        axis.legend(fontsize=8)
