"""Total variation between the output law of a sampler and the data law."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import UNIT, OutputLaw
from sharprates.samplers.target import Target
from torch import Tensor


class TotalVariation(NamedTuple):
    """A total variation distance and a bound on its absolute error."""

    value: float
    error: float


class Divergence(NamedTuple):
    """KL(q_0‖p_out) in nats and a bound on its absolute error; both are infinite together."""

    value: float
    error: float


def on_rows(law: OutputLaw, target: Target) -> Tensor:
    """The target's probability of each sequence that the law lists.

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        float64 [N], on the device of the law.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    d, S = target.length, target.vocabulary
    same = law.rows.shape[1] == d and law.vocabulary == S
    if same and law.dense:
        powers = S ** torch.arange(d - 1, -1, -1)
        q = torch.zeros(S**d, dtype=torch.float64)
        q[(target.rows * powers).sum(1)] = target.weights
    elif same and torch.equal(law.rows.cpu(), target.rows):
        q = target.weights
    else:
        raise InputError(
            f"law: it does not list the support of target {target.name!r}; "
            "compute it for this target, or with rows='all'"
        )
    return q.to(law.probability.device)


def deficit(law: OutputLaw, target: Target) -> Tensor:
    """(q_0(x) − p_out(x))_+ on each listed row; their sum is TV, differentiable (S5).

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        float64 [N], carrying the law's gradient.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    return (on_rows(law, target) - law.probability).clamp(min=0)


def total_variation(law: OutputLaw, target: Target) -> TotalVariation:
    """TV(p_out, q_0), masks that are left over counting as wrong. Source: S5.

    On a support-only law it is Σ_{x ∈ supp q_0} (q_0 − p_out)_+. On a dense law it is
    ½(Σ_x |p_out − q_0| + mass of p_out outside [S]^d): another formula for the same number.

    Error: a sum of (q − p)_+, or of |q − p|/2, moves by at most the law's own error; the target's
    float weights miss sum 1 by a number that is measured; one rounding each for the differences,
    for the sum (`math.fsum` rounds once), and for the final formula.

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        The distance and a bound on its absolute error.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    missing = abs(1 - math.fsum(target.weights.tolist()))
    error = law.error + missing + 4 * UNIT
    if not law.dense:
        return TotalVariation(math.fsum(deficit(law, target).tolist()), error)
    p = law.probability.detach()
    distance = math.fsum((p - on_rows(law, target)).abs().tolist())
    return TotalVariation((distance + max(0.0, 1 - law.total)) / 2, error)


def divergence(law: OutputLaw, target: Target) -> Divergence:
    """KL(q_0‖p_out), infinite where a sequence of the data is never put out.

    Error: a logarithm moves by at most r/(1−r) where its argument moves by a relative r; one
    rounding each for the quotient, the logarithm and the product, and what float weights miss.

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    q, p = on_rows(law, target), law.probability.detach()
    q, p = q[q > 0], p[q > 0]
    if bool((p == 0).any()):
        return Divergence(math.inf, math.inf)
    logs = (q.log() - p.log()).tolist()
    weights = q.tolist()
    terms = [weight * log for weight, log in zip(weights, logs, strict=True)]
    sizes = (abs(math.log(a)) for a in (*weights, *p.tolist()))
    rounded = 4 * UNIT * (1 + max(sizes))
    relative = law.relative_error / (1 - law.relative_error) if law.relative_error < 1 else math.inf
    missing = abs(1 - math.fsum(weights)) * max(map(abs, logs))
    error = relative + rounded + missing
    return Divergence(math.fsum(terms), error if math.isfinite(error) else math.inf)
