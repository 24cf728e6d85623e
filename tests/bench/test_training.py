"""Training on the real data sets: how long a step takes, and that more steps help."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sharprates.samplers.datasets import BUILTIN, builtin
from sharprates.samplers.network import Training, train
from sharprates.verification.score_error import Comparison, order_error

STEPS = 40


@pytest.mark.parametrize("name", BUILTIN)
def test_training(benchmark: BenchmarkFixture, name: str) -> None:
    """The default network; the default training has 50 times as many steps."""
    target = builtin(name)
    benchmark.pedantic(train, args=(target, Training(steps=STEPS)), rounds=1)


@pytest.mark.parametrize("name", BUILTIN)
def test_training_longer_lowers_nelbo_and_error(benchmark: BenchmarkFixture, name: str) -> None:
    target = builtin(name)
    comparison = Comparison.of(target)

    def errors(steps: int) -> tuple[float, float]:
        sums = comparison.sums(train(target, Training(steps=steps)))
        found = order_error(comparison, sums)
        return found.nelbo, found.epsilon_fhs

    short = errors(STEPS)
    longer = benchmark.pedantic(errors, args=(5 * STEPS,), rounds=1)
    assert longer[0] < short[0]
    assert longer[1] < short[1]
