"""The looked-up denoiser is the denoiser."""

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import family
from sharprates.samplers.tabled import TabledDenoiser, tabled
from sharprates.samplers.target import all_states


def test_every_answer_is_the_denoisers() -> None:
    denoiser = ExactDenoiser(family("sparse-dirichlet:4:3:20"))
    fast = tabled(denoiser, 4)
    assert isinstance(fast, TabledDenoiser)
    x = all_states(4, 4)[torch.randperm(256, generator=torch.Generator().manual_seed(0))]
    assert torch.equal(fast(x), denoiser(x))
    hidden = (x == 3).nonzero(as_tuple=True)
    assert torch.equal(fast(x, positions=hidden), denoiser(x, positions=hidden))
    assert (fast.vocabulary, fast.normalised, fast.time_free) == (3, True, True)


def test_a_large_or_time_dependent_one_is_left_alone() -> None:
    large = ExactDenoiser(family("copies:8:9"))
    assert tabled(large, 8) is large

    class Timed(ExactDenoiser):
        time_free = False

    timed = Timed(family("copies:2:2"))
    assert tabled(timed, 2) is timed
