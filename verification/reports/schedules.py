"""Guaranteed schedules on a terminal, and an information curve with the steps laid on it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text
from sharprates.samplers.distance import Divergence, TotalVariation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.planning.fewest_steps import growth
from sharprates.verification.planning.schedule_plan import Offer, SchedulePlan
from sharprates.verification.reports.layout import figure, shown, table

_WRITTEN = 1024
"""Sizes or times up to which they are printed."""


def print_schedules(plan: SchedulePlan, console: Console) -> None:
    """Print what each theorem guarantees, the cheapest one whole, and the exact optimum."""
    about = f"{plan.name}: d = {plan.length}: schedules for {plan.goal}, by {plan.knows}"
    if plan.goal.tv is not None:
        about += f" (KL ≤ {float(plan.goal.nats):.4g} nats is enough, by Pinsker)"
    console.print(Text(about, "bold"), soft_wrap=True)
    exact = any(one.tv for one in plan.offers)
    promised = ">about" if plan.label == "estimate" else ">at most"
    heads = [">calls", "schedule", "claim", promised]
    heads += [">exact TV", ">exact KL"] if exact else []
    rows = table(*heads)
    for one in sorted((*plan.offers, *plan.optimum), key=lambda one: one.calls):
        if one.calls >= plan.length and one.claim != "H2":
            continue  # that one token at a time reaches it is said once
        style = "bold" if one is plan.cheapest else None
        measured = [_settled(one.tv), _settled(one.kl)] if exact else []
        rows.add_row(
            str(one.calls), one.name, one.claim or "", _promise(one), *measured, style=style
        )
    console.print(rows)
    for note in plan.notes:
        console.print(note, soft_wrap=True, markup=False)
    best = plan.cheapest
    guess = plan.label == "estimate" and best.promise
    estimate = " (an estimate, not a bound)" if guess else ""
    title = CLAIMS[best.claim].title if best.claim else ""
    console.print(
        f"Cheapest that a theorem guarantees{estimate}: {_calls(best)}, {best.name}, by "
        f"{best.claim}, {title} ({best.authors}):",
        soft_wrap=True,
        markup=False,
    )
    _print_option(best, console)
    for one in plan.optimum:
        found = "Exact optimum" if one.sizes else "Found by search"
        console.print(f"{found}: {_calls(one)}, {one.name}:", soft_wrap=True, markup=False)
        _print_option(one, console)


def _calls(one: Offer) -> str:
    return "1 call" if one.calls == 1 else f"{one.calls} calls"


def _print_option(one: Offer, console: Console) -> None:
    if one.calls > _WRITTEN:
        console.print(Text(f"  {one.calls} numbers: write them with --json", "dim"))
    else:
        console.print(Text(f"  {one.option}"), soft_wrap=True)


def _settled(found: TotalVariation | Divergence | None) -> str:
    """A number, 0 where its error includes it."""
    if found is None:
        return ""
    if math.isinf(found.value):
        return "∞"
    return shown(found.value if found.value > found.error else 0.0)


def _promise(one: Offer) -> str:
    if one.promise is None:
        return ""
    text = f"{one.promised} {shown(one.promise)}"
    if one.interval is not None:
        low, high = one.interval
        text += f" ({shown(low)} … {shown(high)})"
    return text


def offers_drawn(plan: SchedulePlan) -> list[Offer]:
    """The schedules that a figure shows: the cheapest, and what is best otherwise."""
    steps = (one for one in plan.offers if one.claim == "U1")
    return list(dict.fromkeys((plan.cheapest, *steps, *plan.optimum)))


def draw_schedule(plan: SchedulePlan, one: Offer, axis: Any) -> None:
    """Draw the information curve h, or its growth g, with a schedule's steps on it.

    The area between the two is what the schedule costs, in nats.

    Args:
        plan: one with a curve.
        one: of its schedules.
        axis: of a figure.
    """
    h = np.asarray(plan.curve)
    if one.sizes:
        x, ends = np.arange(plan.length + 1.0), np.cumsum((0, *one.sizes))
        name, curve = "h", np.append(h, h[-1])
        steps = np.append(np.repeat(h[ends[:-1]], one.sizes), h[ends[-2]])
        axis.set(xlabel="tokens revealed m", ylabel="h_m, nats")
    else:
        t = 1 - np.asarray(one.times)
        x = np.linspace(0, 1, 401)
        name, curve = "g", growth(h, x)
        steps = growth(h, t[np.searchsorted(t[1:-1], x, side="right")])
        axis.set(xlabel="share revealed t", ylabel="g(t), nats")
    style: Any = {"drawstyle": "steps-post"} if one.sizes else {}
    axis.plot(x, curve, color="C0", label=name, **style)
    axis.plot(x, steps, color="C1", lw=1, label="steps", drawstyle="steps-post")
    axis.fill_between(x, curve, steps, step="post" if one.sizes else None, color="C1", alpha=0.3)
    axis.set_title(f"{one.name}: {_calls(one)}", fontsize=9)
    axis.legend(fontsize=8)


def plot_schedules(plan: SchedulePlan, path: Path) -> None:
    """Draw the cheapest schedules on the information curve; see `plot_plan` for the path."""
    some = offers_drawn(plan)
    with figure(path, 1, len(some), figsize=(1.0 + 4.0 * len(some), 4.0)) as (_, axes):
        for axis, one in zip(axes[0], some, strict=True):
            draw_schedule(plan, one, axis)
