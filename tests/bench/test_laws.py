"""How long exact output laws take: `make bench`. Targets are those of two cores."""

import pytest
import torch
from sharprates.samplers.compositions import CompositionTables, monomials
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.propagation import propagate
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states

from tests.bench.conftest import Report, Times, dense, peak_mib


def sparse(count: int, length: int, vocabulary: int) -> Target:
    generator = torch.Generator().manual_seed(count)
    rows = torch.randint(0, vocabulary, (count, length), generator=generator)
    return Target.from_rows(rows, torch.rand(count, generator=generator), vocabulary)


def keep(report: Report, target: Target, benchmark) -> None:
    """Time and memory of one target's tables, as a row."""
    report.add(
        "Tables from scratch: what limits d and S",
        d=target.length,
        S=target.vocabulary,
        sequences=target.support,
        time=Times(tuple(benchmark.stats.stats.data)),
        peak_MiB=f"{peak_mib(lambda: tables(target, ExactDenoiser(target))):.0f}",
    )


@pytest.fixture(scope="module")
def ready() -> dict[int, tuple[Target, CompositionTables]]:
    targets = {d: dense(d) for d in (8, 10, 12)}
    return {d: (t, tables(t, ExactDenoiser(t), "all")) for d, t in targets.items()}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(lambda: dense(8), id="d8-S2"),
        pytest.param(lambda: dense(10), id="d10-S2-at-most-2s"),
        pytest.param(lambda: sparse(2500, 4, 26), id="words-d4-S26-N2500"),
        pytest.param(lambda: sparse(1000, 10, 26), id="d10-S26-N1000-at-most-5s"),
    ],
)
def test_tables(benchmark, report, target):
    built = target()
    found = benchmark.pedantic(
        lambda: tables(built, ExactDenoiser(built)), rounds=3, warmup_rounds=1
    )
    keep(report, built, benchmark)
    assert total_variation(found.at((1,) * built.length), built).value < 1e-13


def test_tables_d12_at_most_30s_and_8gib(benchmark, report):
    target = dense(12)
    found = benchmark.pedantic(lambda: tables(target, ExactDenoiser(target), "all"), rounds=1)
    keep(report, target, benchmark)
    assert total_variation(found.at((1,) * 12), target).value < 1e-13


@pytest.mark.parametrize("steps", [64, 4096])
@pytest.mark.parametrize("length", [10, 12])
def test_one_more_schedule(benchmark, ready, length, steps):
    """At d = 10 and K = 64 at most 20 ms."""
    target, found = ready[length]
    law = StepLaw.uniform(steps)
    value = benchmark(lambda: total_variation(found.law(law), target).value)
    assert 0 < value < 1


@pytest.mark.parametrize("steps", [10**3, 10**6])
def test_monomials_d8(benchmark, steps):
    """At K = 10^6 at most 1 s."""
    w = torch.full((steps,), 1 / steps, dtype=torch.float64)
    benchmark.pedantic(lambda: monomials(w, 8), rounds=3, warmup_rounds=1)


def test_gradient_of_a_schedule(benchmark, ready):
    _, found = ready[10]
    w = torch.full((256,), 1 / 256, dtype=torch.float64, requires_grad=True)

    def gradient() -> torch.Tensor:
        (slope,) = torch.autograd.grad(found.law(w).probability.max(), w)
        return slope

    assert benchmark(gradient).shape == (256,)


def test_exact_denoiser_on_every_state_of_d12(benchmark):
    denoiser = ExactDenoiser(dense(12))
    states = all_states(12, 3)
    benchmark.pedantic(lambda: denoiser(states), rounds=2)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(lambda: dense(6), id="d6-S2"),
        pytest.param(lambda: sparse(2500, 4, 26), id="words-d4-S26-N2500"),
    ],
)
def test_propagation_of_64_steps(benchmark, target):
    built = target()
    law = StepLaw.uniform(64)
    benchmark.pedantic(lambda: propagate(built, ExactDenoiser(built), law), rounds=2)
