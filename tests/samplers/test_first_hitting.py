"""The first-hitting sampler: its law (H1), its times (S4), its calls."""

import pytest
import torch
from sharprates.samplers.clock import clock
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.denoiser import ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.tabled import tabled
from sharprates.verification.statistics import step_tests
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

from tests.samplers.targets import FAMILIES, REAL, target

CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")
CHECKS = (
    *FAMILIES,
    *REAL,
    *(f"times {name}" for name in CLOCKS),
    "finite horizon",
    "order",
    "order and values",
    "time-dependent",
    "unnormalised",
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.claim("H1")
@pytest.mark.parametrize("name", [*FAMILIES, *REAL])
def test_with_an_exact_denoiser_the_law_is_the_target(name: str, ledger: Ledger) -> None:
    q = target(name)
    sampler = FirstHittingSampler(q.length)
    found = counts(
        cells(q, sampler.sample(tabled(ExactDenoiser(q), q.length), 20_000, seeded())), q
    )
    law = torch.cat([q.weights, torch.zeros(1, dtype=torch.float64)])
    check = law_test(name, found, law, ledger.take(name))
    assert check.passed, str(check)


@pytest.mark.claim("S4")
@pytest.mark.parametrize("name", CLOCKS)
def test_hitting_times_follow_the_clock(name: str, ledger: Ledger) -> None:
    c = clock(name)
    q = family("copies:5:2")
    run = FirstHittingSampler(5, c).run(ExactDenoiser(q), 20_000, seeded())
    assert run.times is not None
    assert bool((run.times.diff(dim=1) <= 0).all())
    check = step_tests.hitting_times(run.times, c, c.end, ledger.take(f"times {name}"))
    assert check.passed, str(check)


def test_hitting_times_start_at_the_horizon(ledger: Ledger) -> None:
    c = clock("constant")
    exact = ExactDenoiser(family("copies:5:2"))
    run = FirstHittingSampler(5, c, 1.5).run(exact, 20_000, seeded())
    assert run.times is not None
    assert float(run.times.max()) <= 1.5
    check = step_tests.hitting_times(run.times, c, 1.5, ledger.take("finite horizon"))
    assert check.passed, str(check)


@pytest.mark.claim("S4")
def test_order_is_uniform_and_independent_of_the_values(ledger: Ledger) -> None:
    q = family("markov:4:1/3,2/3:9/10,1/10:1/20,19/20")
    run = FirstHittingSampler(4, "linear").run(ExactDenoiser(q), 50_000, seeded())
    assert step_tests.order_uniform(run.steps, ledger.take("order")).passed
    cell = run.steps.argmin(1) * q.support + cells(q, run.rows)
    joint = torch.bincount(cell, minlength=4 * q.support)
    check = law_test(
        "order, values", joint, q.weights.repeat(4) / 4, ledger.take("order and values")
    )
    assert check.passed, str(check)


class ByTime:
    """Predicts symbol 1 with probability α(t) = 1 − t, whatever is revealed."""

    vocabulary = 2
    time_free = False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.normalised = scale == 1.0
        self.seen: list[Tensor] = []

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        assert isinstance(t, Tensor)
        assert t.shape == (x.shape[0],)
        self.seen.append(t)
        p = torch.stack([t, 1 - t], 1) * self.scale
        return p[:, None].expand(*x.shape, 2) if positions is None else p[positions[0]]


@pytest.mark.parametrize("name", ["time-dependent", "unnormalised"])
def test_the_denoiser_is_given_each_rows_time(name: str, ledger: Ledger) -> None:
    denoiser = ByTime(0.3 if name == "unnormalised" else 1.0)
    run = FirstHittingSampler(2, "linear").run(denoiser, 100_000, seeded())
    assert run.times is not None
    assert torch.equal(torch.stack(denoiser.seen, 1), run.times)
    # On the linear clock the two times are the larger and the smaller of two uniforms, M and m.
    # Values in the order of revealing: 00 has probability E Mm = 1/4, 01 E M(1−m) = 2/3 − 1/4.
    first = run.rows.gather(1, run.steps.argsort(1))
    found = torch.bincount(first[:, 0] * 2 + first[:, 1], minlength=4)
    law = torch.tensor([1 / 4, 5 / 12, 1 / 12, 1 / 4], dtype=torch.float64)
    check = law_test(name, found, law, ledger.take(name))
    assert check.passed, str(check)


@pytest.mark.parametrize("rows", [1, 50])
def test_exactly_d_denoiser_calls(rows: int) -> None:
    for d in (1, 4, 9):
        denoiser = ByTime()
        run = FirstHittingSampler(d, "linear").run(denoiser, rows, seeded())
        assert len(denoiser.seen) == run.calls == d
        assert torch.equal(run.steps.sort(1).values, torch.arange(d).expand(rows, d))


def test_the_vertex_of_the_expansion_is_the_target() -> None:
    # H1 by the tables: the law that the runs above were compared with is no convention of theirs.
    q = family("dirichlet:3:4")
    law = law_on_cells(tables(q, ExactDenoiser(q)).at(first_hitting(3)), q)
    assert float((law[:-1] - q.weights).abs().max()) < 1e-15


def test_a_horizon_outside_the_clock_is_named() -> None:
    with pytest.raises(InputError, match="horizon"):
        FirstHittingSampler(2, "linear", 1.5)
    with pytest.raises(InputError, match="name the clock"):
        FirstHittingSampler(2).sample(ByTime(), 5, seeded())
