"""The cheapest schedule that a theorem guarantees, whose theorem it is, and the exact optimum.

Schedules are block sizes, of tokens at random places, or times of steps. From one number (TC, DTC
or Ī), from an information curve, or from data, on which each has an exact TV and KL beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from sharprates.samplers.compositions import CompositionTables, compositions, fixed_blocks
from sharprates.samplers.distance import Divergence, TotalVariation, divergence, total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.block_sizes import DtcShare, TcShare, dtc_blocks, shrinking_blocks, tc_blocks
from sharprates.theory.registry import CLAIMS
from sharprates.verification.planning.best_schedule import best_schedule
from sharprates.verification.planning.block_schedule import fewest_blocks
from sharprates.verification.planning.dependence import Dependence
from sharprates.verification.planning.exact_steps import smallest_steps
from sharprates.verification.planning.fewest_steps import fewest_times, grid_cost
from sharprates.verification.planning.loss_curve import Label, LossCurve

DIGITS = 6
"""Of times that a search found: what is announced is that of the rounded times."""
_MOST_TERMS = 400_000
"""Of sums over steps and tokens in plain Python, a trial: half a second."""
_MOST_COMPOSED = 14
"""Up to this d every composition's exact TV is found, of 2^(d−1)."""


@dataclass(frozen=True)
class Goal:
    """What a schedule is to reach: a total variation ε, or KL(q_0‖p_out) in nats.

    Attributes:
        tv: ε, in (0, 1); None if the goal is a divergence.
        kl: nats, above 0; None if it is a total variation.
    """

    tv: float | None = None
    kl: float | None = None

    def __post_init__(self) -> None:
        if (self.tv is None) == (self.kl is None):
            raise InputError("goal: give a total variation, or a divergence")
        if self.tv is not None and not 0 < self.tv < 1:
            raise InputError(f"tv: must lie between 0 and 1, got {self.tv:g}")
        if self.kl is not None and not 0 < self.kl < math.inf:
            raise InputError(f"kl: must be a number above 0, got {self.kl:g}")

    @property
    def nats(self) -> Fraction:
        """A divergence that reaches it: for TV ≤ ε that is 2ε², by Pinsker."""
        return Fraction(self.kl) if self.kl is not None else 2 * Fraction(self.tv or 0.0) ** 2

    def __str__(self) -> str:
        return f"TV ≤ {self.tv:g}" if self.kl is None else f"KL ≤ {self.kl:g}"


@dataclass(frozen=True)
class Offer:
    """A schedule, what is guaranteed of it, and what is known of it besides.

    Attributes:
        name: in words.
        sizes: of its blocks; none where it has times.
        times: on the linear clock, for the ancestral rule.
        claim: the theorem that guarantees it; None of what a search found.
        promise: what that theorem says of its `promised`; None without a theorem.
        promised: ``KL`` in nats, or ``TV``.
        tv: its exact total variation on the data.
        kl: its exact KL(q_0‖p_out) on the data.
        interval: of an estimated divergence, from a bootstrap.
    """

    name: str
    sizes: tuple[int, ...] = ()
    times: tuple[float, ...] = ()
    claim: str | None = None
    promise: float | None = None
    promised: str = "KL"
    tv: TotalVariation | None = None
    kl: Divergence | None = None
    interval: tuple[float, float] | None = None

    @property
    def calls(self) -> int:
        """Of the denoiser: blocks, or steps."""
        return len(self.sizes) or len(self.times) - 1

    @property
    def option(self) -> str:
        """What `sharprates audit` runs it by."""
        if self.sizes:
            return "--blocks " + ",".join(map(str, self.sizes))
        times = ",".join(repr(t).removesuffix(".0") for t in self.times)
        return f"--clock linear --rule ancestral --times {times}"

    @property
    def authors(self) -> str | None:
        """Whose theorem it is."""
        if self.claim is None:
            return None
        return "; ".join(CLAIMS[self.claim].provenance.works) or "this project"

    def measured(self, law: OutputLaw, target: Target) -> Offer:
        """With the exact TV and KL of its law."""
        return replace(self, tv=total_variation(law, target), kl=divergence(law, target))

    def beyond(self, goal: Goal) -> float:
        """How much its exact TV or KL, rounding included, is above the goal."""
        found, most = (self.tv, goal.tv) if goal.kl is None else (self.kl, goal.kl)
        assert found is not None, "it was not measured"
        return found.value + found.error - (most or 0.0)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        content: dict[str, Any] = {"name": self.name, "calls": self.calls}
        content |= {"sizes": list(self.sizes)} if self.sizes else {"times": list(self.times)}
        content |= {"claim": self.claim, "authors": self.authors, "audit": self.option}
        if self.promise is not None:
            content["at_most"] = {self.promised.lower(): self.promise}
        if self.interval is not None:
            content["interval"] = list(self.interval)
        for name in ("tv", "kl"):
            found = getattr(self, name)
            if found is not None:
                finite = math.isfinite(found.error)
                content[name] = dict(found._asdict()) if finite else None
        return content


