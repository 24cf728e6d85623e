import pytest
import torch
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import dirichlet
from sharprates.verification.faults import faults_of
from sharprates.verification.profile import score_gaps

from tests.samplers.perturbed import Drifting, Scaled, Uniform

TARGET = dirichlet(3, 2, 0.5, seed=1)
EXACT = ExactDenoiser(TARGET)
CLOCKS = [clock("linear"), clock("constant")]
TIMES = torch.tensor([0.8, 0.3], dtype=torch.float64)


def test_a_time_free_denoiser_has_one_error_whatever_the_clock() -> None:
    scaled = Scaled(EXACT, 1.5)
    found = faults_of(TARGET, scaled, CLOCKS)
    assert found.time_free
    assert not found.normalised
    ((where, errors),) = found.errors
    assert where is None
    assert errors.epsilon_fhs == pytest.approx(0.5 * 3)
    assert torch.equal(found.along(TIMES), found.along(TIMES[:1]))
    assert torch.allclose(found.along(TIMES), score_gaps(TARGET, scaled), atol=1e-14)


def test_a_time_dependent_denoiser_has_one_for_each_clock() -> None:
    drifting = Drifting(EXACT, Uniform(2), 0.5)
    found = faults_of(TARGET, drifting, CLOCKS)
    assert found.gaps is None
    assert [one and one.name for one, _ in found.errors] == ["linear", "constant"]
    first, second = (errors.epsilon_fhs for _, errors in found.errors)
    assert first < 0.9 * second  # the constant clock spends more time where all is masked
    along = found.along(TIMES)
    for row, t in zip(along, TIMES.tolist(), strict=True):
        assert torch.allclose(row, score_gaps(TARGET, drifting, t), atol=1e-14)
