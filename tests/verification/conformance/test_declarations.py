"""Ten usual samplers, each in a few lines: right by what the page declares for it, and wrong."""

import importlib
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import Outcome, Settings
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

SETTINGS = Settings(rows=8_000, walk=False)
EPS = 1e-3


def declarations() -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parents[3]))
    try:
        return importlib.import_module("book.examples.ten_declarations")
    finally:
        sys.path.pop(0)


Sample = Callable[[OracleDenoiser, int, torch.Generator, bool], Tensor]


def uniform(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def drawn(p: Tensor, generator: torch.Generator) -> Tensor:
    """By the largest p / Exp(1)."""
    return (p / -uniform(p.shape, generator).log()).argmax(-1)


def mdlm(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
    """Subs parametrisation, `_ddpm_update` and the removal of noise at the end."""
    S, times = denoiser.vocabulary, torch.linspace(1, 1e-5, 4, dtype=torch.float64).tolist()
    x = torch.full((n, denoiser.length), S)
    for t, s in pairwise(times):
        move_t, move_s = (1 - EPS) * t, (1 - EPS) * s
        p = denoiser(x, -math.log(1 - move_t))
        stay = torch.full_like(p[..., :1], move_t if wrong else move_s)
        q = torch.cat([p * (move_t - move_s), stay], -1).float()
        noise = 1e-10 - (torch.rand(q.shape, generator=generator) + 1e-10).log()
        x = torch.where(x == S, (q / noise).argmax(-1), x)
    return torch.where(x == S, denoiser(x, -math.log(1 - (1 - EPS) * times[-1])).argmax(-1), x)


def sedd(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
    """Scores, the Euler predictor, and the denoiser at the end."""
    S, times = denoiser.vocabulary, torch.linspace(1, 1e-5, 4, dtype=torch.float64).tolist()
    x = torch.full((n, denoiser.length), S)
    for t, s in pairwise(times):
        sigma = -math.log(1 - (1 - EPS) * t)
        dsigma = (1 - EPS) / (1 - (1 - EPS) * t)
        score = denoiser(x, sigma) / math.expm1(sigma)
        rate = (t - s) * (1.0 if wrong else dsigma) * score
        stay = (1 - rate.sum(-1, keepdim=True)).clamp(min=0)
        x = torch.where(x == S, drawn(torch.cat([rate, stay], -1), generator), x)
    last = denoiser(x, -math.log(1 - (1 - EPS) * times[-1]))
    return torch.where(x == S, drawn(last, generator), x)


def gumbel(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """LLaDA's `add_gumbel_noise` and argmax."""
    if temperature == 0:
        return logits.argmax(-1)
    noise = (-uniform(logits.shape, generator).log()) ** temperature
    return (logits.exp() / noise).argmax(-1)


def llada(kind: str, temperature: float, count: int, block: int | None) -> Sample:
    """LLaDA's `generate`: block by block after the prompt, so many tokens a step."""

    def sample(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
        S, x = denoiser.vocabulary, denoiser.prompt.repeat(n, 1)
        first = int((denoiser.prompt < S).sum())
        length = block or denoiser.length
        for start in range(first, denoiser.length, length):
            while bool((x[:, start : start + length] == S).any()):
                logits = denoiser.logits(x)
                values = gumbel(logits, temperature, generator)
                p = torch.softmax(logits / (temperature or 1) if wrong else logits, -1)
                sure = p.gather(-1, values[..., None]).squeeze(-1)
                if kind == "random":
                    sure = uniform(x.shape, generator)
                    sure = sure[:1].expand(x.shape) if wrong else sure
                if not (wrong and block):
                    sure[:, start + length :] = -math.inf
                sure = torch.where(x == S, sure, -math.inf)
                if wrong and block:
                    values = torch.where(torch.arange(denoiser.length) < first, x, values)
                k = min(count, int((x[0, start : start + length] == S).sum()) or 1)
                places = sure.topk(k, 1).indices
                x = x.scatter(1, places, values.gather(1, places))
        return x

    return sample


def fast_dllm(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:  # noqa: ARG001 - it draws nothing
    """Of each block all tokens that are sure enough, or the surest one."""
    S, d = denoiser.vocabulary, denoiser.length
    x = torch.full((n, d), S)
    for start in range(0, d, 2):
        block = (torch.arange(d) >= start) & (torch.arange(d) < start + 2)
        while bool((x[:, block] == S).any()):
            sure, values = denoiser(x).max(-1)
            sure = torch.where((x == S) & (block | wrong), sure, -1.0)
            best = torch.arange(d) == sure.argmax(1, keepdim=True)
            x = torch.where((x == S) & (sure > -1) & (best | (sure >= 0.6)), values, x)
    return x


def entropy_bounded(
    denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool
) -> Tensor:
    """Sorted by entropy, as many as the sum without the largest, the last one, stays below."""
    S = denoiser.vocabulary
    x = torch.full((n, denoiser.length), S)
    while bool((x == S).any()):
        p = denoiser(x)
        entropy = torch.where(x == S, -(p * p.log()).sum(-1), math.inf)
        ordered, places = entropy.sort(1)
        spent = ordered.cumsum(1) if wrong else ordered.cumsum(1) - ordered
        spent[:, 0] = 0
        taken = (spent <= 0.5) & ordered.isfinite()
        taken = torch.zeros_like(taken).scatter(1, places, taken)
        x = torch.where(taken, drawn(p, generator), x)
    return x


def remdm(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
    """Revealed tokens are masked again with a capped chance, for which unmasking makes up."""
    S, K = denoiser.vocabulary, 3
    x = torch.full((n, denoiser.length), S)
    for k in range(K):
        alpha_t, alpha_s = k / K, (k + 1) / K
        again = min(0.3, (1 - alpha_s) / alpha_t) if k else 0.0
        reveal = (alpha_s - (1 - again * (not wrong)) * alpha_t) / (1 - alpha_t)
        values, u = drawn(denoiser(x), generator), uniform(x.shape, generator)
        x = torch.where(x == S, torch.where(u < reveal, values, S), torch.where(u < again, S, x))
    return x


def bd3_lm(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
    """Block by block, one token at a time in a random order."""
    S, d = denoiser.vocabulary, denoiser.length
    x = torch.full((n, d), S)
    for start in range(0, d, 2):
        for _ in range(2):
            score = uniform(x.shape, generator)
            score = -torch.arange(d).expand(n, d).double() if wrong else score
            score[:, :start] = score[:, start + 2 :] = -math.inf
            place = torch.where(x == S, score, -math.inf).argmax(1, keepdim=True)
            x = x.scatter(1, place, drawn(denoiser(x), generator).gather(1, place))
    return x


def own(denoiser: OracleDenoiser, n: int, generator: torch.Generator, wrong: bool) -> Tensor:
    """The first token, then all others at once."""
    x = torch.full((n, denoiser.length), denoiser.vocabulary)
    values = drawn(denoiser(x), generator)
    x[:, 0] = values[:, 0]
    if not wrong:
        values = drawn(denoiser(x), generator)
    return torch.where(x == denoiser.vocabulary, values, x)


SAMPLERS: dict[str, Sample] = {
    "MDLM": mdlm,
    "SEDD": sedd,
    "LLADA_RANDOM": llada("random", 0.7, 2, None),
    "LLADA_LOW_CONFIDENCE": llada("low_confidence", 0.7, 1, None),
    "LLADA_BLOCKS": llada("low_confidence", 0, 1, 2),
    "FAST_DLLM": fast_dllm,
    "EB": entropy_bounded,
    "REMDM": remdm,
    "BD3_LM": bd3_lm,
    "OWN": own,
}
CHECKS = tuple(SAMPLERS)


class Published:
    """One of them."""

    def __init__(self, name: str, wrong: bool, **changes: object) -> None:
        self.declaration: Declaration = replace(getattr(declarations(), name), **changes)
        self._sample, self.wrong = SAMPLERS[name], wrong

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        return self._sample(denoiser, n, generator, self.wrong)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_right_one_conforms(name: str, ledger: Ledger) -> None:
    found = check(Published(name, wrong=False), ledger.take(name), SETTINGS)
    assert found.outcome is Outcome.CONFORMS, str(found)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_wrong_one_fails(name: str) -> None:
    found = check(Published(name, wrong=True), settings=SETTINGS)
    assert found.outcome is Outcome.FAILS, str(found)
