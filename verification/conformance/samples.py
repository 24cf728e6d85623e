"""Samples of whole sequences, call by call, with the trajectories that the denoiser saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sharprates.verification.statistics.laws import multinomial_p_value
from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """What a sampler has drawn with one denoiser.

    Attributes:
        calls: of each call the cells of its rows, int64.
        trajectories: int8 [K + 1, n, d], the states of all rows, the output last; None if some call
            does not show them.
    """

    calls: tuple[Tensor, ...]
    trajectories: Tensor | None

    @property
    def cells(self) -> Tensor:
        """int64 [n], of all rows."""
        return torch.cat(self.calls)


def states_seen(contexts: Sequence[Tensor], rows: Tensor, mask: int) -> Tensor | None:
    """int8 [K + 1, n, d], the states of one call's rows, the output last.

    None where the denoiser saw something else: parts of the rows, or between two steps all masks,
    as guidance asks.
    """
    if not contexts or any(x.shape != rows.shape for x in contexts):
        return None
    states = torch.stack([*contexts, rows]).to(torch.int8)
    empty = (states == mask).flatten(1).all(1)
    return None if bool((empty[1:-1] & ~empty[:-2]).any()) else states


def joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """The trajectories of several calls; None if one has none, or another number of steps."""
    seen = [part for part in parts if part is not None]
    whole = len(seen) == len(parts) and len({len(part) for part in seen}) == 1
    return torch.cat(seen, 1) if whole else None


def p_value(samples: Sequence[Samples], laws: Sequence[Tensor]) -> float:
    """Of samples under a law a denoiser: the smaller p-value."""
    # Without stating a power for each of so many laws: that would take most of the time.
    return min(
        multinomial_p_value(torch.bincount(drawn.cells, minlength=p.numel()), p)
        for drawn, p in zip(samples, laws, strict=True)
    )
