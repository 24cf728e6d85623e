"""Each defect against its definition, entry by entry."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Normalised
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, dirichlet, point_mass
from sharprates.samplers.target import Target

from tests.samplers.perturbed import (
    Drifting,
    Forbidding,
    Leaking,
    Mixed,
    Scaled,
    TopK,
    Uniform,
    catalogue,
)

TARGET = Target.from_rows(
    [[0, 1, 2], [0, 2, 2], [1, 1, 0], [3, 0, 0], [3, 3, 3]], [8, 4, 2, 1, 1], 4
)
EXACT = ExactDenoiser(TARGET)
STATES = Contexts.of(TARGET).states
MASKED = STATES == 4


def near(expected: float | list[float]) -> object:
    """To rounding in float64: a share in float32 is 1e-8 off."""
    return pytest.approx(expected, rel=1e-13, abs=1e-15)


def predictions(denoiser: Denoiser, t: float | None = 0.5) -> list[list[float]]:
    rows: list[list[float]] = denoiser(STATES, t)[MASKED].tolist()
    return rows


def pairs(denoiser: Denoiser) -> list[tuple[list[float], list[float]]]:
    """(exact, perturbed) at every context and masked position."""
    return list(zip(predictions(EXACT), predictions(denoiser), strict=True))


@pytest.mark.parametrize("name", catalogue(EXACT))
def test_predictions_are_what_the_flags_say(name: str) -> None:
    denoiser = catalogue(EXACT)[name]
    found = denoiser(STATES, 0.5)
    assert found.dtype == torch.float64
    assert found.shape == (*STATES.shape, 4)
    assert bool((found[MASKED] >= 0).all())
    if denoiser.normalised:
        assert float((found[MASKED].sum(-1) - 1).abs().max()) < 1e-15
    else:
        assert float((found[MASKED].sum(-1) - 1).abs().max()) > 0.1
    other = denoiser(STATES, 0.1)
    assert torch.equal(found, other) == denoiser.time_free
    # asking for some positions gives the same numbers
    row, column = MASKED.nonzero().unbind(1)
    order = torch.randperm(len(row), generator=torch.Generator().manual_seed(0))
    some = (row[order], column[order])
    assert torch.equal(denoiser(STATES, 0.5, some), found[some])
    # and none is the exact denoiser
    assert not torch.allclose(found[MASKED], EXACT(STATES)[MASKED])


def test_mixing_moves_each_prediction_towards_the_other() -> None:
    for p, q in pairs(Mixed(EXACT, Uniform(4), 0.2)):
        assert q == near([0.8 * x + 0.05 for x in p])


def test_drift_follows_each_rows_time() -> None:
    drifting = Drifting(EXACT, Uniform(4), 0.5)
    times = torch.linspace(0, 3, len(STATES), dtype=torch.float64)
    joint = drifting(STATES, times)
    for b in range(0, len(STATES), 7):
        assert torch.equal(joint[b], drifting(STATES[b : b + 1], float(times[b]))[0])
    assert torch.equal(drifting(STATES, 0.0), EXACT(STATES))
    at_1 = Mixed(EXACT, Uniform(4), 0.25)
    assert torch.allclose(drifting(STATES, 1.0), at_1(STATES), rtol=1e-14, atol=1e-15)
    with pytest.raises(InputError, match="depends on time"):
        drifting(STATES)


@pytest.mark.parametrize("at_start", [False, True])
def test_leaks_go_to_impossible_symbols_only(at_start: bool) -> None:
    leaking = Leaking(EXACT, 0.3, at_start)
    empty = (STATES == 4).all(1)[:, None].expand_as(MASKED)[MASKED].tolist()
    for (p, q), start in zip(pairs(leaking), empty, strict=True):
        impossible = p.count(0)
        share = 0.3 if impossible and (start or not at_start) else 0.0
        assert q == near([(1 - share) * x if x else share / impossible for x in p])


@given(st.integers(1, 5))
def test_top_k_keeps_the_first_of_equals(k: int) -> None:
    for p, q in pairs(TopK(EXACT, k)):
        kept = sorted(range(4), key=lambda a: (-p[a], a))[:k]
        total = sum(p[a] for a in kept)
        assert q == near([p[a] / total if a in kept else 0 for a in range(4)])


def test_a_forbidden_symbol_has_no_chance() -> None:
    for p, q in pairs(Forbidding(EXACT, 3)):
        rest = 1 - p[3]
        assert q[3] == 0
        assert q[:3] == near([x / rest for x in p[:3]] if rest else [1 / 3] * 3)


def test_scores_scale_and_are_normalised_back() -> None:
    factors = (2.0, 1.0, 0.5, 0.0)
    scaled = Scaled(EXACT, factors)
    for p, q in pairs(scaled):
        assert q == near([x * f for x, f in zip(p, factors, strict=True)])
    positive = Scaled(EXACT, (2.0, 1.0, 0.5, 0.25))
    for (_, raw), q in zip(pairs(positive), predictions(Normalised(positive)), strict=True):
        assert q == near([x / sum(raw) for x in raw])
    assert not scaled.normalised
    assert Normalised(scaled).normalised
    with pytest.raises(InputError, match="sum to 0"):
        Normalised(scaled)(STATES)


@pytest.mark.parametrize("eta", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("d", [1, 3])
def test_leaks_of_a_point_mass_have_the_tv_of_h3(eta: float, d: int) -> None:
    target = point_mass(d, 3)
    exact = ExactDenoiser(target)
    law = tables(target, Leaking(exact, eta, at_start=True)).at(first_hitting(d))
    assert total_variation(law, target).value == near(eta)
    law = tables(target, Leaking(exact, eta)).at(first_hitting(d))
    assert total_variation(law, target).value == near(1 - (1 - eta) ** d)


def test_a_perturbation_of_nothing_changes_nothing() -> None:
    exact = EXACT(STATES)
    for same in (
        Mixed(EXACT, Uniform(4), 0.0),
        Drifting(EXACT, Uniform(4), 0.0),
        Leaking(EXACT, 0.0),
        Scaled(EXACT, 1.0),
    ):
        assert torch.equal(same(STATES), exact)
        assert same.time_free
    close = TopK(EXACT, 4)(STATES)
    assert torch.allclose(close[MASKED], exact[MASKED], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Mixed(EXACT, Uniform(4), 1.5), "share"),
        (lambda: Mixed(EXACT, Uniform(3), 0.5), "vocabulary"),
        (lambda: Leaking(EXACT, math.nan), "share"),
        (lambda: TopK(EXACT, 0), "count"),
        (lambda: Forbidding(EXACT, 4), "symbol"),
        (lambda: Forbidding(ExactDenoiser(point_mass(1, 1)), 0), "symbol"),
        (lambda: Scaled(EXACT, -1.0), "factors"),
        (lambda: Scaled(EXACT, (1.0, 2.0)), "factors"),
    ],
)
def test_impossible_sizes(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_the_catalogue_serves_any_vocabulary() -> None:
    for target in (copies(2, 2), dirichlet(2, 5, 1.0, seed=0)):
        for denoiser in catalogue(ExactDenoiser(target)).values():
            assert denoiser.vocabulary == target.vocabulary
