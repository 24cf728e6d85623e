"""Markov chains of order m: laws with exact conditionals at any length, by message passing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.output_law import rounding
from sharprates.samplers.sampling import draw
from torch import Tensor

# Numbers that the messages of the rows worked on together take: 2^25 float64 are 256 MiB.
_CELLS = 1 << 25


@dataclass(frozen=True, eq=False)
class HigherOrderChain:
    """A Markov chain of order m on [S], and the exact denoiser of its d-token law.

    A message is a function of the m tokens that end at a position: forward the probability of what
    is revealed so far, backward that of what is revealed later. Their product, summed over all but
    one token, is that token's conditional. A pass takes 2·d·S^(m+1) operations a row.

    Build it with `HigherOrderChain.of`.

    Attributes:
        kernel: float64 [S^m, S], the law of the next token after each m of them, read as a number
            in base S, oldest first.
        start: float64 [S^m], the law of the first m tokens.
        length: d ≥ m.
        order: m ≥ 1.
    """

    kernel: Tensor
    start: Tensor
    length: int
    order: int

    time_free = True
    normalised = True

    @staticmethod
    def of(kernel: Tensor, start: Tensor, length: int) -> HigherOrderChain:
        """The chain with a kernel and a first law.

        Args:
            kernel: [S^m, S], rows sum to 1.
            start: [S^m], sums to 1.
            length: d ≥ m.

        Raises:
            InputError: if shapes disagree, or something is no probability.
        """
        S = kernel.shape[-1]
        order = 1 if S == 1 else round(math.log(max(len(start), 1), S))
        if start.ndim != 1 or S**order != len(start) or kernel.shape != (len(start), S):
            raise InputError(
                f"kernel and start: need [S^m, S] and [S^m], got {list(kernel.shape)} and "
                f"{list(start.shape)}"
            )
        if length < order:
            raise InputError(f"length: a chain of order {order} needs d ≥ {order}, got {length}")
        for name, law in (("kernel", kernel), ("start", start)):
            if bool((law < 0).any()) or bool(((law.sum(-1) - 1).abs() > 1e-9).any()):
                raise InputError(f"{name}: needs probabilities that sum to 1")
        return HigherOrderChain(kernel.to(torch.float64), start.to(torch.float64), length, order)

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.kernel.shape[1])

    @property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of a prediction.

        All numbers are non-negative. A step of a message is a sum of S products and a division, and
        numerator and denominator of a prediction have d such steps, then a sum of at most S^m
        products.
        """
        S = self.vocabulary
        depth = self.length * (S + 4) + len(self.start) + S + 4
        return rounding(2 * depth + 1)

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict hidden tokens; see `samplers.denoiser.Denoiser`.

        A context of probability 0 gets the uniform law (a convention).
        """
        n, d, S = x.shape[0], self.length, self.vocabulary
        size = max(1, _CELLS // (d * len(self.start)))
        shape = (n, d, S) if positions is None else (len(positions[0]), S)
        check_memory(8 * math.prod(shape), f"{math.prod(shape)} predictions", "take fewer rows")
        out = torch.empty(shape, dtype=torch.float64, device=x.device)
        for first in range(0, n, size):
            part = self._conditionals(x[first : first + size])
            if positions is None:
                out[first : first + size] = part
            else:
                mine = (positions[0] >= first) & (positions[0] < first + size)
                out[mine] = part[positions[0][mine] - first, positions[1][mine]]
        return out

    def _conditionals(self, x: Tensor) -> Tensor:
        """All conditionals of some rows, [B, d, S]."""
        (B, d), S, m = x.shape, self.vocabulary, self.order
        rest = S ** (m - 1)
        symbols = torch.arange(S, device=x.device)
        # what each token may be, given what is revealed: 0 or 1
        may = ((x[:, :, None] == S) | (x[:, :, None] == symbols)).to(torch.float64)
        steps = self.kernel.to(x.device).view(S, rest, S).transpose(0, 1)  # by the tokens kept
        message = self.start.to(x.device).expand(B, -1)
        for i in range(m):
            ones = [1] * (m - 1 - i)
            message = (message.view(-1, *[S] * m) * may[:, i].view(B, *[1] * i, S, *ones)).view(
                B, -1
            )
        forward = [_scaled(message)]
        for i in range(m, d):
            kept = forward[-1].view(B, S, rest).permute(2, 0, 1)
            moved = torch.bmm(kept, steps).transpose(0, 1)  # [B, rest, S]
            forward.append(_scaled((moved * may[:, i, None]).reshape(B, -1)))
        p = torch.empty(B, d, S, dtype=torch.float64, device=x.device)
        message = torch.ones_like(forward[-1])
        for i in range(d - 1, m - 2, -1):
            both = forward[i - m + 1] * message
            p[:, i] = both.view(B, rest, S).sum(1)
            if i == m - 1:
                break
            later = (message.view(B, rest, S) * may[:, i, None]).transpose(0, 1)
            moved = torch.bmm(later, steps.transpose(1, 2))  # [rest, B, S], S the oldest token
            message = _scaled(moved.permute(1, 2, 0).reshape(B, -1))
        for i in range(m - 1):
            p[:, i] = both.view(B, S**i, S, -1).sum((1, 3))
        total = p.sum(-1, keepdim=True)
        return torch.where(total > 0, p / total, 1 / S)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n exact rows from left to right, int64 [n, d]."""
        S, m = self.vocabulary, self.order
        u = torch.rand(n, self.length - m + 1, generator=generator, dtype=torch.float64)
        state = draw(self.start.expand(n, -1), u[:, 0])
        columns = [state // S**i % S for i in reversed(range(m))]
        for i in range(1, u.shape[1]):
            columns.append(draw(self.kernel[state], u[:, i]))
            state = state * S % len(self.start) + columns[-1]
        return torch.stack(columns, 1)

    def log_probability(self, rows: Tensor) -> Tensor:
        """Logarithm of q_0 at full rows, int64 [n, d] → float64 [n]; −∞ where impossible."""
        S, m = self.vocabulary, self.order
        powers = S ** torch.arange(m - 1, -1, -1)
        states = (rows.unfold(1, m, 1) * powers).sum(2)
        moves = self.kernel[states[:, :-1], rows[:, m:]].log().sum(1)
        return self.start[states[:, 0]].log() + moves


def _scaled(message: Tensor) -> Tensor:
    """Divided by its sum, lest it underflow; a message that is 0 stays 0."""
    total = message.sum(-1, keepdim=True)
    return message / torch.where(total > 0, total, 1.0)
