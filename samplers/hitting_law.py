"""The exact law of first-hitting sampling under a denoiser that depends on time.

Let b be the share of tokens that are revealed on average, from 0 at the start to 1. With
P(x_V at b) = (1−b)^{d−|V|}·F_V(b) the reverse process has F_∅ = 1 and
F_V′(b) = Σ_{i∈V} p̂_i(x_i | x_{V∖i}, t(b))·F_{V∖i}(b), so that p_FHS(x) = F(1) at all of x. Where
p̂ is constant in time, F is a polynomial: one step of a Taylor series that ends. So [0, 1] is cut
into pieces, and p̂ is asked once in each. A time-free denoiser needs none of this: its law is the
composition (1, …, 1) of `samplers.expansion`.

No number of questions shows what a denoiser does between them. What that may do to the law follows
from what the denoiser states of itself (`samplers.denoiser.variation`), and is part of the law's
error; if it states nothing, the law is an estimate, and its error says so.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import Denoiser, breaks, normalised, variation
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.target import Target

PIECES = 256
"""Most pieces into which a stated variation is resolved; more only for as many breaks."""

GUESSES = 128
"""Pieces for a denoiser that states nothing: more of them would prove nothing either."""

# What a jump that is not told may leave of a piece; halving b further would come to an end.
_RESOLVED = 2.0**-50
# A break is found in b, which is in [0, 1], to a few roundings of the clock.
_MISPLACED = 8 * UNIT


@dataclass(frozen=True, order=True)
class Piece:
    """A stretch of hitting times in which the denoiser is asked once.

    Attributes:
        low: b where it begins.
        high: b where it ends.
        late: the time at `low`.
        early: the time at `high`.
        asked: the time in between at which the denoiser is asked.
        variation: bound on the TV between its predictions at any two times inside.
    """

    low: float
    high: float
    late: float
    early: float
    asked: float
    variation: float

    @property
    def unresolved(self) -> float:
        """Expected TV between a token's law and the one asked for, its time being uniform in b."""
        return (self.high - self.low) * self.variation


def pieces(denoiser: Denoiser, clock: Clock, horizon: float | None = None) -> list[Piece]:
    """Cut the hitting times at a denoiser's breaks, then where its variation weighs most.

    Args:
        denoiser: what is asked.
        clock: the clock.
        horizon: T at which all is masked; by default the end of the clock's domain.

    Returns:
        Pieces that cover [0, 1], in the order of b. Σ `unresolved` is what halving has left.
    """
    end = clock.end if horizon is None else horizon
    ends = torch.tensor([end], dtype=torch.float64)
    whole, start = float(clock.masked(ends)), float(clock.alpha(ends))

    def time(b: float) -> float:
        return float(clock.inverse(torch.tensor([start + whole * b], dtype=torch.float64)))

    def piece(low: float, high: float, late: float, early: float) -> Piece:
        asked = min(max(time((low + high) / 2), early), late)
        return Piece(low, high, late, early, asked, variation(denoiser, early, late))

    jumps = sorted({t for t in breaks(denoiser) or () if 0 < t < end}, reverse=True)
    inside = torch.tensor(jumps, dtype=torch.float64)
    shares = (1 - clock.masked(inside) / whole).tolist()
    cuts = [(0.0, end), *zip(shares, jumps, strict=True), (1.0, 0.0)]
    found = [
        piece(low, high, late, early)
        for (low, late), (high, early) in itertools.pairwise(cuts)
        if low < high
    ]
    heap = [(-one.unresolved, one) for one in found]
    heapq.heapify(heap)
    while len(heap) < PIECES and -heap[0][0] > _RESOLVED:
        if len(heap) == GUESSES and all(one.variation == 1 for _, one in heap):
            break
        _, one = heapq.heappop(heap)
        middle = (one.low + one.high) / 2
        at = min(max(time(middle), one.early), one.late)
        for half in (piece(one.low, middle, one.late, at), piece(middle, one.high, at, one.early)):
            heapq.heappush(heap, (-half.unresolved, half))
    return sorted(one for _, one in heap)


def hitting_law(
    target: Target, denoiser: Denoiser, clock: Clock, horizon: float | None = None
) -> OutputLaw:
    """The law of first-hitting sampling, on the support.

    Args:
        target: the data law, whose support is listed.
        denoiser: also time-dependent; values are drawn from ŝ/Σŝ if it is not normalised.
        clock: the clock.
        horizon: T at which all is masked; by default the end of the clock's domain.

    Returns:
        The law. Its error is that of rounding, and the TV that the denoiser's variation inside the
        pieces may cause: by the hybrid argument of H2, Σ over the d draws of the expected TV
        between the law that is drawn from and the one that was asked for. It is d, and the law an
        estimate that takes the denoiser to be smooth in t, if the denoiser states nothing.

    Raises:
        TooLargeError: if the contexts do not fit into memory.

    Source: S4, H2.
    """
    contexts, d = Contexts.of(target), target.length
    drawn = normalised(denoiser)
    context, i = (contexts.states < contexts.vocabulary).nonzero().unbind(1)
    parent, symbol = contexts.parents[context, i], contexts.states[context, i]
    value = torch.zeros(contexts.count, dtype=torch.float64)
    value[0] = 1
    cut = pieces(denoiser, clock, horizon)
    for one in cut:
        moves = drawn(contexts.states, one.asked)[parent, i, symbol]
        term = value
        for k in range(1, d + 1):  # F(b + h) = Σ_k h^k/k!·F^(k)(b), F^(k) = 0 beyond k = d
            slope = torch.zeros_like(value).index_add_(0, context, moves * term[parent])
            term = slope * ((one.high - one.low) / k)
            value = value + term
    unresolved = math.fsum(one.unresolved for one in cut)
    # A move is a product, a sum of at most d and a factor; a piece adds d terms. Pieces that end
    # elsewhere in b by rounding show each token another law for that long.
    rounded = rounding(d * (d + 4) + d * len(cut)) + d * len(cut) * _MISPLACED
    probability = value[contexts.full]
    error = rounded + d * unresolved
    return OutputLaw(target.rows, probability, target.vocabulary, False, math.inf, error)
