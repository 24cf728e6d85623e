"""Rows of a call that repeat each other, at whatever distance, or depend on their number."""

from dataclasses import dataclass, replace

import pytest
import torch
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import RIGHT
from sharprates.verification.conformance.findings import FAST
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor


@dataclass(frozen=True)
class Copying:
    """Right rows, of which some repeat others."""

    kind: str

    @property
    def declaration(self) -> Declaration:
        return RIGHT[4].declaration

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        x = RIGHT[4].sample(denoiser, n, generator)
        row = torch.arange(n)
        if self.kind == "three workers with one seed":
            return x[row % -(-n // 3)]
        if self.kind == "chunks that repeat":
            return x[row % 16]
        if self.kind == "pairs at random":
            # Each of two thirds of the rows is copied to a place of its own.
            order = torch.randperm(n, generator=generator)
            x[order[: n // 3]] = x[order[n // 3 : 2 * (n // 3)]]
        if self.kind == "the last row is all 0":
            x[-1] = 0
        if self.kind == "one chunk of a fixed seed":
            fixed = torch.Generator().manual_seed(0)
            x[: n // 3] = RIGHT[4].sample(denoiser, n // 3, fixed)
        return x


KINDS = ("three workers with one seed", "chunks that repeat", "pairs at random")
KINDS += ("the last row is all 0", "one chunk of a fixed seed")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_not_independent(kind: str) -> None:
    found = check(Copying(kind), settings=replace(FAST, rows=8_000))
    failed = [one.name for one in found.findings if not one.passed]
    assert "rows independent" in failed, str(found)
