"""The step law that minimises the exact total variation, by gradient through the expansion S2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from sharprates.samplers.clock import Clock, clock
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.distance import TotalVariation, deficit, total_variation
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True, eq=False)
class BestSchedule:
    """A step law found by search, beside equal steps.

    Attributes:
        weights: w, float64 [K], sum 1.
        tv: exact TV of the law found.
        equal: exact TV of equal steps.
    """

    weights: Tensor
    tv: TotalVariation
    equal: TotalVariation

    @property
    def steps(self) -> int:
        """K."""
        return int(self.weights.shape[0])

    @property
    def gain(self) -> float | None:
        """TV of equal steps over that of this one; None where this one has no error."""
        return self.equal.value / self.tv.value if self.tv.value > 0 else None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "steps": self.steps,
            "weights": self.weights.tolist(),
            "times": self.times(clock("linear")).tolist(),
            "tv": self.tv._asdict(),
            "equal_steps_tv": self.equal._asdict(),
            "gain": self.gain,
            "label": "local minimum found",
        }

    def times(self, chosen: Clock) -> Tensor:
        """The grid on which ancestral steps have this law: α(t_k) = Σ_{l<k} w_l, [K + 1].

        Raises:
            InputError: if α does not reach 0 on the clock's domain.
        """
        revealed = torch.cat([torch.zeros(1, dtype=torch.float64), self.weights.cumsum(0)])
        times = chosen.inverse(revealed.clamp(max=1.0))
        if not bool(torch.isfinite(times).all()):
            raise InputError(
                f"clock {chosen.name}: its α never reaches 0; name another, e.g. linear"
            )
        times[-1] = 0.0
        return times


def best_schedule(
    table: CompositionTables,
    target: Target,
    steps: int,
    *,
    restarts: int = 2,
    iterations: int = 200,
    seed: int = 0,
) -> BestSchedule:
    """Search the K-step law without leftover whose exact TV is smallest.

    L-BFGS on w = softmax(θ) from equal steps, from laws that grow and shrink linearly, and from
    random ones. TV is piecewise smooth and not convex in w: what is found is a local minimum, never
    worse than equal steps.

    Args:
        table: composition tables of the target and a denoiser, on the support.
        target: the data law.
        steps: K.
        restarts: how many random starts.
        iterations: most of L-BFGS, a start.
        seed: of the random starts.

    Returns:
        The best law found.

    Raises:
        InputError: if K < 1.
        TooLargeError: if the gradient does not fit into memory.

    Source:
        Claim S2.
    """
    if steps < 1:
        raise InputError(f"steps: need K ≥ 1, got {steps}")
    check_memory(16 * steps << target.length, f"the gradient of {steps} steps", "take fewer steps")

    def objective(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        leaf = torch.from_numpy(theta).requires_grad_()
        tv = deficit(table.law(torch.softmax(leaf, 0)), target).sum()
        tv.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        assert leaf.grad is not None
        return float(tv.detach()), leaf.grad.numpy().copy()

    generator = np.random.default_rng(seed)
    place = (np.arange(steps) + 0.5) / steps
    starts = [np.zeros(steps), np.log(place), np.log(1 - place)]
    starts += [generator.normal(size=steps) for _ in range(restarts)]

    equal = total_variation(table.law(StepLaw.equal(steps)), target)
    best = BestSchedule(StepLaw.equal(steps).weights, equal, equal)
    for start in starts if steps > 1 else []:
        found = minimize(
            objective, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations}
        )
        weights = torch.softmax(torch.from_numpy(found.x), 0)
        weights = weights / weights.sum()
        tv = total_variation(table.law(weights), target)
        if tv.value < best.tv.value:
            best = BestSchedule(weights, tv, equal)
    return best
