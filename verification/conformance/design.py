"""The denoisers that a sampler is run on, chosen so that laws that differ are far apart on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations, compress
from typing import TYPE_CHECKING

import torch
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.denoiser_table import (
    DenoiserTable,
    exact_denoiser,
    order_dependent_denoiser,
    tied_denoiser,
    wide_denoiser,
)
from sharprates.verification.conformance.findings import INSTANCES, Settings
from sharprates.verification.conformance.known_laws import (
    ByCount,
    ByPolicy,
    KnownSampler,
    declared_sampler,
    known_samplers,
    near_misses,
    tv_between,
)
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.protocol import Declaration

COINCIDE = 1e-9
"""Laws that are nearer than this in TV count as one."""

STATES = 7_000
"""Partial states of the largest denoiser: those of eight tokens of two symbols."""

_FEW_STATES = 300


@dataclass(frozen=True, eq=False)
class Instance:
    """A denoiser that a sampler is run on.

    Attributes:
        name: short.
        denoiser: by its table.
        law: what is declared, exactly; None if nothing is, or ties decide and how is not declared.
        share: of the time for samples.
        tie_laws: where ties decide, the law of each way to break them.
    """

    name: str
    denoiser: DenoiserTable
    law: Tensor | None
    share: float = 1.0
    tie_laws: Mapping[str, Tensor] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} (d = {self.denoiser.length}, S = {self.denoiser.vocabulary})"


@dataclass(frozen=True)
class Design:
    """What a sampler is run on, with the laws that are told apart there.

    Attributes:
        declared: the sampler that is declared; None if it is asked which one it is.
        instances: an exact denoiser, one by which the order of revealing shows, and others.
        laws: of each known sampler, one law on each of the first two.
        coinciding: groups of samplers that neither of these tells apart.
        separation: smallest TV, on the better one, between laws that do not coincide; where a rule
            is declared, between its law and another.
        skipped: instances that cannot be had, and why.
    """

    declared: KnownSampler | None
    instances: tuple[Instance, ...]
    laws: Mapping[KnownSampler, tuple[Tensor, Tensor]]
    coinciding: tuple[tuple[KnownSampler, ...], ...]
    separation: float
    skipped: tuple[str, ...]

    @property
    def denoisers(self) -> tuple[DenoiserTable, DenoiserTable]:
        """The first two: on them all known samplers have a law."""
        return self.instances[0].denoiser, self.instances[1].denoiser

    def group(self, sampler: KnownSampler) -> tuple[KnownSampler, ...]:
        """The samplers that coincide with this one, itself included."""
        return next((group for group in self.coinciding if sampler in group), (sampler,))

    def among(self, samplers: Sequence[KnownSampler]) -> str:
        """Samplers in words, those that coincide together."""
        groups: dict[tuple[KnownSampler, ...], None] = {}
        for sampler in samplers:
            groups.setdefault(tuple(other for other in self.group(sampler) if other in samplers))
        return " or ".join(" = ".join(map(str, group)) for group in groups)


def design(declaration: Declaration, settings: Settings) -> Design:
    """Choose denoisers for power: the largest smallest TV between laws that differ at all.

    Args:
        declaration: clock, grid, temperature and, if it names a rule, whose law is to be separated
            from all others.
        settings: length, vocabulary, and whether there are other instances than the first two.

    Raises:
        InputError: if a length or vocabulary cannot be enumerated, or blocks do not divide it.
    """
    # The name changes nothing, and one design serves many seeds.
    same = replace(declaration, name="")
    return _design(same, settings.length, settings.vocabulary, settings.others)


def first_size(
    declaration: Declaration, length: int | None, vocabulary: int | None
) -> tuple[int, int]:
    """d and S of the first two instances: two blocks at least."""
    block = declaration.block_length or 1
    d = length or block * max(2, -(-3 // block))
    S = vocabulary or (3 if 4**d <= 2 * _FEW_STATES else 2)
    if d < 2 or S < 2 or (S + 1) ** d > STATES:
        raise InputError(
            f"length and vocabulary: need d, S ≥ 2 and (S + 1)^d ≤ {STATES} to work laws out "
            f"exactly, got d = {d}, S = {S}"
        )
    return d, S


@lru_cache(maxsize=64)
def _design(
    declaration: Declaration, length: int | None, vocabulary: int | None, others: bool
) -> Design:
    d, S = first_size(declaration, length, vocabulary)
    known, declared = known_samplers(declaration, d), declared_sampler(declaration)
    pairs = [pair for pair in combinations(known, 2) if declared is None or declared in pair]
    denoisers: list[DenoiserTable] = []
    laws: list[dict[KnownSampler, Tensor]] = []
    for make in (exact_denoiser, order_dependent_denoiser):
        pool = 8 if (S + 1) ** d <= _FEW_STATES else 2
        tables = [make(d, S, seed) for seed in range(pool)]
        if declaration.top_k is not None or declaration.top_p is not None:
            # Flatter ones, of which a cut leaves more than one value.
            tables += [_flat(table) for table in tables]
        on_each = [{one: one.law(table, declaration) for one in known} for table in tables]
        apart = [[tv_between(law[a], law[b]) for a, b in pairs] for law in on_each]
        if declared is not None:
            for table, on_this, tvs in zip(tables, on_each, apart, strict=True):
                missed = _missed(declared, declaration, table)
                tvs += [tv_between(on_this[declared], p) for p in missed]
        # What coincides on every candidate cannot guide the choice.
        differ = [max(tvs) > COINCIDE for tvs in zip(*apart, strict=True)]
        least = [min(compress(tvs, differ), default=1.0) for tvs in apart]
        # What ties decide says nothing where it is not declared how.
        least = [
            -1.0 if declared and tie_laws(declared, declaration, table) else worst
            for table, worst in zip(tables, least, strict=True)
        ]
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
    first = [
        _instance(name, denoiser, declared, declaration)
        for name, denoiser in zip(INSTANCES, denoisers, strict=False)
    ]
    more, skipped = [], []
    if declared is not None and others:
        for name, given in _others(declaration, length, vocabulary):
            if isinstance(given, str):
                skipped.append(given)
                continue
            try:
                more.append(replace(_instance(name, given, declared, declaration), share=0.4))
            except InputError as error:
                skipped.append(f"d = {given.length}, S = {given.vocabulary} ({error})")
    return Design(
        declared,
        (*first, *more),
        {one: (laws[0][one], laws[1][one]) for one in known},
        tuple(tuple(group) for group in groups if len(group) > 1),
        min(separate, default=1.0),
        tuple(skipped),
    )


def _flat(table: DenoiserTable) -> DenoiserTable:
    p = table.table**0.4
    return DenoiserTable(p / p.sum(-1, keepdim=True))


def tie_laws(
    declared: KnownSampler, declaration: Declaration, denoiser: DenoiserTable
) -> dict[str, Tensor]:
    """Of each way to break ties the law; none where that is declared, or makes no difference."""
    if declaration.ties is not None or not isinstance(declared, ByCount | ByPolicy):
        return {}
    ways = ("left", "right", "random") if denoiser.length < 5 else ("left", "right")
    laws = {way: declared.law(denoiser, replace(declaration, ties=way)) for way in ways[:2]}
    if tv_between(laws["left"], laws["right"]) <= COINCIDE:
        return {}
    return laws | {way: declared.law(denoiser, replace(declaration, ties=way)) for way in ways[2:]}


def _instance(
    name: str, denoiser: DenoiserTable, declared: KnownSampler | None, declaration: Declaration
) -> Instance:
    if declared is None:
        return Instance(name, denoiser, None)
    ties = tie_laws(declared, declaration, denoiser)
    law = None if ties else declared.law(denoiser, declaration)
    return Instance(name, denoiser, law, tie_laws=ties)


def _missed(
    declared: KnownSampler, declaration: Declaration, table: DenoiserTable
) -> Iterator[Tensor]:
    """The laws of near misses; of a grid beyond a clock's domain the declared one."""
    for near in near_misses(declaration).values():
        try:
            yield (declared_sampler(near) or declared).law(table, near)
        except InputError:
            yield declared.law(table, declaration)


