"""Which step of a proof loses how much: the proof of E5, one inequality at a time.

    TV(p_out, q_0) = E (1 − p_out/q_0)_+
      ≤ E (1 − e^{−Z_+})               Jensen over the allocation of tokens to steps
      ≤ E (1 − e^{−Z'})                the positive part taken term by term, Z ≤ Z'
      ≤ 1 − exp(−E Z')                 concavity over x: E5's first form
      ≤ 1 − exp(−d·TV(N,Unif)·log S)   h_m ≤ log S: E5's second form
      ≤ E7                             the closed form of TV(N, Unif), equal steps with K ≥ d

The same with log S replaced by Ī + √(Ī/2) stands beside it. Source: E5, E7.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import rank_excess
from sharprates.theory.registry import CLAIMS
from sharprates.verification.profile import marginals

STEPS: Mapping[str, str] = {
    "tv": "exact TV",
    "jensen": "Jensen over allocations",
    "positive_part": "positive part, term by term",
    "concavity": "concavity over x (E5, entropies)",
    "vocabulary": "h_m ≤ log S (E5)",
    "closed_form": "closed form of TV(N, Unif) (E7)",
}
"""The inequalities in the order of the proof, for a reader."""


@dataclass(frozen=True)
class Losses:
    """The value after each step of the proof of E5, on one law; they ascend.

    Attributes:
        target: name of the law.
        steps: K.
        tv: TV(p_out, q_0).
        jensen: E(1 − e^{−Z_+}).
        positive_part: E(1 − e^{−Z'}).
        concavity: 1 − exp(−E Z').
        vocabulary: with log S for every h_m.
        closed_form: E7's log S form; None unless the law is uniform with K ≥ d.
        transport: the bound with Ī + √(Ī/2), another end of the proof.
    """

    target: str
    steps: int
    tv: float
    jensen: float
    positive_part: float
    concavity: float
    vocabulary: float
    closed_form: float | None
    transport: float

    def values(self) -> dict[str, float]:
        """Step → value, in the order of the proof."""
        found = {name: getattr(self, name) for name in STEPS}
        return {name: value for name, value in found.items() if value is not None}

    def factors(self) -> dict[str, float]:
        """Step → the factor that it loses; 1 where the value before it is 0."""
        values = self.values()
        names = list(values)
        return {
            after: values[after] / values[before] if values[before] > 0 else 1.0
            for before, after in itertools.pairwise(names)
        }


def losses(target: Target, law: StepLaw, known: CompositionTables | None = None) -> Losses:
    """Evaluate the proof of E5 on a law, one inequality at a time.

    Args:
        target: the data law, d up to some 12.
        law: a step law without leftover.
        known: its composition tables under the exact denoiser, if they are there already.

    Raises:
        InputError: if masks are left over.
    """
    if law.leftover > 0:
        raise InputError("losses: the proof of E5 is taken apart for step laws without leftover")
    d, q = target.length, target.weights
    held = tables(target, ExactDenoiser(target)) if known is None else known
    tv = total_variation(held.law(law), target).value

    # mean of log q_0(x_U) over |U| = m, for each row; Σ_i ℓ^i_m = d·(mean_{m+1} − mean_m)
    sizes = torch.tensor([subset.bit_count() for subset in range(2**d)])
    ways = torch.tensor([float(math.comb(d, m)) for m in range(d + 1)])
    by_size = torch.zeros((d + 1, target.support), dtype=torch.float64)
    by_size.index_add_(0, sizes, marginals(target).log())
    ell = d * (by_size / ways[:, None]).diff(dim=0)  # [d, N], at most 0

    weights = law.weights.tolist()
    excess = torch.tensor(rank_excess(FLOAT, d, weights), dtype=torch.float64)
    z = -(excess[:, None] * ell).sum(0)
    termwise = -(excess.clamp(min=0)[:, None] * ell).sum(0)
    curve = [max(float(x), 0.0) for x in (-(ell @ q) / d)]
    values: dict[str, Any] = {
        "d": d,
        "S": target.vocabulary,
        "K": law.steps,
        "w": weights,
        "h": curve,
        "I_bar": max(curve[0] - curve[-1], 0.0),
    }
    uniform = max(abs(w * law.steps - 1) for w in weights) < 1e-12
    return Losses(
        target=target.name,
        steps=law.steps,
        tv=tv,
        jensen=float(q @ -torch.expm1(-z.clamp(min=0))),
        positive_part=float(q @ -torch.expm1(-termwise)),
        concavity=CLAIMS["E5"].value(values, FLOAT, variant="entropy"),
        vocabulary=CLAIMS["E5"].value(values, FLOAT, variant="vocabulary"),
        closed_form=(
            CLAIMS["E7"].value(values, FLOAT, variant="vocabulary")
            if uniform and law.steps >= d
            else None
        ),
        transport=CLAIMS["E5"].value(values, FLOAT, variant="transport"),
    )


def scan(targets: Sequence[Target], steps: Sequence[int]) -> list[Losses]:
    """The losses of equal steps on several data laws.

    Args:
        targets: the laws.
        steps: numbers of steps K.
    """
    found = []
    for target in targets:
        known = tables(target, ExactDenoiser(target))
        found += [losses(target, StepLaw.equal(K), known) for K in steps]
    return found
