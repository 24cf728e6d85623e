"""Running parallel samplers against their exact laws, on every family and both real data sets."""

from collections.abc import Callable
from dataclasses import replace
from math import cos, exp, pi, sin
from typing import Any

import pytest
import torch
from sharprates.samplers import families
from sharprates.samplers.clock import Clock, clock, grid
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.propagation import propagate
from sharprates.samplers.schedule import RULES, Schedule, step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.tabled import tabled
from sharprates.samplers.target import Target
from sharprates.verification.statistics.binomial import binomial_test
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from sharprates.verification.strategies import Perturbed
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.samplers.perturbed import Scaled
from tests.samplers.targets import FAMILIES, REAL, target

RUNS = {
    "euler": ("constant", "uniform", "leave", 3),
    "tau-leaping": ("cosine", "uniform", "fill", 4),
    "ancestral": ("polynomial:2", "alpha", "leave", 2),
}
STEPS = ("euler leave", "cosine clipped", "unnormalised", "time-dependent")
# Reveal probabilities of step k of 4 from T to 0, written out (S1) for three clocks:
# (rule, clock, T) → a function of the step's start t and end s.
BY_HAND: dict[tuple[str, str, float], Callable[[float, float], float]] = {
    ("euler", "constant", 2.0): lambda t, s: (t - s) * exp(-t) / (1 - exp(-t)),
    ("tau-leaping", "constant", 2.0): lambda t, s: 1 - exp(-(t - s) * exp(-t) / (1 - exp(-t))),
    ("ancestral", "constant", 2.0): lambda t, s: (exp(-s) - exp(-t)) / (1 - exp(-t)),
    ("euler", "linear", 1.0): lambda t, s: (t - s) / t,
    ("tau-leaping", "linear", 1.0): lambda t, s: 1 - exp(-(t - s) / t),
    ("ancestral", "linear", 1.0): lambda t, s: (t - s) / t,
    ("euler", "cosine", 1.0): lambda t, s: min(
        1, (t - s) * (pi / 2) * sin(pi * t / 2) / (1 - cos(pi * t / 2))
    ),
    ("tau-leaping", "cosine", 1.0): lambda t, s: (
        1 - exp(-(t - s) * (pi / 2) * sin(pi * t / 2) / (1 - cos(pi * t / 2)))
    ),
    ("ancestral", "cosine", 1.0): lambda t, s: (
        (cos(pi * s / 2) - cos(pi * t / 2)) / (1 - cos(pi * t / 2))
    ),
}
CHECKS = (
    *(f"{rule} {curve} step {k}" for rule, curve, _ in BY_HAND for k in range(4)),
    *(f"{name} {rule}" for name in (*FAMILIES, *REAL) for rule in RUNS),
    *STEPS,
    *(f"{name} one step" for name in STEPS),
    "rate off",
    "long rows",
)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def compare(name: str, rows: Tensor, q: Target, law: Tensor, level: float) -> SampleTest:
    return law_test(name, counts(cells(q, rows), q), law, level)


def test_every_family_is_tried() -> None:
    assert {name.partition(":")[0] for name in FAMILIES} == {*families.FAMILIES, "mixture"}


@pytest.mark.claim("S2")
@pytest.mark.parametrize("name", [*FAMILIES, *REAL])
def test_empirical_law_is_the_exact_law(name: str, ledger: Ledger) -> None:
    q = target(name)
    denoiser = ExactDenoiser(q)
    table = tables(q, denoiser)
    fast = tabled(denoiser, q.length)
    for rule, (curve, mesh, last, K) in RUNS.items():
        c = clock(curve)
        times = grid(mesh, c, K, min(c.end, 4.0))
        sampler = ParallelSampler(q.length, Schedule.at(times, rule, c, last))
        run = sampler.run(fast, 20_000, seeded())
        law = law_on_cells(table.law(step_law(rule, c, times, last)), q)
        check = compare(f"{name} {rule}", run.rows, q, law, ledger.take(f"{name} {rule}"))
        assert check.passed, str(check)
        assert run.calls == K + (last == "fill")
        assert torch.equal(run.rows == q.vocabulary, run.steps == run.calls)
        assert last == "leave" or bool((run.rows < q.vocabulary).all())