def _others(
    declaration: Declaration, length: int | None, vocabulary: int | None
) -> Iterator[tuple[str, DenoiserTable | str]]:
    """Denoisers on which other things show, or what then is not looked at."""
    block = declaration.block_length or 1
    short = length or block * max(2, -(-2 // block))

    # A kernel of one's own is a whole matrix.
    most = STATES if declaration.kernel is None else 1_000

    def fits(d: int, S: int) -> bool:
        return (S + 1) ** d <= most and d % block == 0

    if declaration.has_times:
        S = vocabulary or (3 if fits(short, 3) else 2)
        early, late = (order_dependent_denoiser(short, S, seed).table for seed in (100, 101))
        yield "time-dependent denoiser", DenoiserTable(early, late)
    rule = declared_sampler(declaration)
    if isinstance(rule, ByPolicy) or (
        isinstance(rule, ByCount) and rule.order not in ("uniform", "left-to-right")
    ):
        d, S = first_size(declaration, length, vocabulary)
        yield "ties", tied_denoiser(d, S)
    if vocabulary in (None, 8) and fits(short, 8):
        yield "more symbols", wide_denoiser(short)
    else:
        yield "more symbols", "rare tokens in samples, and vocabularies of eight"
    # Of tokens that tie at random all orders are gone through.
    most_tokens = 5 if declaration.ties == "random" else 8
    longer = [
        d for d in range(most_tokens, short, -1) if fits(d, vocabulary or 2) and length in (None, d)
    ]
    if longer:
        yield "more tokens", order_dependent_denoiser(longer[0], vocabulary or 2, 200)
    else:
        yield "more tokens", f"lengths other than {length or short}"
    if declaration.prompt == "none":
        yield "prompt", "prompts"
    else:
        S = vocabulary or 2
        d, given = (length, block) if length else (max(3, short) + 1, 1)
        start = torch.full((d,), S)
        start[slice(0, given) if declaration.prompt == "prefix" else [1]] = 1
        yield "prompt", DenoiserTable(order_dependent_denoiser(d, S, 300).table, prompt=start)
