"""Block schedules by a model's loss curve: what each costs, and which one is best.

A block that is opened at n revealed tokens draws s of them independently, at L_n each, so a block
schedule's NELBO is Σ_blocks s·L_n; one token at a time costs Σ_m L_m. Their difference, the
excess, is exact for the model and ranks schedules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
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
    """The schedule of at most K blocks with the smallest excess: KL6's programme.

    A block from a to b costs (b − a)·L_a. If L falls, swapping the ends of two nested blocks costs
    no more, so the least cost is convex in the number of blocks, and a price a block finds it in
    O(d) a trial (Aggarwal, Schieber, Tokuyama 1994). Else by dynamic programming in O(K d²).

    Args:
        curve: the loss curve.
        steps: K ≥ 1.

    Raises:
        InputError: if K < 1.
    """
    _check_steps(steps)
    steps = min(steps, curve.length)
    if not curve.falls:
        return BlockSchedule.of(curve, np.diff(_by_stages(curve.losses, steps)).tolist())
    few, many = _around(curve, lambda one: len(one.blocks) >= steps)
    return many if len(many.blocks) <= steps else _between(curve, few, many, steps)


def fewest_blocks(curve: LossCurve, most: float) -> BlockSchedule:
    """The schedule of fewest blocks with an excess of at most so much.

    Args:
        curve: a falling loss curve.
        most: nats a sequence, ≥ 0.

    Raises:
        InputError: if the curve does not fall, or `most` is negative or not a number.
    """
    if not most >= 0:
        raise InputError(f"excess: needs a number ≥ 0, got {most:g}")
    if not curve.falls:
        raise InputError("loss curve: rises with more context; give one that falls")
    few, many = _around(curve, lambda one: one.excess <= most)
    between = range(len(few.blocks) + 1, len(many.blocks))
    found = (_between(curve, few, many, steps) for steps in between)
    return next((one for one in found if one.excess <= most), many)


def _around(
    curve: LossCurve, enough: Callable[[BlockSchedule], bool]
) -> tuple[BlockSchedule, BlockSchedule]:
    """Two best schedules at one price a block: the one of fewer blocks is not enough, the other is.

    Between them the least cost is linear in the number of blocks. Both are one block, or one token
    at a time, where that settles it. L must fall.
    """
    d = curve.length
    few, many = BlockSchedule.of(curve, (d,)), BlockSchedule.of(curve, (1,) * d)
    if enough(few):
        return few, few
    while True:
        more = len(many.blocks) - len(few.blocks)
        if more <= 1:
            return few, many
        ends = _priced(curve.losses.tolist(), max(0.0, (few.excess - many.excess) / more))
        if not len(few.blocks) < len(ends) - 1 < len(many.blocks):
            return few, many
        middle = BlockSchedule.of(curve, np.diff(ends).tolist())
        few, many = (few, middle) if enough(middle) else (middle, many)


def _priced(loss: Sequence[float], price: float) -> list[int]:
    """Ends 0 = e_0 < … < e_m = d of the blocks with the least Σ (b − a)·L_a + m·price; L falls.

    The cost to b whose last block starts at a is a line in b, of slope L_a: slopes fall with a and
    b rises, so only the lower envelope of the lines is kept, and passed through once.
    """
    slopes: list[float] = []
    heights: list[float] = []
    froms: list[int] = []
    start, best, at = [0] * (len(loss) + 1), 0.0, 0
    for a, slope in enumerate(loss):
        height = best - a * slope
        while slopes and slopes[-1] == slope and heights[-1] >= height:
            del slopes[-1], heights[-1], froms[-1]
        while len(slopes) > 1 and (height - heights[-2]) * (slopes[-2] - slopes[-1]) <= (
            heights[-1] - heights[-2]
        ) * (slopes[-2] - slope):  # the new line is below where the last one would be
            del slopes[-1], heights[-1], froms[-1]
        if not slopes or slopes[-1] > slope:
            slopes.append(slope)
            heights.append(height)
            froms.append(a)
        b = a + 1
        at = min(at, len(slopes) - 1)
        best = heights[at] + b * slopes[at]
        while at + 1 < len(slopes) and (other := heights[at + 1] + b * slopes[at + 1]) <= best:
            at, best = at + 1, other
        start[b] = froms[at]
        best += price
    ends = [len(loss)]
    while ends[-1]:
        ends.append(start[ends[-1]])
    return ends[::-1]


def _between(
    curve: LossCurve, few: BlockSchedule, many: BlockSchedule, steps: int
) -> BlockSchedule:
    """A best schedule of K blocks, out of two that are best at one price a block.

    Some block of the first contains that block of the second which comes `more` places later: the
    second up to there, then the first, has K blocks, and by the swap it costs no more.
    """
    more = steps - len(few.blocks)
    one, other = ([0, *accumulate(schedule.blocks)] for schedule in (few, many))
    place = next(
        i
        for i in range(len(few.blocks))
        if one[i] <= other[i + more] and other[i + more + 1] <= one[i + 1]
    )
    return BlockSchedule.of(curve, np.diff(other[: place + more + 1] + one[place + 1 :]).tolist())


def _by_stages(loss: Array, steps: int) -> list[int]:
    """Ends of the best at most K blocks of any curve: their first b tokens in one block more.

    At best that costs the minimum over a < b of (that of a in k − 1 blocks) + (b − a)·L_a.
    """
    d = loss.size
    best, starts = np.arange(d + 1) * loss[0], [np.zeros(d + 1, dtype=np.int64)]
    for _ in range(steps - 1):
        base = best[:d] - np.arange(d) * loss
        best, start = np.zeros(d + 1), np.zeros(d + 1, dtype=np.int64)
        for low in range(1, d + 1, 256):
            some = np.arange(low, min(low + 256, d + 1))
            cost = base[: some[-1]] + some[:, None] * loss[: some[-1]]
            cost[np.arange(some[-1]) >= some[:, None]] = np.inf
            start[some] = cost.argmin(axis=1)
            best[some] = cost[np.arange(some.size), start[some]]
        starts.append(start)
    ends = [d]
    while ends[-1]:
        ends.append(int(starts.pop()[ends[-1]]))
    return ends[::-1]


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"steps: need K ≥ 1, got {steps}")
