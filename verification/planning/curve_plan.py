"""What a trained model's loss curve says: which schedule is best, and how many steps for ε.

Of the data nothing is known but h_m ≤ L_m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from sharprates.verification.planning.block_schedule import (
    BlockSchedule,
    best_blocks,
    equal_blocks,
    mean_excess,
)
from sharprates.verification.planning.bounds import MOST_TERMS, rank_bound
from sharprates.verification.planning.loss_curve import Label, LossCurve
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.schedule_plan import Goal, SchedulePlan, plan_curve
from sharprates.verification.planning.step_count import StepCount, enough_steps


@dataclass(frozen=True)
class CurvePlan:
    """What a loss curve says about schedules.

    Attributes:
        ask: the question, with the bounds on h and Ī that the curve gives; its ε matters to
            `counts` alone.
        steps: K.
        measured: how many of the d losses were measured.
        best: the schedule of at most K blocks with the smallest excess.
        equal: min(K, d) blocks of equal size.
        random: mean excess of the blocks that equal steps on K steps reveals, nats; None where
            K·d is too large to sum over.
        counts: steps for ε by upper bounds.
        bound: E5 at K: a bound on that of equal steps TV for the exact denoiser, the score error
            added; None where K < d is too large to sum over.
        bound_label: ``bound``, or ``estimate`` where numbers of tokens were rounded.
        own: block schedules that were asked for.
        guaranteed: schedules for a goal, if the losses' differences are those of h.
    """

    ask: Question
    steps: int
    measured: int
    best: BlockSchedule
    equal: BlockSchedule
    random: float | None
    counts: tuple[StepCount, ...]
    bound: float | None
    bound_label: Label
    own: tuple[BlockSchedule, ...] = ()
    guaranteed: SchedulePlan | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **self.ask.to_json(),
            "steps": self.steps,
            "measured_losses": self.measured,
            "best_blocks": asdict(self.best),
            "equal_blocks": asdict(self.equal),
            "own_blocks": [asdict(one) for one in self.own],
            "equal_steps": {"mean_excess": self.random, "label": self.best.label},
            # Differences of L stand for those of h: Pinsker then gives no bound.
            "tv_of_best_blocks": {"value": self.pinsker, "label": "estimate"},
            "tv_of_equal_steps": {"value": self.bound, "label": self.bound_label},
            "bounds": {
                one.claim: {**one.to_json(), "label": self.bound_label} for one in self.counts
            },
            "fhs": {"calls": self.ask.length, "excess": 0.0},
            "guaranteed": self.guaranteed and self.guaranteed.to_json(),
        }

    @property
    def pinsker(self) -> float:
        """√(excess/2), at most 1."""
        return min(1.0, math.sqrt(max(0.0, self.best.excess) / 2))


def plan_loss_curve(
    curve: LossCurve,
    vocabulary: int | None = None,
    steps: int = 64,
    tv: float = 0.05,
    score_error: float = 0.0,
    own: Sequence[Sequence[int]] = (),
    kl: float | None = None,
) -> CurvePlan:
    """Rank schedules by a loss curve, and bound the steps for ε by it.

    Args:
        curve: the loss curve.
        vocabulary: S, if known.
        steps: K.
        tv: ε.
        score_error: e of the trained model, along the sampler's own contexts.
        own: block schedules to rank as well.
        kl: nats that the cheapest schedule may cost, in place of ε.

    Raises:
        InputError: for a number out of range, or blocks that do not sum to d.
    """
    # h_0 bounds Ī = h_0 − h_{d−1}.
    h = tuple(curve.ceiling.tolist())
    ask = Question(curve.length, vocabulary, tv, score_error, information=h[0], curve=h)
    equal = equal_blocks(curve, steps)
    summable = steps * curve.length <= MOST_TERMS
    goal = None if kl is None and ask.nothing_left else Goal(None if kl else ask.left, kl)
    near = summable or steps >= curve.length  # E5 has a closed form from d on
    bound = rank_bound(ask, least=1).at(steps) if near else None
    return CurvePlan(
        ask=ask,
        steps=steps,
        measured=curve.measured,
        best=best_blocks(curve, steps),
        equal=equal,
        random=mean_excess(curve, [1 / steps] * steps) if summable else None,
        counts=tuple(
            one for one in enough_steps(ask) if one.claim not in ("E2", "E3", "B1", "E11")
        ),
        bound=None if bound is None else min(1.0, float(bound)),
        bound_label=curve.bound_label,
        own=tuple(BlockSchedule.of(curve, blocks) for blocks in own),
        guaranteed=None if goal is None else _falling_plan(curve, goal),
    )


def _falling_plan(curve: LossCurve, goal: Goal) -> SchedulePlan:
    """Schedules for a goal from the losses, which are made to fall with context if they do not."""
    losses, notes = curve.losses, tuple[str, ...]()
    if not curve.falls:
        losses = isotonic_regression(curve.losses, increasing=False).x
        at = int(np.argmax(np.diff(curve.losses) > 0)) + 1
        moved = float(np.abs(losses - curve.losses).max())
        notes = (
            f"The losses rise with more context, first at {at} revealed tokens: here neighbours "
            f"are averaged until they fall, which moves none by more than {moved:.3g} nats.",
        )
    plan = plan_curve("loss curve", losses.tolist(), goal, label="estimate")
    return replace(plan, knows="the losses, as if their differences were the data's", notes=notes)
