"""Temperature and top-p against their definitions, entry by entry."""

import math
from collections.abc import Iterator

import pytest
import torch
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import TemperedDenoiser, tempered_as

from tests.samplers.perturbed import Drifting, Scaled, Uniform

TARGET = Target.from_rows(
    [[0, 1, 2], [0, 2, 2], [1, 1, 0], [3, 0, 0], [3, 3, 3]], [8, 4, 2, 1, 1], 4
)
EXACT = ExactDenoiser(TARGET)
STATES = Contexts.of(TARGET).states
MASKED = STATES == 4


def pairs(changed: Denoiser) -> Iterator[tuple[list[float], list[float]]]:
    """(exact, changed) at every context and masked position."""
    exact, other = (one(STATES)[MASKED].tolist() for one in (EXACT, changed))
    yield from zip(exact, other, strict=True)


def near(expected: list[float]) -> object:
    return pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("temperature", [0.01, 0.5, 2.0])
def test_temperature_is_a_power(temperature: float) -> None:
    for p, q in pairs(TemperedDenoiser(EXACT, temperature)):
        logs = [math.log(x) / temperature if x else -math.inf for x in p]
        scaled = [math.exp(x - max(logs)) for x in logs]
        assert q == near([x / sum(scaled) for x in scaled])


def test_temperature_0_is_the_first_of_the_most_likely() -> None:
    for p, q in pairs(TemperedDenoiser(EXACT, 0.0)):
        first = p.index(max(p))
        assert q == [float(a == first) for a in range(4)]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.6, 0.9, 1.0])
def test_top_p_keeps_the_fewest_that_hold_the_share(share: float, temperature: float) -> None:
    for p, q in pairs(TemperedDenoiser(EXACT, temperature, share)):
        powers = [x ** (1 / temperature) for x in p]
        kept, mass = [], 0.0
        for a in sorted(range(4), key=lambda a: (-p[a], a)):
            if round(mass, 9) < share:
                kept.append(a)
                mass += powers[a] / sum(powers)
        found = [powers[a] / sum(powers) / mass if a in kept else 0 for a in range(4)]
        assert q == near(found)


def test_what_changes_nothing_is_left_out() -> None:
    assert tempered_as(EXACT, 1, 1) is EXACT
    assert tempered_as(EXACT, 0.5, 1) == TemperedDenoiser(EXACT, 0.5)
    same = TemperedDenoiser(EXACT)(STATES)[MASKED]
    assert torch.allclose(same, EXACT(STATES)[MASKED], rtol=1e-14, atol=1e-15)


def test_time_and_scores_of_the_base() -> None:
    drifting = TemperedDenoiser(Drifting(EXACT, Uniform(4), 0.5), 0.5)
    assert not drifting.time_free
    assert float((drifting(STATES, 0.1) - drifting(STATES, 2.0)).abs().max()) > 0.01
    scores = TemperedDenoiser(Scaled(EXACT, 3.0), 0.5)
    assert scores.normalised
    expected = TemperedDenoiser(EXACT, 0.5)(STATES)[MASKED]
    assert torch.allclose(scores(STATES)[MASKED], expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
    ],
)
def test_what_is_refused(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        TemperedDenoiser(EXACT, **arguments)
