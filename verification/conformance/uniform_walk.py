"""What a categorical draw makes of the uniforms that torch hands it: rare tokens, walked.

Sampling cannot see a probability of 1e-8. Whatever uniforms a draw asks torch for are answered here
with chosen values among those that torch makes; what is computed with them, in whatever type, is
the sampler's own. A draw with one uniform has one number of wins, found by bisection. With one
uniform a symbol, for each value of the rare symbol's one the largest uniform of the other symbol
that lets the rare one win is found. Counts then give the probability exactly for whatever formula
(ε, clamp, ties), if a larger uniform never makes a symbol lose; where there are more than `EACH`
values, those between two walked ones lie between their counts, and the probability is off by 0.2 %
at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from sharprates.verification.conformance.foreign import FaultError, guarded
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

BITS = {torch.bfloat16: 8, torch.float16: 11, torch.float32: 24, torch.float64: 53}
"""Digits of each type: its uniforms are multiples of 2^-digits, or finer ones rounded to it."""

RARE = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
EACH = 2**14
"""So many values of a uniform are walked one by one."""

# A rare symbol that wins with a small uniform of its own needs one of the other's few smallest.
_FEW = 64

Answer = Callable[[tuple[int, ...], torch.dtype], Tensor]


class _Uniforms(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Answers torch's uniforms, whatever asks for them; notes what else is random."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # nor here
        self.answer = answer
        self.others: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given, name = kwargs or {}, func.overloadpacket.__name__
        if name == "rand":
            return self.answer(tuple(args[0]), given.get("dtype") or torch.get_default_dtype())
        if name in ("rand_like", "uniform", "uniform_"):
            like, *ends = args
            low = ends[0] if ends else given.get("from", 0.0)
            high = ends[1] if len(ends) > 1 else given.get("to", 1.0)
            u = self.answer(tuple(like.shape), given.get("dtype") or like.dtype)
            u = u * (high - low) + low
            return like.copy_(u) if name == "uniform_" else u
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.others.add(name)
        return func(*args, **given)


class Draws(Protocol):
    """A sampler's categorical draw."""

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """[n, S] to int64 [n]."""
        ...


@dataclass(frozen=True)
class Walk:
    """What came of a walk.

    Attributes:
        source: the uniforms that the draw asked for, in words, or why it was not walked.
        ratios: true probability → drawn over true; empty if it was not walked.
    """

    source: str
    ratios: dict[float, float]


class _OtherUseError(Exception):
    """The draw does something else with its uniforms."""


