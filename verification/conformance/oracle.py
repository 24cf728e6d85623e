"""The denoiser that a checked sampler is given: a table that watches how it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.verification.conformance.foreign import FaultError
from torch import Tensor


def state_codes(rows: Tensor, vocabulary: int) -> Tensor:
    """int64 [n], places of partial states [n, d], mask = S, in lexicographic order."""
    d = rows.shape[1]
    return (rows * torch.tensor([(vocabulary + 1) ** i for i in range(d - 1, -1, -1)])).sum(1)


def state_word(state: Tensor, vocabulary: int) -> str:
    """A state [d] in words."""
    return " ".join("M" if a == vocabulary else str(a) for a in state.tolist())


@dataclass(eq=False)
class Oracle:
    """The denoiser handed to a sampler; it looks at what it is asked and at what becomes of it.

    Attributes:
        table: float64 [(S+1)^d, d, S], the predictions, states in lexicographic order.
        contexts: the states of each call since `forget`, kept while `recording`.
        recording: whether to keep contexts and to watch the tensors handed out.
    """

    table: Tensor
    recording: bool = False
    contexts: list[Tensor] = field(default_factory=list)
    _handed: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    time_free = True
    normalised = True

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.table.shape[2])

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.table.shape[1])

    def forget(self) -> None:
        """Start a new record."""
        self.contexts, self._handed = [], []

    def mutated(self) -> bool:
        """True if the sampler has written into a tensor that it was handed."""
        return any(not torch.equal(now, then) for now, then in self._handed)

    def _look_up(self, x: Any) -> Tensor:
        S, d = self.vocabulary, self.length
        if not isinstance(x, Tensor) or x.ndim != 2 or x.shape[1] != d:
            got = list(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise FaultError(f"calls the denoiser with {got}; it takes partial states [B, {d}]")
        if x.is_floating_point() or (x.numel() and (int(x.min()) < 0 or int(x.max()) > S)):
            raise FaultError(
                f"calls the denoiser with symbols outside 0..{S}, where {S} is the mask"
            )
        if self.recording:
            self.contexts.append(x.clone())
        return self.table[state_codes(x.to(torch.int64), S)]

    def watch(self, handed: Tensor) -> Tensor:
        """The same tensor; `mutated` tells whether it was written to."""
        if self.recording and len(self._handed) < 8:
            self._handed.append((handed, handed.clone()))
        return handed

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        predicted = self._look_up(x)
        return self.watch(predicted if positions is None else predicted[positions])

    def logits(self, x: Tensor, t: Tensor | float | None = None) -> Tensor:  # noqa: ARG002 - the protocol's; time-free
        """Logarithm of the prediction, float64 [B, d, S]."""
        return self.watch(self._look_up(x).log())
