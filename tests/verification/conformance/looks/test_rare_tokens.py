"""A draw's rare tokens: walked, or sampled and said so, or not reported at all."""

from dataclasses import dataclass, replace

import pytest
import torch
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import RIGHT, Stepwise
from sharprates.verification.conformance.findings import FAST, Finding
from torch import Tensor


@dataclass(frozen=True)
class Drawing(Stepwise):
    """A right sampler whose `draw` is another one."""

    kind: str = ""

    def draw(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """By its kind."""
        if self.kind == "multinomial":
            flat = torch.multinomial(p.reshape(-1, p.shape[-1]), 1, generator=generator)
            return flat.view(p.shape[:-1])
        if self.kind == "exponential, few digits":
            E = torch.empty(p.shape).exponential_(generator=generator)
            return (p.float() / (E + 1e-3)).argmax(-1)
        dtype = torch.bfloat16 if self.kind.startswith("bfloat16") else torch.float32
        u = torch.rand(p.shape, generator=generator, dtype=dtype)
        return (p.to(dtype).log() - (-(u + 1e-10).log() + 1e-10).log()).argmax(-1)


def rare(kind: str, uniforms: str = "float64") -> Finding:
    declaration = replace(RIGHT[0].declaration, uniforms=uniforms)
    settings = replace(FAST, rows=400, step_rows=100, walk=True)
    found = check(Drawing(declaration, kind=kind), settings=settings)
    return next(one for one in found.findings if one.name == "rare tokens")


@pytest.mark.parametrize(
    ("kind", "uniforms", "good", "words"),
    [
        ("bfloat16", "float64", False, "1e-03 ×0.1"),
        ("bfloat16", "float32", False, "bfloat16 uniforms"),
        ("float32", "float64", False, "1e-09 ×0"),
        ("float32", "float32", True, "float32 as declared: walked"),
        ("multinomial", "float64", True, "rarer ones were not measured"),
        ("exponential, few digits", "float64", False, "torch's exponential_: in "),
    ],
)
def test_what_is_reported_is_measured(kind: str, uniforms: str, good: bool, words: str) -> None:
    found = rare(kind, uniforms)
    assert found.passed is good, found
    assert words in found.detail
