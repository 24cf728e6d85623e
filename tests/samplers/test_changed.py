"""A changed denoiser answers as its base does, but for what is changed."""

from dataclasses import dataclass

import torch
from sharprates.samplers.changed import ChangedDenoiser
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import family
from torch import Tensor

from tests.samplers.perturbed import Drifting, Scaled, Uniform


@dataclass(frozen=True, eq=False)
class Reversed(ChangedDenoiser):
    """The symbols in the opposite order."""

    def change(self, p: Tensor) -> Tensor:
        return p.flip(-1)


def test_only_the_predictions_change() -> None:
    exact = ExactDenoiser(family("dirichlet:3:3"))
    changed = Reversed(exact)
    x = torch.tensor([[3, 1, 3], [3, 3, 3]])
    assert torch.equal(changed(x), exact(x).flip(-1))
    places = (torch.tensor([1, 0]), torch.tensor([2, 0]))
    assert torch.equal(changed(x, positions=places), exact(x, positions=places).flip(-1))
    assert changed.vocabulary == 3


def test_it_depends_on_time_or_sums_to_one_as_its_base_does() -> None:
    exact = ExactDenoiser(family("dirichlet:3:3"))
    assert Reversed(exact).time_free
    assert not Reversed(Drifting(exact, Uniform(3), 0.5)).time_free
    assert Reversed(exact).normalised
    assert not Reversed(Scaled(exact, 2.0)).normalised
