"""First-hitting sampling under a time-dependent denoiser: fractions, closed forms, a sampler."""

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sharprates.samplers.clock import clock
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, normalised
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, dirichlet, point_mass
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.hitting_law import GUESSES, PIECES, hitting_law, pieces
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts, law_on_cells
from sharprates.verification.statistics.laws import law_test
from torch import Tensor

from tests.samplers.perturbed import (
    Bounded,
    Drifting,
    Mixed,
    Scaled,
    Switching,
    Telling,
    Uniform,
    catalogue,
    in_a_window,
)

CHECKS = ("constant", "cosine")
CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")


WINDOWS = st.tuples(
    st.floats(0.001, 0.998), st.one_of(st.floats(1e-12, 1e-9), st.floats(1e-6, 0.9))
).map(lambda drawn: (drawn[0], min(0.999, drawn[0] + drawn[1])))


@settings(max_examples=6)
@given(WINDOWS, st.sampled_from(CLOCKS))
@example((0.5, 0.5522), "linear")
@example((0.0747, 0.0951), "linear")
@example((0.3, 0.3 + 1e-12), "cosine")
def test_a_window_of_error_is_seen_or_said_not_to_be(
    window: tuple[float, float], name: str
) -> None:
    """Two copies: TV = w − w²/2, w the chance that a token's time falls into the window."""
    target, chosen = copies(2, 2), clock(name)
    before, after, end = chosen.masked(
        torch.tensor([*window, chosen.end], dtype=torch.float64)
    ).tolist()
    w = (after - before) / end
    true = w - w**2 / 2
    for kind in (Switching, Telling, Bounded):
        law = hitting_law(target, in_a_window(target, *window, kind), chosen)
        found = total_variation(law, target)
        assert abs(found.value - true) <= found.error
        assert found.error >= 1 if kind is Switching else found.error < 2e-12
    assert len(pieces(in_a_window(target, *window, Telling), chosen)) == 3


def draws(shares: list[Fraction], d: int) -> dict[tuple[int, ...], Fraction]:
    """In which piece each of d tokens is drawn, first to last, their times independent."""
    found: dict[tuple[int, ...], Fraction] = {}
    for places in itertools.product(range(len(shares)), repeat=d):
        key = tuple(sorted(places))
        found[key] = found.get(key, Fraction(0)) + math.prod(shares[k] for k in places)
    return found


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 63), min_size=1, max_size=4, unique=True),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_between_jumps_it_is_the_law_in_fractions(places: list[int], d: int, seed: int) -> None:
    """Every order of the tokens, every division of the draws among the pieces."""
    target = dirichlet(d, 2, 0.5, seed=seed)
    jumps = [Fraction(place, 64) for place in sorted(places)]
    parts = tuple(
        Mixed(ExactDenoiser(target), Uniform(2), (k + 1) / 8) for k in range(len(jumps) + 1)
    )
    law = hitting_law(target, Telling(parts, tuple(map(float, jumps))), clock("linear"))
    ends = [Fraction(0), *(1 - t for t in reversed(jumps)), Fraction(1)]  # in b = 1 − t
    chances = draws([high - low for low, high in itertools.pairwise(ends)], d)
    orders = list(itertools.permutations(range(d)))
    off = Fraction(0)
    for row, found in zip(target.rows, law.probability.tolist(), strict=True):
        exact = Fraction(0)
        for order in orders:
            states = [
                torch.where(torch.tensor([i in order[:n] for i in range(d)]), row, 2)
                for n in range(d)
            ]
            predicted = [part(torch.stack(states)) for part in reversed(parts)]
            for where, chance in chances.items():
                path = [
                    Fraction(float(predicted[k][n, i, row[i]]))
                    for n, (k, i) in enumerate(zip(where, order, strict=True))
                ]
                exact += chance * math.prod(path) / len(orders)
        off += abs(exact - Fraction(found))
    assert off <= Fraction(law.error) < Fraction(1, 10**12)


def test_rounding_over_a_thousand_pieces_is_within_its_bound() -> None:
    """The same denoiser in each, so that the composition (1, …, 1) has its law."""
    target = dirichlet(4, 3, 0.5, seed=1)
    mixed = Mixed(ExactDenoiser(target), Uniform(3), 0.1)
    expected = tables(target, mixed).at(first_hitting(4))
    jumps = torch.linspace(0, 1, 1001, dtype=torch.float64)[1:-1].tolist()
    law = hitting_law(target, Telling((mixed,), tuple(jumps)), clock("cosine"))
    off = math.fsum((law.probability - expected.probability).abs().tolist())
    assert expected.error < law.error / 100
    assert 1e-16 < off < law.error < 1e-11


