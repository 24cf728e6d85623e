"""How long exact output laws take: `make bench`. Targets are those of two cores."""

import pytest
import torch
from sharprates.samplers.compositions import CompositionTables, monomials
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables, tables_of_many
from sharprates.samplers.propagation import propagate
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states

from tests.bench.conftest import FLOORS, Report, Times, dense, floors, in_turn, peak_mib


def sparse(count: int, length: int, vocabulary: int) -> Target:
    generator = torch.Generator().manual_seed(count)
    rows = torch.randint(0, vocabulary, (count, length), generator=generator)
    return Target.from_rows(rows, torch.rand(count, generator=generator), vocabulary)


def keep(report: Report, target: Target, rounds: int) -> Times:
    """Time and memory of one target's tables, as a row; the time."""

    def scratch() -> CompositionTables:
        return tables(target, ExactDenoiser(target))

    times = in_turn({"tables": scratch, **FLOORS}, rounds)
    least = floors(target, times)
    report.add(
        "Tables from scratch: what limits d and S",
        d=target.length,
        S=target.vocabulary,
        sequences=target.support,
        time=times["tables"],
        **{f"over_{name}": times["tables"].over(floor) for name, floor in least.items()},
        peak_MiB=f"{peak_mib(scratch):.0f}",
    )
    assert total_variation(scratch().at((1,) * target.length), target).value < 1e-13
    return times["tables"]


@pytest.fixture(scope="module")
def ready() -> dict[int, tuple[Target, CompositionTables]]:
    targets = {d: dense(d) for d in (8, 10, 12)}
    return {d: (t, tables(t, ExactDenoiser(t), "all")) for d, t in targets.items()}


SCRATCH = {
    "d4-S2": (lambda: dense(4), 5e-3),
    "d5-S2": (lambda: dense(5), 5e-3),
    "d6-S2": (lambda: dense(6), 5e-3),
    "d4-S3": (lambda: dense(4, 3), 5e-3),
    "d8-S2": (lambda: dense(8), 0.1),
    "d10-S2": (lambda: dense(10), 1.0),
    "words-d4-S26-N2500": (lambda: sparse(2500, 4, 26), 0.1),
    "d10-S26-N1000": (lambda: sparse(1000, 10, 26), 2.0),
    "d12-S2": (lambda: dense(12), 8.0),
}
"""Targets, and the seconds that their tables may take on two cores."""


@pytest.mark.parametrize("name", SCRATCH)
def test_tables(report, name):
    made, seconds = SCRATCH[name]
    target = made()
    assert keep(report, target, 7 if seconds < 1 else 3).median <= seconds


@pytest.mark.parametrize(("d", "S"), [(4, 2), (5, 2), (6, 2), (4, 3)])
def test_a_thousand_laws_at_once(report, d, S):
    """In a second; one at a time, each law is a target with its denoiser."""
    laws = torch.rand((1000, *[S] * d), generator=torch.Generator().manual_seed(d)).double()
    targets = [Target.from_pmf(law) for law in laws]

    def alone() -> list[CompositionTables]:
        return [tables(target, ExactDenoiser(target)) for target in targets]

    times = in_turn({"together": lambda: tables_of_many(laws), "alone": alone}, 3)
    report.add(
        "A thousand laws",
        d=d,
        S=S,
        at_once=times["together"],
        one_at_a_time=times["alone"],
        ratio=times["alone"].over(times["together"]),
    )
    assert times["together"].median <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tables_on_a_gpu(report):
    """The same call with another device, over the CPU and over the card's copy bandwidth."""
    target = dense(12)
    source = torch.rand(1 << 26, dtype=torch.float64, device="cuda")

    def on(device: str) -> None:
        tables(target, ExactDenoiser(target), device=device).table.sum().item()

    def copy() -> None:
        source.clone()
        torch.cuda.synchronize()

    times = in_turn({"gpu": lambda: on("cuda"), "cpu": lambda: on("cpu"), "copy": copy}, 3)
    written = times["copy"].times((target.support << 11) / (2 * source.numel()))
    report.add(
        "Tables on a GPU",
        d=12,
        S=2,
        gpu=times["gpu"],
        cpu=times["cpu"],
        cpu_over_gpu=times["cpu"].over(times["gpu"]),
        over_memory=times["gpu"].over(written),
    )


@pytest.mark.parametrize("steps", [64, 4096])
@pytest.mark.parametrize("length", [10, 12])
def test_one_more_schedule(benchmark, ready, length, steps):
    """At d = 10 and K = 64 at most 20 ms."""
    target, found = ready[length]
    law = StepLaw.equal(steps)
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
    law = StepLaw.equal(64)
    benchmark.pedantic(lambda: propagate(built, ExactDenoiser(built), law), rounds=2)
