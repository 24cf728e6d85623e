"""Single numbers about published samplers: `python tests/peers/lines.py NAME` prints one."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.families import family
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.target import Target
from sharprates.verification.conformance.denoiser_table import exact_denoiser
from sharprates.verification.conformance.design import design
from sharprates.verification.conformance.findings import Settings
from sharprates.verification.conformance.known_laws import ByCount, ByHazard
from sharprates.verification.conformance.oracle import Oracle
from sharprates.verification.conformance.uniform_walk import walk

N = 300_000


def counted(rows: torch.Tensor, symbols: int) -> torch.Tensor:
    """How often each sequence occurred, in lexicographic order with the mask as last symbol."""
    d = rows.shape[1]
    codes = (rows * torch.tensor([symbols**i for i in range(d - 1, -1, -1)])).sum(1)
    return torch.bincount(codes, minlength=symbols**d).double()


def flow_matching_rule() -> str:
    """Largest |z| of the cells of {0,1}³ against two laws; and whether κ = τ tells rules apart."""
    from tests.peers.adapters.flow_matching import FlowMatching

    sampler, denoiser = FlowMatching(), exact_denoiser(3, 2, 0)
    generator = torch.Generator().manual_seed(0)
    found = counted(sampler.sample(Oracle(denoiser), N, generator), 3)
    told = []
    for rule in ("tau-leaping", "ancestral"):
        p = ByHazard(rule, "fill").law(denoiser, sampler.declaration)
        possible = p > 0
        z = (found - N * p)[possible] / (N * p * (1 - p))[possible].sqrt()
        told.append(f"{rule} max |z| {float(z.abs().max()):.1f}")
    linear = replace(FlowMatching(power=1.0).declaration, rule="euler")
    same = ByHazard("ancestral", "fill") in design(linear, Settings(others=False)).group(
        ByHazard("euler", "fill")
    )
    coincide = "coincide" if same else "differ"
    return (
        f"κ = τ², K = 4, exact denoiser on {{0,1}}³, n = {N}: {', '.join(told)}; "
        f"with κ = τ Euler and ancestral {coincide}"
    )


def moco_temperature() -> str:
    """One step of MDLM.step from t = 1 to 1/2, uniform over four tokens: how many stay masked."""
    from bionemo.moco.distributions.prior import DiscreteMaskedPrior
    from bionemo.moco.distributions.time import UniformTimeDistribution
    from bionemo.moco.interpolants import MDLM
    from bionemo.moco.schedules.noise.continuous_noise_transforms import LogLinearExpNoiseTransform

    found = []
    for temperature in (1.0, 0.5):
        one = MDLM(
            UniformTimeDistribution(),
            DiscreteMaskedPrior(num_classes=5),
            LogLinearExpNoiseTransform(),
            rng_generator=torch.Generator().manual_seed(0),
        )
        x = torch.full((N, 1), 4)
        t, dt = torch.ones(N), torch.full((N,), 0.5)
        after = one.step(torch.zeros(N, 1, 5), t, x, dt, temperature=temperature)
        found.append(f"T = {temperature:g}: {float((after == 4).double().mean()):.4f} still masked")
    return "; ".join(found) + f" (n = {N}; 0.5000 is right at any T)"


def low_confidence() -> str:
    """Exact TV of LLaDA's low_confidence law to the model's, exact denoiser; how it varies."""

    def tv(target: Target, count: int = 1) -> float:
        sampler = KeptDraws(target.length, count)
        return total_variation(sampler.law(target, ExactDenoiser(target)), target).value

    found = []
    for text in ("dirichlet:3:2", "markov:3:1/3,2/3:9/10,1/10:1/20,19/20"):
        found.append(f"{text}: TV {tv(family(text)):.4f}")
    for spread in ("1", "0.1"):
        values = sorted(tv(family(f"dirichlet:3:2:{spread}:{seed}")) for seed in range(200))
        low, middle, high = values[0], values[100], values[-1]
        found.append(
            f"200 laws dirichlet:3:2:{spread}:seed: {low:.3f} to {high:.3f}, median {middle:.3f}"
        )
    alternating = Target.from_rows([[0, 1, 0, 1], [1, 0, 1, 0]], [1, 1], 2, name="ABAB or BABA")
    steps = ", ".join(f"{count} a step TV {tv(alternating, count):.4f}" for count in (1, 2))
    return "; ".join([*found, f"{alternating.name}: {steps}"])


def llada_remasking() -> str:
    """TV of LLaDA's own samples, three binary tokens, one a step, to the exact denoiser's law."""
    from tests.peers.adapters.checkouts import LLaDA

    denoiser, told = exact_denoiser(3, 2, 0), []
    for remasking, rule, known in (
        ("random", "first-hitting", ByCount("uniform")),
        ("low_confidence", "confidence:drawn", ByCount("drawn")),
    ):
        sampler = LLaDA(remasking, rule)
        generator = torch.Generator().manual_seed(0)
        found = counted(sampler.sample(Oracle(denoiser), N, generator), 3) / N
        model, own = (one.law(denoiser, sampler.declaration) for one in (ByCount("uniform"), known))
        to_model, to_own = (float((found - p).abs().sum()) / 2 for p in (model, own))
        told.append(
            f"{remasking}: TV {to_model:.4f} to the model's law, "
            f"{to_own:.4f} to {known.label} exactly"
        )
    return f"{'; '.join(told)} (plug-in, n = {N})"


WORDS = re.compile(r"bincount|histogram|chisq|chi2|kstest|multinomial|total_variation|wasserstein")


def test_suites() -> str:
    """Test files of projects that count samples at all, by the words they would need for it."""
    told = []
    for variable in SUITES:
        root = Path(os.environ[variable])
        files = [*root.rglob("test*.py"), *root.rglob("*_test.py")]
        texts = {one: one.read_text(encoding="utf-8", errors="replace") for one in files}
        tests = sum(len(re.findall(r"^\s*def test", text, re.M)) for text in texts.values())
        hits = sorted(
            str(one.relative_to(root)) for one, text in texts.items() if WORDS.search(text)
        )
        name = variable.removeprefix("SHARPRATES_").lower()
        told.append(f"{name}: {tests} tests, {', '.join(hits) if hits else 'no file'}")
    return "; ".join(told)


SUITES = ("SHARPRATES_FLOW_MATCHING", "SHARPRATES_HACKABLE_DIFFUSION", "SHARPRATES_DLLM")


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
