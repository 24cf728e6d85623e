"""Gumbel-max with few bits: a race against G1's formula, a walk, quadrature; and our own draws."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from sharprates.samplers import sampler
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import copies, dirichlet
from sharprates.samplers.gumbel import (
    BITS,
    all_uniforms,
    lattice_law,
    truncated_law,
)
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.propagation import propagate_kernel
from sharprates.samplers.sampling import draw
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.precision import G1
from torch import Tensor

from tests.samplers.perturbed import Perturbed, Uniform


@dataclass(frozen=True, eq=False)
class GumbelValues(Perturbed):
    """A denoiser whose values are drawn by Gumbel-max: its law, for the exact laws of samplers.

    Attributes:
        bits: of a uniform, see `BITS`.
    """

    bits: int

    @property
    def normalised(self) -> bool:
        """True: a draw has a law."""
        return True

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        return truncated_law(self.base(x, t, positions), self.bits)


@dataclass(frozen=True, eq=False)
class GumbelKernel:
    """One step drawn by Gumbel-max on {tokens, mask}, for `samplers.propagation.propagate_kernel`.

    Attributes:
        denoiser: time-free and normalised.
        law: the step law that is meant.
        bits: of a uniform, see `BITS`.
    """

    denoiser: Denoiser
    law: StepLaw
    bits: int

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """Law of each masked token's next symbol, float64 [B, d, S + 1]; the last is the mask."""
        return truncated_law(with_mask(self.denoiser(x), float(self.law.hazards[step])), self.bits)


def with_mask(prediction: Tensor, hazard: float) -> Tensor:
    """The law on {tokens, mask} of one step: [..., S] to [..., S + 1]."""
    stay = torch.full_like(prediction[..., :1], 1 - hazard)
    return torch.cat([hazard * prediction, stay], -1)


BFLOAT16 = all_uniforms(torch.bfloat16)
RARE = torch.tensor([1e-7, 1 - 1e-7], dtype=torch.float64)


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=6))
def test_the_race_is_the_claims_formula(weights: list[float]) -> None:
    pi = sorted(w / sum(weights) for w in weights)
    law = truncated_law(torch.tensor(pi, dtype=torch.float64), BITS[torch.float32]).tolist()
    values = {"probabilities": pi}
    expected = [G1.value({**values, "index": m + 1}, FLOAT) for m in range(len(pi))]
    assert law == pytest.approx(expected, rel=1e-6, abs=1e-15)  # the formula subtracts near 1


@pytest.mark.parametrize("bits", [2, 8])
def test_the_race_is_the_integral_over_the_winners_uniform(bits: int) -> None:
    """P(m wins) = ∫ du P(all other keys are smaller), u uniform on (0, 1 − 2^−b)."""
    pi = [0.05, 0.25, 0.7]
    top = 1 - 2.0**-bits
    for m, mine in enumerate(pi):

        def others_lose(u: float, m: int = m, mine: float = mine) -> float:
            ring = -math.log(u) / mine
            rest = (math.exp(-ring * pi[j]) / top for j in range(3) if j != m)
            return math.prod(min(1.0, chance) for chance in rest) / top

        kinks = sorted({top ** (mine / p) for p in pi} - {top})
        value = quad(others_lose, 0, top, points=kinks, epsabs=1e-12, limit=200)[0]
        law = truncated_law(torch.tensor(pi, dtype=torch.float64), bits)
        assert float(law[m]) == pytest.approx(value, abs=1e-9)


