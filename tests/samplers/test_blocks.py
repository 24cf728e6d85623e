"""Blocks of fixed sizes against the vertices of the composition expansion."""

import pytest
import torch
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.denoiser import ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import fixed_blocks, tables
from sharprates.samplers.families import family
from sharprates.samplers.tabled import tabled
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

from tests.samplers.targets import FAMILIES, target

SIZES = {**dict.fromkeys(FAMILIES, (1, 2, 3)), "words4": (2,), "patterns12": (3,)}
CHECKS = (
    *(f"{name} blocks {size}" for name, sizes in SIZES.items() for size in sizes),
    "other order",
    "positions",
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", SIZES)
def test_fixed_blocks_are_vertices_of_the_expansion(name: str, ledger: Ledger) -> None:
    q = target(name)
    denoiser = ExactDenoiser(q)
    table, fast = tables(q, denoiser), tabled(denoiser, q.length)
    for size in SIZES[name]:
        sizes = fixed_blocks(q.length, size)
        run = BlockSampler(fast, sizes).run(20_000, seeded())
        law = law_on_cells(table.at(sizes), q)
        label = f"{name} blocks {size}"
        check = law_test(label, counts(cells(q, run.rows), q), law, ledger.take(label))
        assert check.passed, str(check)
        assert run.calls == len(sizes)
        assert [int((run.steps == k).sum(1).unique().item()) for k in range(run.calls)] == [*sizes]


def test_the_order_of_the_sizes_matters(ledger: Ledger) -> None:
    q = family("copies:3:2")
    denoiser = ExactDenoiser(q)
    law = law_on_cells(tables(q, denoiser).at((1, 2)), q)
    rows = BlockSampler(denoiser, (2, 1)).sample(20_000, seeded())
    found = counts(cells(q, rows), q)
    assert not law_test("other order", found, law, ledger.take("other order")).passed


def test_blocks_are_uniformly_random_sets(ledger: Ledger) -> None:
    run = BlockSampler(ExactDenoiser(family("uniform:4:2")), (2, 2)).run(20_000, seeded())
    pattern = (run.steps * torch.tensor([8, 4, 2, 1])).sum(1)
    law = torch.zeros(16, dtype=torch.float64)
    law[[3, 5, 6, 9, 10, 12]] = 1 / 6
    found = torch.bincount(pattern, minlength=16)
    assert law_test("positions", found, law, ledger.take("positions")).passed


class Timed:
    """Writes down its times."""

    vocabulary = 2
    time_free = False
    normalised = True

    def __init__(self) -> None:
        self.times: list[Tensor | float | None] = []

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        assert positions is not None
        assert bool((x[positions] == 2).all())
        self.times.append(t)
        return torch.full((positions[0].numel(), 2), 0.5, dtype=torch.float64)


def test_times_are_handed_to_the_denoiser() -> None:
    denoiser = Timed()
    BlockSampler(denoiser, (2, 1), torch.tensor([0.9, 0.3])).sample(10, seeded())
    assert denoiser.times == pytest.approx([0.9, 0.3], abs=1e-7)
    with pytest.raises(InputError, match="depends on time"):
        BlockSampler(denoiser, (2, 1))


@pytest.mark.parametrize("sizes", [(), (2, 0), (-1, 2)])
def test_bad_sizes_are_named(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="sizes"):
        BlockSampler(Timed(), sizes)
