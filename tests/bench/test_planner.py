"""How long plans and exact TV at the length of real models take: `make bench`."""

import pytest
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.families import structured_tv
from sharprates.samplers.schedule import step_law
from sharprates.verification.planning.block_schedule import best_blocks
from sharprates.verification.planning.loss_curve import loss_curve
from sharprates.verification.planning.planner import plan_length
from sharprates.verification.planning.question import Question


@pytest.mark.parametrize(
    "text",
    [
        "pairs:4096:2",
        "copies:4096:50257",
        "groups:4096:16",
        "shared-symbols:4096:2",
        "parity:4096:2",
        "mds:4096:2048:50257",
        "permutations:4096:64",
        "permutations:4096:4096",
    ],
)
def test_exact_tv_at_length(benchmark, text: str) -> None:
    """d = 4096 and K = 10^5 Euler steps on the constant-rate clock, masks left over."""
    constant = clock("constant")
    law = step_law("euler", constant, grid("uniform", constant, 100_000, 12.0))
    found = benchmark.pedantic(structured_tv, (text, law), rounds=1)
    assert 0 < found.tv <= 1


def test_plan(benchmark) -> None:
    found = benchmark.pedantic(lambda: plan_length(Question(1024, 50257, 0.01)), rounds=3)
    assert found.enough is not None


def test_best_blocks(benchmark) -> None:
    """d = 4096 into 256 blocks."""
    d = 4096
    curve = loss_curve(range(d), [8 / (1 + m / 100) for m in range(d)], d)
    found = benchmark.pedantic(best_blocks, (curve, 256), rounds=1)
    assert len(found.blocks) == 256
