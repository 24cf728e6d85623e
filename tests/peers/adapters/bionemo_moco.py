"""bionemo-moco (NVIDIA): `MDLM.step` and `DiscreteFlowMatcher.step` on equal steps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from bionemo.moco.distributions.prior import DiscreteMaskedPrior
from bionemo.moco.distributions.time import UniformTimeDistribution
from bionemo.moco.interpolants import MDLM, DiscreteFlowMatcher
from bionemo.moco.schedules.noise.continuous_noise_transforms import LogLinearExpNoiseTransform
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import LOG_LINEAR, with_mask_column


@dataclass(frozen=True)
class MocoMDLM:
    """`MDLM.step` with log-linear noise, from t = 1 to 0.

    Attributes:
        steps: K.
        temperature: handed to `step`.
        logits_kept: whether the logits handed to `step` must stay as they are.
    """

    steps: int = 3
    temperature: float = 1.0
    logits_kept: bool = False

    @property
    def declaration(self) -> Declaration:
        """Ancestral; its last step reaches α = 1, so nothing is left over."""
        return Declaration(
            f"bionemo-moco MDLM.step, temperature {self.temperature:g}, K = {self.steps}"
            + (", logits to be kept" if self.logits_kept else ""),
            "ancestral",
            LOG_LINEAR,
            self.steps,
            temperature=self.temperature,
            uniforms="float32",
        )

    def _interpolant(self, S: int, generator: torch.Generator) -> MDLM:
        return MDLM(
            time_distribution=UniformTimeDistribution(),
            prior_distribution=DiscreteMaskedPrior(num_classes=S + 1),
            noise_schedule=LogLinearExpNoiseTransform(eps=1e-3),
            rng_generator=generator,
        )

    def step(
        self, x: Tensor, t: float, s: float, denoiser: OracleDenoiser, generator: torch.Generator
    ) -> Tensor:
        """One call of `MDLM.step`."""
        one = self._interpolant(denoiser.vocabulary, generator)
        logits = with_mask_column(denoiser.logits(x, t), 0.0).float()
        if self.logits_kept:
            logits = denoiser.watch(logits)
        time, dt = torch.full((len(x),), t), torch.full((len(x),), t - s)
        found: Tensor = one.step(logits, time, x, dt, temperature=self.temperature)
        return found

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps."""
        x = torch.full((n, denoiser.length), denoiser.vocabulary)
        times = self.declaration.grid.tolist()
        for t, s in pairwise(times):
            x = self.step(x, t, s, denoiser, generator)
        return x

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Largest p / (ε − log(u + ε)), ε = 1e-10, nothing clamped, of equal ones the first."""
        found: Tensor = self._interpolant(p.shape[-1], generator)._sample_categorical(p.float())
        return found


@dataclass(frozen=True)
class MocoFlow:
    """`DiscreteFlowMatcher.step` with a masked prior, from time 0 (noise) to 1.

    Attributes:
        rule: what it is held to.
        stochasticity: its own default, 1, masks revealed tokens again.
        steps: K.
        temperature: handed to `step`.
    """

    rule: str | None = "euler"
    stochasticity: float = 0.0
    steps: int = 3
    temperature: float = 1.0

    @property
    def declaration(self) -> Declaration:
        """First-order Euler on the linear clock; the last step's hazard is 1."""
        return Declaration(
            f"bionemo-moco DiscreteFlowMatcher.step, stochasticity {self.stochasticity:g}, "
            f"temperature {self.temperature:g}, K = {self.steps}",
            self.rule,
            "linear",
            self.steps,
            carry_over=self.stochasticity == 0,
            time="to 1",
            temperature=self.temperature,
            uniforms="float32",
        )

    def step(
        self, x: Tensor, t: float, s: float, denoiser: OracleDenoiser, generator: torch.Generator
    ) -> Tensor:
        """One call of `DiscreteFlowMatcher.step`."""
        one = DiscreteFlowMatcher(
            time_distribution=UniformTimeDistribution(),
            prior_distribution=DiscreteMaskedPrior(num_classes=denoiser.vocabulary + 1),
            rng_generator=generator,
        )
        logits = with_mask_column(denoiser.logits(x, t), 0.0).float()
        time, dt = torch.full((len(x),), t), torch.full((len(x),), s - t)
        found: Tensor = one.step(
            logits, time, x, dt, temperature=self.temperature, stochasticity=self.stochasticity
        )
        return found

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps."""
        x = torch.full((n, denoiser.length), denoiser.vocabulary)
        for k in range(self.steps):
            x = self.step(x, k / self.steps, (k + 1) / self.steps, denoiser, generator)
        return x


mdlm = MocoMDLM()
mdlm_logits_kept = MocoMDLM(logits_kept=True)
mdlm_cold = MocoMDLM(temperature=0.5)
flow = MocoFlow()
flow_cold = MocoFlow(temperature=0.5)
flow_default = MocoFlow(rule=None, stochasticity=1.0)
