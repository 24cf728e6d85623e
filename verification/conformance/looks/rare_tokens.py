"""What a sampler makes of float32 uniforms: rare tokens drawn by Gumbel noise, walked exactly.

Monte Carlo cannot see a probability of 1e-8. Where a sampler asks `torch.rand` for one uniform a
symbol, those calls are answered here with chosen values: the uniform of the rare symbol takes the
values 1 − k/2^24 from above, and for each of them the largest uniform of the other symbol that lets
the rare one win is found by bisection over j/2^24. Counts then give the probability exactly, for
whatever formula (ε, clamp, ties) the sampler uses, if a larger uniform never makes a symbol lose.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from sharprates.verification.conformance.findings import Finding
from sharprates.verification.conformance.foreign import FaultError, guarded
from sharprates.verification.conformance.look import Look
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.protocol import SamplerUnderTest
    from sharprates.verification.conformance.session import Session

LATTICE = 2**24
RARE = (1e-6, 1e-7, 1e-8, 1e-9)

# A rare symbol that wins with a small uniform of its own needs one of the other's few smallest.
_FEW = 64


def _findings(run: Session) -> Iterator[Finding]:
    walked = walk(run.sampler) if run.settings.walk else None
    if walked is None:
        return
    declared = run.declaration.uniforms == "float32"
    rare = ", ".join(f"{p:.0e} drawn ×{ratio:.3g}" for p, ratio in walked.ratios.items())
    good = declared or all(0.9 < ratio < 1.1 for ratio in walked.ratios.values())
    text = str(getattr(getattr(run.sampler, "draw", None), "__doc__", None) or "")
    formula = f"{text.splitlines()[0].rstrip('.')}; " if text else ""
    said = ", as declared" if declared else ""
    detail = f"{formula}{walked.dtype} uniforms{said}: probability {rare}"
    cause = "" if good else "float32 uniforms truncate the noise; draw in float64"
    yield Finding("rare tokens", good, detail, cause)


@dataclass(frozen=True)
class Walk:
    """What came of a walk.

    Attributes:
        dtype: of the uniforms that the sampler asked for.
        ratios: true probability → drawn over true.
    """

    dtype: str
    ratios: dict[float, float]


class _OtherUseError(Exception):
    """The sampler does not ask for one uniform a symbol."""


def substituted(
    answer: Callable[[tuple[int, ...], torch.dtype], Tensor],
) -> contextlib.AbstractContextManager[object]:
    """Answer torch.rand and torch.rand_like; any other source of chance stays as it is."""

    def rand(*size: Any, **options: Any) -> Tensor:
        shape = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        return answer(tuple(shape), options.get("dtype") or torch.get_default_dtype())

    def rand_like(like: Tensor, **options: Any) -> Tensor:
        return answer(tuple(like.shape), options.get("dtype") or like.dtype)

    return mock.patch.multiple(torch, rand=rand, rand_like=rand_like)


def walk(sampler: SamplerUnderTest) -> Walk | None:
    """Walk the uniforms of a sampler's draw among two values, one of them rare.

    Args:
        sampler: with `draw(probabilities [n, S], generator) -> int64 [n]`, the categorical draw
            that it uses; without one nothing is walked.

    Returns:
        The ratios; None where the draw does not ask `torch.rand` for one uniform a symbol.
    """
    draw = getattr(sampler, "draw", None)
    if draw is None:
        return None
    asked: list[torch.dtype] = []

    def wins(p: float, rare: Tensor, other: Tensor) -> Tensor:
        """Whether the rare symbol is drawn, for each pair of uniforms."""
        n = rare.numel()
        probabilities = torch.tensor([p, 1 - p], dtype=torch.float64).expand(n, 2).clone()

        def answer(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            if len(shape) < 2 or shape[-1] != 2 or math.prod(shape) != 2 * n:
                raise _OtherUseError
            asked.append(dtype)
            return torch.stack([rare, other], 1).to(dtype).view(shape)

        generator = torch.Generator().manual_seed(0)
        with substituted(answer):
            found = draw(probabilities, generator)
        return torch.as_tensor(found).flatten() == 0

    def walked() -> Walk | None:
        wins(0.5, torch.tensor([0.5]), torch.tensor([0.5]))
        if not asked:
            return None
        if asked[0] != torch.float32:
            return Walk(str(asked[0]).removeprefix("torch."), dict.fromkeys(RARE, 1.0))
        return Walk("float32", {p: _probability(p, wins) / p for p in RARE})

    try:
        found: Walk | None = guarded(walked, "draw(…)")
    except FaultError:
        return None
    return found


def _probability(p: float, wins: Callable[[float, Tensor, Tensor], Tensor]) -> float:
    """P(the rare symbol is drawn), exactly on the lattice."""
    # The rare one needs −log u ≤ 17·p or so: beyond k = 40·p·2^24 values there are no wins.
    most = max(64, int(40 * p * LATTICE))
    k = torch.arange(1, most + 1, dtype=torch.float64)
    rare = (1 - k / LATTICE).to(torch.float32)
    # Number of lattice values of the other uniform with a win: those below `count`.
    low, high = torch.zeros_like(k), torch.full_like(k, LATTICE)
    while bool((low < high).any()):
        middle = ((low + high) / 2).floor()
        won = wins(p, rare, (middle / LATTICE).to(torch.float32))
        low = torch.where(won, middle + 1, low)
        high = torch.where(won, high, middle)
    if int(low[-1]) > _FEW:
        raise _OtherUseError
    wins_counted = float(low.sum())
    # Smaller uniforms of the rare one win only against the few smallest of the other, as u = 0 of
    # which −log u is infinite: for each of those, how far down they do.
    for j in range(int(low[-1])):
        other = torch.tensor([j / LATTICE], dtype=torch.float32)
        first, last = most, LATTICE
        while first < last:
            middle_k = (first + last + 1) // 2
            u = torch.tensor([1 - middle_k / LATTICE], dtype=torch.float32)
            first, last = (middle_k, last) if bool(wins(p, u, other)) else (first, middle_k - 1)
        wins_counted += first - most
    return wins_counted / LATTICE**2


LOOK = Look(
    _findings,
    "rare tokens drawn too often or never for want of digits, where `draw` asks torch.rand for one "
    "float32 uniform a symbol",
    "any other source of chance, also uniforms of other types; a `sample` that does not use `draw`",
)
