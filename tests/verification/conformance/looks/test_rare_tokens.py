"""Rare tokens by float32 noise, walked exactly."""

import pytest
import torch
from sharprates.verification.conformance.defects import RIGHT
from sharprates.verification.conformance.looks.rare_tokens import walk
from torch import Tensor


class Gumbel:
    """log p − log(−log u) in float32, u = 0 kept."""

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the base's argument
        return (p.float().log() - (-torch.rand_like(p.float()).log()).log()).argmax(-1)


def test_float32_noise_is_walked_exactly() -> None:
    # By the lattice law of the sampler room, which shares no code: u = 0 lets rare symbols win.
    found = walk(Gumbel())
    assert found is not None
    assert found.dtype == "float32"
    assert found.ratios[1e-7] == pytest.approx(1.3275, abs=2e-3)
    assert found.ratios[1e-8] == pytest.approx(6, abs=0.1)


def test_float64_draws_need_no_walk_and_others_are_left_alone() -> None:
    class Double:
        def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the base's argument
            return (p / -torch.rand_like(p).log()).argmax(-1)

    found = walk(Double())
    assert found is not None
    assert found.dtype == "float64"
    assert walk(RIGHT[0]) is None