class Uniforms:
    """The values that torch's uniforms of a type take, in order, and how likely they are.

    Attributes:
        dtype: the type.
        size: number of values.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype, self.size = dtype, 1 << BITS[dtype]
        self._values: Tensor | None = None
        self._below = torch.empty(0)
        sample = torch.empty(4096, dtype=dtype).uniform_(generator=torch.Generator().manual_seed(0))
        if bool((sample.double() * self.size).frac().any()):
            # This torch rounds float32 uniforms to the type, and takes 0 where that gives 1.
            u = (torch.arange(2**24, dtype=torch.int32) / 2**24).to(dtype)
            values, counts = torch.unique_consecutive(u, return_counts=True)
            counts[0] += counts[-1]
            values, counts = values[:-1], counts[:-1]
            self._values, self.size = values, len(values)
            self._below = torch.cat([counts[:1] * 0, counts.cumsum(0)]).double() / 2**24

    def value(self, place: Tensor) -> Tensor:
        """The value at a place 0..size−1."""
        if self._values is None:
            return (place.double() / self.size).to(self.dtype)
        found: Tensor = self._values[place]
        return found

    def below(self, place: Tensor) -> Tensor:
        """P(a uniform's place is smaller), float64."""
        return place.double() / self.size if self._values is None else self._below[place]


def walk(sampler: Any) -> Walk:
    """Walk the uniforms of a sampler's draw among two values, one of them rare.

    Args:
        sampler: `Draws`.
    """
    return _Walked(sampler).walk()


class _Walked:
    """A draw that is walked."""

    def __init__(self, sampler: Draws) -> None:
        self.sampler = sampler
        self.asked: list[tuple[tuple[int, ...], torch.dtype]] = []

    def walk(self) -> Walk:
        """See `walk`."""
        try:
            others = guarded(self._look, "draw(…)")
            if others:
                return Walk(f"chance by torch's {', '.join(sorted(others))}", {})
            if len(self.asked) != 1:
                number = len(self.asked) or "no"
                return Walk(f"{number} calls for uniforms of torch", {})
            shape, dtype = self.asked[0]
            name = str(dtype).removeprefix("torch.")
            symbols = math.prod(shape) // 2
            if dtype not in BITS or symbols not in (1, 2):
                return Walk(f"uniforms {name} {list(shape)} for two draws among two values", {})
            one = self._by_one if symbols == 1 else self._by_symbol
            self.uniforms = Uniforms(dtype)
            told = f"{'one' if symbols == 1 else 'two'} {name} uniform{'s' * (symbols - 1)} a draw"
            return Walk(told, guarded(lambda: {p: one(p) / p for p in RARE}, "draw(…)"))
        except FaultError as fault:
            return Walk(f"a draw that cannot be walked ({fault})", {})

    def _look(self) -> set[str]:
        """What is random in two draws."""

        def answer(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            self.asked.append((shape, dtype))
            return torch.full(shape, 0.5, dtype=dtype)

        mode = _Uniforms(answer)
        with mode:
            self._draw(torch.full((2, 2), 0.5, dtype=torch.float64))
        return mode.others

    def _draw(self, p: Tensor) -> Tensor:
        found = self.sampler.draw(p, torch.Generator().manual_seed(0))
        return torch.as_tensor(found).flatten()

    def _wins(self, p: list[float], rare: int, *places: Tensor) -> Tensor:
        """Whether the rare symbol is drawn, for uniforms at places int64 [n] of the lattice."""
        n = len(places[0])
        u = torch.stack([self.uniforms.value(place) for place in places], 1)

        def answer(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            if math.prod(shape) != u.numel() or dtype != u.dtype or shape[0] != n:
                raise _OtherUseError
            return u.reshape(shape)

        with _Uniforms(answer):
            return self._draw(torch.tensor(p, dtype=torch.float64).repeat(n, 1)) == rare

    def _by_one(self, p: float) -> float:
        """P(the rare symbol is drawn) by inversion; of its two places the one further off."""
        L, chances = self.uniforms.size, []
        for rare, law in ((0, [p, 1 - p]), (1, [1 - p, p])):
            first, last = self._wins(law, rare, torch.tensor([0, L - 1])).tolist()
            if first and last:
                raise _OtherUseError
            # The rare symbol is drawn at one end of the uniforms, if at all.
            low, high = torch.tensor([0]), torch.tensor([L if first or last else 0])
            while bool(low < high):
                middle = (low + high) // 2
                won = self._wins(law, rare, L - 1 - middle if last else middle)
                low, high = torch.where(won, middle + 1, low), torch.where(won, high, middle)
            below = self.uniforms.below
            chances.append(float(1 - below(L - low) if last else below(low)))
        return max(chances, key=lambda chance: abs(math.log(max(chance, 1e-300) / p)))

    def _by_symbol(self, p: float) -> float:
        """P(the rare symbol, the first one, is drawn) with one uniform a symbol."""
        L, law, below = self.uniforms.size, [p, 1 - p], self.uniforms.below
        # The rare one needs −log u ≤ 36·p or so, for a uniform of the other one of 2^-53 or more.
        most = L if L <= EACH else min(L, max(64, math.ceil(40 * p * L)))
        k = torch.arange(1, most + 1) if most <= EACH else _spread(most)
        low, high = torch.zeros_like(k), torch.full_like(k, L)
        while bool((low < high).any()):
            middle = (low + high) // 2
            won = self._wins(law, 0, L - k, middle.clamp(max=L - 1)) & (middle < L)
            low, high = torch.where(won, middle + 1, low), torch.where(won, high, middle)
        # The other symbol's uniforms with a win are the first `low` of them.
        wins, above = below(low), 1 - below(L - k)
        chance = float(above[0] * wins[0])
        seen = wins[1:] if most <= EACH else (wins[1:] + wins[:-1]) / 2
        chance += float(((above[1:] - above[:-1]) * seen).sum())
        # Smaller uniforms of the rare one win only against the few smallest of the other, as u = 0
        # of which −log u is infinite: for each of those, how far down they do.
        few = int(low[-1]) if most < L else 0
        if few > _FEW:
            raise _OtherUseError
        for j in range(few):
            first, last = most, L
            while first < last:
                place = (first + last + 1) // 2
                won = self._wins(law, 0, torch.tensor([L - place]), torch.tensor([j]))
                first, last = (place, last) if bool(won) else (first, place - 1)
            chance += (first - most) / L / L
        return chance


def _spread(most: int) -> Tensor:
    """Places 1..most, closer to each other where the counts fall faster."""
    step = torch.linspace(0, 1, EACH, dtype=torch.float64)
    places: Tensor = torch.unique(1 + (step**2 * (most - 1)).to(torch.int64))
    return places
