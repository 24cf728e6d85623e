"""Block schedules by a model's loss curve: what each costs, and which one is best.

A block that is opened at n revealed tokens draws s of them independently, at L_n each, so a block
schedule's NELBO is Σ_blocks s·L_n; one token at a time costs Σ_m L_m. Their difference, the
excess, is exact for the model and ranks schedules (theory note, §8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.information import KL1
from sharprates.verification.planning.loss_curve import Array, Label, LossCurve


def excess(curve: LossCurve, blocks: Sequence[int]) -> float:
    """NELBO of a block schedule over that of one token at a time: Σ_blocks Σ_{r<s}(L_n − L_{n+r}).

    Args:
        curve: the loss curve.
        blocks: sizes in the order of revealing, sum d.

    Returns:
        Nats a sequence; labelled as `LossCurve.label` says.

    Raises:
        InputError: if a block is empty or the sizes do not sum to d.
    """
    sizes = np.asarray(blocks, dtype=np.int64)
    if sizes.size == 0 or bool((sizes < 1).any()) or int(sizes.sum()) != curve.length:
        raise InputError(f"blocks: sizes must be at least 1 and sum to d = {curve.length}")
    opened = np.cumsum(sizes) - sizes
    return float((sizes * curve.losses[opened]).sum() - curve.losses.sum())


def mean_excess(curve: LossCurve, weights: Sequence[float]) -> float:
    """The excess averaged over the blocks that a step law reveals: Σ_m (d·n_m − 1)·L_m.

    Args:
        curve: the loss curve.
        weights: w, sum 1: no leftover.

    Returns:
        Nats a sequence, labelled as `LossCurve.label` says. It bounds the excess NELBO of the
        parallel sampler itself, whose law is the mixture.
    """
    values = {"d": curve.length, "w": list(weights), "h": curve.losses.tolist()}
    return float(KL1.value(values, FLOAT, variant="average"))


@dataclass(frozen=True)
class BlockSchedule:
    """A block schedule and what it costs.

    Attributes:
        blocks: sizes in the order of revealing.
        excess: nats a sequence over one token at a time.
        label: how far `excess` can be trusted.
    """

    blocks: tuple[int, ...]
    excess: float
    label: Label

    @staticmethod
    def of(curve: LossCurve, blocks: Sequence[int]) -> BlockSchedule:
        """A schedule with these sizes, and its excess.

        Raises:
            InputError: if a block is empty or the sizes do not sum to d.
        """
        return BlockSchedule(tuple(blocks), excess(curve, blocks), curve.label)


def equal_blocks(curve: LossCurve, steps: int) -> BlockSchedule:
    """K blocks whose sizes differ by at most one, the larger ones last."""
    _check_steps(steps)
    steps = min(steps, curve.length)
    ends = np.arange(steps + 1) * curve.length // steps
    return BlockSchedule.of(curve, [int(s) for s in np.diff(ends) if s])


def best_blocks(curve: LossCurve, steps: int) -> BlockSchedule:
    """The schedule of at most K blocks with the smallest excess, by dynamic programming.

    A block from a to b costs (b − a)·L_a, so the first b tokens in at most k blocks cost at best
    the minimum over a < b of (that of a in k − 1 blocks) + (b − a)·L_a.

    Args:
        curve: the loss curve.
        steps: K ≥ 1.

    Raises:
        InputError: if K < 1.
    """
    _check_steps(steps)
    d, loss = curve.length, curve.losses
    if steps >= d and curve.falls:  # one token at a time: no excess, and none can be negative
        return BlockSchedule((1,) * d, 0.0, curve.label)
    minimise = _minima_of_falling if curve.falls else _minima
    best = np.arange(d + 1) * loss[0]
    starts = [np.zeros(d + 1, dtype=np.int64)]
    for _ in range(min(steps, d) - 1):
        best, start = minimise(best[:d] - np.arange(d) * loss, loss)
        starts.append(start)
    end, blocks = d, []
    for start in reversed(starts):
        if end:
            blocks.append(end - int(start[end]))
            end = int(start[end])
    return BlockSchedule.of(curve, blocks[::-1])


def _minima(base: Array, loss: Array) -> tuple[Array, NDArray[np.int64]]:
    """For b = 0..d the minimum over a < b of base_a + b·L_a, and where it is; 0 at b = 0."""
    d = base.size
    best, start = np.zeros(d + 1), np.zeros(d + 1, dtype=np.int64)
    for low in range(1, d + 1, 256):
        ends = np.arange(low, min(low + 256, d + 1))
        cost = base[: ends[-1]] + ends[:, None] * loss[: ends[-1]]
        cost[np.arange(ends[-1]) >= ends[:, None]] = np.inf
        start[ends] = cost.argmin(axis=1)
        best[ends] = cost[np.arange(ends.size), start[ends]]
    return best, start


def _minima_of_falling(base: Array, loss: Array) -> tuple[Array, NDArray[np.int64]]:
    """As `_minima` if L falls: then the minimising a rises with b, since swapping ends costs more.

    So every second b is searched only between its neighbours: O(d log d) in all, not O(d²).
    """
    d = base.size
    best, start = np.zeros(d + 1), np.zeros(d + 1, dtype=np.int64)
    stride = 1 << d.bit_length()
    while stride > 1:
        ends = np.arange(stride // 2, d + 1, stride)
        later = ends + stride // 2
        low = start[ends - stride // 2]
        high = np.where(later <= d, start[np.minimum(later, d)], d)
        high = np.minimum(high, ends - 1)
        offsets = np.concatenate([[0], np.cumsum(high - low + 1)])
        of = np.repeat(np.arange(ends.size), high - low + 1)  # the b that each candidate is for
        a = np.arange(offsets[-1]) - offsets[of] + low[of]
        cost = base[a] + ends[of] * loss[a]
        best[ends] = np.minimum.reduceat(cost, offsets[:-1])
        hit = np.flatnonzero(cost == best[ends][of])[::-1]  # the first hit is written last
        start[ends[of[hit]]] = a[hit]
        stride //= 2
    return best, start


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"steps: need K ≥ 1, got {steps}")
