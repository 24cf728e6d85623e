"""flow_matching (Meta, CC-BY-NC): `MixtureDiscreteEulerSolver` from all masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from flow_matching.path import MixtureDiscreteProbPath
from flow_matching.path.scheduler import PolynomialConvexScheduler
from flow_matching.solver import MixtureDiscreteEulerSolver
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from torch import Tensor

from tests.peers.adapters.bridge import (
    kappa_power,
    probabilities,
    seed_globals,
)


@dataclass(frozen=True)
class FlowMatching:
    """The solver on κ = τ^n with K equal steps.

    Its last step takes the denoiser's sample wherever it is, so the grid of the rule ends one step
    early and what is masked is filled. Carry-over is the denoiser's duty there.

    Attributes:
        rule: what it is held to.
        power: n.
        steps: K.
    """

    rule: str | None = "tau-leaping"
    power: float = 2.0
    steps: int = 4

    @property
    def declaration(self) -> Declaration:
        """τ-leaping at the left end of each step, noise at time 0."""
        times = tuple(1 - k / self.steps for k in range(self.steps))
        return Declaration(
            f"flow_matching MixtureDiscreteEulerSolver, κ = τ^{self.power:g}, K = {self.steps}",
            self.rule,
            kappa_power(self.power),
            times=times,
            last_step="fill",
            time="to 1",
            uniforms="float32",
        )

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """The solver's own loop."""
        seed_globals(generator)
        S = denoiser.vocabulary

        def model(x: Tensor, t: Tensor, **_: Any) -> Tensor:  # noqa: ARG001 - the solver's call
            return denoiser.watch(probabilities(denoiser, x))

        path = MixtureDiscreteProbPath(scheduler=PolynomialConvexScheduler(n=self.power))
        solver = MixtureDiscreteEulerSolver(model=model, path=path, vocabulary_size=S + 1)
        start = torch.full((n, denoiser.length), S)
        found: Tensor = solver.sample(x_init=start, step_size=1 / self.steps)
        return found


sampler = FlowMatching()
linear = FlowMatching(power=1.0)
as_ancestral = FlowMatching(rule="ancestral")
"""Held to the wrong law on purpose: must fail."""
