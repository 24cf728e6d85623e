"""Which number of a policy's rule is the cheapest that reaches a total variation, by exact TV."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import TotalVariation, total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.sampler import RoundCount
from sharprates.samplers.target import Target

SCAN = 20
"""A real number is tried at so many equal steps first."""
FINE_SCAN = 200
"""… and at so many, where TV does not fall along them."""
PARTS = {"threshold": 10_000, "entropy-bounded": 1_000, "factor": 1_000}
"""Rules with a real number, which is tried in so many parts of 1."""
COUNTS = ("confidence", "margin", "entropy", "random", "left-to-right")
"""Rules with a whole number."""


@dataclass(frozen=True)
class PolicyCost:
    """A policy that was tried.

    Attributes:
        policy: its text.
        rounds: on the data.
        tv: its exact total variation.
    """

    policy: str
    rounds: RoundCount
    tv: TotalVariation

    def within(self, tv: float) -> bool:
        """Whether its total variation, its rounding error included, is at most this, or shown 0."""
        return self.settled == 0 or self.tv.value + self.tv.error <= tv

    @property
    def settled(self) -> float:
        """The TV to show: 0 where its error includes it."""
        return self.tv.value if self.tv.value > self.tv.error else 0.0

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "policy": self.policy,
            "rounds": {"mean": self.rounds.mean, "max": self.rounds.most},
            "tv": {"value": self.tv.value, "error": self.tv.error},
        }


@dataclass(frozen=True)
class PolicyPlan:
    """The cheapest policy of one rule found.

    Attributes:
        target: name of the data law.
        length: d.
        vocabulary: S.
        rule: without its number.
        tv: what is to be reached.
        tried: from what should be cheap to what should be safe.
        search: ``all`` numbers; ``bisection`` where TV fell along a scan, so that between two of
            its numbers it is taken to fall too; else a ``scan``.
    """

    target: str
    length: int
    vocabulary: int
    rule: str
    tv: float
    tried: tuple[PolicyCost, ...]
    search: str

    @property
    def chosen(self) -> PolicyCost | None:
        """Of those that reach it the one of fewest rounds on average; of these the first."""
        holding = [one for one in self.tried if one.within(self.tv)]
        return min(holding, key=lambda one: one.rounds.mean, default=None)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "target": self.target,
            "length": self.length,
            "vocabulary": self.vocabulary,
            "tv": self.tv,
            "policy": {
                "rule": self.rule,
                "search": self.search,
                "chosen": self.chosen and self.chosen.to_json(),
                "tried": [one.to_json() for one in self.tried],
            },
        }


def plan_policy(
    target: Target, rule: str, tv: float, denoiser: Denoiser | None = None
) -> PolicyPlan:
    """The cheapest number of a rule.

    Args:
        target: the data law.
        rule: one of `PARTS` and `COUNTS`, also inside blocks: ``left-to-right:2:threshold``.
        tv: what is to be reached, ≥ 0.
        denoiser: what predicts; by default the exact one.

    Raises:
        InputError: for another rule, or a target too large for exact laws.
    """
    if not 0 <= tv <= 1:
        raise InputError(f"tv: a total variation lies in [0, 1], got {tv}")
    block, _, kind = rule.rpartition(":")
    if kind not in (*PARTS, *COUNTS):
        raise InputError(
            f"policy {rule!r}: plan tries the number of a rule; name one of "
            f"{', '.join((*PARTS, *COUNTS))} without it"
        )
    given = denoiser or ExactDenoiser(target)
    size = _inside(rule, block, target.length)
    known: dict[int, PolicyCost] = {}

    def at(number: int) -> PolicyCost:
        if number not in known:
            shown = f"{number / PARTS[kind]:g}" if kind in PARTS else str(number)
            known[number] = _cost(target, given, f"{rule}:{shown}")
        return known[number]

    numbers, search = _numbers(kind, size, target.vocabulary), "all"
    if kind in PARTS:
        search = _searched(at, numbers, tv)
    else:
        for number in numbers:
            at(number)
    order = sorted(known, reverse=numbers[0] > numbers[-1])
    tried = tuple(known[number] for number in order)
    return PolicyPlan(target.name, target.length, target.vocabulary, rule, tv, tried, search)


def _inside(rule: str, block: str, length: int) -> int:
    """How many tokens the rule chooses among."""
    if not block:
        return length
    head, _, size = block.partition(":")
    if head != "left-to-right" or not size.isdecimal():
        raise InputError(f"policy {rule!r}: a rule stands alone or in blocks, left-to-right:B:rule")
    policy(block, length)
    return int(size)


def _numbers(kind: str, size: int, vocabulary: int) -> Sequence[int]:
    """All that may be tried, from cheap to safe; of real ones in their parts."""
    if kind == "threshold":
        return range(PARTS[kind] + 1)
    if kind in PARTS:
        most = size * math.log(vocabulary) if kind == "entropy-bounded" else size + 1
        return range(math.ceil(most * PARTS[kind]), -1, -1)
    return [k for k in range(size, 0, -1) if kind != "left-to-right" or size % k == 0]


def _searched(at: Callable[[int], PolicyCost], numbers: Sequence[int], tv: float) -> str:
    """Try some numbers; say how they were found."""

    def scan(steps: int) -> list[int]:
        last = len(numbers) - 1
        return sorted({round(last * i / steps) for i in range(steps + 1)})

    places = scan(SCAN)
    costs = [at(numbers[place]).tv for place in places]
    if any(b.value > a.value + a.error + b.error for a, b in pairwise(costs)):
        for place in scan(FINE_SCAN):
            at(numbers[place])
        return "scan"
    first = next((i for i, p in enumerate(places) if at(numbers[p]).within(tv)), None)
    if first:
        failing, holding = places[first - 1], places[first]
        while holding - failing > 1:
            middle = (holding + failing) // 2
            reached = at(numbers[middle]).within(tv)
            failing, holding = (failing, middle) if reached else (middle, holding)
    return "bisection"


def _cost(target: Target, denoiser: Denoiser, text: str) -> PolicyCost:
    sampler = PolicySampler(target.length, policy(text, target.length))
    found = total_variation(sampler.law(target, denoiser), target)
    return PolicyCost(text, sampler.rounds_on(target, denoiser), found)