@pytest.mark.claim("S1")
@pytest.mark.parametrize(("rule", "curve", "horizon"), BY_HAND)
def test_steps_reveal_with_the_probability_of_their_rule(
    rule: str, curve: str, horizon: float, ledger: Ledger
) -> None:
    q = family("copies:3:2")
    sampler = ParallelSampler(3, Schedule(rule, curve, "uniform", 4, horizon))
    denoiser = ExactDenoiser(q)
    before = torch.full((20_000, 3), 2)
    for k in range(4):
        start, end = horizon * (4 - k) / 4, horizon * (3 - k) / 4
        claimed = BY_HAND[rule, curve, horizon](start, end)
        after = sampler.step(denoiser, before, k, seeded(k))
        level = ledger.take(f"{rule} {curve} step {k}")
        revealed = int((after != 2).sum())
        check = binomial_test("revealed", revealed, after.numel(), claimed, level)
        assert check.passed, str(check)
        assert check.detects < 0.025


class Tilted:
    """A denoiser that depends on time, and sums to something else than 1 if asked to."""

    vocabulary = 3
    time_free = False

    def __init__(self, normalised: bool) -> None:
        self.normalised = normalised

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        assert t is not None
        when = torch.as_tensor(t, dtype=torch.float64).expand(x.shape[0])[:, None, None]
        seen = torch.nn.functional.one_hot(x, 4)[..., :3].to(torch.float64)
        sums = seen.cumsum(1) + seen.flip(1).cumsum(1).flip(1)
        raw = torch.exp(sums * when) + torch.tensor([0.1, 0.2, 0.4])
        p = raw / raw.sum(-1, keepdim=True)
        if not self.normalised:
            p = p * (0.4 + 0.5 * sums.sum(-1, keepdim=True))
        return p if positions is None else p[positions]


def instance(name: str) -> tuple[Denoiser, ParallelSampler, Tensor]:
    """A sampler that is not covered by the expansion tables, and its grid."""
    c = clock("cosine" if name == "cosine clipped" else "constant")
    times = grid("uniform", c, 3, min(c.end, 2.0))
    denoiser: Denoiser
    denoiser = Tilted(name == "time-dependent")
    if name in ("euler leave", "cosine clipped"):
        denoiser = ExactDenoiser(family("dirichlet:3:3"))
    last = "fill" if name == "unnormalised" else "leave"
    return denoiser, ParallelSampler(3, Schedule.at(times, "euler", c, last)), times


@pytest.mark.parametrize("name", STEPS)
def test_runs_and_single_steps_follow_the_propagated_law(name: str, ledger: Ledger) -> None:
    q = family("dirichlet:3:3")
    denoiser, sampler, times = instance(name)
    law = propagate(q, denoiser, sampler.step_law, times, rows="all")
    p = law_on_cells(law, q)
    assert (name == "cosine clipped") == bool(sampler.step_law.clipped)
    rows = sampler.sample(denoiser, 50_000, seeded())
    check = compare(name, rows, q, p, ledger.take(name))
    assert check.passed, str(check)
    # `step` draws its own Bernoulli variables, so a chain of steps is a second sampler.
    x = torch.full((50_000, 3), 3)
    generator = seeded(2)
    for k in range(sampler.step_law.steps):
        x = sampler.step(denoiser, x, k, generator)
    check = compare(name, x, q, p, ledger.take(f"{name} one step"))
    assert check.passed, str(check)


def test_a_rate_that_is_off_is_rejected(ledger: Ledger) -> None:
    q = family("copies:3:3")
    denoiser = ExactDenoiser(q)
    right = StepLaw.equal(3)
    wrong = StepLaw.from_hazards(right.hazards * torch.tensor([1.1, 1.0, 1.0]))
    law = law_on_cells(tables(q, denoiser).law(right), q)
    rows = ParallelSampler(3, wrong).sample(denoiser, 200_000, seeded())
    assert not compare("rate off", rows, q, law, ledger.take("rate off")).passed