@pytest.mark.parametrize("name", CLOCKS)
def test_pieces_follow_one_another(name: str) -> None:
    target, chosen = copies(2, 2), clock(name)
    drifting = Drifting(ExactDenoiser(target), Uniform(2), 0.9)
    for denoiser, count in [
        (drifting, PIECES),
        (in_a_window(target, 0.25, 0.5), GUESSES),
        (ExactDenoiser(target), 1),
    ]:
        found = pieces(denoiser, chosen)
        assert len(found) == count
        assert (found[0].low, found[-1].high, found[-1].early) == (0, 1, 0)
        assert found[0].late == chosen.end
        for one, after in itertools.pairwise(found):
            assert (one.high, one.early) == (after.low, after.late)
        assert all(one.early < one.asked < one.late for one in found)
    # what varies more is cut finer: no piece weighs much more than another
    weights = sorted(one.unresolved for one in pieces(drifting, chosen))
    assert weights[-1] < 8 * weights[len(weights) // 10]


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("linear", 1 - math.log(2)),  # t = 1 − b: ∫ (1−b)/(2−b) db
        ("constant", 0.40365263767),  # t = −log b: ∫ t/(1+t) e^{−t} dt = 1 − e·E_1(1)
    ],
)
def test_one_token_sees_the_mean_over_its_hitting_time(name: str, mean: float) -> None:
    target = point_mass(1, 4)
    drifting = Drifting(ExactDenoiser(target), Uniform(4), 0.8)
    law = hitting_law(target, drifting, clock(name))
    assert float(law.probability[0]) == pytest.approx(1 - 0.8 * mean * 3 / 4, abs=law.error)
    assert float(law.probability[0]) == pytest.approx(1 - 0.8 * mean * 3 / 4, abs=1e-5)
    assert law.error < 4e-3


@dataclass(frozen=True, eq=False)
class Steep:
    """The symbol 0 with probability t, else 1: its variation is the time that passes."""

    vocabulary: int = 2
    time_free = False
    normalised = True

    def variation(self, early: float, late: float) -> float:
        return late - early

    def __call__(self, x: Tensor, t: float = 0.0, _: object = None) -> Tensor:
        return torch.tensor([t, 1 - t], dtype=torch.float64).expand(*x.shape, 2)


def test_the_unresolved_part_of_the_error_is_needed() -> None:
    """On 1 − b = t² a piece's middle is not its mean: far more is missed than rounding."""
    law = hitting_law(point_mass(1, 2), Steep(), clock("polynomial:2"))
    off = abs(float(law.probability[0]) - 2 / 3)  # ∫ t db
    assert 1e-9 < off <= law.error < 6e-3


TIME_FREE = [name for name, one in catalogue(ExactDenoiser(copies(2, 2))).items() if one.time_free]


@settings(max_examples=15)
@given(st.sampled_from(TIME_FREE), st.sampled_from(CLOCKS), st.integers(1, 4))
def test_without_drift_it_is_the_composition_of_ones(kind: str, name: str, d: int) -> None:
    target = dirichlet(d, 2, 0.5, seed=d)
    free = catalogue(ExactDenoiser(target))[kind]
    drawn = normalised(free)
    expected = tables(target, drawn).at(first_hitting(d))
    law = hitting_law(target, free, clock(name))
    assert float((law.probability - expected.probability).abs().sum()) <= law.error + expected.error
    assert law.error < 1e-13


@pytest.mark.parametrize("name", CHECKS)
def test_the_running_sampler_has_this_law(name: str, ledger: Ledger) -> None:
    target, n = dirichlet(3, 3, 0.4, seed=2), 60_000
    drifting = Drifting(ExactDenoiser(target), Uniform(3), 0.9)
    law = hitting_law(target, drifting, clock(name))
    generator = torch.Generator().manual_seed(3)
    rows = FirstHittingSampler(3, name).sample(drifting, n, generator)
    found, level = counts(cells(target, rows), target), ledger.take(name)
    assert law_test("law", found, law_on_cells(law, target), level).passed
    # the check has power: a denoiser that forgets the time gives another law
    frozen = Mixed(ExactDenoiser(target), Uniform(3), 0.9 / 4)
    other = tables(target, frozen).at(first_hitting(3))
    assert not law_test("law", found, law_on_cells(other, target), level).passed


