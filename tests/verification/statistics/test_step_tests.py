"""Each test passes the right sampler and catches its mutants, by name."""

from dataclasses import replace

import pytest
import torch
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.denoiser import ExactDenoiser, Positions
from sharprates.samplers.families import family
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.sampler import Run
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.statistics import step_tests
from sharprates.verification.statistics.binomial import binomial_detects, binomial_test
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from sharprates.verification.statistics.step_tests import ObservedStep
from torch import Tensor

TARGET = family("markov:4:1/3,2/3:9/10,1/10:1/20,19/20")
DENOISER = ExactDenoiser(TARGET)
CLOCK = clock("constant")
TIMES = grid("uniform", CLOCK, 5, 4.0)
EULER = ParallelSampler(4, Schedule.at(TIMES, "euler", CLOCK))
MASK = 2
STATE = torch.tensor([MASK, 1, MASK, MASK])
N = 60_000

STEP_MUTANTS = {
    "rate off by 1 %": "unmask probability",
    "temperature not renormalised": "unmask probability",
    "one coin for all tokens": "unmask pattern",
    "argmax": "token conditionals",
    "one uniform for all values": "values independent",
}
RUN_MUTANTS = {
    "off-by-one grid": "step law",
    "one step too many": "step law",
    "grid reversed": "step law",
    "leftover filled": "leftover",
    "time reversed": "hitting times",
    "rank off by one": "hitting times",
    "left to right": "order uniform",
    "order follows the values": "order and values independent",
    "one order for all rows": "rows independent",
    "batches repeat": "rows independent",
}
CHECKS = tuple(
    f"{mutant} {which}" for mutant in (*STEP_MUTANTS, *RUN_MUTANTS) for which in ("right", "mutant")
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def verdict(found: SampleTest | list[SampleTest], name: str) -> bool:
    """Did all pass? The name is that of the check that is meant to decide."""
    checks = found if isinstance(found, list) else [found]
    assert checks
    assert all(check.name.startswith(name) for check in checks)
    # A check that could not see anything would prove nothing.
    assert all(check.detects < 0.2 for check in checks)
    return all(check.passed for check in checks)


# ---------------------------------------------------------------------------------------------
# Single steps
# ---------------------------------------------------------------------------------------------


class Tempered:
    """Divides log-probabilities by a temperature and does not renormalise."""

    vocabulary, time_free, normalised = 2, True, False

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        p: Tensor = DENOISER(x, t, positions) ** (1 / 0.9)
        return p


def step_of(kind: str, hazard: float) -> Tensor:
    """States after one step from `STATE` that reveals with this probability."""
    law = StepLaw.from_hazards(torch.tensor([hazard], dtype=torch.float64))
    sampler = ParallelSampler(4, law)
    x = STATE.expand(N, 4)
    if kind == "right":
        return sampler.step(DENOISER, x, 0, seeded())
    if kind == "rate off by 1 %":
        return replace(sampler, schedule=StepLaw(law.hazards * 0.99)).step(DENOISER, x, 0, seeded())
    if kind == "temperature not renormalised":
        return sampler.step(Tempered(), x, 0, seeded())
    after = sampler.step(DENOISER, x, 0, seeded())
    shown = after != MASK
    p = DENOISER(STATE[None])[0]
    if kind == "one coin for all tokens":
        full = replace(sampler, schedule=StepLaw.equal(1)).step(DENOISER, x, 0, seeded())
        coin = torch.rand(N, 1, generator=seeded(2)) < hazard
        return torch.where(coin | (x != MASK), full, MASK)
    if kind == "argmax":
        return torch.where(shown & (x == MASK), p.argmax(1), after)
    assert kind == "one uniform for all values"
    same = (torch.rand(N, 1, generator=seeded(2)) > p[:, 0]).to(torch.int64)
    return torch.where(shown & (x == MASK), same, after)


def observe(after: Tensor) -> ObservedStep:
    return ObservedStep(STATE, after, MASK, 0.9, DENOISER(STATE[None])[0])


@pytest.mark.parametrize("mutant", STEP_MUTANTS)
def test_a_wrong_step_is_caught(mutant: str, ledger: Ledger) -> None:
    name = STEP_MUTANTS[mutant]
    for kind in ("right", mutant):
        observed = observe(step_of(kind, 0.9))
        assert observed.carried_over
        level = ledger.take(f"{mutant} {'right' if kind == 'right' else 'mutant'}")
        tests = {
            "unmask probability": observed.unmask_probability,
            "unmask pattern": observed.unmask_pattern,
            "token conditionals": observed.token_conditionals,
            "values independent": observed.values_independent,
        }
        assert verdict(tests[name](level), name) == (kind == "right")


def test_the_samples_suffice_for_one_percent() -> None:
    # Three masked tokens a row: what the rate test above detects, stated before it is run.
    assert binomial_detects(int(3 * N * 0.6), 0.9, 1e-9) <= 0.009


def test_a_redrawn_token_is_caught() -> None:
    after = EULER.step(DENOISER, STATE.expand(100, 4), 2, seeded())
    assert observe(after).carried_over
    after[57, 1] = 0
    assert not observe(after).carried_over
    # A token that is masked again is no less wrong.
    after[57, 1] = MASK
    assert not observe(after).carried_over


# ---------------------------------------------------------------------------------------------
# Trajectories
# ---------------------------------------------------------------------------------------------


def euler_run(kind: str) -> Run:
    sampler = EULER
    if kind == "off-by-one grid":
        hazards = EULER.step_law.hazards
        sampler = ParallelSampler(4, StepLaw(torch.cat([hazards[1:], hazards[-1:]])))
    if kind == "one step too many":
        hazards = EULER.step_law.hazards
        sampler = ParallelSampler(4, StepLaw(torch.cat([hazards, hazards[-1:]])))
    if kind == "grid reversed":
        sampler = ParallelSampler(4, StepLaw(EULER.step_law.hazards.flip(0)))
    run = sampler.run(DENOISER, N, seeded())
    if kind == "leftover filled":
        return replace(run, rows=torch.where(run.rows == MASK, 0, run.rows))
    return run


def hitting_run(kind: str) -> Run:
    sampler = FirstHittingSampler(4, CLOCK)
    run = sampler.run(DENOISER, N, seeded())
    assert run.times is not None
    if kind == "time reversed":
        return replace(run, times=CLOCK.inverse(CLOCK.masked(run.times)))
    if kind == "rank off by one":
        # u^{1/(n+1)} in place of u^{1/n}
        u = torch.rand(N, 4, generator=seeded(), dtype=torch.float64)
        masked = torch.cumprod(u ** (1 / torch.arange(5, 1, -1)), 1)
        return replace(run, times=CLOCK.inverse(1 - masked))
    if kind == "left to right":
        return replace(run, steps=torch.arange(4).expand(N, 4))
    if kind == "order follows the values":
        return replace(run, steps=torch.argsort(run.rows, dim=1, stable=True).argsort(1))
    if kind == "one order for all rows":
        orders = run.steps[:: N // 10].repeat_interleave(N // 10, 0)
        return replace(run, steps=orders)
    if kind == "batches repeat":
        return replace(run, steps=run.steps[:100].repeat(N // 100, 1))
    return run


def rows_independent(
    found: Tensor, law: Tensor, level: float, lags: tuple[int, ...]
) -> list[SampleTest]:
    """Cells of pairs of rows, these far apart, follow the product law."""
    N, tests = law.numel(), []
    for lag in lags:
        # Disjoint pairs (i, i + lag): blocks of 2·lag rows, first half against second half.
        blocks = found[: found.numel() // (2 * lag) * (2 * lag)].view(-1, 2, lag)
        pairs = torch.bincount((blocks[:, 0] * N + blocks[:, 1]).flatten(), minlength=N * N)
        joint = torch.outer(law, law).flatten()
        tests.append(law_test(f"rows independent, lag {lag}", pairs, joint, level / len(lags)))
    return tests


def trajectory_test(name: str, run: Run, level: float) -> SampleTest | list[SampleTest]:
    if name == "step law":
        return step_tests.reveal_steps(run.steps, EULER.step_law.weights, level)
    if name == "leftover":
        masks = int((run.rows == MASK).sum())
        return binomial_test(name, masks, run.rows.numel(), EULER.step_law.leftover, level)
    if name == "hitting times":
        assert run.times is not None
        return step_tests.hitting_times(run.times, CLOCK, CLOCK.end, level)
    if name == "order uniform":
        return step_tests.order_uniform(run.steps, level)
    if name == "order and values independent":
        found = cells(TARGET, run.rows)
        cell = run.steps.argmin(1) * TARGET.support + found
        joint = torch.bincount(cell, minlength=4 * TARGET.support)
        return law_test(name, joint, TARGET.weights.repeat(4) / 4, level)
    first = torch.full((4,), 0.25, dtype=torch.float64)
    return rows_independent(run.steps.argmin(1), first, level, lags=(1, 100))


@pytest.mark.parametrize("mutant", RUN_MUTANTS)
def test_a_wrong_trajectory_is_caught(mutant: str, ledger: Ledger) -> None:
    name = RUN_MUTANTS[mutant]
    run = euler_run if name in ("step law", "leftover") else hitting_run
    for kind in ("right", mutant):
        level = ledger.take(f"{mutant} {'right' if kind == 'right' else 'mutant'}")
        assert verdict(trajectory_test(name, run(kind), level), name) == (kind == "right")


def test_sharing_is_found_at_the_lag_at_which_it_occurs() -> None:
    first = torch.full((4,), 0.25, dtype=torch.float64)
    repeated = hitting_run("batches repeat").steps.argmin(1)
    _, far = rows_independent(repeated, first, 1e-9, lags=(1, 100))
    assert not far.passed


class Asked:
    """Stands for a test of samples: what it is asked for, in place of an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.calls: list[tuple[object, ...]] = []
        monkeypatch.setattr(step_tests, name, self)

    def __call__(self, *arguments: object) -> None:
        plain = [one.tolist() if isinstance(one, Tensor) else one for one in arguments]
        self.calls.append(tuple(plain))


SEEN = ObservedStep(
    STATE,
    torch.tensor([[0, 1, 2, 1], [2, 1, 0, 0], [1, 1, 1, 0], [2, 1, 2, 2]]),
    MASK,
    0.25,
    torch.tensor([[0.5, 0.5], [0.0, 1.0], [0.75, 0.25], [0.125, 0.875]], dtype=torch.float64),
)
"""Four times one step: of positions 0, 2 and 3 two, two, three and none are revealed."""


def test_what_is_asked_of_one_step_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SEEN.hidden == [0, 2, 3]
    assert SEEN.frequency == pytest.approx(7 / 12)
    assert SEEN.carried_over
    assert not replace(SEEN, after=SEEN.after[:, [0, 0, 2, 3]]).carried_over
    binomials, laws = Asked(monkeypatch, "binomial_test"), Asked(monkeypatch, "law_test")
    SEEN.unmask_probability(0.1)
    assert binomials.calls == [("unmask probability", 7, 12, 0.25, 0.1)]
    SEEN.unmask_pattern(0.1)
    ((name, counts, law, level),) = laws.calls
    assert (name, counts, level) == ("unmask pattern", [1, 0, 0, 0, 0, 1, 1, 1], 0.1)
    sizes = (0, 1, 1, 2, 1, 2, 2, 3)
    assert law == pytest.approx([0.25**k * 0.75 ** (3 - k) for k in sizes])
    laws.calls.clear()
    SEEN.token_conditionals(0.3)
    assert [(counts, law) for _, counts, law, _ in laws.calls] == [
        ([1, 1], [0.5, 0.5]),
        ([1, 1], [0.75, 0.25]),
        ([2, 1], [0.125, 0.875]),
    ]
    assert [level for *_, level in laws.calls] == pytest.approx([0.1] * 3)
    assert [name[-10:] for name, *_ in laws.calls] == [f"position {i}" for i in (0, 2, 3)]
    laws.calls.clear()
    SEEN.values_independent(0.3)
    # both shown: positions 0 and 2 in the third alone (1, 1), 2 and 3 in (0, 0) and (1, 0)
    (_, first, law, level), (_, second, other, _) = laws.calls
    assert (first, second) == ([0, 0, 0, 1], [1, 0, 1, 0])
    assert law == pytest.approx([0.375, 0.125, 0.375, 0.125])
    assert other == pytest.approx([0.09375, 0.65625, 0.03125, 0.21875])
    assert level == pytest.approx(0.15)
    # also what never occurs has a cell: sets of three, and pairs of three symbols
    laws.calls.clear()
    replace(SEEN, after=SEEN.after[1:2]).unmask_pattern(0.1)
    three = torch.full((2, 3), 1 / 3, dtype=torch.float64)
    ObservedStep(torch.tensor([3, 3]), torch.tensor([[0, 1]]), 3, 0.5, three).values_independent(1)
    assert [len(counts) for _, counts, _, _ in laws.calls] == [8, 9]


def test_what_is_asked_of_a_grid_and_an_order_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    laws, bands = Asked(monkeypatch, "law_test"), Asked(monkeypatch, "dkw_test")
    steps = torch.tensor([[0, 2], [1, 1], [0, 1]])
    half = torch.tensor([0.5, 0.25], dtype=torch.float64)
    few = 1.5 * 2**-40  # just above what is taken for rounding
    for missing, leftover in ((0.0, 0.25), (0.25, 0.0), (0.25 - 5e-13, 0.0), (0.25 - few, few)):
        weights = half + torch.tensor([0.0, missing], dtype=torch.float64)
        step_tests.reveal_steps(steps, weights, 0.1)
        _, counts, law, level = laws.calls.pop()
        assert (counts, level) == ([2, 3, 1], 0.1)
        assert law == [0.5, 0.25 + missing, leftover]
    # three tokens: which comes first and second, of six pairs
    step_tests.order_uniform(torch.tensor([[2, 0, 1], [0, 1, 2], [2, 0, 1]]), 0.1)
    _, counts, law, _ = laws.calls.pop()
    assert counts == [0, 1, 0, 0, 0, 2, 0, 0, 0]
    assert law == pytest.approx([0, 1 / 6, 1 / 6, 1 / 6, 0, 1 / 6, 1 / 6, 1 / 6, 0])
    step_tests.order_uniform(torch.tensor([[1, 0], [0, 1], [1, 0]]), 0.1)
    assert laws.calls.pop()[1:3] == ([0, 1, 2, 0], [0.0, 0.5, 0.5, 0.0])
    step_tests.order_uniform(torch.zeros((4, 1), dtype=torch.int64), 0.1)
    assert laws.calls.pop()[1:3] == ([4], [1.0])
    # on the linear clock 1 − α is t: of two tokens masked until 1 the first waits by a square
    times = torch.tensor([[0.8, 0.2]], dtype=torch.float64)
    step_tests.hitting_times(times, clock("linear"), 1.0, 0.1)
    name, found, level = bands.calls.pop()
    assert (name, level) == ("hitting times", 0.1)
    assert found == [pytest.approx([0.64, 0.25])]