class Recorded:
    """Passes calls on and writes down their times."""

    normalised = True
    time_free = False

    def __init__(self, inner: Denoiser) -> None:
        self.inner = inner
        self.vocabulary = inner.vocabulary
        self.times: list[Tensor | float | None] = []

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        assert x.shape[0] > 0
        assert positions is not None
        # Only hidden tokens are asked for, and nothing else is paid for.
        assert bool((x[positions] == self.vocabulary).all())
        self.times.append(t)
        return self.inner(x, t, positions)


@pytest.mark.parametrize(("last", "calls"), [("leave", 40), ("fill", 41)])
@pytest.mark.parametrize("rows", [1, 300])
def test_one_denoiser_call_a_step_at_its_start(last: str, calls: int, rows: int) -> None:
    denoiser = Recorded(ExactDenoiser(family("pairs:4:2")))
    c = clock("linear")
    times = grid("uniform", c, 40, 1.0)
    run = ParallelSampler(4, Schedule.at(times, "euler", c, last)).run(denoiser, rows, seeded())
    assert run.calls == calls == len(denoiser.times)
    assert denoiser.times == times[:calls].tolist()


def test_a_law_without_leftover_leaves_no_mask() -> None:
    # Sums of these weights round to less than 1: a token of large uniform must still be revealed.
    given = torch.full((7,), 0.1, dtype=torch.float64)
    for law in (StepLaw.equal(49), StepLaw.from_weights(given).filled()):
        sampler, denoiser = ParallelSampler(2, law), ExactDenoiser(family("uniform:2:2"))
        top = torch.full((1, 2, 2), 1 - 2.0**-53, dtype=torch.float64)
        assert bool((sampler._value_blind(denoiser, top).rows < 2).all())


def test_single_precision_is_explicit() -> None:
    q = family("dirichlet:3:3")
    exact = ExactDenoiser(q)
    sampler = ParallelSampler(3, StepLaw.equal(2), dtype=torch.float32)
    double = ParallelSampler(3, StepLaw.equal(2))
    assert not torch.equal(sampler.sample(exact, 99, seeded()), double.sample(exact, 99, seeded()))


def test_an_unknown_rule_or_missing_times_are_named() -> None:
    with pytest.raises(InputError, match="rule"):
        Schedule("heun", "linear", "uniform", 3)
    with pytest.raises(InputError, match="depends on time"):
        ParallelSampler(3, StepLaw.equal(3)).sample(Tilted(True), 5, seeded())


def test_a_denoiser_without_mass_reveals_nothing() -> None:
    class Empty(Tilted):
        def __call__(
            self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
        ) -> Tensor:
            return 0 * super().__call__(x, t, positions)

    c = clock("linear")
    times = grid("uniform", c, 2, 1.0)
    # It reveals nothing while masks may stay …
    leave = ParallelSampler(3, Schedule.at(times[:-1], "euler", c))
    kept = leave.sample(Empty(False), 5, seeded())
    assert bool((kept == 3).all())
    # … and leaves them also in a step that fills, since there is nothing to draw.
    fill = ParallelSampler(3, Schedule.at(times, "euler", c, "fill"))
    filled = fill.sample(Empty(False), 5, seeded())
    assert bool((filled == 3).all())


def test_custom_rules_run() -> None:
    def late(chosen: Clock, times: Tensor) -> Tensor:
        return torch.linspace(0.1, 0.9, times.numel() - 1, dtype=torch.float64) + 0 * chosen.alpha(
            times[1:]
        )

    rule: Callable[[Clock, Tensor], Tensor] = late
    sampler = ParallelSampler(2, Schedule(rule, "linear", "uniform", 3, 1.0))
    assert sampler.step_law.hazards.tolist() == pytest.approx([0.1, 0.5, 0.9])
    assert set(RULES) == {"euler", "tau-leaping", "ancestral"}


def test_a_token_is_revealed_where_its_uniform_meets_the_step_exactly() -> None:
    """A uniform u in [0, 1) is at least 1 − r with probability r; at r = 1 also u = 0 is."""
    law = StepLaw.from_hazards(torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64))
    uniforms = torch.tensor([[[0.75, 0.5, 0.25, 0.0], [0.5] * 4]], dtype=torch.float64)
    scores = Scaled(ExactDenoiser(families.copies(4, 2)), 1.0)
    run = ParallelSampler(4, law).run_batch(scores, uniforms)
    assert run.steps.tolist() == [[1, 1, 2, 2]]