@dataclass(frozen=True)
class SchedulePlan:
    """Schedules that reach a goal.

    Attributes:
        name: of the data, or of what is known.
        goal: what they reach.
        length: d.
        offers: those that a theorem guarantees; one token at a time is always among them.
        optimum: blocks that no others beat by an exact measure, and steps that a search found.
        knows: what the guarantees start from, in words.
        label: ``bound``, or ``estimate`` where the curve is one.
        curve: h_0..h_{d−1}, nats, up to a constant, where it is known.
        notes: what else a reader must know, a sentence each.
    """

    name: str
    goal: Goal
    length: int
    offers: tuple[Offer, ...]
    optimum: tuple[Offer, ...] = ()
    knows: str = ""
    label: Label = "bound"
    curve: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def cheapest(self) -> Offer:
        """Of the fewest calls; of these the one that promises least."""
        return min(self.offers, key=lambda one: (one.calls, one.promise))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "of": self.name,
            "length": self.length,
            "goal": {"tv": self.goal.tv, "kl": self.goal.kl},
            "known": self.knows,
            "label": self.label,
            "cheapest": self.cheapest.to_json(),
            "offers": [one.to_json() for one in self.offers],
            "optimum": [one.to_json() for one in self.optimum],
            "curve": self.curve and list(self.curve),
            "notes": list(self.notes),
        }


def plan_number(known: Dependence, goal: Goal, besides: Iterable[Offer] = ()) -> SchedulePlan:
    """Schedules from bounds on TC, DTC or Ī, and nothing else.

    Args:
        known: at least one of the three.
        goal: to be reached.
        besides: what other theorems guarantee.

    Raises:
        InputError: if nothing is known.
    """
    tc, dtc = known.correlations
    if tc is None and dtc is None:
        raise InputError("dependence: give at least one of tc, dtc and info")
    given = (("TC", known.tc), ("DTC", known.dtc), ("Ī", known.information))
    words = ", ".join(f"{name} ≤ {float(value):g}" for name, value in given if value is not None)
    offers = (_single_tokens(known.length), *_from_numbers(known, goal), *besides)
    note = "Whatever else the law may be, a bound on TC or on DTC alone guarantees no fewer blocks."
    return SchedulePlan(
        "any law",
        goal,
        known.length,
        offers,
        knows=f"{words} nats",
        notes=(note,) if known.tc is not None or known.dtc is not None else (),
    )


def plan_curve(
    name: str,
    curve: Sequence[float],
    goal: Goal,
    *,
    error: float = 0.0,
    label: Label = "bound",
    besides: Iterable[Offer] = (),
) -> SchedulePlan:
    """Schedules from an information curve.

    Args:
        name: of the data law.
        curve: h_0..h_{d−1}, nats, falling but for rounding.
        goal: to be reached.
        error: of each h_m.
        label: of the curve.
        besides: what other theorems guarantee.
    """
    h = np.minimum.accumulate(np.asarray(curve, dtype=np.float64))
    d, slack = h.size, 2 * h.size * error
    most = max(0.0, float(goal.nats) - slack)
    losses = LossCurve(h, h, d)

    fewest = fewest_blocks(losses, most)
    cost = fewest.excess + slack if max(fewest.blocks) > 1 else 0.0
    offers = [
        _single_tokens(d),
        Offer("fewest blocks for the curve", fewest.blocks, claim="KL6", promise=cost),
    ]
    offers += _from_numbers(Dependence.of_curve(h.tolist(), error), goal)
    times = fewest_times(h, most, d - 1)
    if times is not None:
        cost = max(0.0, grid_cost(h, times)) + slack
        offers.append(Offer("fewest steps for the curve", (), times, "U1", cost))
    words = "its information curve"
    return SchedulePlan(
        name, goal, d, (*offers, *besides), knows=words, label=label, curve=tuple(h.tolist())
    )


def on_data(
    plan: SchedulePlan,
    table: CompositionTables,
    target: Target,
    progress: Callable[[str], None] = lambda _: None,
    seed: int = 0,
) -> SchedulePlan:
    """A plan with the exact TV and KL of each schedule, and with the exact optimum.

    Args:
        plan: of this data law.
        table: composition tables of the target and its exact denoiser.
        target: the data law.
        progress: told of each search before it is done.
        seed: of the search for steps.
    """

    def measured(one: Offer) -> Offer:
        return one.measured(_law(one, table), target)

    progress("block schedules by exact TV and KL")
    optimum = [_fewest_exact(plan.goal, table, target)]
    if plan.goal.tv is not None:
        progress("steps by exact TV")
        optimum.append(_fewest_steps(plan.goal.tv, table, target, seed))
    found = tuple(one for one in optimum if one is not None)
    return replace(plan, offers=tuple(map(measured, plan.offers)), optimum=found)


