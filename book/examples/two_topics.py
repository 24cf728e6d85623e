"""A law too long to enumerate: `sharprates plan book.examples.two_topics:LAW --tv 0.2`.

A text is about one of two topics; given the topic its 64 words are independent. Such a mixture is
its own exact denoiser, draws rows, and gives their probability, which is all that a plan asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.sampling import draw
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ProductMixture:
    """A mixture of product laws, and its exact denoiser; a product law has one component.

    The conditional of a hidden token is Σ_c P(c | revealed)·m_c(a), with the posterior of the
    component from the revealed tokens.

    Build it with `ProductMixture.of`.

    Attributes:
        weights: float64 [C].
        marginals: float64 [C, d, S].
    """

    weights: Tensor
    marginals: Tensor

    time_free = True
    normalised = True

    @staticmethod
    def of(weights: Tensor, marginals: Tensor) -> ProductMixture:
        """The mixture with given weights and components.

        Args:
            weights: [C], sum 1.
            marginals: [C, d, S], each token's law in each component.

        Raises:
            InputError: if a shape is wrong or something is no law.
        """
        if marginals.ndim != 3 or weights.shape != marginals.shape[:1] or 0 in marginals.shape:
            raise InputError(
                f"marginals: need [C, d, S] and weights [C], got {list(marginals.shape)} "
                f"and {list(weights.shape)}"
            )
        return ProductMixture(
            weights.to(torch.float64),
            marginals.to(torch.float64),
        )

    @staticmethod
    def product(marginals: Tensor) -> ProductMixture:
        """The product law with token marginals [d, S]."""
        return ProductMixture.of(torch.ones(1, dtype=torch.float64), marginals[None])

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.marginals.shape[2])

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.marginals.shape[1])

    @cached_property
    def _logs(self) -> Tensor:
        """Logarithm of m as [d·(S+1), C], the mask's entry 0: a hidden token says nothing."""
        C, d, S = self.marginals.shape
        logs = torch.zeros(d, S + 1, C, dtype=torch.float64, device=self.marginals.device)
        logs[:, :S] = self.marginals.log().permute(1, 2, 0)
        return logs.flatten(0, 1)

    def _joint(self, x: Tensor) -> Tensor:
        """Logarithm of P(c, x_U) for partial states [B, d] → [B, C]."""
        offsets = torch.arange(self.length, device=x.device) * (self.vocabulary + 1)
        picked: Tensor = self._logs[x + offsets].sum(1)
        return self.weights.log() + picked

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict hidden tokens; see `samplers.denoiser.Denoiser`."""
        joint = self._joint(x)
        # A context of probability 0 keeps the prior weights (a convention).
        possible = torch.isfinite(joint).any(1, keepdim=True)
        posterior = torch.where(possible, joint, self.weights.log()).softmax(1)
        if positions is None:
            return torch.einsum("bc,cds->bds", posterior, self.marginals)
        rows, columns = positions
        return torch.einsum("nc,ncs->ns", posterior[rows], self.marginals.transpose(0, 1)[columns])

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n exact rows, int64 [n, d]."""
        device, d = self.weights.device, self.length
        u = torch.rand(n, d + 1, generator=generator, dtype=torch.float64, device=device)
        component = draw(self.weights.expand(n, -1), u[:, 0])
        columns = [draw(self.marginals[component, i], u[:, i + 1]) for i in range(d)]
        return torch.stack(columns, 1)

    def log_probability(self, rows: Tensor) -> Tensor:
        """Logarithm of q_0 at full rows, int64 [n, d] → float64 [n]; −∞ where impossible."""
        return self._joint(rows).logsumexp(1)


WORDS, LENGTH = 8, 64

sport = torch.tensor([4, 4, 2, 2, 1, 1, 1, 1], dtype=torch.float64)
music = sport.flip(0)
topics = torch.stack([sport / sport.sum(), music / music.sum()])

LAW = ProductMixture.of(
    torch.tensor([0.5, 0.5], dtype=torch.float64), topics[:, None, :].expand(-1, LENGTH, -1)
)