def test_where_nothing_is_predicted_a_filling_step_reveals_nothing() -> None:
    """One row may have no mass while another one has: 0 times ∞ is no hazard."""
    law = StepLaw.from_hazards(torch.tensor([0.5], dtype=torch.float64)).filled()
    uniforms = torch.tensor([[[0.9, 0.0], [0.1, 0.1]], [[0.9, 0.0], [0.9, 0.9]]])

    class OnlyBefore(Scaled):
        """Nothing once symbol 1 is shown."""

        def __call__(self, x: Tensor, t: object = None, positions: Positions | None = None):
            p = super().__call__(x, t, positions)
            rows = (x == 1).any(1)
            return p * ~(rows[:, None, None] if positions is None else rows[positions[0], None])

    scores = OnlyBefore(ExactDenoiser(families.copies(2, 2)), 1.0)
    run = ParallelSampler(2, law).run_batch(scores, uniforms.to(torch.float64))
    assert run.rows.tolist() == [[0, 0], [1, 2]]
    assert run.steps.tolist() == [[0, 1], [0, 2]]


def test_the_largest_share_of_tokens_that_meet_in_a_call() -> None:
    w = torch.tensor([0.125, 0.5, 0.25], dtype=torch.float64)
    sampler = ParallelSampler(3, StepLaw.from_weights(w))
    target = family("copies:3:2")
    assert sampler.share(ExactDenoiser(target)) == 0.5
    nothing = ParallelSampler(3, StepLaw.from_weights(torch.zeros(2, dtype=torch.float64)))
    assert nothing.share(ExactDenoiser(target)) == 1e-9  # never 0: memory is divided by it
    erring = Perturbed(ExactDenoiser(target), mass=0.5)
    assert not erring.normalised
    assert sampler.share(erring) == 1.0
    # many small steps: by event one token of each row meets in a call, by time a step's share
    many = ParallelSampler(2, StepLaw.equal(8))
    assert many.share(ExactDenoiser(target)) == 0.5
    assert many.share(Tilted(True)) == 0.125


def test_facts_of_given_times_end_where_the_times_do() -> None:
    times = torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64)
    sampler = ParallelSampler(2, Schedule.at(times, "ancestral", "linear"))
    assert sampler.facts()["delta"] == 0.25
    assert sampler.facts()["steps"] == 2


def test_rounds_that_reveal_something_are_counted() -> None:
    """Of two tokens: Σ_k (1 − (1 − w_k)²) on the mean, and never more than two."""
    target = families.copies(2, 2)
    for weights, mean in (((0.5, 0.25, 0.25), 1.625), ((1.0,), 1.0)):
        law = StepLaw.from_weights(torch.tensor(weights, dtype=torch.float64))
        sampler = ParallelSampler(2, law)
        found = sampler.rounds_on(target, ExactDenoiser(target))
        assert found is not None
        assert found.mean == pytest.approx(mean)
        assert found.most == min(2, len(weights))
        assert sampler.rounds_on(target, Scaled(ExactDenoiser(target), 0.5)) is None
        assert sampler.uniforms == 2


def test_facts_of_leftover_rules_and_grids() -> None:
    def own(chosen: Clock, times: Tensor) -> Tensor:
        return torch.full((times.numel() - 1,), 0.5) + 0 * chosen.alpha(times[1:])

    named = Schedule("euler", "linear", "uniform", 2)
    for schedule, leftover, custom in (
        (named, False, False),
        (replace(named, rule=own), True, True),
    ):
        sampler = ParallelSampler(2, schedule)
        assert sampler.grid is schedule
        facts = sampler.facts()
        assert (facts["has_leftover"], facts["custom_rule"]) == (leftover, custom)
    alone = ParallelSampler(2, StepLaw.equal(2))
    assert alone.grid is None
    assert alone.facts() == {"steps": 2, "has_leftover": False, "equal_steps": True}


