"""evodiff (Microsoft): `generate_oaardm`, one residue at a time in random order."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from evodiff.generate import generate_oaardm
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import seed_globals, with_mask_column

# It cuts the last six symbols of its alphabet off the prediction.
_CUT = 6


@dataclass(frozen=True)
class OrderAgnostic:
    """The function on a tokenizer with S residues.

    Attributes:
        rows_independent: one order serves the whole batch, so True is what a user may expect and
            False what holds.
    """

    rows_independent: bool = False

    @property
    def declaration(self) -> Declaration:
        """One token at a time in a uniformly random order."""
        said = "independent" if self.rows_independent else "dependent"
        return Declaration(
            f"evodiff generate_oaardm, rows declared {said}",
            "first-hitting",
            rows_independent=self.rows_independent,
            uniforms="float32",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """One batch."""
        seed_globals(generator)
        S = denoiser.vocabulary
        tokenizer = SimpleNamespace(all_aas=range(S + _CUT), mask_id=S, untokenize=list)

        def model(x: Tensor, timestep: Tensor) -> Tensor:  # noqa: ARG001 - a placeholder there
            logits = denoiser.logits(x)
            for _ in range(_CUT):
                logits = with_mask_column(logits, 0.0)
            return denoiser.watch(logits.float())

        rows: Tensor = generate_oaardm(
            model, tokenizer, denoiser.length, batch_size=n, device="cpu"
        )[0]
        return rows


sampler = OrderAgnostic()
expected_independent = OrderAgnostic(rows_independent=True)
