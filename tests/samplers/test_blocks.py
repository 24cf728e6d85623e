"""Blocks of fixed sizes against the vertices of the composition expansion."""

import pytest
import torch
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.compositions import fixed_blocks
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.tabled import tabled
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test

from tests.samplers.perturbed import Drifting, Uniform
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
        run = BlockSampler(q.length, sizes).run(fast, 20_000, seeded())
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
    rows = BlockSampler(3, (2, 1)).sample(denoiser, 20_000, seeded())
    found = counts(cells(q, rows), q)
    assert not law_test("other order", found, law, ledger.take("other order")).passed


def test_blocks_are_uniformly_random_sets(ledger: Ledger) -> None:
    run = BlockSampler(4, (2, 2)).run(ExactDenoiser(family("uniform:4:2")), 20_000, seeded())
    pattern = (run.steps * torch.tensor([8, 4, 2, 1])).sum(1)
    law = torch.zeros(16, dtype=torch.float64)
    law[[3, 5, 6, 9, 10, 12]] = 1 / 6
    found = torch.bincount(pattern, minlength=16)
    assert law_test("positions", found, law, ledger.take("positions")).passed


def test_blocks_have_no_times() -> None:
    exact = ExactDenoiser(family("uniform:3:2"))
    drifting = Drifting(exact, Uniform(2), 0.5)
    with pytest.raises(InputError, match="depends on time"):
        BlockSampler(3, (2, 1)).sample(drifting, 10, seeded())
    with pytest.raises(InputError, match="depends on time"):
        BlockSampler(3, (2, 1)).law(family("uniform:3:2"), drifting)


@pytest.mark.parametrize("sizes", [(), (2, 0), (-1, 2), (1, 1)])
def test_bad_sizes_are_named(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="sizes"):
        BlockSampler(3, sizes)
