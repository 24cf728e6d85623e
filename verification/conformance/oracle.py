"""The denoiser that a checked sampler is given: a table that watches how it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.verification.conformance.denoiser_table import DenoiserTable
from sharprates.verification.conformance.foreign import FaultError
from torch import Tensor


@cache
def _places(length: int, vocabulary: int) -> Tensor:
    return torch.tensor([(vocabulary + 1) ** i for i in range(length - 1, -1, -1)])


def state_codes(rows: Tensor, vocabulary: int) -> Tensor:
    """int64 [n], places of partial states [n, d], mask = S, in lexicographic order."""
    return (rows * _places(rows.shape[1], vocabulary)).sum(1)


def state_word(state: Tensor, vocabulary: int) -> str:
    """A state [d] in words."""
    return " ".join("M" if a == vocabulary else str(a) for a in state.tolist())


@dataclass(eq=False)
class Oracle:
    """The denoiser handed to a sampler; it looks at what it is asked and at what becomes of it.

    Attributes:
        denoiser: the predictions.
        ends: the first and last time of the grid as the sampler has them; between them what
            depends on time changes.
        contexts: the states of each call since `forget`, kept while `recording`.
        times: the times of each call, likewise; None where there was none.
        recording: whether to keep contexts and to watch the tensors handed out.
    """

    denoiser: DenoiserTable
    ends: tuple[float, float] = (1.0, 0.0)
    recording: bool = False
    contexts: list[Tensor] = field(default_factory=list)
    times: list[Tensor | None] = field(default_factory=list)
    _handed: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    normalised = True

    @property
    def time_free(self) -> bool:
        """True if no prediction depends on time."""
        return self.denoiser.late is None

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.denoiser.vocabulary

    @property
    def length(self) -> int:
        """Sequence length d."""
        return self.denoiser.length

    @property
    def prompt(self) -> Tensor:
        """int64 [d], where a sampler that takes prompts starts."""
        return self.denoiser.start.clone()

    def forget(self) -> None:
        """Start a new record."""
        self.contexts, self.times, self._handed = [], [], []

    def mutated(self) -> bool:
        """True if the sampler has written into a tensor that it was handed."""
        return any(not torch.equal(now, then) for now, then in self._handed)

    def _look_up(self, x: Any, t: Any) -> Tensor:
        S, d = self.vocabulary, self.length
        if not isinstance(x, Tensor) or x.ndim != 2 or x.shape[1] != d:
            got = list(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise FaultError(f"calls the denoiser with {got}; it takes partial states [B, {d}]")
        if x.is_floating_point() or (x.numel() and (int(x.min()) < 0 or int(x.max()) > S)):
            raise FaultError(
                f"calls the denoiser with symbols outside 0..{S}, where {S} is the mask"
            )
        time = None if t is None else torch.as_tensor(t, dtype=torch.float64).detach().cpu()
        if self.recording:
            self.contexts.append(x.to("cpu", torch.int64, copy=True))
            self.times.append(time)
        place = state_codes(x.detach().to("cpu", torch.int64), S)
        found = self.denoiser.table[place]
        if self.denoiser.late is not None:
            if time is None:
                raise FaultError("calls a denoiser that depends on time without one")
            first, last = self.ends
            left = ((time - last) / (first - last)).clamp(0, 1)
            left = left.flatten()[:, None, None] if left.numel() > 1 else left.reshape(1, 1, 1)
            found = left * found + (1 - left) * self.denoiser.late[place]
        return found.to(x.device)

    def watch(self, handed: Tensor) -> Tensor:
        """The same tensor; `mutated` tells whether it was written to."""
        if self.recording and len(self._handed) < 8:
            self._handed.append((handed, handed.clone()))
        return handed

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        predicted = self._look_up(x, t)
        return self.watch(predicted if positions is None else predicted[positions])

    def logits(self, x: Tensor, t: Tensor | float | None = None) -> Tensor:
        """Logarithm of the prediction, float64 [B, d, S]."""
        return self.watch(self._look_up(x, t).log())
