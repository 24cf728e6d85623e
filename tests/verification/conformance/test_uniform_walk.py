"""Rare tokens by noise of few digits, walked exactly, whatever asks torch for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sharprates.verification.conformance.uniform_walk import walk
from torch import Tensor

Draw = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Drawing:
    """A categorical draw."""

    function: Draw

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        return self.function(p, generator)


def gumbel(uniforms: Draw, dtype: torch.dtype, eps: float = 0.0) -> Draw:
    """log p − log(−log(u + ε) + ε), computed in a type; u = 0 kept."""

    def draw(p: Tensor, generator: torch.Generator) -> Tensor:
        u = uniforms(p, generator).to(dtype)
        return (p.to(dtype).log() - (eps - (u + eps).log()).log()).argmax(-1)

    return draw


def rand(dtype: torch.dtype) -> Draw:
    return lambda p, generator: torch.rand(p.shape, generator=generator, dtype=dtype)


def in_place(p: Tensor, generator: torch.Generator) -> Tensor:
    return torch.empty(p.shape).uniform_(0, 1, generator=generator)


def inversion(p: Tensor, generator: torch.Generator) -> Tensor:
    u = torch.rand(len(p), 1, generator=generator)
    return (u >= p.cumsum(-1)).sum(-1).clamp(max=1)


def test_float32_noise_is_walked_exactly() -> None:
    # By the lattice law of the sampler room, which shares no code: u = 0 lets rare symbols win.
    for uniforms in (rand(torch.float32), in_place):
        found = walk(Drawing(gumbel(uniforms, torch.float32)))
        assert "float32" in found.source
        assert found.ratios[1e-7] == pytest.approx(1.3275, abs=2e-3)
        assert found.ratios[1e-8] == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("eps", [0.0, 1e-10])
def test_short_types_are_walked_as_this_torch_draws_them(dtype: torch.dtype, eps: float) -> None:
    draw, p, n = gumbel(rand(dtype), dtype, eps), 1e-3, 500_000
    found = walk(Drawing(draw)).ratios[p]
    law = torch.tensor([p, 1 - p], dtype=torch.float64).expand(n, 2)
    seen = float((draw(law, torch.Generator().manual_seed(1)) == 0).double().mean()) / p
    assert abs(seen - found) < 6 * (max(found, 0.1) / (n * p)) ** 0.5


def test_a_short_type_never_draws_what_is_rare() -> None:
    draw = gumbel(rand(torch.bfloat16), torch.bfloat16, 1e-10)
    assert walk(Drawing(draw)).ratios[1e-4] == 0


def test_float64_is_right_and_its_cast_is_not() -> None:
    right = walk(Drawing(gumbel(rand(torch.float64), torch.float64))).ratios
    assert all(ratio == pytest.approx(1, abs=5e-3) for ratio in right.values())
    # A uniform above 1 − 2^-25 becomes 1: one in 2^25 draws is the rare symbol whatever it is.
    cast = walk(Drawing(gumbel(rand(torch.float64), torch.float32))).ratios
    assert cast[1e-9] == pytest.approx(2**-25 / 1e-9, rel=0.01)
    assert cast[1e-4] == pytest.approx(1, abs=5e-3)


def test_inversion_is_walked_from_both_ends() -> None:
    found = walk(Drawing(inversion))
    assert found.source == "one float32 uniform a draw"
    assert found.ratios[1e-3] == pytest.approx(1, abs=1e-3)
    # 1 − p is rounded: of 2^24 uniforms none or one is beyond it.
    assert not 0.9 < found.ratios[1e-8] < 1.1


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda p, g: torch.multinomial(p, 1, generator=g)[:, 0], "torch's multinomial"),
        (
            lambda p, g: (p / torch.empty_like(p).exponential_(generator=g)).argmax(-1),
            "torch's exponential_",
        ),
        (lambda p, g: torch.tensor(np.random.rand(*p.shape)).argmax(-1), "no calls for uniforms"),  # noqa: ARG005 - the protocol's; such code exists
        (lambda p, g: 1 / 0, "raises ZeroDivisionError"),  # noqa: ARG005 - the protocol's
    ],
)
def test_what_cannot_be_walked_has_no_ratios(draw: Draw, words: str) -> None:
    found = walk(Drawing(draw))
    assert not found.ratios
    assert words in found.source
