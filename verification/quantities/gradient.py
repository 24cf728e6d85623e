"""The numbers of an experiment that moves: law, step law, horizon, denoiser error, with gradients.

The same values as `quantities.exact`, on a fixed support of few rows, for gradient ascent. The
output law depends on q_0 through the conditionals too, and so does its gradient. Nothing here
decides: a find is rounded to fractions and decided there.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.theory.functions import all_compositions
from sharprates.verification.adversary.search import Support, losses
from sharprates.verification.adversary.search import first_order as first_order_constants
from sharprates.verification.quantities.base import Quantities
from torch import Tensor

TINY = 1e-300


class Torch:
    """Scalars of torch that carry gradients, as a number type for the claims' formulas."""

    name = "torch"

    def rational(self, p: int, q: int = 1) -> Number:
        """The number p/q."""
        return torch.tensor(p / q, dtype=torch.float64)

    def exp(self, x: Number) -> Number:
        """e^x."""
        return torch.exp(x)

    def expm1(self, x: Number) -> Number:
        """e^x − 1."""
        return torch.expm1(x)

    def log(self, x: Number) -> Number:
        """The natural logarithm."""
        return torch.log(x)

    def log1p(self, x: Number) -> Number:
        """log(1 + x)."""
        return torch.log1p(x)

    def sqrt(self, x: Number) -> Number:
        """The square root; its gradient stays finite at 0."""
        return torch.sqrt(x.clamp(min=1e-24))

    def cos(self, x: Number) -> Number:
        """The cosine."""
        return torch.cos(x)

    def maximum(self, x: Number, y: Number) -> Number:
        """The larger one."""
        return torch.maximum(x, y)

    def minimum(self, x: Number, y: Number) -> Number:
        """The smaller one."""
        return torch.minimum(x, y)

    def pi(self) -> Number:
        """The circle constant."""
        return self.rational(1) * math.pi


TORCH = Torch()


