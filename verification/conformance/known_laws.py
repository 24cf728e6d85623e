"""The exact laws of all samplers that the checker knows, on a denoiser given by a table.

They share nothing with `samplers.expansion` and `samplers.propagation` but the denoiser's numbers;
policies choose by `samplers.policies`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.policies import Policy, chosen_by
from sharprates.samplers.schedule import RULES
from sharprates.samplers.target import Target, all_states
from sharprates.verification.conformance import steps
from sharprates.verification.conformance.denoiser_table import (
    DenoiserTable,
    sharpened,
)
from sharprates.verification.conformance.oracle import Oracle, state_codes
from sharprates.verification.conformance.steps import Step
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.protocol import Declaration

LAST_STEPS = ("leave", "fill", "argmax")
MEASURED: Mapping[str, Callable[[Tensor], Tensor]] = {
    "probability": lambda p: p.amax(-1),
    "margin": lambda p: -p.topk(min(2, p.shape[-1])).values.diff(dim=-1).sum(-1),
    "entropy": lambda p: torch.xlogy(p, p).sum(-1),
}
"""Confidence by a prediction [..., S]."""

MEASURES = (*MEASURED, "drawn")

GUESSED_CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")
"""Clocks that are tried when the declared one does not fit."""


class KnownSampler(ABC):
    """A sampler whose law is known; as a string it is in words."""

    @property
    @abstractmethod
    def label(self) -> str:
        """Its name in JSON."""

    @abstractmethod
    def steps(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Step]:
        """Its steps on the whole sequence, or on each block in turn."""

    def law(self, denoiser: DenoiserTable, declaration: Declaration) -> Tensor:
        """Its exact output law, float64 [C] over all partial states."""
        mass = torch.zeros(len(denoiser.table), dtype=torch.float64)
        mass[denoiser.first] = 1
        for step in self.steps(denoiser, declaration):
            mass = step.after(mass)
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

    def steps(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Step]:
        """The steps of the grid, and one for the masks that remain; in each block."""
        m, hazards = denoiser.moves, declaration.hazards(self.rule)
        predicted = [declaration.predictions(denoiser, k) for k in range(len(hazards) + 1)]
        # Steps that draw from the same predictions are made together.
        same = [(denoiser.table, hazards)] if denoiser.late is None else None
        each = ((p, [r]) for p, r in zip(predicted, hazards, strict=False))
        parts = [(declaration.drawn_from(p), some) for p, some in same or each]
        if self.last_step == "fill":
            parts.append((declaration.drawn_from(predicted[-1]), [1.0]))
        elif self.last_step == "argmax":
            parts.append((sharpened(predicted[-1], 0, None, None), [1.0]))
        return [
            step
            for open_ in declaration.opened(denoiser)
            for p, some in parts
            for step in steps.by_hazards(m, p, open_, some)
        ]


@dataclass(frozen=True)
class ByCount(KnownSampler):
    """Each step reveals the same number of tokens.

    Attributes:
        order: ``uniform`` over the sets of positions, ``left-to-right``, or a measure of
            confidence; ``drawn`` draws at all masked positions and keeps the values that had the
            highest probability.
        count: tokens a step; 0 for those that the declaration lists.
    """

    order: str
    count: int = 1

    @property
    def label(self) -> str:
        """Order and tokens a step."""
        if self.order == "left-to-right":
            return self.order
        count = self.count or "by step"
        if self.order == "uniform":
            return "first-hitting" if count == 1 else f"blocks {count}"
        return f"confidence:{self.order} {count}"

    def __str__(self) -> str:
        kind, _, count = self.label.partition(" ")
        if not count:
            return kind
        kind = "random order" if self.order == "uniform" else kind
        many = "tokens by step" if self.count == 0 else f"{count} tokens a step"
        return f"{kind}, {many if self.count != 1 else '1 token a step'}"

    def chosen(
        self, denoiser: DenoiserTable, declaration: Declaration, open_: Tensor, count: int
    ) -> list[Tensor]:
        """The tokens bool [C, d] that a step reveals, several for random ties."""
        if self.order == "left-to-right":
            score = -torch.arange(denoiser.length, dtype=torch.float64).expand(open_.shape)
        else:
            score = MEASURED[self.order](declaration.judged_by(denoiser.table))
        return steps.surest(score, open_, count, declaration.ties)

    def steps(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Step]:
        """Steps until all tokens are revealed, in each block; no clock is in them."""
        m, found = denoiser.moves, []
        p = declaration.drawn_from(denoiser.table)
        for open_, count in self.plan(denoiser, declaration):
            if self.order == "uniform":
                found.append(steps.at_random(m, p, open_, count))
            elif self.order == "drawn":
                score = declaration.judged_by(denoiser.table)
                found.append(steps.keep_draws(m, p, open_, count, score, declaration.ties))
            else:
                chosen = self.chosen(denoiser, declaration, open_, count)
                found.append(steps.one_of([steps.by_choice(m, p, one) for one in chosen]))
        return found

    @property
    def chooses(self) -> bool:
        """True if the state alone decides which tokens are revealed."""
        return self.order not in ("uniform", "drawn")

    def plan(self, denoiser: DenoiserTable, declaration: Declaration) -> list[tuple[Tensor, int]]:
        """Of each step the tokens bool [C, d] that may be revealed, and how many are."""
        return [
            (open_, count)
            for open_ in declaration.opened(denoiser)
            for count in self.counts(declaration, int(open_[denoiser.first].sum()))
        ]

    def counts(self, declaration: Declaration, tokens: int) -> list[int]:
        """Tokens of each step among so many."""
        if self.count == 0:
            return declaration.counts(tokens)
        return [self.count] * -(-tokens // self.count)


@dataclass(frozen=True)
class ByPolicy(KnownSampler):
    """A policy chooses the tokens of each round; see `samplers.policies`.

    Attributes:
        policy: blind to what is drawn.
    """

    policy: Policy

    chooses = True
    """The state alone decides which tokens are revealed."""

    @property
    def label(self) -> str:
        """The policy's text."""
        return self.policy.name

    def __str__(self) -> str:
        return self.label

    def steps(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Step]:
        """Rounds until all tokens are revealed, in each block."""
        m, p = denoiser.moves, declaration.drawn_from(denoiser.table)
        found = []
        for open_ in declaration.opened(denoiser):
            for number in range(self.policy.most_rounds(int(open_.sum(1).max()))):
                chosen = self.chosen(denoiser, declaration, open_, number)
                found.append(steps.one_of([steps.by_choice(m, p, one) for one in chosen]))
        return found

    def chosen(
        self, denoiser: DenoiserTable, declaration: Declaration, open_: Tensor, number: int
    ) -> list[Tensor]:
        """The tokens bool [C, d] that a round reveals, several for random ties."""
        m, judged, some = denoiser.moves, declaration.judged_by(denoiser.table), open_.any(1)
        # What is not open counts as revealed.
        state, found = torch.where(m.hidden & ~open_, 0, m.states)[some], []
        for order in steps.tie_orders(declaration.ties, denoiser.length):
            chosen = torch.zeros_like(open_)
            ranks = torch.tensor(order).expand(len(state), -1)
            chosen[some] = chosen_by(self.policy, state, judged[some], number, ranks)
            found.append(chosen)
        return found


