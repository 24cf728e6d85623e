"""Propagation against composition expansion, and against a walk over states in fractions."""

import math
from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.compositions import fixed_blocks
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.propagation import (
    PartialStates,
    move_law,
    propagate,
    propagate_kernel,
    trajectory,
)
from sharprates.samplers.schedule import LAST_STEPS, RULES, step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states
from torch import Tensor

# ---------------------------------------------------------------------------------------------
# The two laws agree
# ---------------------------------------------------------------------------------------------


@st.composite
def targets(draw, d: int = 4, S: int = 4, support: int = 40) -> Target:
    """Sparse, dense, or degenerate: one row, one symbol, one token."""
    d, S = draw(st.integers(1, d)), draw(st.integers(1, S))
    seed = draw(st.integers(0, 10_000))
    generator = torch.Generator().manual_seed(seed)
    count = draw(st.sampled_from([1, 2, 5, support, S**d]))
    states = all_states(d, S)
    rows = states[torch.randperm(S**d, generator=generator)[: min(count, support, S**d)]]
    # Powers make weights uneven over many orders of magnitude.
    power = draw(st.sampled_from([0, 1, 6]))
    weights = torch.rand(rows.shape[0], generator=generator, dtype=torch.float64) ** power
    return Target.from_rows(rows, weights.clamp(min=1e-30), S)


@st.composite
def schedules(draw) -> StepLaw:
    """Any rule, clock, grid, last step, or bare weights or hazards."""
    source = draw(st.sampled_from(["rule", "rule", "rule", "weights", "hazards"]))
    steps = draw(st.integers(1, 7))
    if source != "rule":
        raw = draw(st.lists(st.floats(0, 1), min_size=steps, max_size=steps))
        numbers = torch.tensor(raw, dtype=torch.float64)
        if source == "hazards":
            return StepLaw.from_hazards(numbers)
        return StepLaw.from_weights(numbers / max(1.0, float(numbers.sum())))
    chosen = clock(
        draw(
            st.sampled_from(
                ["constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric"]
            )
        )
    )
    kind = draw(st.sampled_from(["uniform", "alpha", "logsnr", "exp-const"]))
    horizon = draw(st.sampled_from([0.9, 1.0, 5.0]))
    horizon = min(horizon, chosen.end)
    delta = draw(st.sampled_from([0.0, 0.01, 0.2]))
    if kind in ("logsnr", "exp-const"):
        horizon, delta = min(horizon, 0.9), max(delta, 0.01)
    times = grid(kind, chosen, steps, horizon, delta)
    return step_law(
        draw(st.sampled_from(sorted(RULES))), chosen, times, draw(st.sampled_from(LAST_STEPS))
    )


def agree(target: Target, steps: StepLaw, off_support: str, rows: str) -> OutputLaw:
    denoiser = ExactDenoiser(target, off_support)
    one = tables(target, denoiser, rows).law(steps)
    other = propagate(target, denoiser, steps, rows=rows)
    assert torch.equal(one.rows, other.rows)
    gap = float((one.probability - other.probability).abs().sum())
    assert gap <= one.error + other.error
    assert gap <= 1e-13
    distances = [total_variation(law, target) for law in (one, other)]
    assert abs(distances[0].value - distances[1].value) <= 1e-13
    return other


@given(target=targets(), steps=schedules(), off_support=st.sampled_from(OFF_SUPPORT))
@settings(max_examples=150)
def test_the_two_laws_agree_dense_and_on_the_support(target, steps, off_support):
    dense = agree(target, steps, off_support, "all")
    support = agree(target, steps, off_support, "support")
    powers = target.vocabulary ** torch.arange(target.length - 1, -1, -1)
    on_support = dense.probability[(target.rows * powers).sum(1)]
    assert torch.allclose(on_support, support.probability, rtol=1e-13, atol=1e-300)
    values = [total_variation(law, target).value for law in (dense, support)]
    assert abs(values[0] - values[1]) <= 1e-13
    # A dense law misses just the mass that keeps a mask.
    kept = 1 - (1 - steps.leftover) ** target.length
    assert dense.total == pytest.approx(1 - kept, abs=1e-13)


@given(target=targets(6, 4, 30), steps=schedules())
@settings(max_examples=15)
def test_the_two_laws_agree_on_longer_sequences(target, steps):
    agree(target, steps, "uniform", "support")


