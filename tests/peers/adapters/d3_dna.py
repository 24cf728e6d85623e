"""d3-dna: `get_pc_sampler` on the absorbing graph with geometric noise, where α(0) < 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from d3_dna.models.diffusion import Absorbing, GeometricNoise, get_pc_sampler, sample_categorical
from sharprates.samplers.clock import Clock
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import EPS, log_score, seed_globals

LOW, HIGH = 1e-3, 20.0
LEAD = 1.0
"""How much later the declared clock is than its own time, which begins at α = exp(−LOW)."""


def noise(t: Tensor) -> Tensor:
    """σ(t), from LOW to HIGH."""
    return LOW * (HIGH / LOW) ** t


CLOCK = Clock.begun_before("d3-geometric", lambda t: torch.exp(-noise(t)), 1.0, LEAD)


@dataclass(frozen=True)
class D3:
    """The sampler that `D3Sampler.generate` makes.

    Attributes:
        predictor: ``euler`` or ``analytic``.
        steps: K.
    """

    predictor: str
    steps: int = 6

    @property
    def declaration(self) -> Declaration:
        """Euler or ancestral; what remains is drawn."""
        return Declaration(
            f"d3-dna get_pc_sampler, {self.predictor}, K = {self.steps}",
            "euler" if self.predictor == "euler" else "ancestral",
            CLOCK,
            self.steps,
            delta=LEAD + EPS,
            last_step="fill",
            time=lambda u: float(noise(torch.tensor(u - LEAD, dtype=torch.float64))),
            uniforms="float32",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)

        class Model(torch.nn.Module):
            """Logarithm of the concrete score."""

            def forward(self, x: Tensor, labels: object, train: bool, sigma: Tensor) -> Tensor:  # noqa: ARG002 - as it is called
                return log_score(denoiser, x, sigma)

        run = get_pc_sampler(
            Absorbing(denoiser.vocabulary),
            GeometricNoise(LOW, HIGH),
            (n, denoiser.length),
            self.predictor,
            self.steps,
            eps=EPS,
        )
        found: Tensor = run(Model(), None)
        return found

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Largest p / (ε − log(u + ε)), ε = 1e-10, nothing clamped, of equal ones the first."""
        seed_globals(generator)
        found: Tensor = sample_categorical(p.float())
        return found


euler = D3("euler")
analytic = D3("analytic")