@dataclass(frozen=True)
class OwnLaw(KnownSampler):
    """A law or a kernel that the declaration brings."""

    label = "own"

    def __str__(self) -> str:
        return "its own law"

    def steps(self, denoiser: DenoiserTable, declaration: Declaration) -> list[Step]:
        """One a step of the grid, by the kernel that is declared, and the last step."""
        m, found = denoiser.moves, list[Step]()
        if declaration.kernel is None:
            return found
        C, d, S = denoiser.table.shape
        for k in range(len(declaration.grid) - 1):
            p = declaration.drawn_from(declaration.predictions(denoiser, k))
            kernel = declaration.kernel(m.states.clone(), p.clone(), k)
            if not isinstance(kernel, Tensor) or tuple(kernel.shape) not in ((C, C), (C, d, S + 1)):
                got = list(kernel.shape) if isinstance(kernel, Tensor) else type(kernel).__name__
                raise InputError(
                    f"kernel: must return float64 [{C}, {d}, {S + 1}] or [{C}, {C}], got {got}"
                )
            kernel = kernel.double()
            if kernel.ndim == 3 and declaration.carry_over:
                same = torch.nn.functional.one_hot(m.states, S + 1).double()
                kernel = torch.where(m.hidden[..., None], kernel, same)
            if bool((kernel < 0).any()) or not torch.allclose(
                kernel.sum(-1), torch.ones(1, dtype=torch.float64), atol=1e-9
            ):
                raise InputError(f"kernel: in step {k} some probabilities do not add up to 1")
            found.append(steps.by_kernel(m, kernel))
        if declaration.last_step != "leave":
            predicted = declaration.predictions(denoiser, len(found))
            greedy = declaration.last_step == "argmax"
            p = sharpened(predicted, 0, None, None) if greedy else declaration.drawn_from(predicted)
            found.append(steps.by_choice(m, p, m.hidden))
        return found

    def law(self, denoiser: DenoiserTable, declaration: Declaration) -> Tensor:
        """See `KnownSampler`."""
        if declaration.law is None:
            return super().law(denoiser, declaration)
        d, S = denoiser.length, denoiser.vocabulary
        rows = all_states(d, S)
        target = Target.from_rows(rows, torch.full((len(rows),), 1 / len(rows)).double(), S)
        found = declaration.law(target, Oracle(denoiser))
        if not isinstance(found, Tensor):  # an `OutputLaw`
            rows, found = found.rows, found.probability
        p = found.detach().double().flatten()
        C = len(denoiser.table)
        if (
            len(p) not in (C, len(rows))
            or not abs(float(p.sum()) - 1) < 1e-9
            or bool((p < 0).any())
        ):
            raise InputError(
                f"law: must return probabilities [{S**d}] of all sequences, or [{C}] of all "
                f"partial states, that add up to 1; got {len(p)} with sum {float(p.sum()):.6g}"
            )
        if len(p) == C:
            return p
        return torch.zeros(C, dtype=torch.float64).index_add_(0, state_codes(rows, S), p)


