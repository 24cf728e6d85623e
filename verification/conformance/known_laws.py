"""The exact laws of all samplers that the checker knows, on denoisers chosen to tell them apart.

They share nothing with `samplers.expansion` and `samplers.propagation` but the denoiser's numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, compress
from typing import TYPE_CHECKING

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import RULES
from sharprates.verification.conformance.denoiser_table import (
    DenoiserTable,
    exact_denoiser,
    order_dependent_denoiser,
    step_by_count,
    tempered,
)
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.protocol import Declaration

LAST_STEPS = ("leave", "fill", "argmax")
MEASURES = ("probability", "margin", "entropy", "drawn")

COINCIDE = 1e-9
"""Laws that are nearer than this in TV count as one."""

GUESSED_CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")
"""Clocks that are tried when the declared one does not fit."""


class KnownSampler(ABC):
    """A sampler whose law is known; as a string it is in words."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Its name in JSON."""

    @abstractmethod
    def kernels(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Tensor]:
        """Its steps, each float64 [C, C].

        Args:
            denoiser: with the temperature applied.
            declaration: for clock and grid.
        """

    def law(self, denoiser: DenoiserTable, declaration: Declaration) -> Tensor:
        """Its exact output law, float64 [C] over all partial states."""
        mass = torch.zeros(len(denoiser.states), dtype=torch.float64)
        mass[-1] = 1
        for step in self.kernels(tempered(denoiser, declaration.temperature), declaration):
            mass = mass @ step
        return mass / mass.sum()


@dataclass(frozen=True)
class ByHazard(KnownSampler):
    """Each step reveals each masked token with the probability that a rule says.

    Attributes:
        rule: a name of `samplers.schedule.RULES`.
        last_step: of `LAST_STEPS`.
    """

    rule: str
    last_step: str

    @property
    def label(self) -> str:
        """Rule and last step."""
        return f"{self.rule} {self.last_step}"

    def __str__(self) -> str:
        last = {
            "leave": "masks left as they are",
            "fill": "last step drawn",
            "argmax": "last step by argmax",
        }
        return f"{self.rule.replace('tau', 'τ')} ({last[self.last_step]})"

    def kernels(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Tensor]:
        """The steps of the grid, and one for the masks that remain."""
        steps = [denoiser.step_by_hazard(r) for r in declaration.hazards(self.rule)]
        if self.last_step == "fill":
            steps.append(denoiser.step_by_hazard(1.0))
        elif self.last_step == "argmax":
            steps.append(denoiser.step_by_argmax())
        return steps


