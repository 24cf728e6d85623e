"""The exact law of first-hitting sampling under a denoiser that depends on time.

Let b be the share of tokens that are revealed on average, from 0 at the start to 1. With
P(x_V at b) = (1−b)^{d−|V|}·F_V(b) the reverse process has F_∅ = 1 and
F_V′(b) = Σ_{i∈V} p̂_i(x_i | x_{V∖i}, t(b))·F_{V∖i}(b), so that p_FHS(x) = F(1) at all of x: d nested
integrals, one level after the other, each known at the same nodes. A time-free denoiser needs none
of this: its law is the composition (1, …, 1) of `samplers.expansion`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import sici
from sharprates.samplers.clock import Clock
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import check_memory
from sharprates.samplers.output_law import UNIT, OutputLaw
from sharprates.samplers.target import Target
from torch import Tensor

NODES = 97
"""Hitting times at which a denoiser is asked; half as many already give some ten digits."""

# Beyond ±3.2 a node is within 1e-16 of 0 or 1.
_REACH = 3.2


@dataclass(frozen=True, eq=False)
class Nodes:
    """Double-exponential (tanh–sinh) nodes on [0, 1].

    Their error falls exponentially also where a function has a singularity at an end, as t(b) has
    on most clocks.

    Attributes:
        revealed: b at each node, float64 [n], rising.
        weights: of ∫_0^1, [n].
        running: row j of ∫_0^{b_j}, [n, n].
    """

    revealed: Tensor
    weights: Tensor
    running: Tensor

    @staticmethod
    def of(count: int = NODES) -> Nodes:
        """A rule of so many nodes, an odd count; every second one is the rule of (n + 1)/2.

        Source: Takahasi and Mori (1974); Muhammad and Mori (2003) for the running integral.
        """
        x = np.linspace(-_REACH, _REACH, count)
        step = x[1] - x[0]
        revealed, masked = (1 / (1 + np.exp(sign * np.pi * np.sinh(x))) for sign in (-1, 1))
        slope = np.pi * np.cosh(x) * revealed * masked
        apart = np.arange(count)[:, None] - np.arange(count)
        running = 0.5 + sici(np.pi * apart)[0] / np.pi
        return Nodes(
            torch.from_numpy(revealed),
            torch.from_numpy(step * slope),
            torch.from_numpy(step * slope * running),
        )

    def times(self, clock: Clock, horizon: float | None = None) -> Tensor:
        """t at each node, for a process that starts all masked at T, by default the clock's end."""
        end = torch.tensor(clock.end if horizon is None else horizon, dtype=torch.float64)
        return clock.inverse(clock.alpha(end) + clock.masked(end) * self.revealed)


def hitting_law(
    target: Target,
    denoiser: Denoiser,
    clock: Clock,
    count: int = NODES,
    horizon: float | None = None,
) -> OutputLaw:
    """The law of first-hitting sampling, on the support.

    Args:
        target: the data law, whose support is listed.
        denoiser: also time-dependent; values are drawn from ŝ/Σŝ if it is not normalised.
        clock: the clock.
        count: of nodes, odd; there are as many denoiser calls on all contexts.
        horizon: T at which all is masked; by default the end of the clock's domain.

    Returns:
        The law. Its error is the L1 distance to the same rule with half the nodes: an estimate, not
        a proved bound, and far too large where the denoiser is smooth in t.

    Raises:
        TooLargeError: if the predictions at all nodes do not fit into memory.

    Source: S4, H2.
    """
    rule = Nodes.of(count)
    contexts = Contexts.of(target)
    drawn = normalised(denoiser)
    context, i = (contexts.states < contexts.vocabulary).nonzero().unbind(1)
    check_memory(
        8 * count * (len(context) + 2 * contexts.count),
        f"the predictions at {count} hitting times and {contexts.count} contexts",
        "use fewer or shorter sequences",
    )
    parent, symbol = contexts.parents[context, i], contexts.states[context, i]
    moves = torch.empty((len(context), count), dtype=torch.float64)
    for k, t in enumerate(rule.times(clock, horizon).tolist()):
        moves[:, k] = drawn(contexts.states, t)[parent, i, symbol]
    fine = _integrated(contexts, context, parent, moves, rule)
    coarse = _integrated(contexts, context, parent, moves[:, ::2], Nodes.of((count + 1) // 2))
    d = target.length
    rounding = 4 * d * (d + count) * UNIT
    error = math.fsum((fine - coarse).abs().tolist()) + rounding
    return OutputLaw(target.rows, fine, target.vocabulary, False, math.inf, error)


def _integrated(
    contexts: Contexts, context: Tensor, parent: Tensor, moves: Tensor, nodes: Nodes
) -> Tensor:
    """F at all revealed, at b = 1, for each support row: float64 [N]."""
    value = torch.ones((contexts.count, len(nodes.weights)), dtype=torch.float64)
    level = contexts.revealed[context]
    for v in range(1, contexts.length + 1):
        some = level == v
        slope = torch.zeros_like(value)
        slope.index_add_(0, context[some], moves[some] * value[parent[some]])
        here = contexts.revealed == v
        value[here] = slope[here] @ nodes.running.T
    return (slope[contexts.full] @ nodes.weights).clamp(min=0)
