"""A denoiser that errs by a known amount errs by that amount."""

import pytest
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.target import all_states


def test_its_error_is_its_share_of_the_distance_to_uniform() -> None:
    exact = ExactDenoiser(family("copies:3:2"))
    noisy = NoisyDenoiser(exact, 0.2)
    x = all_states(3, 3)
    hidden = (x == 2).nonzero(as_tuple=True)
    error = (noisy(x) - exact(x))[hidden].abs().sum(-1) / 2
    largest = (exact(x)[hidden] - 0.5).abs().sum(-1) / 2
    assert torch.allclose(error, 0.2 * largest, rtol=0, atol=1e-15)
    assert float(error.max()) == pytest.approx(0.1)
    assert torch.equal(noisy(x, positions=hidden), noisy(x)[hidden])
    assert (noisy.vocabulary, noisy.time_free, noisy.normalised) == (2, True, True)


def test_a_share_lies_between_0_and_1() -> None:
    with pytest.raises(InputError, match=r"noisy: needs a share in \[0, 1\], got 1.5"):
        NoisyDenoiser(ExactDenoiser(family("copies:2:2")), 1.5)
