"""First-hitting sampling under a time-dependent denoiser: integrals, expansion, running sampler."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers import hitting_law as module
from sharprates.samplers.clock import clock
from sharprates.samplers.compositions import first_hitting
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, normalised
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, dirichlet, point_mass
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.hitting_law import Nodes, hitting_law

from tests.samplers.perturbed import Drifting, Mixed, Scaled, Uniform, catalogue

CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")


def test_nodes_integrate_also_where_a_function_is_singular_at_an_end() -> None:
    nodes = Nodes.of()
    b = nodes.revealed
    for values, integral in [
        (b**3, 0.25),
        (torch.log(b), -1.0),
        (torch.sqrt(b), 2 / 3),
        (torch.sqrt(1 - b), 2 / 3),
    ]:
        assert float(values @ nodes.weights) == pytest.approx(integral, abs=1e-10)
    assert torch.allclose(nodes.running @ (3 * b**2), b**3, atol=1e-11)


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
    assert float(law.probability[0]) == pytest.approx(1 - 0.8 * mean * 3 / 4, abs=1e-10)
    assert law.error < 1e-9


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
    assert law.error < 1e-11


@pytest.mark.parametrize("name", CLOCKS)
def test_the_running_sampler_has_this_law(name: str) -> None:
    target, n = dirichlet(3, 3, 0.4, seed=2), 60_000
    drifting = Drifting(ExactDenoiser(target), Uniform(3), 0.9)
    law = hitting_law(target, drifting, clock(name))
    generator = torch.Generator().manual_seed(3)
    rows = FirstHittingSampler(3, name).sample(drifting, n, generator)
    digits = torch.tensor([9, 3, 1])
    found = torch.bincount((rows * digits).sum(1), minlength=27)[(target.rows * digits).sum(1)] / n
    spread = (law.probability * (1 - law.probability) / n).sqrt()
    assert float(((found - law.probability) / spread).abs().max()) < 5
    # the check has power: a denoiser that forgets the time gives another law
    frozen = Mixed(ExactDenoiser(target), Uniform(3), 0.9 / 4)
    other = tables(target, frozen).at(first_hitting(3)).probability
    assert float(((found - other) / spread).abs().max()) > 5


def test_scores_are_normalised_before_a_draw() -> None:
    target = copies(2, 3)
    drifting: Denoiser = Drifting(ExactDenoiser(target), Uniform(3), 0.5)
    for name in ("linear", "constant"):
        law = hitting_law(target, drifting, clock(name))
        scaled = hitting_law(target, Scaled(drifting, 2.0), clock(name))
        assert torch.allclose(law.probability, scaled.probability, atol=1e-14)


def test_the_stated_error_shrinks_with_the_nodes_and_covers_what_is_left() -> None:
    target = dirichlet(3, 2, 0.5, seed=4)
    drifting = Drifting(ExactDenoiser(target), Uniform(2), 0.9)
    fine = total_variation(hitting_law(target, drifting, clock("geometric"), 193), target)
    previous = math.inf
    for count in (17, 33, 65):
        found = total_variation(hitting_law(target, drifting, clock("geometric"), count), target)
        assert abs(found.value - fine.value) <= found.error + fine.error
        assert found.error < previous
        previous = found.error


def test_too_many_predictions_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(needed: int, what: str, remedy: str) -> None:
        raise TooLargeError(f"{what}: {needed} bytes; {remedy}")

    target = copies(2, 2)
    monkeypatch.setattr(module, "check_memory", refuse)
    with pytest.raises(TooLargeError, match="97 hitting times"):
        hitting_law(target, Drifting(ExactDenoiser(target), Uniform(2), 0.5), clock("linear"))
