"""dlmserve: `denoise`, the loop of its engine, by confidence after a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from dlmserve.denoise_loop import denoise
from dlmserve.sampler import SamplingParams
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import with_mask_column


@dataclass(frozen=True)
class DLMServe:
    """The loop with one token a step.

    Attributes:
        rule: what it is held to.
        temperature: 0 is its default.
        block_length: None for one block.
    """

    rule: str = "confidence:probability"
    temperature: float = 0.0
    block_length: int | None = None

    @property
    def declaration(self) -> Declaration:
        """Confidence goes by the prediction itself, the temperature by the draw alone."""
        return Declaration(
            f"dlmserve denoise, temperature {self.temperature:g}, held to {self.rule}",
            self.rule,
            block_length=self.block_length,
            temperature=self.temperature,
            temperature_acts="draw",
            prompt="prefix",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch; it takes the generator."""
        S = denoiser.vocabulary
        given = denoiser.prompt[denoiser.prompt < S]
        length = denoiser.length - len(given)

        def model(x: Tensor, attention_mask: object = None) -> SimpleNamespace:  # noqa: ARG001 - as it is called
            logits = with_mask_column(denoiser.logits(x), -torch.inf)
            return SimpleNamespace(logits=denoiser.watch(logits))

        params = SamplingParams(
            num_denoising_steps=length,
            gen_length=length,
            block_length=self.block_length,
            temperature=self.temperature,
        )
        found: Tensor = denoise(model, given.repeat(n, 1), None, params, S, generator=generator)
        return found


sampler = DLMServe()
blocks = DLMServe(block_length=2)
drawn = DLMServe("confidence:drawn", 0.7)
drawn_as_exact = DLMServe("first-hitting", 0.7)
"""Held to a random order: must fail."""
