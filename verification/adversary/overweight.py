"""The hunt for a counterexample to X1 where X2 leaves room: laws with over-weighted support points.

c(q_0) is the mass off the support, which obeys X1, and what over-weighted points gain. Any law has
such points near it, of next to no weight: words off its support. So each row must weigh something,
and the gain must be a share of X1's value. What is found is rounded to fractions, and kept as a
witness of X1: the largest c of such a law.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from sharprates.theory.registry import CLAIMS
from sharprates.verification import witness
from sharprates.verification.adversary.frontier import STORED, Pair, first_order_of
from sharprates.verification.adversary.search import (
    SMALLEST,
    Support,
    all_rows,
    instance_of,
    losses,
    roundings,
)
from sharprates.verification.arithmetic import RATIONAL, as_fraction
from sharprates.verification.experiment import Experiment
from sharprates.verification.jobs import run as run_tasks
from sharprates.verification.quantities.exact import ExactQuantities
from torch import Tensor

GAIN = Fraction(1, 50)
"""Least gain of the over-weighted points, as a share of X1's value."""

LARGEST_DENOMINATOR = 120
"""Of the weights: every row weighs at least 1/120."""


@dataclass(frozen=True)
class OverweightTask:
    """One ascent, a function of these values alone.

    Attributes:
        pair: (d, S).
        size: number of rows.
        seed: of the rows and the starts; even ones start from the best law found without
            over-weighted points, odd ones from random rows.
    """

    pair: Pair
    size: int
    seed: int


def conjectured(pair: Pair) -> Fraction:
    """X1's value."""
    return as_fraction(CLAIMS["X1"].value({"d": pair[0], "S": pair[1]}, RATIONAL))


def gain_of(instance: Experiment) -> Fraction:
    """What over-weighted points gain, exactly."""
    return as_fraction(ExactQuantities(instance).overweight)


def _start(task: OverweightTask, generator: torch.Generator, count: int) -> tuple[Tensor, Tensor]:
    """Rows, and logits of some laws on them."""
    d, S = task.pair
    rows = all_rows(d, S)
    chosen = rows[torch.randperm(len(rows), generator=generator)[: task.size]]
    centre = torch.zeros(len(chosen), dtype=torch.float64)
    best = STORED / f"frontier-{d}-{S}.witness"
    if task.seed % 2 == 0 and best.exists():
        found = witness.read(best).experiment
        held = {row: float(w) for row, w in zip(found.rows, found.weights, strict=True)}
        more = max(2, task.size - len(held))
        chosen = torch.unique(torch.cat([torch.tensor(found.rows), chosen[:more]]), dim=0)
        weights = [held.get(tuple(row), 1e-2) for row in chosen.tolist()]
        centre = torch.tensor(weights, dtype=torch.float64).log()
    noise = torch.randn((len(chosen), count), generator=generator, dtype=torch.float64)
    return chosen, centre[:, None] + noise


def climb_overweight(task: OverweightTask, starts: int = 16, steps: int = 250) -> Experiment | None:
    """Ascent on c among laws with heavy over-weighted points; None if none is left in fractions.

    Args:
        task: what to do.
        starts: laws at a time.
        steps: of Adam.
    """
    generator = torch.Generator().manual_seed(task.seed * 1009 + task.size)
    rows, start = _start(task, generator, starts)
    support, goal = Support(rows, task.pair[1]), float(conjectured(task.pair))
    least = 1 / LARGEST_DENOMINATOR
    logits = start.requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.15)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, 0.005)

    def laws() -> Tensor:
        return least + (1 - least * len(rows)) * torch.softmax(logits, 0)

    def sides(weights: Tensor) -> tuple[Tensor, Tensor]:
        loss = losses(support.marginals(weights.clamp(min=SMALLEST)))
        return (weights * loss.clamp(min=0)).sum(0), (weights * (-loss).clamp(min=0)).sum(0)

    if least * len(rows) >= 1:
        return None
    for _ in range(steps):
        optimiser.zero_grad()
        c, gain = sides(laws())
        missing = (1.05 * float(GAIN) * goal - gain).clamp(min=0)
        (3 * missing - c).sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
        schedule.step()
    final = laws().detach()
    c, gain = sides(final)
    found = [
        instance_of(rows.tolist(), counts, task.pair[1])
        for k in (c * (gain > float(GAIN) * goal)).topk(2).indices.tolist()
        for counts in roundings(final[:, k].tolist(), LARGEST_DENOMINATOR)[-1:]
    ]
    heavy = [one for one in found if gain_of(one) >= GAIN * conjectured(task.pair)]
    return max(heavy, key=first_order_of, default=None)


def overweight_tasks(pair: Pair, seeds: int) -> list[OverweightTask]:
    """The ascents for a pair."""
    S = pair[1]
    sizes = sorted({2 * S, 3 * S, 4 * S, 6 * S})
    return [OverweightTask(pair, size, seed) for seed in range(seeds) for size in sizes]


def keep_overweight(pair: Pair, found: Experiment, folder: Path) -> bool:
    """Write a find as a witness of X1 if its c is larger than that of the file there."""
    path = folder / f"overweight-{pair[0]}-{pair[1]}.witness"
    value, gain = first_order_of(found), gain_of(found)
    if path.exists() and first_order_of(witness.read(path).experiment) >= value:
        return False
    remark = (f"c(q_0) = {float(value):.6f}, of which over-weighted rows gain {float(gain):.6f}",)
    witness.write(witness.make(CLAIMS["X1"], found, remark=remark), path)
    return True


def hunt_overweight(
    pairs: Sequence[Pair],
    folder: Path,
    seeds: int,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Carry out all ascents; the best find of each pair is left in its witness file.

    Args:
        pairs: (d, S), S ≥ 3.
        folder: where the files are.
        seeds: ascents of each size.
        jobs: processes.
        progress: told each task that is done.
    """

    def told(task: OverweightTask, found: Experiment | None) -> None:
        if found is not None:
            keep_overweight(task.pair, found, folder)
        progress(f"over-weighted d={task.pair[0]} S={task.pair[1]}")

    wanted = [task for pair in pairs for task in overweight_tasks(pair, seeds)]
    run_tasks(wanted, climb_overweight, jobs, told=told)
