"""Inverse CDF draws, and the use of randomness that all samplers share."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import dirichlet
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw, first_above, random_order, shortest
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

CHECKS = ("order", "gpu")

WEIGHTS = st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1e6)), min_size=1, max_size=9).filter(
    lambda w: sum(w) > 0
)


def walked(weights: Tensor, number: int, by: Callable[[Tensor, Tensor], Tensor] = draw) -> Tensor:
    """Frequencies over the midpoints of a grid of `number` uniforms."""
    u = (torch.arange(number, dtype=torch.float64) + 0.5) / number
    return torch.bincount(by(weights.expand(number, -1), u), minlength=len(weights)) / number


@given(WEIGHTS)
def test_draw_has_the_law_of_its_weights(weights: list[float]) -> None:
    w = torch.tensor(weights, dtype=torch.float64)
    # Walking the uniforms shows the law itself: each symbol's interval is met to two grid cells.
    assert (walked(w, 512) - w / w.sum()).abs().max() <= 1.01 / 512


def test_walking_rejects_a_draw_that_forgets_to_normalise() -> None:
    def mutant(weights: Tensor, u: Tensor) -> Tensor:
        return torch.searchsorted(weights.cumsum(1), u[:, None]).squeeze(1).clamp(max=2)

    w = torch.tensor([0.3, 0.3, 0.3], dtype=torch.float64)
    assert (walked(w, 512, mutant) - 1 / 3).abs().max() > 0.03
    assert (walked(w, 512) - 1 / 3).abs().max() <= 1.01 / 512


@given(WEIGHTS, st.sampled_from([torch.float64, torch.float32]))
def test_a_symbol_of_weight_zero_is_never_drawn(weights: list[float], dtype: torch.dtype) -> None:
    w = torch.tensor(weights, dtype=dtype)
    last = 1 - torch.finfo(dtype).eps / 2
    u = torch.tensor([0.0, torch.finfo(dtype).tiny, 0.5, last], dtype=dtype)
    drawn = draw(w.expand(4, -1), u)
    assert bool((w[drawn] > 0).all())
    positive = w.nonzero().squeeze(1)
    assert drawn[0] == positive[0]


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2.0**-53])
@pytest.mark.parametrize(
    "bad",
    [[0.0, 0.0], [float("nan"), 1.0], [1.0, float("nan")], [float("inf"), 1.0], [1e308, 1e308]],
)
def test_weights_without_a_law_are_refused(bad: list[float], u: float) -> None:
    weights = torch.tensor([[1.0, 0.0], bad], dtype=torch.float64)
    for w in (weights, widened(weights)):
        with pytest.raises(InputError, match="some mass"):
            draw(w, torch.tensor([0.5, u], dtype=torch.float64))


def widened(weights: Tensor) -> Tensor:
    """The same law among so many symbols that they are searched, not counted."""
    return torch.nn.functional.pad(weights, (0, 64))


@given(WEIGHTS, st.sampled_from([torch.float64, torch.float32]))
def test_counting_finds_what_a_search_finds(weights: list[float], dtype: torch.dtype) -> None:
    """Also where a uniform meets a partial sum."""
    w = torch.tensor(weights, dtype=dtype)
    met = w.cumsum(0) / w.sum()
    u = torch.cat([met[met < 1], torch.arange(16, dtype=dtype) / 16])
    w = w.expand(len(u), -1)
    assert torch.equal(draw(w, u), draw(widened(w), u))


@given(WEIGHTS, st.sampled_from([torch.float64, torch.float32]), st.booleans(), st.randoms())
def test_a_table_of_cells_finds_what_a_search_finds(
    weights: list[float], dtype: torch.dtype, many: bool, random: Random
) -> None:
    """Also where a uniform meets a partial sum, or lies beside one or at the edge of a cell."""
    sums = torch.tensor(weights, dtype=torch.float64).cumsum(0)
    sums = (sums / sums[-1]).to(dtype)
    half, one = sums.new_tensor(0.5), sums.new_tensor(1.0)
    near = torch.cat([sums, torch.nextafter(sums, half), torch.nextafter(sums, one)])
    near = torch.cat([near, (sums * 256).floor() / 256, torch.zeros_like(sums)])
    u = near[near < 1].repeat(40 if many else 1)[:, None]
    u = u[torch.tensor(random.sample(range(len(u)), len(u)))]
    found = first_above(sums, u)
    assert torch.equal(found.long(), torch.searchsorted(sums, u, right=True))
    assert found.dtype == torch.int16


@pytest.mark.parametrize("steps", [1, 2**15 - 1, 2**15, 2**40])
def test_keys_hold_the_number_of_steps_which_stands_for_never(steps: int) -> None:
    assert int(torch.tensor(steps).to(shortest(steps))) == steps
    assert (shortest(steps) == torch.int16) == (steps < 2**15)


def test_every_order_is_equally_likely(ledger: Ledger) -> None:
    order = random_order(torch.rand(24_000, 4, generator=torch.Generator().manual_seed(1)))
    code = (order * torch.tensor([64, 16, 4, 1])).sum(1)
    values, counts = code.unique(return_counts=True)
    assert len(values) == 24
    law = torch.full((24,), 1 / 24, dtype=torch.float64)
    assert law_test("order", counts, law, ledger.take("order")).passed


TARGET = dirichlet(4, 3, seed=5)
CLOCK = clock("constant")
TIMES = grid("uniform", CLOCK, 6, 5.0)


def runs(batch: int | None, n: int = 500) -> dict[str, Run]:
    """A run of every sampler, all from one seed."""
    denoiser = ExactDenoiser(TARGET)
    samplers: dict[str, Sampler] = {
        "parallel": ParallelSampler(4, Schedule.at(TIMES, "euler", CLOCK), batch=batch),
        "first hitting": FirstHittingSampler(4, CLOCK, batch=batch),
        "blocks": BlockSampler(4, (1, 2, 1), batch=batch),
        "policy": PolicySampler(4, policy("threshold:0.6"), batch=batch),
        "seeded policy": PolicySampler(4, policy("entropy:2"), ties="seed", batch=batch),
        "kept draws": KeptDraws(4, 2, batch=batch),
    }
    return {
        name: one.run(denoiser, n, torch.Generator().manual_seed(3))
        for name, one in samplers.items()
    }


@pytest.mark.parametrize("batch", [1, 7, 499, 1000])
def test_the_batch_size_does_not_change_the_rows(batch: int) -> None:
    n = 60 if batch > 1 else 12
    parts = runs(batch, n)
    for name, whole in runs(None, n).items():
        split = parts[name]
        assert torch.equal(whole.rows, split.rows), name
        assert torch.equal(whole.steps, split.steps), name
        assert whole.calls == split.calls
        if whole.times is not None and split.times is not None:
            assert torch.equal(whole.times, split.times)


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    short, long = runs(None, 30), runs(None, 60)
    for name in short:
        assert torch.equal(short[name].rows, long[name].rows[:30]), name


class Halved:
    """A denoiser of total mass 1/2: its sampler must ask for the mass at every step."""

    time_free, normalised = True, False

    def __init__(self, inner: Denoiser) -> None:
        self.inner, self.vocabulary = inner, inner.vocabulary

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        return self.inner(x, t, positions) / 2


def test_neither_threads_nor_batches_change_the_rows() -> None:
    # Sizes at which torch does share its work out.
    A = torch.rand(8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    chain = MarkovChain.of(A / A.sum(1, keepdim=True), 64)

    def rows(batch: int | None) -> list[Tensor]:
        samplers: tuple[tuple[Denoiser, Sampler], ...] = (
            (chain, ParallelSampler(64, StepLaw.equal(4), batch=batch)),
            (Halved(chain), ParallelSampler(64, StepLaw.equal(4), batch=batch)),
            (chain, FirstHittingSampler(64, CLOCK, batch=batch)),
            (chain, BlockSampler(64, (32, 32), batch=batch)),
            (chain, PolicySampler(64, policy("confidence:32"), batch=batch)),
            (chain, KeptDraws(64, 32, batch=batch)),
        )
        return [
            one.sample(denoiser, 1000, torch.Generator().manual_seed(1))
            for denoiser, one in samplers
        ]

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = rows(None)
        torch.set_num_threads(3)
        shared = rows(700)
    finally:
        torch.set_num_threads(before)
    for one, other in zip(alone, shared, strict=True):
        assert torch.equal(one, other)


def test_no_rows_is_a_run() -> None:
    for name, one in runs(None, 0).items():
        assert one.rows.shape == (0, 4), name
        assert one.steps.shape == (0, 4), name


def test_bad_arguments_are_named() -> None:
    sampler, exact = FirstHittingSampler(4, CLOCK), ExactDenoiser(TARGET)
    with pytest.raises(InputError, match="number of rows"):
        sampler.sample(exact, -1, torch.Generator())
    with pytest.raises(InputError, match="batch"):
        FirstHittingSampler(4, CLOCK, batch=0)
    with pytest.raises(InputError, match="length"):
        replace(sampler, length=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_samplers_run_on_a_gpu(ledger: Ledger) -> None:
    device = torch.device("cuda")
    sampler, exact = FirstHittingSampler(4, CLOCK, device=device), ExactDenoiser(TARGET)
    rows = sampler.sample(exact, 100_000, torch.Generator(device).manual_seed(1)).cpu()
    code = (rows * torch.tensor([27, 9, 3, 1])).sum(1)
    found = torch.bincount(code, minlength=81)
    assert law_test("gpu", found, TARGET.pmf().flatten(), ledger.take("gpu")).passed
    with pytest.raises(InputError, match="generator"):
        sampler.sample(exact, 5, torch.Generator())