@dataclass(frozen=True, eq=False)
class GradientQuantities(Quantities):
    """A law on fixed rows, a schedule, and a denoiser that may err, all differentiable.

    Attributes:
        support: the rows.
        law: q_0 on them, float64 [N].
        steps: step law w, [K]; None for first-hitting sampling, or where none is needed.
        horizon: T of Euler's uniform grid on the constant clock, where the sampler has one; `steps`
            is then not used.
        count: K of that grid.
        error: share of each prediction that is wrong, [2^d, d, N] in (0, 1); None if exact.
        wrong: what is predicted instead, [2^d, d, N, S], sums to 1.
    """

    support: Support
    law: Tensor
    steps: Tensor | None = None
    horizon: Tensor | None = None
    count: int = 0
    error: Tensor | None = None
    wrong: Tensor | None = None

    @property
    def d(self) -> int:
        """Sequence length."""
        return self.support.length

    @property
    def S(self) -> int:
        """Vocabulary size."""
        return self.support.vocabulary

    @property
    def K(self) -> int:
        """Number of steps; d where one token at a time is revealed."""
        if self.horizon is not None:
            return self.count
        return self.d if self.steps is None else int(self.steps.shape[0])

    @property
    def T(self) -> Tensor | None:
        """The horizon, where the sampler has one."""
        return self.horizon

    @cached_property
    def marginal(self) -> Tensor:
        """q_0(x_U) at every row, [2^d, N]."""
        return self.support.marginals(self.law[:, None])[..., 0]

    @cached_property
    def sizes(self) -> Tensor:
        """|U| of every subset, [2^d]."""
        return torch.tensor([u.bit_count() for u in range(2**self.d)])

    @cached_property
    def exact(self) -> Tensor:
        """q_0(a | x_U) for every U, position, row and symbol: [2^d, d, N, S]."""
        S = self.support.vocabulary
        symbol = torch.nn.functional.one_hot(self.support.rows, S).to(torch.float64)
        joint = torch.einsum("uxy,y,yia->uixa", self.support.agree, self.law, symbol)
        return joint / self.marginal[:, None, :, None]

    @cached_property
    def predicted(self) -> Tensor:
        """p̂, the same shape."""
        if self.error is None or self.wrong is None:
            return self.exact
        # rows that agree on U have one context, so they share the first one's error
        first = self.support.agree.argmax(2)  # [2^d, N]
        share = self.error.gather(2, first[:, None, :].expand_as(self.error))[..., None]
        index = first[:, None, :, None].expand_as(self.wrong)
        return (1 - share) * self.exact + share * self.wrong.gather(2, index)

    def _factors(self, prediction: Tensor) -> Tensor:
        """∏_{i∈V∖U} p̂(x_i|x_U) for U ⊆ V at every row, 0 elsewhere: [2^d, 2^d, N]."""
        d = self.d
        bits = (torch.arange(2**d)[:, None] >> torch.arange(d)) & 1
        added = (bits[None] - bits[:, None]).clamp(min=0).to(torch.float64)  # [U, V, d]
        inside = (bits[:, None] <= bits[None]).all(-1)
        index = self.support.rows.T[None, :, :, None].expand(2**d, -1, -1, 1)
        chosen = prediction.gather(3, index)[..., 0]  # [U, d, N]
        factors = torch.einsum("uvi,uix->uvx", added, chosen.clamp(min=TINY).log()).exp()
        return factors * inside[..., None]

    @cached_property
    def factors(self) -> Tensor:
        """The denoiser's block probabilities."""
        return self._factors(self.predicted)

    # --- the schedule -----------------------------------------------------------------------------

    @cached_property
    def masked(self) -> Tensor:
        """1 − α at the start of each step of the grid, [K]."""
        assert self.horizon is not None
        left = 1 - torch.arange(self.count, dtype=torch.float64) / self.count
        return -torch.expm1(-self.horizon * left)

    @cached_property
    def hazards(self) -> Tensor:
        """r_k, [K]."""
        if self.horizon is not None:
            return self.horizon / self.count * (1 - self.masked) / self.masked
        assert self.steps is not None
        before = torch.cumsum(self.steps, 0) - self.steps
        return (self.steps / (1 - before).clamp(min=1e-12)).clamp(max=1)

    @cached_property
    def weights(self) -> Tensor:
        """w, [K]."""
        if self.horizon is None:
            assert self.steps is not None
            return self.steps
        stay = torch.cumprod(1 - self.hazards, 0)
        return self.hazards * torch.cat([torch.ones(1, dtype=torch.float64), stay[:-1]])

    @cached_property
    def output(self) -> Tensor:
        """p_out on the rows, [N]; one token at a time if there is no schedule."""
        d, size = self.d, self.sizes
        gap = size[None, :] - size[:, None]  # |V| − |U|
        state = torch.zeros((2**d, self.law.shape[0]), dtype=torch.float64)
        state[0] = 1.0
        if self.steps is None and self.horizon is None:
            left = (d - size).clamp(min=1).to(torch.float64)[:, None]
            share = torch.where(gap == 1, 1 / left, torch.zeros_like(left))
            for _ in range(d):
                state = torch.einsum("ux,uv,uvx->vx", state, share, self.factors)
            return state[-1]
        rest = d - size[None, :]
        inside = gap >= 0
        for r in self.hazards:
            chance = r ** gap.clamp(min=0) * (1 - r) ** rest * inside
            state = torch.einsum("ux,uv,uvx->vx", state, chance, self.factors)
        return state[-1]

    # --- what the claims ask for ------------------------------------------------------------------

    @cached_property
    def h(self) -> list[Tensor]:
        """h_0..h_{d−1}, nats."""
        entropies = -(self.marginal.log() @ self.law)
        by_size = torch.zeros(self.d + 1, dtype=torch.float64).index_add(0, self.sizes, entropies)
        mean = by_size / torch.tensor([float(math.comb(self.d, m)) for m in range(self.d + 1)])
        return list(mean.diff())

    @property
    def I_bar(self) -> Tensor:
        """Ī = h_0 − h_{d−1}, nats."""
        return (self.h[0] - self.h[-1]).clamp(min=0)

    @property
    def entropy(self) -> Tensor:
        """H(q_0), nats."""
        return -(self.law * self.law.log()).sum()

    @property
    def w(self) -> list[Tensor]:
        """The step law."""
        return list(self.weights)

    @property
    def W(self) -> Tensor:
        """max w_k."""
        return self.weights.max()

    @property
    def q0(self) -> list[Tensor]:
        """q_0 on its support."""
        return list(self.law)

    @property
    def p_out(self) -> list[Tensor]:
        """p_out on the support of q_0."""
        return list(self.output)

    def _gaps(self, distance: Tensor) -> Tensor:
        """Σ over |U| = u, i ∉ U of the mean of a distance [2^d, d, N], for u = 0..d−1."""
        d = self.d
        hidden = ((torch.arange(2**d)[:, None] >> torch.arange(d)) & 1) == 0
        mean = ((distance * self.law).sum(-1) * hidden).sum(-1)
        return torch.zeros(d + 1, dtype=torch.float64).index_add(0, self.sizes, mean)[:d]

    @cached_property
    def error_gaps(self) -> Tensor:
        """The same for TV(p_i, p̂_i)."""
        return self._gaps((self.exact - self.predicted).abs().sum(-1) / 2)

    def along_orders(self, gaps: Tensor) -> Tensor:
        """Mean over a uniform order, summed over its d draws."""
        d = self.d
        pairs = torch.tensor([float(math.comb(d, u) * (d - u)) for u in range(d)])
        return (gaps / pairs).sum()

    @property
    def epsilon_FHS(self) -> Tensor:
        """Denoiser error along a uniform order."""
        return self.along_orders(self.error_gaps)

    @property
    def epsilon_KL(self) -> Tensor:
        """The same in KL, nats."""
        ratio = self.exact.clamp(min=TINY).log() - self.predicted.clamp(min=TINY).log()
        return self.along_orders(self._gaps((self.exact * ratio).sum(-1)))

    @cached_property
    def epsilon_w(self) -> Tensor:
        """ε_w."""
        u = torch.arange(self.d)
        t = (torch.cumsum(self.weights, 0) - self.weights)[:, None]
        at = t**u * (1 - t) ** (self.d - 1 - u)
        return (self.weights[:, None] * at * self.error_gaps).sum()

    @cached_property
    def dependence(self) -> dict[tuple[int, int], Tensor]:
        """(u, s) → Σ over |U|=u, |B|=s of E TV(q_0(x_B|x_U), ∏ q_0(x_i|x_U))."""
        factors = self._factors(self.exact)
        joint = self.marginal[None] / self.marginal[:, None]  # q(x_V)/q(x_U)
        gap = (1 - factors / joint).clamp(min=0) @ self.law  # [U, V]
        found = {}
        for u, v in itertools.combinations(range(self.d + 1), 2):
            pairs = (self.sizes == u)[:, None] & (self.sizes == v)[None]
            found[u, v - u] = (gap * (pairs & (factors[..., 0] > 0))).sum()
        return found

    @cached_property
    def D(self) -> dict[tuple[int, ...], Tensor]:
        """E4's D."""
        d, table = self.d, {}
        for a in all_compositions(d):
            total, n = torch.zeros((), dtype=torch.float64), 0
            for s in a:
                if s > 1:
                    ways = math.comb(d, n) * math.comb(d - n, s)
                    total = total + self.dependence[n, s] / ways
                n += s
            table[a] = total
        return table

    def E1_term(self, name: str) -> Tensor:
        """See `Quantities.E1_term`; the grid ends at 0."""
        d, r, masked = self.d, self.hazards, self.masked
        at = masked[:, None] ** (d - torch.arange(d + 1))
        at = at * (1 - masked[:, None]) ** torch.arange(d + 1)
        if name == "initialisation":
            return 1 - masked[0] ** d
        if name == "score":
            return (r[:, None] * at[:, :d] * self.error_gaps).sum()
        if name == "clock":
            # 1 − α at the end of a step over 1 − α at its start is 1 − ρ
            after = torch.cat([masked[1:], torch.zeros(1, dtype=torch.float64)])
            return (d * masked * (1 - after / masked - r).abs()).sum()
        total = torch.zeros((), dtype=torch.float64)
        if name == "parallel":
            for (n, s), value in self.dependence.items():
                if s > 1:
                    total = total + (at[:, n] * r**s * (1 - r) ** (d - n - s)).sum() * value
        return total

    @property
    def epsilon_1(self) -> Number:
        """Score error of E2."""
        return self.E1_score

    @property
    def tv(self) -> Tensor:
        """TV(p_out, q_0)."""
        return (self.law - self.output).clamp(min=0).sum()

    @property
    def kl(self) -> Tensor:
        """KL(q_0 ‖ p_out)."""
        return (self.law * (self.law / self.output.clamp(min=TINY)).log()).sum()

    @property
    def first_order(self) -> Tensor:
        """c(q_0)."""
        return first_order_constants(self.marginal[..., None], self.law[:, None])[0]

    @property
    def off_support(self) -> Tensor:
        """First-order mass outside the support."""
        return (self.law * losses(self.marginal[..., None])[:, 0]).sum()

    def bound(
        self,
        claim: Claim,
        scale: Mapping[str, Any] | None = None,
        variant: str | None = None,
    ) -> Tensor:
        """A claim's formula, with its gradient; see `Quantities.bound`."""
        values = self.values(claim.symbols(variant))
        with warnings.catch_warnings():
            # a formula may look at the size of a number, as the binomial law does for its mode
            warnings.filterwarnings("ignore", message="Converting a tensor with requires_grad")
            value: Tensor = claim.value(values, TORCH, scale, variant)
        return value