def declared_sampler(declaration: Declaration) -> KnownSampler | None:
    """What a sampler says it is; None if it asks which one it is."""
    rule = declaration.rule
    if declaration.law is not None or declaration.kernel is not None:
        return OwnLaw()
    if rule is None:
        return None
    if isinstance(rule, Policy):
        return ByPolicy(rule)
    if declaration.by_hazard:
        return ByHazard(rule, declaration.last_step)
    if rule in ("first-hitting", "left-to-right"):
        return ByCount("uniform" if rule == "first-hitting" else rule)
    order = "uniform" if rule == "blocks" else rule.removeprefix("confidence:")
    given = declaration.tokens_a_step
    return ByCount(order, given if isinstance(given, int) else 0)


def known_samplers(declaration: Declaration, length: int) -> list[KnownSampler]:
    """All samplers that are told apart: rule and last step, or order and tokens a step."""
    known: list[KnownSampler] = [ByHazard(rule, last) for rule in RULES for last in LAST_STEPS]
    known += [ByCount("uniform"), ByCount("left-to-right")]
    block = declaration.block_length or length
    # All d tokens at once is one block, however sure they are.
    counts = range(1, block + 1)
    known += [ByCount("uniform", c) for c in counts if c > 1]
    known += [ByCount(order, c) for order in MEASURES for c in counts if c < block]
    declared = declared_sampler(declaration)
    return known if declared is None or declared in known else [declared, *known]


def near_misses(declaration: Declaration) -> dict[str, Declaration]:
    """What is easily mistaken for a declaration, by name."""
    found: dict[str, Declaration] = {}
    temperature = declaration.temperature
    if temperature != 1:
        found["temperature 1"] = replace(declaration, temperature=1.0)
        if temperature:
            found["temperature inverted"] = replace(declaration, temperature=1 / temperature)
        if declaration.rule not in RULES:
            acts = "draw" if declaration.temperature_acts == "everywhere" else "everywhere"
            found[f"temperature_acts {acts}"] = replace(declaration, temperature_acts=acts)
    if declaration.top_k is not None or declaration.top_p is not None:
        found["no cut of the tail"] = replace(declaration, top_k=None, top_p=None)
    if declaration.block_length is not None:
        found["no blocks"] = replace(declaration, block_length=None)
    if isinstance(declaration.rule, Policy):
        found |= {
            one.name: replace(declaration, rule=one) for one in _other_bounds(declaration.rule)
        }
    if declaration.by_hazard:
        found |= {f"the clock {name}": replace(declaration, clock=name) for name in GUESSED_CLOCKS}
        if declaration.times is None:
            for steps in (declaration.steps + 1, max(1, declaration.steps - 1)):
                found[f"K = {steps}"] = replace(declaration, steps=steps)
    return found


def _other_bounds(rule: Policy) -> Iterator[Policy]:
    """The same rule with a threshold, or another bound, that is a little larger or smaller."""
    for one in fields(rule) if is_dataclass(rule) else ():
        bound = getattr(rule, one.name)
        if isinstance(bound, float):
            yield from (replace(rule, **{one.name: factor * bound}) for factor in (0.97, 1.03))


def tv_between(p: Tensor, q: Tensor) -> float:
    """TV(p, q) of two laws on the same cells."""
    return float((p - q).abs().sum()) / 2
