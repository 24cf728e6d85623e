"""bitnet-dllm: `MDLMAncestralSampler.generate`, ancestral on the linear clock."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from bitnet_dllm.sampler import MDLMAncestralSampler
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import seed_globals, with_mask_column


@dataclass(frozen=True)
class BitNet:
    """The sampler with K calls of its model: K − 1 steps, and the most probable values at the end.

    Attributes:
        last_step: what its last step is held to.
        top_p: handed to `generate`; its own default is 0.9.
        steps: K.
    """

    last_step: str = "argmax"
    top_p: float = 1.0
    steps: int = 4

    @property
    def declaration(self) -> Declaration:
        """Ancestral from t = 1 to 1/K; there what is masked is filled."""
        return Declaration(
            f"bitnet-dllm MDLMAncestralSampler, top_p {self.top_p:g}, K = {self.steps}",
            "ancestral",
            "linear",
            times=tuple(1 - k / self.steps for k in range(self.steps)),
            last_step=self.last_step,
            top_p=None if self.top_p == 1 else self.top_p,
            uniforms="float32",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch, by the public method; what it decodes is the tokens themselves."""
        seed_globals(generator)
        S = denoiser.vocabulary

        class Model:
            """What `generate` reads off a language model."""

            config = SimpleNamespace(vocab_size=S + 1)

            def eval(self) -> Model:
                return self

            def __call__(self, x: Tensor, attention: Tensor, t: Tensor) -> dict[str, Tensor]:  # noqa: ARG002 - as it is called
                logits = with_mask_column(denoiser.logits(x, t), -torch.inf)
                return {"logits": denoiser.watch(logits.float())}

        tokenizer = SimpleNamespace(mask_token_id=S, decode=lambda row, **_: row)
        rows = MDLMAncestralSampler(Model(), tokenizer, device="cpu").generate(
            seq_len=denoiser.length,
            num_steps=self.steps,
            top_p=self.top_p,
            batch_size=n,
        )
        return torch.tensor(rows)


sampler = BitNet()
as_filled = BitNet(last_step="fill")
"""Held to a last step that is drawn: must fail."""
nucleus = BitNet(top_p=0.9)
"""Its filter keeps one token more than the fewest of this mass: must fail."""