@pytest.mark.parametrize("mass", [None, 1.0])
def test_a_uniform_that_meets_the_hazard_exactly_reveals_nothing(
    mass: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A uniform in [0, 1) is below r with probability r."""
    exact = ExactDenoiser(families.copies(2, 2))
    denoiser = exact if mass is None else Scaled(exact, mass)
    sampler = ParallelSampler(2, StepLaw.from_hazards(torch.tensor([0.5], dtype=torch.float64)))
    state = torch.full((3, 2), 2)
    for u, revealed in ((0.5, False), (0.25, True)):
        shapes = []

        def rand(shape: tuple[int, ...], u: float = u, seen: list = shapes, **_: object) -> Tensor:
            seen.append(shape)
            return torch.full(shape, u, dtype=torch.float64)

        monkeypatch.setattr("sharprates.samplers.parallel.torch.rand", rand)
        after = sampler.step(denoiser, state, 0, seeded())
        assert bool((after < 2).all()) is revealed
        assert shapes == [(3, 2, 2)]


def test_a_uniform_that_meets_a_sum_of_weights_is_of_the_next_step_and_the_last_takes_all() -> None:
    exact = ExactDenoiser(families.copies(2, 2))
    uniforms = torch.tensor([[[0.5, 0.25], [0.5, 0.5]]], dtype=torch.float64)
    assert ParallelSampler(2, StepLaw.equal(2)).run_batch(exact, uniforms).steps.tolist() == [
        [1, 0]
    ]
    tenths = StepLaw.equal(10)
    assert float(torch.cumsum(tenths.weights, 0)[-1]) < 1 - 2**-54
    uniforms[0, 0] = 1 - 2**-53
    assert ParallelSampler(2, tenths).run_batch(exact, uniforms).steps.tolist() == [[9, 9]]


def test_the_law_is_that_of_the_algorithm_that_the_denoiser_allows() -> None:
    target = families.dirichlet(2, 3, 0.5, seed=1)
    exact = ExactDenoiser(target)
    sampler = ParallelSampler(2, Schedule("tau-leaping", "linear", "uniform", 3))
    expected = tables(target, exact).law(sampler.step_law)
    for given in (None, tables(target, exact)):
        found = sampler.law(target, exact, given)
        assert torch.equal(found.probability, expected.probability)
    half = Scaled(exact, 0.5)  # also its chance to be revealed is halved
    slow = propagate(target, half, sampler.step_law, sampler.call_times)
    assert torch.allclose(sampler.law(target, half).probability, slow.probability)
    assert float(slow.probability.sum()) < 0.9 * float(expected.probability.sum())


class Bounded(TorchDispatchMode):
    """Lets no operation return more than 1.5 times the numbers that a call is expected to."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **kwargs or {})
        for one in found if isinstance(found, tuple | list) else [found]:
            if isinstance(one, Tensor) and one.untyped_storage().nbytes() > 1.5 * 8 * 2**24:
                raise MemoryError
        return found


class Cheap:
    """The same law everywhere, of a vocabulary of a language model; it takes no memory."""

    time_free = normalised = True
    vocabulary = 50_257
    weights = torch.rand(vocabulary, generator=seeded(), dtype=torch.float64)

    def __call__(self, *_: object, positions: Positions | None = None) -> Tensor:
        assert positions is not None
        return self.weights.expand(len(positions[0]), -1)


def test_long_rows_of_a_large_vocabulary_take_bounded_memory(ledger: Ledger) -> None:
    """d = 1024 and S = 50257: all predictions of one row at once would be 412 MB."""
    sampler = ParallelSampler(1024, StepLaw.equal(16))
    with Bounded():
        rows = sampler.sample(Cheap(), 6, seeded())  # 5 rows at a time, and 1
    assert bool((rows < Cheap.vocabulary).all())
    half = Cheap.vocabulary // 2
    share = float(Cheap.weights[:half].sum() / Cheap.weights.sum())
    low, level = int((rows < half).sum()), ledger.take("long rows")
    assert binomial_test("low symbols", low, rows.numel(), share, level).passed
    with Bounded(), pytest.raises(MemoryError):
        replace(sampler, batch=16).sample(Cheap(), 16, seeded())
