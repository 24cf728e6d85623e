"""Rows a second of the running samplers, beside a plain loop and flow_matching's solver.

S = 32, d = 64, K = 64, exact conditionals of a stationary Markov chain, the same chain and number
type for all. Denoiser time is measured inside each run and given apart. The last test prints all.
"""

import time
from collections.abc import Callable
from functools import partial

import pytest
import torch
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.sampling import draw
from sharprates.samplers.schedule import Schedule, ancestral
from torch import Tensor

from tests.bench.conftest import Report

S, D, K = 32, 64, 64
CLOCK = clock("linear")
TIMES = grid("uniform", CLOCK, K, 1.0)
DTYPES = {"float64": torch.float64, "float32": torch.float32}
DENSE_ROWS = 256  # what a solver holds at a time that draws at every position

THREADS = 1  # each: rates that do not hang on what else the machine does

RATES: dict[str, dict[str, float]] = {}


class Timed:
    """Passes calls on and adds up the time they take."""

    time_free = normalised = True
    vocabulary = S

    def __init__(self, inner: Denoiser) -> None:
        self.inner = inner
        self.seconds = 0.0
        self.calls = 0

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        start = time.perf_counter()
        found = self.inner(x, t, positions)
        self.seconds += time.perf_counter() - start
        self.calls += 1
        return found


def chain(dtype: torch.dtype) -> Timed:
    A = torch.rand(S, S, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 4
    return Timed(MarkovChain.of(A / A.sum(1, keepdim=True), D, dtype=dtype))


def measure(benchmark, name: str, rows: int, denoiser: Timed, run: Callable[[], Tensor]) -> None:
    run()  # warm up
    rounds = 5
    before, calls = denoiser.seconds, denoiser.calls
    found = benchmark.pedantic(run, rounds=rounds, iterations=1)
    assert found.shape == (rows, D)
    assert bool((found < S).all())
    total = benchmark.stats.stats.total
    apart = denoiser.seconds - before
    data = sorted(benchmark.stats.stats.data)
    RATES[name] = {
        "rows/s": rows / data[rounds // 2],
        "slowest": rows / data[-1],
        "fastest": rows / data[0],
        "rows/s without denoiser": rounds * rows / (total - apart),
        "denoiser share": apart / total,
        "calls": (denoiser.calls - calls) / rounds,
    }
    benchmark.extra_info.update(RATES[name])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["euler", "first hitting"])
def test_ours(benchmark, kind: str, dtype: str) -> None:
    denoiser = chain(DTYPES[dtype])
    number = DTYPES[dtype]
    rows = 16_384
    if kind == "euler":
        sampler = ParallelSampler(D, Schedule.at(TIMES, "euler", CLOCK), dtype=number)
    else:
        sampler = FirstHittingSampler(D, CLOCK, dtype=number)
    generator = torch.Generator().manual_seed(1)
    run = partial(sampler.sample, denoiser, rows, generator)
    measure(benchmark, f"{kind} {dtype}", rows, denoiser, run)


@pytest.mark.parametrize("dtype", DTYPES)
def test_plain_multinomial_loop(benchmark, dtype: str) -> None:
    denoiser = chain(DTYPES[dtype])
    hazards = ancestral(CLOCK, TIMES).tolist()
    generator = torch.Generator().manual_seed(1)

    def run() -> Tensor:
        x = torch.full((DENSE_ROWS, D), S)
        for hazard in hazards:
            p = denoiser(x)
            drawn = torch.multinomial(p.view(-1, S), 1, generator=generator).view(x.shape)
            reveal = torch.rand(x.shape, generator=generator, dtype=p.dtype) < hazard
            x = torch.where((x == S) & reveal, drawn, x)
        return x

    measure(benchmark, f"multinomial loop {dtype}", DENSE_ROWS, denoiser, run)


@pytest.mark.parametrize("dtype", DTYPES)
def test_flow_matching(benchmark, dtype: str) -> None:
    pytest.importorskip("flow_matching", reason="the extra `peers` is not installed")
    from flow_matching.path import MixtureDiscreteProbPath
    from flow_matching.path.scheduler import CondOTScheduler
    from flow_matching.solver import MixtureDiscreteEulerSolver
    from flow_matching.utils import ModelWrapper

    denoiser = chain(DTYPES[dtype])

    class Model(ModelWrapper):
        """Our chain in the solver's form: S + 1 symbols, revealed tokens predicted as they are."""

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            p = torch.nn.functional.pad(denoiser(x, 1 - t), (0, 1))
            kept = torch.nn.functional.one_hot(x, S + 1).to(p.dtype)
            return torch.where((x == S)[..., None], p, kept)

    solver = MixtureDiscreteEulerSolver(
        Model(None), MixtureDiscreteProbPath(CondOTScheduler()), vocabulary_size=S + 1
    )

    def run() -> Tensor:
        x = torch.full((DENSE_ROWS, D), S)
        return solver.sample(x, step_size=1 / K, dtype_categorical=DTYPES[dtype])

    torch.manual_seed(1)
    measure(benchmark, f"flow_matching {dtype}", DENSE_ROWS, denoiser, run)


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_rand(benchmark, dtype: str) -> None:
    generator = torch.Generator().manual_seed(1)
    count = 2**20
    benchmark(lambda: torch.rand(count, generator=generator, dtype=DTYPES[dtype]))
    RATES[f"torch.rand {dtype}"] = {"numbers/s": count / benchmark.stats.stats.median}


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_draw_alone(benchmark, dtype: str) -> None:
    """What a sampler does for every token at least: its numbers, a draw, and where it is put."""
    generator = torch.Generator().manual_seed(1)
    count, slices = 4096, 256  # tokens a step, as samplers take them
    weights = torch.rand(count, S, generator=generator, dtype=DTYPES[dtype])
    x, place = torch.zeros(count, dtype=torch.int64), torch.randperm(count, generator=generator)

    def run() -> None:
        for _ in range(slices):
            u = torch.rand(2, count, generator=generator, dtype=weights.dtype)
            x.scatter_(0, place, draw(weights, u[1]))

    benchmark(run)
    numbers = 2 * count * slices
    RATES[f"one draw alone {dtype}"] = {"numbers/s": numbers / benchmark.stats.stats.median}


def test_summary(benchmark, report: Report) -> None:
    """Everything side by side, with the share of torch.rand's rate on the uniforms needed."""
    benchmark(lambda: None)
    for name, rate in RATES.items():
        row: dict[str, object] = {what: f"{value:,.3g}" for what, value in rate.items()}
        kind, dtype = name.rsplit(" ", 1)
        uniforms = {"euler": 2 * D, "first hitting": 3 * D}.get(kind)
        numbers = rate["rows/s without denoiser"] * uniforms if uniforms else rate.get("numbers/s")
        if numbers:
            row["of torch.rand"] = f"{numbers / RATES[f'torch.rand {dtype}']['numbers/s']:.1%}"
        if uniforms:
            for peer in ("multinomial loop", "flow_matching"):
                other = RATES.get(f"{peer} {dtype}")
                if other:
                    row[f"over {peer}"] = f"{rate['rows/s'] / other['rows/s']:.3g}"
                    if kind == "euler" and peer == "flow_matching" and dtype == "float64":
                        assert rate["rows/s"] >= 5 * other["rows/s"]
        report.add(f"Samplers: S = {S}, d = {D}, K = {K}, a Markov chain", sampler=name, **row)
