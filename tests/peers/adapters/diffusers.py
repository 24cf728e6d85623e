"""diffusers (Hugging Face): the schedulers that unmask tokens, one token a step.

`EntropyBoundScheduler` is not among them: it replaces what it rejects by random tokens, there is no
mask, so it samples another process.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.schedulers.scheduling_amused import AmusedScheduler
from diffusers.schedulers.scheduling_block_refinement import BlockRefinementScheduler
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import with_mask_column


@dataclass(frozen=True)
class BlockRefinement:
    """`BlockRefinementScheduler.step` with as many steps as tokens, drawing at temperature 1.

    Attributes:
        rule: what it is held to.
    """

    rule: str | None = "confidence:drawn"

    @property
    def declaration(self) -> Declaration:
        """Draws everywhere, keeps the draw that had the highest probability."""
        name = f"diffusers BlockRefinementScheduler, held to {self.rule}"
        return Declaration(name, self.rule, uniforms="float32")

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps; the threshold 1 is never exceeded, so one token a step is kept."""
        S, d = denoiser.vocabulary, denoiser.length
        scheduler = BlockRefinementScheduler(block_length=d, num_inference_steps=d, threshold=1.0)
        scheduler.set_timesteps(d)
        x = torch.full((n, d), S)
        for k in range(d):
            logits = denoiser.watch(with_mask_column(denoiser.logits(x), -torch.inf).float())
            x = scheduler.step(
                logits, k, x, mask_token_id=S, temperature=1.0, generator=generator
            ).prev_sample
        return x


@dataclass(frozen=True)
class Amused:
    """`AmusedScheduler.step` with as many steps as tokens on the linear masking schedule.

    Attributes:
        rule: what it is held to.
        temperature: of the noise on confidence; its own default runs from 2 to 0.
    """

    rule: str | None = "confidence:drawn"
    temperature: tuple[float, float] = (0.0, 0.0)

    @property
    def declaration(self) -> Declaration:
        """Draws everywhere, keeps the draws with the highest, perhaps noisy, probability."""
        noise = f"{self.temperature[0]:g} to {self.temperature[1]:g}"
        name = f"diffusers AmusedScheduler, noise {noise}"
        return Declaration(name, self.rule, uniforms="float32")

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """All steps."""
        S, d = denoiser.vocabulary, denoiser.length
        scheduler = AmusedScheduler(mask_token_id=S, masking_schedule="linear")
        scheduler.set_timesteps(d, temperature=self.temperature)
        x = torch.full((n, d), S)
        for timestep in scheduler.timesteps:
            logits = denoiser.watch(with_mask_column(denoiser.logits(x), -torch.inf).float())
            x = scheduler.step(logits, timestep, x, generator=generator).prev_sample
        return x


block_refinement = BlockRefinement()
block_refinement_as_exact = BlockRefinement(rule="first-hitting")
"""Held to the model's law: must fail."""
amused = Amused()
amused_default = Amused(rule=None, temperature=(2.0, 0.0))
