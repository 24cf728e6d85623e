"""How dependence grows while tokens are revealed, from samples and predictions alone (U4).

Nothing is asked but predictions at nested contexts, along a random order of the tokens of a row.
The mean over rows of KL(μ_i(·|x_V)‖μ_i(·|x_U)), U ⊆ V random sets of m ≤ m' tokens without i, is
exactly h_m − h_{m'}, μ the data's conditionals; the cost of a schedule is made of such differences.
With a model in place of μ all of it is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import InputError, check_seed
from sharprates.samplers.sampling import random_order
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.planning.loss_curve import Array
from sharprates.verification.planning.schedule_plan import Goal, SchedulePlan, plan_curve
from torch import Tensor

HELD = 32
"""Tokens of a row whose predictions are compared: the last ones of its order that are masked."""
PROBES = 16
"""Tokens of a row at which the cost of a schedule is looked up."""
RESAMPLES = 2000
"""Of a bootstrap interval."""
_CELLS = 1 << 22
"""Numbers that a denoiser returns at a time."""


def drops(denoiser: Denoiser, rows: Tensor, order: Tensor, shown: Tensor) -> Tensor:
    """How far predictions move from each context to the next, nats.

    Args:
        denoiser: does not depend on time.
        rows: int64 [n, d], sequences of the data.
        order: int64 [n, d], a random order of the positions of each row.
        shown: int64 [n, J], rising along each row and at most d − 1: the j-th context is the first
            shown[:, j] tokens of the order. Chosen independently of rows and order.

    Returns:
        float64 [n, J − 1]: the mean over tokens that both contexts hide of KL(later‖earlier). Its
        expectation is h_m − h_{m'}, for numbers of revealed tokens m and m', if the denoiser is
        exact.

    Raises:
        InputError: if a prediction gives no mass to what it later holds possible.
    """
    n, d = rows.shape
    size, S = min(d, HELD), denoiser.vocabulary
    predict = normalised(denoiser)
    found = torch.empty(n, shown.shape[1] - 1, dtype=torch.float64)
    batch = max(1, _CELLS // (size * S))
    for low in range(0, n, batch):
        x, some, seen = (one[low : low + batch] for one in (rows, order, shown))
        rank = some.argsort(1)
        columns = some[:, d - size :]
        at = torch.arange(x.shape[0]).repeat_interleave(size), columns.flatten()
        place = torch.arange(d - size, d)
        before = None
        for j in range(shown.shape[1]):
            state = torch.where(rank < seen[:, j : j + 1], x, S)
            p = predict(state, positions=at).to(torch.float64).view(-1, size, S)
            if before is not None:
                hidden = place >= seen[:, j : j + 1]
                moved = (torch.xlogy(p, p) - torch.xlogy(p, before)).sum(2)
                moved = torch.where(hidden, moved, 0.0).sum(1) / hidden.sum(1)
                found[low : low + batch, j - 1] = moved
            before = p
    if not bool(torch.isfinite(found).all()):
        raise InputError(
            "denoiser: it gives probability 0 to a symbol that it holds possible once more tokens "
            "are revealed, or a number that is none; no estimate can be made of that"
        )
    return found


def bootstrap(values: Tensor, generator: torch.Generator) -> tuple[float, float]:
    """An interval for the mean that covers it about 19 times in 20, from resampled rows, [n]."""
    n = values.numel()
    means = [
        float(values[torch.randint(n, (n,), generator=generator)].mean()) for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def measured_places(length: int) -> list[int]:
    """Numbers of revealed tokens at which h is estimated: all of them, or finer near both ends."""
    last = length - 1
    even = np.linspace(0, last, 17).round().astype(int)
    powers = 2 ** np.arange(last.bit_length())
    return sorted({0, last, *even.tolist(), *powers.tolist(), *(last - powers).tolist()})


def cost_of_blocks(
    denoiser: Denoiser, rows: Tensor, sizes: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Unbiased for E_σ KL of a block schedule, one number a row, nats, float64 [n].

    The cost Σ_blocks Σ_{r<s}(h_n − h_{n+r}) is d times its mean over a random token of the order,
    which has n + r others before it; a row has some of them, one in each part of the order.
    """
    n, d = rows.shape
    opened = torch.tensor(np.repeat(np.cumsum(sizes) - sizes, sizes))
    total = torch.zeros(n, dtype=torch.float64)
    order = random_order(torch.rand(n, d, generator=generator, dtype=torch.float64))
    probes = min(PROBES, d)
    for part in range(probes):
        u = torch.rand(n, generator=generator, dtype=torch.float64)
        token = ((part + u) * d / probes).long().clamp(max=d - 1)
        inside = token > opened[token]  # the first token of a block costs nothing
        shown = torch.stack([opened[token], token], 1)[inside]
        if len(shown):
            moved = drops(denoiser, rows[inside], order[inside], shown)[:, 0]
            total[inside] += moved * d / probes
    return total


def plan_samples(
    law: Tractable,
    name: str,
    goal: Goal,
    *,
    samples: int = 2000,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> SchedulePlan:
    """The cheapest schedules by estimated dependence, and what the best of them costs.

    Half of the rows give the curve, from which the schedules are made; the other half say what the
    chosen blocks cost, so that the choice does not flatter that number.

    Args:
        law: draws rows and predicts; its probabilities are not asked for.
        name: for a reader.
        goal: to be reached.
        samples: N ≥ 4 rows.
        seed: of all draws.
        progress: told of both halves before they are done.

    Raises:
        InputError: for a bad number, or predictions that depend on time.
    """
    check_seed(seed)
    if samples < 4:
        raise InputError(f"samples: need at least 4, got {samples}")
    if not law.time_free:
        raise InputError(f"{name}: depends on time; a plan from samples needs one that does not")
    generator = torch.Generator().manual_seed(seed)
    rows = law.sample(samples, generator)
    half = samples // 2
    progress("dependence from predictions")
    shown = measured_places(law.length)
    order = random_order(torch.rand(half, law.length, generator=generator, dtype=torch.float64))
    found = drops(law, rows[:half], order, torch.tensor(shown).expand(half, -1))
    shares = _shares(law.length, shown)
    told = shares @ found.mean(0).numpy()  # h_0 − h_m
    plan = plan_curve(name, (told[-1] - told).tolist(), goal, label="estimate")
    progress("cost of the chosen blocks")
    offers = []
    for one in plan.offers:
        if one.claim == "KL6" and max(one.sizes) > 1:
            cost = cost_of_blocks(law, rows[half:], one.sizes, generator)
            interval = bootstrap(cost, generator)
            offers.append(replace(one, promise=float(cost.mean()), interval=interval))
        else:
            offers.append(one)
    notes = []
    for title, weights in (("TC", shares.sum(0)), ("DTC", (1 - shares).sum(0))):
        each = found @ torch.from_numpy(weights)
        low, high = bootstrap(each, generator)
        notes.append(f"{title} ≈ {float(each.mean()):.4g} nats, bootstrap {low:.4g} … {high:.4g}.")
    knows = f"predictions on {samples} samples (U4)"
    return replace(plan, offers=tuple(offers), knows=knows, notes=tuple(notes))


def _shares(length: int, shown: list[int]) -> Array:
    """How much of each drop has happened once m tokens are revealed: float64 [d, J − 1].

    Between two estimated places h is taken to fall evenly.
    """
    m, at = np.arange(length)[:, None], np.asarray(shown)
    shares: Array = np.clip((m - at[:-1]) / np.diff(at), 0.0, 1.0)
    return shares
