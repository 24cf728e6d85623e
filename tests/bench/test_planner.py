"""How long plans and exact TV at the length of real models take: `make bench`."""

import pytest
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.families import structured_tv
from sharprates.samplers.letters import letters
from sharprates.samplers.schedule import step_law
from sharprates.theory.block_sizes import tc_blocks
from sharprates.verification.planning.block_schedule import best_blocks, fewest_blocks
from sharprates.verification.planning.loss_curve import loss_curve
from sharprates.verification.planning.planner import plan_length
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.sampled_growth import plan_samples
from sharprates.verification.planning.schedule_plan import Goal


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


def test_fewest_blocks(benchmark) -> None:
    """d = 4096 for a nat: the programme of KL6 at every number of blocks it may need."""
    d = 4096
    curve = loss_curve(range(d), [8 / (1 + m / 100) for m in range(d)], d)
    found = benchmark.pedantic(fewest_blocks, (curve, 1.0), rounds=3)
    assert found.excess <= 1.0


def test_blocks_from_one_number(benchmark) -> None:
    """d = 4096: U3."""
    found = benchmark.pedantic(tc_blocks, (4096, 400.0, 0.1), rounds=3)
    assert sum(found) == 4096


def test_plan_from_samples(benchmark) -> None:
    """U4: 2000 samples of 256 letters."""
    question = (letters(256), "letters:256", Goal(kl=5.0))
    found = benchmark.pedantic(plan_samples, question, {"samples": 2000}, rounds=1)
    assert found.label == "estimate"
