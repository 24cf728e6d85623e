"""A denoiser's errors against sums in fractions and balls; what they say of H2, H4 and C1–C3."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
from flint import arb, fmpq
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sharprates.samplers.clock import clock
from sharprates.samplers.compositions import compositions, first_hitting
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Normalised
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, dirichlet, point_mass
from sharprates.samplers.hitting_law import hitting_law
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import TemperedDenoiser
from sharprates.verification import score_error as module
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import precision
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import fractions_of
from sharprates.verification.profile import profile
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.score_error import (
    Comparison,
    OrderError,
    arrivals,
    hitting_error,
    order_error,
    score_error_of,
)
from sharprates.verification.strategies import Perturbed, laws, predictions
from torch import Tensor

from tests.samplers.perturbed import (
    Bounded,
    Drifting,
    Leaking,
    Mixed,
    Scaled,
    Switching,
    Telling,
    Uniform,
    catalogue,
)
from tests.verification.subsets import score_gaps


class Given:
    """Predictions in fractions as a denoiser; the exact one where none is given."""

    time_free = True
    normalised = True

    def __init__(self, target: Target, table) -> None:
        self.exact, self.table, self.vocabulary = ExactDenoiser(target), table, target.vocabulary

    def __call__(self, x: Tensor, t=None, positions=None) -> Tensor:
        p = self.exact(x, t)
        for b, state in enumerate(map(tuple, x.tolist())):
            for i in range(len(state)):
                if (state, i) in self.table:
                    row = [float(q) for q in self.table[state, i]]
                    p[b, i] = torch.tensor(row, dtype=torch.float64)
        return p if positions is None else p[positions]


class Constant:
    """The same prediction at every context."""

    time_free = True

    def __init__(self, q: list[float], normalised: bool) -> None:
        self.q, self.vocabulary = torch.tensor(q, dtype=torch.float64), len(q)
        self.normalised = normalised

    def __call__(self, x: Tensor, t=None, positions=None) -> Tensor:  # noqa: ARG002 - the protocol's
        count = x.shape if positions is None else positions[0].shape
        return self.q.expand(*count, -1)


def measured(target: Target, denoiser: Denoiser) -> OrderError:
    comparison = Comparison.of(target)
    return order_error(comparison, comparison.sums(denoiser))


@settings(max_examples=40)
@given(st.data())
def test_errors_are_those_in_fractions(data: st.DataObject) -> None:
    target = data.draw(laws(max_length=3))
    table = data.draw(predictions(target))
    found = measured(target, Given(target, table))
    it = ExactQuantities(exact_experiment(target, blocks=(1,) * target.length, predictions=table))
    d = target.length
    assert found.epsilon_fhs == pytest.approx(float(it.along_orders(it.gaps)), abs=d * found.error)
    with precision(100):
        divergence = float(it.epsilon_KL)
        assert found.epsilon_kl == pytest.approx(divergence, abs=2 * d * found.divergence_error)
        if math.isfinite(divergence):
            for loss, extra, h in zip(found.losses, found.divergences, it.h, strict=True):
                assert loss - extra == pytest.approx(float(h), abs=1e-12)
    # and each draw's share is the gap sum of its size over its pairs
    pairs = [math.comb(d, u) * (d - u) for u in range(d)]
    shares = [float(gap) / count for gap, count in zip(it.gaps, pairs, strict=True)]
    assert found.gaps == pytest.approx(shares, abs=found.error)


SMALL_NUMBERS = st.builds(
    lambda digits, exponent: digits * 10.0**exponent, st.floats(1, 10), st.integers(-300, -1)
)


@settings(max_examples=150)
@given(
    st.lists(st.one_of(SMALL_NUMBERS, st.floats(0.1, 1)), min_size=2, max_size=4),
    st.data(),
    st.booleans(),
)
@example([0.5, 0.5], [1e-8, 1 - 1e-8], True)
@example([0.5, 0.5], [1e-13, 1 - 1e-13], True)
@example([0.5, 0.5], [1e-17, 1.0], True)
@example([0.5, 0.5], [1e-300, 1.0], True)
@example([0.5, 0.5], [5e-324, 1.0], True)
@example([0.5, 0.5], [1e-300, 1e100], False)
@example([1e-300, 1.0], [0.5, 0.5], True)
@example([0.5, 0.5], [0.26, 0.74], True)
@example([1 / 3, 2 / 3], [1 / 3 + 1e-9, 2 / 3 - 1e-9], True)
@example([0.5, 0.5], [0.24, 0.76], True)
def test_the_divergence_of_one_token_is_right_to_its_stated_error(
    weights: list[float], given: st.DataObject | list[float], whole: bool
) -> None:
    """However small a prediction or a probability is: against balls of 400 bits."""
    S = len(weights)
    each = st.one_of(SMALL_NUMBERS, st.floats(0.1, 1))
    q = given if isinstance(given, list) else given.draw(st.lists(each, min_size=S, max_size=S))
    total = math.fsum(q)
    q = [x / total for x in q] if whole else q
    target = Target.from_rows([[a] for a in range(S)], weights, S)
    found = measured(target, Constant(q, whole))
    with precision(400):
        p = [arb(fmpq(w.numerator, w.denominator)) for w in fractions_of(target)]
        drawn = [arb(x) / sum(map(arb, q)) for x in q]
        divergence = sum((a * (a / b).log() for a, b in zip(p, drawn, strict=True)), arb(0))
        assert abs(divergence - found.epsilon_kl) < found.divergence_error
        loss = -sum((a * b.log() for a, b in zip(p, drawn, strict=True)), arb(0))
        assert abs(loss - found.nelbo) < 1e-13 * (1 + loss)
    assert found.divergence_error < 1e-13 * (1 + found.epsilon_kl)


def test_the_divergence_is_infinite_only_at_zero() -> None:
    coin = Target.from_rows([[0], [1]], [0.5, 0.5], 2)
    assert math.isinf(measured(coin, Constant([0.0, 1.0], True)).epsilon_kl)
    assert measured(coin, Constant([5e-324, 1.0], True)).epsilon_kl == pytest.approx(371.5268887)


def test_a_mutant_that_forgets_the_multiplicity_is_caught() -> None:
    target = dirichlet(3, 2, 0.5, seed=0)
    found = measured(target, Leaking(ExactDenoiser(target), 0.0))
    assert found.epsilon_fhs == 0
    comparison = Comparison.of(target)
    sums = comparison.sums(Mixed(ExactDenoiser(target), Uniform(2), 0.2))
    per_subset = [float(gap) / math.comb(3, u) for u, gap in enumerate(sums.gaps.tolist()[:3])]
    right = order_error(comparison, sums).epsilon_fhs
    assert sum(per_subset) > 1.5 * right


def test_gaps_of_a_known_error() -> None:
    """Copies of one coin, η moved to 0: the empty context errs by η/2 at each of two tokens."""
    exact = ExactDenoiser(copies(2, 2))
    gaps = Comparison.of(copies(2, 2)).sums(Perturbed(exact, share=0.1, wrong=0)).gaps
    # after a 1 was shown the other token is 1 for sure and errs by η; after a 0 not at all
    assert gaps.tolist() == pytest.approx([2 * 0.05, 2 * 0.5 * 0.1, 0])
    assert float(Comparison.of(copies(2, 2)).sums(exact).gaps.abs().max()) == 0.0


@pytest.mark.parametrize("kind", catalogue(ExactDenoiser(copies(2, 2))))
def test_gap_sums_are_those_of_subsets_one_by_one(kind: str) -> None:
    target = dirichlet(3, 3, 0.3, seed=3)
    denoiser = catalogue(ExactDenoiser(target))[kind]
    comparison = Comparison.of(target)
    times = torch.tensor([0.9, 0.1], dtype=torch.float64)
    along = comparison.along(denoiser, times)
    for row, t in zip(along, times.tolist(), strict=True):
        assert torch.allclose(row, score_gaps(target, denoiser, t), atol=1e-13)
        assert torch.allclose(row, comparison.sums(denoiser, t).gaps, atol=0)
    assert torch.equal(along[0], along[1]) == denoiser.time_free


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    target = dirichlet(3, 3, 0.3, seed=4)
    comparison, denoiser = Comparison.of(target), TemperedDenoiser(ExactDenoiser(target), 0.5)
    whole = comparison.sums(denoiser)
    monkeypatch.setattr(module, "_CELLS", 30)
    parts = comparison.sums(denoiser)
    assert torch.allclose(whole.gaps, parts.gaps, atol=1e-15)
    assert torch.allclose(whole.losses, parts.losses, atol=1e-14)


def test_the_loss_curve_lies_above_the_information_curve() -> None:
    """L_m ≥ h_m, with equality for the exact denoiser; the NELBO is their sum."""
    target = dirichlet(4, 3, 0.3, seed=5)
    shape = profile(target)
    exact = measured(target, ExactDenoiser(target))
    assert exact.losses == pytest.approx(shape.information.tolist(), abs=1e-13)
    assert exact.nelbo == pytest.approx(shape.entropy, abs=1e-12)
    assert (exact.epsilon_fhs, exact.epsilon_kl) == (0, 0)
    for denoiser in catalogue(ExactDenoiser(target)).values():
        found = (
            measured(target, denoiser)
            if denoiser.time_free
            else hitting_error(Comparison.of(target), denoiser, clock("linear"))
        )
        for loss, h in zip(found.losses, shape.information.tolist(), strict=True):
            assert loss >= h - 1e-12
        assert found.nelbo >= shape.entropy - 1e-12
        if math.isfinite(found.nelbo):
            assert found.nelbo - found.epsilon_kl == pytest.approx(shape.entropy, abs=1e-10)


@pytest.mark.parametrize("name", ["linear", "constant", "cosine"])
def test_hitting_times_average_what_a_time_free_denoiser_does_not_feel(name: str) -> None:
    target = dirichlet(3, 2, 0.5, seed=6)
    comparison = Comparison.of(target)
    free = TemperedDenoiser(ExactDenoiser(target), 0.5)
    one, other = (
        order_error(comparison, comparison.sums(free)),
        hitting_error(comparison, free, clock(name)),
    )
    assert other.gaps == pytest.approx(one.gaps, abs=1e-12)
    assert other.losses == pytest.approx(one.losses, abs=1e-10)
    assert other.error < 1e-11


def test_errors_at_hitting_times_of_one_token() -> None:
    """A point mass and a drift η·t/(1+t) on the linear clock: ε = η(1 − 1/S)(1 − log 2)."""
    target = point_mass(1, 4)
    drifting = Drifting(ExactDenoiser(target), Uniform(4), 0.8)
    found = hitting_error(Comparison.of(target), drifting, clock("linear"))
    assert found.epsilon_fhs == pytest.approx(0.6 * (1 - math.log(2)), abs=found.error)
    assert found.error < 4e-3
    assert math.isinf(found.divergence_error)  # a small TV bounds no divergence


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5522), (0.0747, 0.0951), (0.3, 0.3 + 1e-9)])
def test_a_window_of_error_at_hitting_times(low: float, high: float) -> None:
    """One fair bit, in the window predicted as (0.9, 0.1): an error of 0.4 for w of the time."""
    coin = Target.from_rows([[0], [1]], [0.5, 0.5], 2)
    comparison, fair = Comparison.of(coin), Constant([0.5, 0.5], True)
    parts, jumps = (fair, Constant([0.9, 0.1], True), fair), (low, high)
    divergence = -math.log(0.6)
    w = high - low
    told = hitting_error(comparison, Telling(parts, jumps), clock("linear"))
    assert abs(told.epsilon_fhs - 0.4 * w) <= told.error < 1e-14
    assert abs(told.epsilon_kl - divergence * w) <= told.divergence_error < 1e-13
    bounded = hitting_error(comparison, Bounded(parts, jumps), clock("linear"))
    assert abs(bounded.epsilon_fhs - 0.4 * w) <= bounded.error < 1e-12
    silent = hitting_error(comparison, Switching(parts, jumps), clock("linear"))
    assert silent.error >= 1
    assert math.isinf(silent.divergence_error)


def test_of_scores_the_variation_says_nothing_of_the_gaps() -> None:
    """What is drawn does not change, and the gap does: the score of a mass that grows with t."""

    class Growing(Uniform):
        time_free = normalised = False

        def variation(self, _: float, __: float) -> float:
            return 0.25

        def __call__(self, x: Tensor, t: float = 0.0, _: object = None) -> Tensor:
            return (1 + 10 * t) * super().__call__(x)

    target = copies(1, 2)
    found = hitting_error(Comparison.of(target), Growing(2), clock("linear"))
    assert math.isinf(found.error)


def test_another_vocabulary_and_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="vocabulary is 3, the target's 2"):
        Comparison.of(copies(2, 2)).sums(Uniform(3))

    def refuse(needed: int, what: str, remedy: str) -> None:
        raise TooLargeError(f"{what}: {needed} bytes; {remedy}")

    monkeypatch.setattr(module, "check_memory", refuse)
    with pytest.raises(TooLargeError, match="conditionals at 7 contexts"):
        Comparison.of(copies(2, 2))


# --- H2–H4, C1–C3 ---------------------------------------------------------------------------------


def fhs_tv(target: Target, denoiser: Denoiser) -> float:
    if not denoiser.time_free:
        return total_variation(hitting_law(target, denoiser, clock("constant")), target).value
    drawn = denoiser if denoiser.normalised else Normalised(denoiser)
    return total_variation(tables(target, drawn).at(first_hitting(target.length)), target).value


@settings(max_examples=40)
@given(
    laws(max_length=3).filter(lambda law: law.vocabulary > 1),
    st.sampled_from(sorted(catalogue(ExactDenoiser(copies(2, 2))))),
)
def test_h2_c1_c2_on_every_defect(target: Target, kind: str) -> None:
    denoiser = catalogue(ExactDenoiser(target))[kind]
    comparison = Comparison.of(target)
    found = (
        order_error(comparison, comparison.sums(denoiser))
        if denoiser.time_free
        else hitting_error(comparison, denoiser, clock("constant"))
    )
    d, tv = target.length, fhs_tv(target, denoiser)
    slack = 1e-11
    assert tv <= found.epsilon_fhs + slack  # H2; with scores, its form for them
    assert tv <= math.sqrt(found.epsilon_kl / 2) + math.sqrt(slack)  # C1
    if denoiser.normalised:
        assert found.epsilon_fhs <= math.sqrt(d * found.epsilon_kl / 2) + math.sqrt(slack)
        assert found.epsilon_fhs <= d + slack  # C2


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("eta", [0.0, 0.1, 1.0])
def test_h3_is_attained(d: int, eta: float) -> None:
    target = point_mass(d, 3)
    exact = ExactDenoiser(target)
    start, spread = Leaking(exact, eta, at_start=True), Leaking(exact, eta)
    assert measured(target, start).epsilon_fhs == pytest.approx(eta, abs=1e-15)
    assert fhs_tv(target, start) == pytest.approx(eta, abs=1e-15)
    assert measured(target, spread).epsilon_fhs == pytest.approx(d * eta, abs=1e-14)
    assert fhs_tv(target, spread) == pytest.approx(1 - (1 - eta) ** d, abs=1e-15)


@pytest.mark.parametrize(("S", "epsilon"), [(2, 0.5), (3, 0.25), (4, 0.75)])
def test_h4_against_the_uniform_denoiser(S: int, epsilon: float) -> None:
    """ŝ uniform, q with TV(q, uniform) = ε and its shifts: FHS errs by ε, and nothing does better.

    Any sampler sees ŝ alone, so its output is one law p for all q; the game is a linear program.
    """
    gain = math.floor((1 - epsilon) * S + 1e-9)  # symbols that carry more than 1/S
    q = [1 / S + epsilon / gain if a < gain else 0.0 for a in range(S)]
    short = sum(max(0.0, 1 / S - x) for x in q) - epsilon
    q[-1] += max(0.0, short)  # where (1−ε)S is no whole number
    shifts = [q[-k:] + q[:-k] for k in range(S)]
    for law in shifts:
        target = Target.from_rows(
            [[a] for a in range(S)], torch.tensor(law, dtype=torch.float64), S
        )
        found = measured(target, Uniform(S))
        assert found.epsilon_fhs == pytest.approx(epsilon, abs=1e-12)
        assert fhs_tv(target, Uniform(S)) == pytest.approx(epsilon, abs=1e-12)
    # variables: p (S), value, and (shift_k − p)_+ (S·S)
    cost = [0.0] * S + [1.0] + [0.0] * S * S
    rows, limits = [], []
    for k, law in enumerate(shifts):
        row = [0.0] * len(cost)
        for a in range(S):
            gap = [0.0] * len(cost)
            gap[a], gap[S + 1 + k * S + a] = -1.0, -1.0
            rows.append(gap)
            limits.append(-law[a])
            row[S + 1 + k * S + a] = 1.0
        row[S] = -1.0
        rows.append(row)
        limits.append(0.0)
    whole = [[1.0] * S + [0.0] * (1 + S * S)]
    game = linprog(cost, rows, limits, whole, [1.0], bounds=(0, None))
    assert game.fun == pytest.approx(epsilon, abs=1e-9)


@pytest.mark.parametrize("rare", [1e-2, 1e-4, 1e-6])
def test_c2_kl_says_nothing_where_tv_is_small(rare: float) -> None:
    """A rare but possible symbol is given 0: ε_KL = ∞, TV as small as the symbol is rare."""
    rows = [[0, 0], [1, 1], [2, 0]]
    target = Target.from_rows(rows, [0.6, 0.4 - rare, rare], 3)
    cut = TemperedDenoiser(ExactDenoiser(target), top_p=1 - 2 * rare)
    found = measured(target, cut)
    assert math.isinf(found.epsilon_kl)
    assert math.isinf(found.nelbo)
    assert 0 < fhs_tv(target, cut) <= found.epsilon_fhs <= 4 * rare


@pytest.mark.parametrize("left", [1e-2, 1e-4, 1e-8])
def test_c3_leftover_masks_and_the_two_divergences(left: float) -> None:
    target = dirichlet(3, 2, 1.0, seed=8)
    denoiser = Mixed(ExactDenoiser(target), Uniform(2), 0.1)
    made = tables(target, denoiser)
    law = StepLaw.from_weights(torch.full((5,), (1 - left) / 5, dtype=torch.float64))
    out, whole = made.law(law), made.law(StepLaw.equal(5))
    q = target.weights

    def divergence(p: Tensor) -> float:
        return float((q * (q / p).log()).sum())

    assert 1 - out.total > 2 * left  # masks are left, which q_0 never has: KL(p_out‖q_0) = ∞
    apart = total_variation(out, target).value - total_variation(whole, target).value
    assert 0 < apart < 4 * left
    limit = divergence(whole.probability) - 3 * math.log(1 - left)
    assert divergence(out.probability) <= limit + 1e-12


def test_unnormalised_scores_have_the_divergence_of_what_is_drawn() -> None:
    target = dirichlet(3, 2, 0.5, seed=9)
    scaled = Scaled(ExactDenoiser(target), (1.0, 2.0))
    raw, drawn = measured(target, scaled), measured(target, Normalised(scaled))
    assert raw.divergences == pytest.approx(drawn.divergences, abs=1e-14)
    assert raw.epsilon_fhs > drawn.epsilon_fhs
    nothing = Scaled(ExactDenoiser(target), 0.0)
    assert math.isinf(measured(target, nothing).epsilon_kl)
    assert measured(target, nothing).epsilon_fhs == pytest.approx(3)


def test_fractions_of_a_known_case() -> None:
    """Copies of one coin, η = 1/10 moved to symbol 0: ε_FHS = η/2 + η/2·…, by hand."""
    target = copies(2, 2)
    table = {((2, 2), i): (Fraction(6, 10), Fraction(4, 10)) for i in range(2)} | {
        ((1, 2), 1): (Fraction(1, 10), Fraction(9, 10))
    }
    found = measured(target, Given(target, table))
    assert found.gaps == pytest.approx((0.1, 0.5 * 0.5 * 0.1))
    expected = 0.5 * math.log(0.5 / 0.6) + 0.5 * math.log(0.5 / 0.4), 0.25 * math.log(1 / 0.9)
    assert found.divergences == pytest.approx(expected)
    assert list(itertools.accumulate(found.losses))[-1] == pytest.approx(found.nelbo)


SMALL = dirichlet(3, 2, 0.5, seed=1)
EXACT_ON_SMALL = ExactDenoiser(SMALL)
HITTING_CLOCKS = [clock("linear"), clock("constant")]
TWO_TIMES = torch.tensor([0.8, 0.3], dtype=torch.float64)


def test_a_time_free_denoiser_has_one_error_whatever_the_clock() -> None:
    scaled = Scaled(EXACT_ON_SMALL, 1.5)
    found = score_error_of(SMALL, scaled, HITTING_CLOCKS)
    assert found.time_free
    assert not found.normalised
    ((where, errors),) = found.errors
    assert where is None
    assert errors.epsilon_fhs == pytest.approx(0.5 * 3)
    assert torch.equal(found.along(TWO_TIMES), found.along(TWO_TIMES[:1]))
    assert torch.allclose(found.along(TWO_TIMES), score_gaps(SMALL, scaled), atol=1e-14)


def test_a_time_dependent_denoiser_has_one_for_each_clock() -> None:
    drifting = Drifting(EXACT_ON_SMALL, Uniform(2), 0.5)
    found = score_error_of(SMALL, drifting, HITTING_CLOCKS)
    assert found.gaps is None
    assert [one and one.name for one, _ in found.errors] == ["linear", "constant"]
    first, second = (errors.epsilon_fhs for _, errors in found.errors)
    assert first < 0.9 * second  # the constant clock spends more time where all is masked
    along = found.along(TWO_TIMES)
    for row, t in zip(along, TWO_TIMES.tolist(), strict=True):
        assert torch.allclose(row, score_gaps(SMALL, drifting, t), atol=1e-14)


# --- in the contexts of runs ----------------------------------------------------------------------


@given(some.step_laws(5), st.integers(1, 4))
def test_arrivals_by_listing_the_steps_of_all_tokens(w: tuple[Fraction, ...], d: int) -> None:
    """Given tokens 0..m−1 come in blocks of sizes a before token m, all others later or never."""
    law = StepLaw.from_fractions(w)
    found, error = arrivals(law, d)
    assert error < 1e-12
    options = [*enumerate(w), (len(w), 1 - sum(w))]
    for m in range(d):
        wanted = dict.fromkeys(compositions(m) if m else [()], Fraction(0))
        for chosen in itertools.product(options, repeat=d):
            steps = [k for k, _ in chosen]
            last = steps[m]
            if last == len(w) or max(steps[:m], default=-1) >= last or min(steps[m:]) < last:
                continue
            # one order of the blocks: tokens fill them from left to right
            if steps[:m] == sorted(steps[:m]):
                sizes = tuple(len(list(group)) for _, group in itertools.groupby(steps[:m]))
                wanted[sizes] += math.prod(chance for _, chance in chosen)
        assert found[m].tolist() == pytest.approx([float(x) for x in wanted.values()], abs=1e-14)


def test_arrivals_in_chunks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    law = StepLaw.from_fractions([Fraction(k, 60) for k in range(1, 11)])
    whole, _ = arrivals(law, 4)
    monkeypatch.setattr(module, "_CHUNK", 3)
    parts, _ = arrivals(law, 4)
    for one, other in zip(whole, parts, strict=True):
        assert torch.allclose(one, other, rtol=1e-14)
