"""Single numbers about published samplers, each by one function: `python peers/lines.py NAME`."""

from __future__ import annotations

import sys

import torch

from samplers.confidence import ConfidenceSampler, on_support
from samplers.denoiser import ExactDenoiser
from samplers.families import family
from samplers.output_law import total_variation
from samplers.target import Target
from verification.conformance.uniform_walk import walk


def moco_temperature() -> str:
    """One step of MDLM.step from t = 1 to 1/2, uniform over four tokens: how many stay masked."""
    from bionemo.moco.distributions.prior import DiscreteMaskedPrior
    from bionemo.moco.distributions.time import UniformTimeDistribution
    from bionemo.moco.interpolants import MDLM
    from bionemo.moco.schedules.noise.continuous_noise_transforms import LogLinearExpNoiseTransform

    n, found = 300_000, []
    for temperature in (1.0, 0.5):
        one = MDLM(
            UniformTimeDistribution(),
            DiscreteMaskedPrior(num_classes=5),
            LogLinearExpNoiseTransform(),
            rng_generator=torch.Generator().manual_seed(0),
        )
        x = torch.full((n, 1), 4)
        t, dt = torch.ones(n), torch.full((n,), 0.5)
        after = one.step(torch.zeros(n, 1, 5), t, x, dt, temperature=temperature)
        found.append(f"T = {temperature:g}: {float((after == 4).double().mean()):.4f} still masked")
    return "; ".join(found) + " (n = 300000; 0.5000 is right at any T)"


def low_confidence() -> str:
    """Exact TV of LLaDA's low_confidence law, one token a step, exact denoiser."""
    alternating = Target.from_rows([[0, 1, 0, 1], [1, 0, 1, 0]], [1, 1], 2, name="ABAB or BABA")
    targets = [
        family("dirichlet:3:2"),
        family("markov:3:1/3,2/3:9/10,1/10:1/20,19/20"),
        alternating,
    ]
    found = []
    for target in targets:
        sampler = ConfidenceSampler(ExactDenoiser(target), target.length, 1, "drawn")
        tv = total_variation(on_support(sampler, target), target).value
        found.append(f"{target.name}: TV {tv:.4f}")
    return "; ".join(found)


class _Ratio:
    """p / (1e-10 − log(u + 1e-10)) in float32, as in MDLM, SEDD and bionemo-moco."""

    def draw(self, p: torch.Tensor, generator: torch.Generator) -> torch.Tensor:  # noqa: ARG002 - rand is replaced
        p = p.float()
        noise = 1e-10 - (torch.rand_like(p) + 1e-10).log()
        return (p / noise).argmax(-1)


class _Gumbel:
    """log p − log(−log u) in float32, u = 0 kept."""

    def draw(self, p: torch.Tensor, generator: torch.Generator) -> torch.Tensor:  # noqa: ARG002 - rand is replaced
        p = p.float()
        return (p.log() - (-torch.rand_like(p).log()).log()).argmax(-1)


def float32_gumbel() -> str:
    """Rare probabilities drawn over true, for two formulas, all 2^24 uniforms walked."""
    found = []
    for formula in (_Ratio(), _Gumbel()):
        walked = walk(formula)
        numbers = ", ".join(f"{p:.0e} ×{ratio:.3g}" for p, ratio in walked.ratios.items())
        found.append(f"{formula.__doc__.split(',')[0].rstrip('.')}: {numbers}")
    return "; ".join(found)


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())