@pytest.mark.parametrize("pair", [("euler", "ancestral"), ("euler", "tau-leaping")])
def test_a_wrong_rule_is_seen(pair):
    target = Target.from_rows([[0, 0, 0], [0, 1, 1], [1, 0, 1]], [1, 2, 4], 2)
    denoiser = ExactDenoiser(target)
    times = grid("uniform", clock("constant"), 4, 5.0)
    right, wrong = (step_law(rule, clock("constant"), times) for rule in pair)
    law = tables(target, denoiser).law(right)
    assert (
        float((law.probability - propagate(target, denoiser, wrong).probability).abs().sum()) > 1e-3
    )


# ---------------------------------------------------------------------------------------------
# Any denoiser, any kernel: a walk over partial states in exact fractions
# ---------------------------------------------------------------------------------------------


class Arbitrary:
    """Predictions with no meaning, that depend on the state and on time."""

    def __init__(self, S: int, normalised: bool, time_free: bool, scale: float = 1.0):
        self.vocabulary, self.normalised, self.time_free = S, normalised, time_free
        self.scale = scale
        self.times: list[float] = []

    def __call__(self, x, t=None, positions=None):  # noqa: ARG002, the protocol's argument
        d, S = x.shape[1], self.vocabulary
        a, i = torch.arange(S), torch.arange(d)[:, None]
        code = (x * (3 + 2 * torch.arange(d))).sum(1)[:, None, None]
        if not self.time_free:
            self.times.append(t)
            code = code + round(t * 64)
        p = (code * 5 + i * 7 + a * a * 3 + a).remainder(8).to(torch.float64)
        if self.normalised:
            # Eighths: their sums are exact.
            p = torch.where(
                a == 0, 8 - p[..., 1:].clamp(max=8 // S).sum(-1, keepdim=True), p.clamp(max=8 // S)
            )
        return p / 8 * self.scale


def walk(d: int, S: int, steps: int, moves) -> dict[tuple[int, ...], Fraction]:
    """The law after all steps; `moves(x, k)` lists [S + 1] fractions for each position."""
    law = {(S,) * d: Fraction(1)}
    for k in range(steps):
        after: dict[tuple[int, ...], Fraction] = {}
        for x, mass in law.items():
            choices = [
                [(x[i], Fraction(1))] if x[i] < S else [(a, p) for a, p in enumerate(each) if p]
                for i, each in enumerate(moves(x, k))
            ]
            for picked in product(*choices):
                y = tuple(a for a, _ in picked)
                after[y] = after.get(y, Fraction(0)) + mass * math.prod(p for _, p in picked)
        law = after
    return law


def exact_moves(denoiser, rates: list[float], times: list[float]):
    def moves(x, k):
        prediction = denoiser(torch.tensor([x]), times[k])[0].tolist()
        out = []
        for each in prediction:
            if rates[k] == math.inf:
                jump = [
                    Fraction(v) / sum(map(Fraction, each)) if any(each) else Fraction(0)
                    for v in each
                ]
            else:
                jump = [Fraction(rates[k]) * Fraction(v) for v in each]
            total = sum(jump)
            if total > 1:
                jump, total = [v / total for v in jump], Fraction(1)
            out.append([*jump, 1 - total])
        return out

    return moves


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("time_free", [True, False])
@pytest.mark.parametrize("scale", [0.5, 2.0])
@pytest.mark.parametrize("last_step", LAST_STEPS)
def test_any_denoiser(normalised, time_free, scale, last_step):
    d, S = 3, 2
    target = Target.from_rows([[0, 1, 1], [1, 1, 0], [0, 0, 0]], [1, 1, 1], S)
    denoiser = Arbitrary(S, normalised, time_free, 1.0 if normalised else scale)
    chosen = clock("cosine")
    times = grid("uniform", chosen, 3, 1.0)
    steps = step_law("euler", chosen, times, last_step)
    assert steps.clipped
    wanted = walk(
        d, S, steps.steps, exact_moves(denoiser, steps.unclipped.tolist(), times.tolist())
    )
    denoiser.times.clear()
    for rows in ("all", "support"):
        law = propagate(target, denoiser, steps, times, rows)
        exact = [wanted.get(tuple(x), Fraction(0)) for x in law.rows.tolist()]
        error = sum(
            abs(Fraction(p) - q) for p, q in zip(law.probability.tolist(), exact, strict=True)
        )
        assert error <= law.error < 1e-12
        assert math.isfinite(law.relative_error) == normalised
    # A step asks at its start; the filling step starts where the grid ends.
    assert denoiser.times == ([] if time_free else times.tolist()[: steps.steps] * 2)


def test_rescaling_instead_of_dropping_is_seen():
    """An unnormalised jump vector of total 2 becomes one of total 1, not a clipped hazard."""
    prediction = torch.tensor([0.5, 1.5], dtype=torch.float64)
    assert move_law(prediction, 1.0, False).tolist() == [0.25, 0.75, 0]
    assert move_law(prediction, 0.25, False).tolist() == [0.125, 0.375, 0.5]
    # The unclipped rule value counts: 1.5 × total ½ is less than 1.
    assert move_law(prediction / 4, 1.5, False).tolist() == [0.1875, 0.5625, 0.25]
    assert move_law(prediction / 4, math.inf, False).tolist() == [0.25, 0.75, 0]
    assert move_law(prediction * 0, 3.0, False).tolist() == [0, 0, 1]
    assert move_law(prediction * 0, math.inf, False).tolist() == [0, 0, 1]
    assert move_law(prediction / 2, 0.5, True).tolist() == [0.125, 0.375, 0.5]
    assert move_law(prediction / 2, 1.5, True).tolist() == [0.25, 0.75, 0]


def most_confident(denoiser, S: int):
    """A kernel that reveals the first masked position among those of the likeliest symbol."""

    def kernel(x: Tensor, step: int) -> Tensor:  # noqa: ARG001, the same in every step
        p = denoiser(x)
        best = torch.where(x == S, p.amax(-1), -1.0).argmax(1)
        chosen = torch.arange(x.shape[1]) == best[:, None]
        return torch.cat([p * chosen[..., None], (~chosen[..., None]).to(p)], -1)

    return kernel


@given(target=targets(3, 3))
def test_a_sampler_that_looks_at_values(target):
    d, S = target.length, target.vocabulary
    denoiser = ExactDenoiser(target)
    kernel = most_confident(denoiser, S)

    def moves(x, k):
        return [list(map(Fraction, each)) for each in kernel(torch.tensor([x]), k)[0].tolist()]

    wanted = walk(d, S, d, moves)
    for rows in ("all", "support"):
        law = propagate_kernel(target, kernel, d, rows)
        exact = [wanted.get(tuple(x), Fraction(0)) for x in law.rows.tolist()]
        for p, q in zip(law.probability.tolist(), exact, strict=True):
            assert abs(Fraction(p) - q) <= Fraction(law.relative_error) * q
        # One token at a time from exact conditionals, in whatever order, is exact.
        assert total_variation(law, target).value <= 1e-13


def test_a_kernel_that_reveals_half_of_the_tokens_is_a_vertex():
    target = Target.from_pmf(torch.rand((2,) * 4, generator=torch.Generator().manual_seed(1)))
    denoiser = ExactDenoiser(target)
    laws = []
    # Fixed blocks choose uniformly among sets; a kernel is given one set, so average over them.
    for first in all_states(4, 2).bool():
        if int(first.sum()) != 2:
            continue

        def kernel(x: Tensor, step: int, first=first) -> Tensor:
            chosen = first if step == 0 else ~first
            p = denoiser(x) * chosen[:, None]
            return torch.cat([p, (~chosen[:, None]).to(p).expand_as(p[..., :1])], -1)

        laws.append(propagate_kernel(target, kernel, 2).probability)
    wanted = tables(target, denoiser).at(fixed_blocks(4, 2)).probability
    assert torch.allclose(torch.stack(laws).mean(0), wanted, rtol=1e-13, atol=0)


# ---------------------------------------------------------------------------------------------
# Partial states and the laws on the way
# ---------------------------------------------------------------------------------------------


@given(target=targets(3, 3))
def test_states_and_moves_are_all_there_are(target):
    S, d = target.vocabulary, target.length
    lattice = PartialStates.below(target.rows, S)
    states = list(map(tuple, lattice.states.tolist()))
    below = {
        tuple(S if h else a for a, h in zip(x, hidden, strict=True))
        for x in target.rows.tolist()
        for hidden in product([False, True], repeat=d)
    }
    assert len(states) == len(below)
    assert set(states) == below
    assert states[-1] == (S,) * d
    assert torch.equal(lattice.states[lattice.full], target.rows)
    moves = set(zip(lattice.source.tolist(), lattice.target.tolist(), strict=True))
    assert len(moves) == lattice.source.shape[0]
    assert moves == {
        (i, j)
        for i, x in enumerate(states)
        for j, y in enumerate(states)
        if all(a in (S, b) for a, b in zip(x, y, strict=True))
    }


@pytest.mark.parametrize("name", ["constant", "linear", "cosine"])
def test_the_laws_on_the_way_are_the_forward_marginals_where_the_sampler_is_exact(name):
    # One token: the ancestral step is the exact bridge, so after k steps the law is q_{t_k} (F1),
    # from q_T = all masks, for a clock that ends at α = 0.
    target = Target.from_rows([[0], [1], [2]], [1, 2, 5], 4)
    chosen = clock(name)
    times = grid("uniform", chosen, 6, min(chosen.end, 40.0))
    steps = step_law("ancestral", chosen, times)
    lattice = PartialStates.below(target.rows, 4)
    p = ExactDenoiser(target)(lattice.states)

    def kernel(x: Tensor, step: int) -> Tensor:  # noqa: ARG001, the states are always the same
        return move_law(p, float(steps.unclipped[step]), True)

    laws = list(trajectory(lattice, kernel, 6))
    assert len(laws) == 7
    for alpha, law in zip(chosen.alpha(times), laws, strict=True):
        wanted = torch.cat([alpha * target.weights, 1 - alpha[None]])
        assert torch.allclose(law, wanted, rtol=0, atol=1e-15)


def test_states_that_no_integer_can_number_and_that_no_memory_holds():
    with pytest.raises(InputError, match=r"\(2 \+ 1\)\^40 partial states cannot be numbered"):
        PartialStates.below(torch.zeros(1, 40, dtype=torch.int64), 2)
    with pytest.raises(TooLargeError, match="or the composition expansion"):
        PartialStates.below(torch.zeros(1, 39, dtype=torch.int64), 2)


def test_impossible_arguments():
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    with pytest.raises(InputError, match="its vocabulary is 3, the target's 2"):
        propagate(target, Arbitrary(3, True, True), StepLaw.equal(2))
    timed = Arbitrary(2, True, False)
    for times in (None, torch.tensor([1.0])):
        with pytest.raises(InputError, match="needs 2 of them, one a step"):
            propagate(target, timed, StepLaw.equal(2), times)
    with pytest.raises(InputError, match="hazards"):
        propagate(target, ExactDenoiser(target), torch.tensor([-1.0]))
    with pytest.raises(InputError, match="rows 'dense' is unknown"):
        propagate(target, ExactDenoiser(target), StepLaw.equal(2), rows="dense")
    wrong = torch.zeros(7, 2, 2)
    with pytest.raises(InputError, match=r"need shape \[7, 2, 3\], got \[7, 2, 2\]"):
        propagate_kernel(target, lambda _x, _k: wrong, 1)
    for bad in (-0.1, math.nan):
        full = torch.full((7, 2, 3), bad)
        with pytest.raises(InputError, match="every probability must be a number ≥ 0"):
            propagate_kernel(target, lambda _x, _k, full=full: full, 1)


def test_hazards_are_taken_as_they_are():
    target = Target.from_rows([[0, 1], [1, 0], [1, 1]], [1, 2, 3], 2)
    denoiser = ExactDenoiser(target)
    hazards = torch.tensor([0.3, 0.7], dtype=torch.float64)
    one = propagate(target, denoiser, hazards)
    other = propagate(target, denoiser, StepLaw.from_hazards(hazards))
    assert torch.equal(one.probability, other.probability)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_propagation_on_a_gpu():
    target = Target.from_pmf(torch.rand((3,) * 5, generator=torch.Generator().manual_seed(8)))
    law = StepLaw.equal(7)
    here, there = (
        propagate(target, ExactDenoiser(target), law, rows="all", device=device)
        for device in ("cpu", "cuda")
    )
    assert there.probability.is_cuda
    assert torch.allclose(there.probability.cpu(), here.probability, rtol=1e-12, atol=0)
