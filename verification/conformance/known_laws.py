"""The exact laws of all samplers that the checker knows, on instances chosen to tell them apart.

Small d and S: a law is a vector over all (S+1)^d partial states, a step a matrix over them. Shares
nothing with `samplers.expansion` and `samplers.propagation` but the denoiser's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import combinations

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import dirichlet
from sharprates.samplers.step_law import RULES
from sharprates.samplers.target import all_states
from sharprates.verification.conformance.protocol import LAST_STEPS, Declaration
from torch import Tensor

COINCIDE = 1e-9
"""Laws that are nearer than this in TV count as one."""

GUESSED_CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")
"""Clocks that are tried when the declared one does not fit."""


@dataclass(frozen=True, eq=False)
class Instance:
    """A denoiser given by a table, with the moves between all partial states.

    Attributes:
        name: what a report calls it.
        table: float64 [(S+1)^d, d, S], positive and normalised.
    """

    name: str
    table: Tensor
    _steps: dict[tuple[int, str], Tensor] = field(default_factory=dict, init=False, repr=False)

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.table.shape[1])

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.table.shape[2])

    @cached_property
    def states(self) -> Tensor:
        """int64 [C, d], all partial states in lexicographic order; the last one is all masks."""
        return all_states(self.length, self.vocabulary + 1)

    @cached_property
    def hidden(self) -> Tensor:
        """bool [C, d]: which positions are masked."""
        return self.states == self.vocabulary

    @cached_property
    def revealed(self) -> Tensor:
        """bool [C, C, d]: positions that a move reveals; meaningless where it is no move."""
        return self.hidden[:, None] & ~self.hidden[None]

    @cached_property
    def values(self) -> Tensor:
        """float64 [C, C]: probability of the values that a move reveals; 0 if it is no move."""
        x, y, S = self.states[:, None], self.states[None], self.vocabulary
        is_move = ((x == y) | (x == S)).all(-1)
        C, d = self.states.shape
        index = y.clamp(max=S - 1).expand(C, C, d)
        p = self.table[:, None].expand(C, C, d, S).gather(-1, index[..., None]).squeeze(-1)
        product = torch.where(self.revealed, p, 1.0).prod(-1)
        return torch.where(is_move, product, 0.0)

    def step_by_hazard(self, hazard: float) -> Tensor:
        """Each masked token is revealed with this probability: float64 [C, C]."""
        # A float to the power of integers would be float32.
        shown = self.revealed.sum(-1, dtype=torch.float64)
        stay = self.hidden.sum(-1)[:, None] - shown
        return self.values * hazard**shown * (1 - hazard) ** stay.clamp(min=0)

    def step_by_argmax(self) -> Tensor:
        """All masked tokens get their most probable symbol: float64 [C, C]."""
        full = torch.where(self.hidden, self.table.argmax(-1), self.states)
        return (self.states[None] == full[:, None]).all(-1).to(torch.float64)

    def step_by_count(self, count: int, how: str) -> Tensor:
        """A fixed number of tokens, fewer where fewer are masked: float64 [C, C].

        Args:
            count: tokens.
            how: ``uniform`` over the sets of positions, ``left-to-right``, or a measure of
                confidence; ``drawn`` draws at all masked positions and keeps the values that had
                the highest probability.
        """
        if (count, how) not in self._steps:  # no clock is in it: one serves many declarations
            self._steps[count, how] = self._by_count(count, how)
        return self._steps[count, how]

    def _by_count(self, count: int, how: str) -> Tensor:
        C, d = self.table.shape[:2]
        step = torch.zeros(C, C, dtype=torch.float64)
        for x in range(C):
            hidden = self.hidden[x].nonzero().flatten().tolist()
            c = min(count, len(hidden))
            if c == 0:
                step[x, x] = 1
            elif how == "drawn":
                self._drawn(x, hidden, c, step)
            elif how == "uniform":
                exactly = self.revealed[x].sum(-1) == c
                step[x] = torch.where(exactly, self.values[x], 0.0) / math.comb(len(hidden), c)
            else:
                chosen = torch.zeros(d, dtype=torch.bool)
                chosen[self._surest(x, hidden, how)[:c]] = True
                same = (self.revealed[x] == chosen).all(-1)
                step[x] = torch.where(same, self.values[x], 0.0)
        return step

    def _surest(self, x: int, hidden: list[int], how: str) -> list[int]:
        if how == "left-to-right":
            return hidden
        p = self.table[x]
        top = p.topk(min(2, self.vocabulary), dim=-1).values
        score = {
            "probability": top[:, 0],
            "margin": top[:, 0] - top[:, -1],
            "entropy": torch.xlogy(p, p).sum(-1),
        }[how].tolist()
        return sorted(hidden, key=lambda i: (-round(score[i], 9), i))

    def _drawn(self, x: int, hidden: list[int], count: int, step: Tensor) -> None:
        d, S = self.length, self.vocabulary
        for drawn in all_states(len(hidden), S).tolist():
            p = [float(self.table[x, i, a]) for i, a in zip(hidden, drawn, strict=True)]
            kept = sorted(range(len(hidden)), key=lambda j: (-round(p[j], 9), j))[:count]
            y = x + sum((drawn[j] - S) * (S + 1) ** (d - 1 - hidden[j]) for j in kept)
            step[x, y] += math.prod(p)


@lru_cache(maxsize=128)
def tempered(instance: Instance, temperature: float) -> Instance:
    """The same with probabilities raised to 1/temperature and normalised."""
    if temperature == 1:
        return instance
    raised = instance.table ** (1 / temperature)
    return Instance(instance.name, raised / raised.sum(-1, keepdim=True))


def hazards(rule: str, declaration: Declaration) -> list[float]:
    """Reveal probability of each step of a rule on the declared clock and grid, clipped at 1."""
    asked = RULES[rule](declaration.chosen_clock, declaration.grid)
    return asked.clamp(0, 1).tolist()


def kernels(label: str, instance: Instance, declaration: Declaration) -> list[Tensor]:
    """The steps of a known sampler, each float64 [C, C].

    Args:
        label: as in `labels`.
        instance: with the temperature applied.
        declaration: for clock and grid.
    """
    kind, _, rest = label.partition(" ")
    d = instance.length
    if kind in RULES:
        steps = [instance.step_by_hazard(r) for r in hazards(kind, declaration)]
        if rest == "fill":
            steps.append(instance.step_by_hazard(1.0))
        elif rest == "argmax":
            steps.append(instance.step_by_argmax())
        return steps
    how = {"first-hitting": "uniform", "blocks": "uniform"}.get(kind, kind)
    count = int(rest) if rest else 1
    one = instance.step_by_count(count, how.removeprefix("confidence:"))
    return [one] * -(-d // count)


def law(label: str, instance: Instance, declaration: Declaration) -> Tensor:
    """The exact output law of a known sampler, float64 [C] over all partial states."""
    mass = torch.zeros(len(instance.states), dtype=torch.float64)
    mass[-1] = 1
    for step in kernels(label, tempered(instance, declaration.temperature), declaration):
        mass = mass @ step
    return mass / mass.sum()


def declared_label(declaration: Declaration) -> str | None:
    """The label of what a sampler says it is."""
    rule = declaration.rule
    if rule is None:
        return None
    if declaration.by_hazard:
        return f"{rule} {declaration.last_step}"
    if rule in ("first-hitting", "left-to-right") or (
        rule == "blocks" and declaration.tokens_a_step == 1
    ):
        return "first-hitting" if rule == "blocks" else rule
    return f"{rule} {declaration.tokens_a_step}"


def labels(declaration: Declaration, length: int) -> list[str]:
    """All samplers that are told apart: rule and last step, or rule and tokens a step."""
    found = [f"{rule} {last}" for rule in RULES for last in LAST_STEPS]
    found += ["first-hitting", "left-to-right"]
    counts = sorted({min(declaration.tokens_a_step, length), *range(1, length + 1)})
    found += [f"blocks {c}" for c in counts if c > 1]
    measures = ("probability", "margin", "entropy", "drawn")
    # All d tokens at once is one block, however sure they are.
    found += [f"confidence:{m} {c}" for m in measures for c in counts if c < length]
    label = declared_label(declaration)
    return found if label is None or label in found else [label, *found]


def readable(label: str) -> str:
    """A label in words."""
    kind, _, rest = label.partition(" ")
    if kind in RULES:
        last = {
            "leave": "masks left as they are",
            "fill": "last step drawn",
            "argmax": "last step by argmax",
        }
        return f"{kind.replace('tau', 'τ')} ({last[rest]})"
    plural = "" if rest in ("", "1") else "s"
    if kind.startswith("confidence"):
        return f"{kind}, {rest} token{plural} a step"
    return f"{rest} tokens a step in random order" if kind == "blocks" else kind


def total_variation(p: Tensor, q: Tensor) -> float:
    """TV(p, q) of two laws on the same cells."""
    return float((p - q).abs().sum()) / 2


@lru_cache(maxsize=64)
def exact_instance(length: int, vocabulary: int, seed: int) -> Instance:
    """The exact denoiser of a random law on all sequences."""
    target = dirichlet(length, vocabulary, 0.6, seed)
    p = ExactDenoiser(target)(all_states(length, vocabulary + 1))
    # A floor keeps every logarithm finite and every cell within reach of a test.
    p = p.clamp(min=1e-3)
    return Instance(f"exact denoiser, seed {seed}", p / p.sum(-1, keepdim=True))


@lru_cache(maxsize=64)
def order_instance(length: int, vocabulary: int, seed: int) -> Instance:
    """Predictions that belong to no law, so that the order of revealing shows in the output."""
    generator = torch.Generator().manual_seed(seed)
    shape = ((vocabulary + 1) ** length, length, vocabulary)
    u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-6)
    p = (-u.log()) ** 2 + 0.02
    return Instance(f"order-dependent denoiser, seed {seed}", p / p.sum(-1, keepdim=True))


@dataclass(frozen=True)
class Design:
    """Instances with the laws that are told apart on them.

    Attributes:
        instances: what the sampler is run on.
        laws: of each label, one law an instance.
        separation: smallest TV, on its best instance, between laws that do not coincide; where a
            rule is declared, between its law and another.
        coinciding: groups of labels that no instance tells apart.
    """

    instances: tuple[Instance, ...]
    laws: dict[str, tuple[Tensor, ...]]
    separation: float
    coinciding: tuple[tuple[str, ...], ...]

    def group(self, label: str) -> tuple[str, ...]:
        """The labels that coincide with this one, itself included."""
        return next((g for g in self.coinciding if label in g), (label,))

    def distance(self, one: str, other: str) -> float:
        """TV of two laws on the instance that separates them best."""
        pairs = zip(self.laws[one], self.laws[other], strict=True)
        return max(total_variation(p, q) for p, q in pairs)


def _separation(
    laws: dict[str, Tensor], label: str | None, apart: Iterable[tuple[str, str]]
) -> float:
    pairs = [(a, b) for a, b in apart if label is None or label in (a, b)]
    return min((total_variation(laws[a], laws[b]) for a, b in pairs), default=1.0)


def design(declaration: Declaration, length: int = 3, vocabulary: int = 3, pool: int = 8) -> Design:
    """Choose instances for power: the largest smallest TV between laws that differ at all.

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
    names, label = labels(declaration, length), declared_label(declaration)
    chosen: list[Instance] = []
    laws: list[dict[str, Tensor]] = []
    for make in (exact_instance, order_instance):
        candidates = [make(length, vocabulary, seed) for seed in range(pool)]
        found = [{name: law(name, one, declaration) for name in names} for one in candidates]
        # What coincides on every candidate cannot guide the choice.
        apart = [
            pair
            for pair in combinations(names, 2)
            if any(total_variation(one[pair[0]], one[pair[1]]) > COINCIDE for one in found)
        ]
        best = max(range(pool), key=lambda i: _separation(found[i], label, apart))
        chosen.append(candidates[best])
        laws.append(found[best])
    together = {name: tuple(one[name] for one in laws) for name in names}
    groups = _groups(names, together)
    planned = Design(tuple(chosen), together, 0.0, groups)
    others = [
        planned.distance(a, b)
        for a, b in combinations(names, 2)
        if planned.group(a) != planned.group(b) and (label is None or label in (a, b))
    ]
    return Design(tuple(chosen), together, min(others, default=1.0), groups)


def _groups(
    names: Sequence[str], laws: dict[str, tuple[Tensor, ...]]
) -> tuple[tuple[str, ...], ...]:
    groups: list[list[str]] = []
    for name in names:
        for group in groups:
            pairs = zip(laws[name], laws[group[0]], strict=True)
            if all(total_variation(p, q) <= COINCIDE for p, q in pairs):
                group.append(name)
                break
        else:
            groups.append([name])
    return tuple(tuple(group) for group in groups if len(group) > 1)