@dataclass(frozen=True)
class ByCount(KnownSampler):
    """Each step reveals the same number of tokens.

    Attributes:
        order: as in `denoiser_table.step_by_count`.
        count: tokens a step.
    """

    order: str
    count: int = 1

    @property
    def label(self) -> str:
        """Order and tokens a step."""
        if self.order == "left-to-right":
            return self.order
        if self.order == "uniform":
            return "first-hitting" if self.count == 1 else f"blocks {self.count}"
        return f"confidence:{self.order} {self.count}"

    def __str__(self) -> str:
        if self.order == "uniform" and self.count > 1:
            return f"{self.count} tokens a step in random order"
        kind, _, count = self.label.partition(" ")
        return f"{kind}, {count} token{'' if self.count == 1 else 's'} a step" if count else kind

    def kernels(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Tensor]:  # noqa: ARG002 - the base's argument
        """The same step until all tokens are revealed; no clock is in it."""
        return [step_by_count(denoiser, self.count, self.order)] * -(-denoiser.length // self.count)


def declared_sampler(declaration: Declaration) -> KnownSampler | None:
    """What a sampler says it is; None if it asks which one it is."""
    rule = declaration.rule
    if rule is None:
        return None
    if declaration.by_hazard:
        return ByHazard(rule, declaration.last_step)
    if rule in ("first-hitting", "left-to-right"):
        return ByCount("uniform" if rule == "first-hitting" else rule)
    order = "uniform" if rule == "blocks" else rule.removeprefix("confidence:")
    return ByCount(order, declaration.tokens_a_step)


def known_samplers(declaration: Declaration, length: int) -> list[KnownSampler]:
    """All samplers that are told apart: rule and last step, or order and tokens a step."""
    known: list[KnownSampler] = [ByHazard(rule, last) for rule in RULES for last in LAST_STEPS]
    known += [ByCount("uniform"), ByCount("left-to-right")]
    counts = sorted({min(declaration.tokens_a_step, length), *range(1, length + 1)})
    known += [ByCount("uniform", c) for c in counts if c > 1]
    # All d tokens at once is one block, however sure they are.
    known += [ByCount(order, c) for order in MEASURES for c in counts if c < length]
    declared = declared_sampler(declaration)
    return known if declared is None or declared in known else [declared, *known]


def tv_between(p: Tensor, q: Tensor) -> float:
    """TV(p, q) of two laws on the same cells."""
    return float((p - q).abs().sum()) / 2


@dataclass(frozen=True)
class Design:
    """Denoisers, with the laws that are told apart on them.

    Attributes:
        declared: the sampler that is declared; None if it is asked which one it is.
        denoisers: what the sampler is run on: an exact one, and one by which the order of
            revealing shows.
        laws: of each known sampler, one law a denoiser.
        coinciding: groups of samplers that no denoiser tells apart.
        separation: smallest TV, on the better denoiser, between laws that do not coincide; where a
            rule is declared, between its law and another.
    """

    declared: KnownSampler | None
    denoisers: tuple[DenoiserTable, DenoiserTable]
    laws: Mapping[KnownSampler, tuple[Tensor, Tensor]]
    coinciding: tuple[tuple[KnownSampler, ...], ...]
    separation: float

    def group(self, sampler: KnownSampler) -> tuple[KnownSampler, ...]:
        """The samplers that coincide with this one, itself included."""
        return next((group for group in self.coinciding if sampler in group), (sampler,))

    def among(self, samplers: Sequence[KnownSampler]) -> str:
        """Samplers in words, those that coincide together."""
        groups: dict[tuple[KnownSampler, ...], None] = {}
        for sampler in samplers:
            groups.setdefault(tuple(other for other in self.group(sampler) if other in samplers))
        return " or ".join(" = ".join(map(str, group)) for group in groups)


def design(declaration: Declaration, length: int = 3, vocabulary: int = 3, pool: int = 8) -> Design:
    """Choose denoisers for power: the largest smallest TV between laws that differ at all.

    Args:
        declaration: clock, grid, temperature and, if it names a rule, whose law is to be separated
            from all others.
        length: d, small.
        vocabulary: S, small; confidence measures differ from S = 3 on.
        pool: candidates of each kind.

    Returns:
        The best exact denoiser, and the best order-dependent one.

    Raises:
        InputError: if d or S is too small or too large to enumerate.
    """
    if not 2 <= length <= 4 or not 2 <= vocabulary <= 4:
        raise InputError(f"design: need 2 ≤ d, S ≤ 4, got d = {length}, S = {vocabulary}")
    # The name changes nothing, and one design serves many seeds.
    return _design(replace(declaration, name=""), length, vocabulary, pool)


@lru_cache(maxsize=64)
def _design(declaration: Declaration, length: int, vocabulary: int, pool: int) -> Design:
    known, declared = known_samplers(declaration, length), declared_sampler(declaration)
    pairs = [pair for pair in combinations(known, 2) if declared is None or declared in pair]
    denoisers: list[DenoiserTable] = []
    laws: list[dict[KnownSampler, Tensor]] = []
    for make in (exact_denoiser, order_dependent_denoiser):
        tables = [make(length, vocabulary, seed) for seed in range(pool)]
        on_each = [{one: one.law(table, declaration) for one in known} for table in tables]
        apart = [[tv_between(law[a], law[b]) for a, b in pairs] for law in on_each]
        # What coincides on every candidate cannot guide the choice.
        differ = [max(tvs) > COINCIDE for tvs in zip(*apart, strict=True)]
        least = [min(compress(tvs, differ), default=1.0) for tvs in apart]
        best = least.index(max(least))
        denoisers.append(tables[best])
        laws.append(on_each[best])

    def distance(one: KnownSampler, other: KnownSampler) -> float:
        return max(tv_between(law[one], law[other]) for law in laws)

    groups: list[list[KnownSampler]] = []
    for one in known:
        group = next((group for group in groups if distance(one, group[0]) <= COINCIDE), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    group_of = {one: tuple(group) for group in groups for one in group}
    separate = (distance(a, b) for a, b in pairs if group_of[a] != group_of[b])
    exact, order_dependent = denoisers
    return Design(
        declared,
        (exact, order_dependent),
        {one: (laws[0][one], laws[1][one]) for one in known},
        tuple(tuple(group) for group in groups if len(group) > 1),
        min(separate, default=1.0),
    )