def _law(one: Offer, table: CompositionTables) -> OutputLaw:
    if one.sizes:
        return table.at(one.sizes)
    steps = Schedule("ancestral", "linear", None, one.calls, times_given=one.times)
    return table.law(steps.law(table.length))


def _fewest_exact(goal: Goal, table: CompositionTables, target: Target) -> Offer | None:
    """The fewest blocks, among all 2^(d−1) compositions, by exact measurement; d of them have 0."""
    d = target.length
    if d > _MOST_COMPOSED:
        return None
    every = sorted(compositions(d), key=len)
    title = f"fewest blocks, of all {len(every)} schedules"
    for calls in range(1, d):
        some = [Offer(title, sizes) for sizes in every if len(sizes) == calls]
        found = [one.measured(table.at(one.sizes), target) for one in some]
        best = min(found, key=lambda one: one.beyond(goal))
        if best.beyond(goal) <= 0:
            return best
    return Offer(title, (1,) * d).measured(table.at((1,) * d), target)


def _fewest_steps(tv: float, table: CompositionTables, target: Target, seed: int) -> Offer | None:
    """The fewest steps for which a search by gradient finds a TV of at most ε, below d of them."""
    tried: dict[int, Offer] = {}

    def enough(calls: int) -> bool:
        found = best_schedule(table, target, calls, restarts=0, seed=seed)
        one = Offer("fewest steps by gradient", times=linear_times(found.weights.tolist()))
        tried[calls] = one.measured(_law(one, table), target)
        return tried[calls].beyond(Goal(tv)) <= 0

    fewest = smallest_steps(enough, most=target.length - 1) if target.length > 1 else None
    return None if fewest is None else tried[fewest]


def linear_times(weights: Sequence[float]) -> tuple[float, ...]:
    """Times on the linear clock whose ancestral steps have these weights, to six digits.

    Steps that vanish in rounding are left out.
    """
    revealed = np.concatenate([[0.0], np.cumsum(weights)[:-1]])
    times = [round(float(1 - t), DIGITS) for t in revealed]
    return (*(t for t in dict.fromkeys(times) if t > 0), 0.0)


def _from_numbers(known: Dependence, goal: Goal) -> list[Offer]:
    """What bounds on TC, DTC and Ī guarantee."""
    d, nats = known.length, goal.nats
    tc, dtc = known.correlations
    offers = []
    if tc is not None:
        sizes = tc_blocks(d, tc, nats)
        offers.append(_blocks("U3", "fewest blocks that TC certifies", sizes, tc, TcShare))
        parts = 1 + math.ceil(tc / nats)
        sizes = shrinking_blocks(d, parts)
        offers.append(
            Offer("TC's blocks as published", sizes, claim="U3", promise=float(tc / parts))
        )
    if dtc is not None:
        sizes = dtc_blocks(d, dtc, nats)
        offers.append(_blocks("U3", "fewest blocks that DTC certifies", sizes, dtc, DtcShare))
    if known.information is not None:
        # (s − 1)·Ī ≤ ε
        room = d if known.information * d <= nats else int(nats / known.information) + 1
        sizes = fixed_blocks(d, min(d, room))
        promise = float((max(sizes) - 1) * known.information)
        offers.append(Offer("equal blocks that Ī certifies", sizes, claim="KL5", promise=promise))
        offers += _steps_from(d, float(known.information), float(nats))
    return offers


def _steps_from(d: int, information: float, nats: float) -> list[Offer]:
    """Equal steps that a bound on Ī certifies (KL7), if they are fewer than tokens."""

    def promise(steps: int) -> float:
        law = {"d": d, "w": [1 / steps] * steps, "I_bar": information}
        return float(CLAIMS["KL7"].value(law, FLOAT))

    guess = max(1, math.ceil(d * information / (2 * nats)))  # to first order in 1/K
    if guess >= d or guess * d > _MOST_TERMS:
        return []
    steps = smallest_steps(lambda K: promise(K) <= nats, guess, d - 1)
    if steps is None:
        return []
    title = "equal steps that Ī certifies"
    return [Offer(title, (), equal_times(steps), claim="KL7", promise=promise(steps))]


def equal_times(steps: int) -> tuple[float, ...]:
    """Times of K equal steps on the linear clock."""
    return tuple((steps - k) / steps for k in range(steps + 1))


def _blocks(claim: str, title: str, sizes: tuple[int, ...], total: Fraction, share: Any) -> Offer:
    """With the largest share of TC or DTC that the sizes can cost, exactly."""
    most = float(total) * float(share.compute(FLOAT, sizes))
    return Offer(title, sizes, claim=claim, promise=most)


def _single_tokens(length: int) -> Offer:
    return Offer("one token at a time", (1,) * length, claim="H2", promise=0.0)