def test_batches_zeros_and_scale() -> None:
    pi = torch.tensor([[0.2, 0.0, 0.8, 0.0], [0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    law = truncated_law(pi, 24)
    assert torch.allclose(law.sum(-1), torch.ones(2, dtype=torch.float64), atol=1e-15)
    assert bool((law[pi == 0] == 0).all())
    assert law[1, 3] == 1
    assert torch.allclose(truncated_law(4 * pi, 24), law, atol=1e-15)
    assert torch.equal(truncated_law(pi[0], 24), law[0])


def test_walking_all_float32_uniforms() -> None:
    """The lattice differs from the model at the same order, and u = 0 turns the sign."""
    assert float(truncated_law(RARE, 24)[0]) == pytest.approx(5.5099e-8, rel=1e-4)
    uniforms = all_uniforms(torch.float32)
    for walked, expected in ((uniforms[1:], 7.3141e-8), (uniforms, 1.3275e-7)):
        law = lattice_law(RARE, walked)
        assert float(law[0]) == pytest.approx(expected, rel=1e-4)
        assert float(law.sum()) == pytest.approx(1, abs=1e-12)


def test_bfloat16_uniforms_are_torchs_own() -> None:
    float32, bfloat16 = (
        torch.rand(100_000, dtype=dtype, generator=torch.Generator().manual_seed(1))
        for dtype in (torch.float32, torch.bfloat16)
    )
    table = BFLOAT16
    assert torch.equal(table[(float32 * 2**24).long()], bfloat16)
    assert float(table.max()) == 1 - 2.0 ** -BITS[torch.bfloat16]
    assert torch.equal(all_uniforms(torch.bfloat16, zero=False), table[table > 0])
    with pytest.raises(InputError, match="float64"):
        all_uniforms(torch.float64)


def test_the_walk_is_what_torch_draws() -> None:
    pi, n = torch.tensor([0.05, 0.35, 0.6], dtype=torch.float64), 200_000
    law = lattice_law(pi, BFLOAT16)
    u = torch.rand(n, 3, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(2))
    keys = pi.to(torch.bfloat16).log() - torch.log(-torch.log(u))
    found = torch.bincount(keys.argmax(1), minlength=3) / n
    for p, q in zip(law.tolist(), found.tolist(), strict=True):
        assert abs(p - q) < 5 * math.sqrt(p * (1 - p) / n)
    # the check has power: the probabilities that were meant are farther off
    assert float((pi - law).abs().max()) > 2e-3


def test_small_unmask_probabilities_shrink() -> None:
    tokens = torch.full((26,), 1 / 26, dtype=torch.float64)

    def revealed(hazard: float, bits: int) -> float:
        return float(truncated_law(with_mask(tokens, hazard), bits)[:26].sum()) / hazard

    assert revealed(1e-3, 24) == pytest.approx(0.99845, abs=1e-5)
    assert revealed(1e-6, 24) == pytest.approx(0.2123, abs=1e-4)
    assert revealed(1e-2, 8) < 1e-4
    assert revealed(1e-3, 53) == pytest.approx(1, abs=1e-11)


def test_precision_changes_the_tv_of_a_sampler() -> None:
    """200 steps of hazard 1/32 on 32 symbols: bfloat16 leaves most masks, float64 is exact."""
    target = copies(2, 32)
    hazards = torch.full((200,), 1 / 32, dtype=torch.float64)
    exact, law = ExactDenoiser(target), StepLaw.from_hazards(hazards)
    meant = total_variation(tables(target, exact).law(law), target).value

    def drawn(bits: int) -> float:
        out = propagate_kernel(target, GumbelKernel(exact, law, bits), law.steps)
        return total_variation(out, target).value

    assert drawn(53) == pytest.approx(meant, abs=1e-12)
    assert 1e-8 < abs(drawn(24) - meant) < 1e-4
    assert meant < 0.02
    assert drawn(8) > 0.8


def test_values_alone_are_a_sharper_denoiser() -> None:
    target = dirichlet(3, 4, 0.5, seed=5)
    exact = ExactDenoiser(target)
    tv = [
        total_variation(tables(target, GumbelValues(exact, bits)).at((1, 1, 1)), target).value
        for bits in (53, 24, 8)
    ]
    assert tv[0] < 1e-12
    assert 1e-9 < tv[1] < 1e-5
    assert tv[2] > 1e-3
    assert GumbelValues(Uniform(4), 8)(target.rows)[0, 0].tolist() == pytest.approx([0.25] * 4)


# --- our own samplers are free of it --------------------------------------------------------------


def boundary(symbol: int, weights: Tensor) -> float:
    """The smallest u at which `draw` returns a symbol above the given one, by bisection."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        drawn = int(draw(weights[None], torch.tensor([middle], dtype=torch.float64)))
        low, high = (middle, high) if drawn <= symbol else (low, middle)
    return high


def test_our_draws_give_rare_symbols_their_chance() -> None:
    for rare in (1e-7, 1e-9, 1e-12):
        weights = torch.tensor([0.5, rare, 0.5 - rare], dtype=torch.float64)
        assert boundary(1, weights) - boundary(0, weights) == pytest.approx(rare, abs=2.0**-52)


def test_our_unmask_rate_is_exact_on_the_lattice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is revealed for just those multiples of 2^−53 that lie below the hazard."""
    hazard = 1e-9
    law = StepLaw.from_hazards(torch.tensor([hazard], dtype=torch.float64))
    lattice = (torch.arange(-50, 50) + int(hazard * 2**53)).to(torch.float64) / 2**53

    def chosen(shape: tuple[int, ...], **_: object) -> Tensor:
        u = torch.full(shape, 0.5, dtype=torch.float64)
        u[:, 0, 0] = lattice
        return u

    monkeypatch.setattr(sampler.torch, "rand", chosen)
    rows = ParallelSampler(1, law).sample(Uniform(2), len(lattice), torch.Generator())
    assert torch.equal(rows[:, 0] < 2, lattice < hazard)