def test_scores_are_normalised_before_a_draw() -> None:
    target = copies(2, 3)
    drifting: Denoiser = Drifting(ExactDenoiser(target), Uniform(3), 0.5)
    for name in ("linear", "constant"):
        law = hitting_law(target, drifting, clock(name))
        scaled = hitting_law(target, Scaled(drifting, 2.0), clock(name))
        # the scaled one states nothing, and is asked less often
        assert torch.allclose(law.probability, scaled.probability, atol=1e-4)
        assert scaled.error >= 2


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_error_counts_every_rounding_and_what_is_unresolved(d: int) -> None:
    """d draws of d + 4 roundings, d additions a piece, and 8 units of b at each piece's ends."""
    target = copies(d, 2)
    exact = ExactDenoiser(target)
    windowed = in_a_window(target, 0.25, 0.5)
    for denoiser, count, unresolved in ((exact, 1, 0.0), (windowed, GUESSES, 1.0)):
        law = hitting_law(target, denoiser, clock("linear"))
        units = d * (d + 4) + d * count + 8 * d * count
        rounded = law.error - d * unresolved
        assert rounded == pytest.approx(units * 2.0**-53, rel=1e-9, abs=2.0**-53 * d * unresolved)
        assert law.relative_error == math.inf
        assert (law.dense, law.vocabulary) == (False, 2)


def test_a_horizon_ends_the_times_and_each_piece_is_asked_in_its_middle() -> None:
    chosen, horizon = clock("constant"), 1.5
    start = math.exp(-horizon)
    for denoiser in (in_a_window(copies(2, 2), 0.25, 0.5, Telling), Steep()):
        found = pieces(denoiser, chosen, horizon)
        assert len(found) > 2
        assert (found[0].late, found[-1].early) == (horizon, 0)
        for one in found:
            for b, t in (
                *((one.low, one.late), (one.high, one.early)),
                ((one.low + one.high) / 2, one.asked),
            ):
                assert math.exp(-t) == pytest.approx(start + (1 - start) * b, abs=1e-12)
    law = hitting_law(point_mass(1, 2), Steep(), chosen, horizon)
    mean = 1 - horizon * start / (1 - start)  # ∫ t db, with 1 − b in proportion to 1 − e^{−t}
    assert float(law.probability[0]) == pytest.approx(mean, abs=1e-4)


def test_breaks_outside_the_times_or_too_near_an_end_make_no_piece() -> None:
    target = copies(2, 2)
    uniform = Uniform(2)
    for jumps in ((1e-18,), (1.0,), (2.0,)):  # 1 − 1e-18 is 1
        denoiser = Telling((ExactDenoiser(target), uniform), jumps)
        assert len(pieces(denoiser, clock("linear"))) == 1


def test_a_jump_that_is_not_told_is_halved_down_to_rounding_and_each_of_many_is() -> None:
    exact, chosen = ExactDenoiser(copies(2, 2)), clock("linear")
    for count in (1, 4):
        jumps = tuple((k + 1) / (2 * count + 1) for k in range(count))
        found = pieces(Bounded((exact,) * (count + 1), jumps), chosen)
        around = [one for one in found if one.unresolved > 0]
        assert len(around) == count
        assert {one.unresolved for one in around} == {2.0**-50}
        for one, jump in zip(reversed(around), jumps, strict=True):
            assert one.early < jump < one.late
        assert len(found) == 51 if count == 1 else GUESSES < len(found) < PIECES


class Late(Telling):
    """It says that it jumps, and that it is constant before the earliest of times."""

    def variation(self, early: float, late: float) -> float:
        return max(0.0, min(late, 0.5) - early)


def test_what_varies_most_is_cut_first_wherever_the_breaks_lie() -> None:
    found = pieces(Late((Uniform(2),) * 3, (0.6, 0.9)), clock("linear"))
    assert len(found) == PIECES
    cut = [one.unresolved for one in found if one.late < 0.5]
    assert len(cut) > PIECES - 10
    assert max(cut) < 4.1 * min(cut)
