"""Clocks α(t) of the forward process, and time grids on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sharprates.samplers.errors import InputError, check_known, check_memory
from torch import Tensor

Curve = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Clock:
    """The probability α(t) that a token is still unmasked at time t; α(0) = 1, decreasing.

    Attributes:
        name: as a user writes it, e.g. ``polynomial:2``.
        alpha: α, float64 tensor to tensor.
        masked: 1−α, accurate also near t = 0.
        speed: −α′.
        inverse: the time at which α has the given value.
        end: end of the domain; infinite for the constant-rate clock.
    """

    name: str
    alpha: Curve
    masked: Curve
    speed: Curve
    inverse: Curve
    end: float

    @staticmethod
    def from_alpha(name: str, alpha: Curve, end: float) -> Clock:
        """A clock from α alone; its derivative by autograd, its inverse by bisection.

        Args:
            name: what a report calls it.
            alpha: differentiable float64 torch function with α(0) = 1, decreasing on [0, end].
            end: end of its domain, finite and positive.

        Raises:
            InputError: if α(0) ≠ 1, or α is not decreasing on a grid of its domain.
        """
        if not 0 < end < math.inf:
            raise InputError(f"clock {name}: end must be positive and finite, got {end}")
        probe = alpha(torch.linspace(0, end, 1001, dtype=torch.float64))
        if not abs(float(probe[0]) - 1) <= 1e-12:
            raise InputError(f"clock {name}: α(0) must be 1, got {float(probe[0])!r}")
        falls = bool((probe.diff() <= 0).all())  # False where α is not a number
        if not falls or float(probe[-1]) < 0 or float(probe[-1]) >= 1:
            raise InputError(f"clock {name}: α must decrease from 1 and stay ≥ 0 on [0, {end}]")

        def speed(t: Tensor) -> Tensor:
            with torch.enable_grad():
                leaf = t.detach().clone().requires_grad_()
                (slope,) = torch.autograd.grad(alpha(leaf).sum(), leaf)
            return -slope

        def inverse(a: Tensor) -> Tensor:
            low, high = torch.zeros_like(a), torch.full_like(a, end)
            for _ in range(100):  # halves a float64 interval until nothing is left of it
                middle = (low + high) / 2
                late = alpha(middle) < a
                low, high = torch.where(late, low, middle), torch.where(late, middle, high)
            return (low + high) / 2

        return Clock(name, alpha, lambda t: 1 - alpha(t), speed, inverse, end)

    @staticmethod
    def begun_before(name: str, alpha: Curve, end: float, lead: float = 1.0) -> Clock:
        """The clock of a noise with α(0) < 1: from 1 it falls to that in a time before.

        A sampler's steps are as they were, at times that are later by the lead. To divide α by α(0)
        would change them: a hazard is a fraction of 1 − α.

        Args:
            name: what a report calls it.
            alpha: differentiable float64 torch function, decreasing on [0, end].
            end: end of its domain.
            lead: the time before, positive.

        Raises:
            InputError: if the lead is not positive, or α is not as it must be.
        """
        if not 0 < lead < math.inf:
            raise InputError(f"clock {name}: lead must be positive and finite, got {lead}")
        first = float(alpha(torch.zeros(1, dtype=torch.float64)))

        def whole(t: Tensor) -> Tensor:
            early = 1 - (1 - first) * t / lead
            return torch.where(t < lead, early, alpha((t - lead).clamp(min=0)))

        return Clock.from_alpha(name, whole, lead + end)


def _geometric(low: float, high: float, name: str) -> Clock:
    ratio = math.log(high / low)

    def noise(t: Tensor) -> Tensor:  # σ(t) − σ(0)
        return low * torch.expm1(ratio * t)

    return Clock(
        name,
        alpha=lambda t: torch.exp(-noise(t)),
        masked=lambda t: -torch.expm1(-noise(t)),
        speed=lambda t: ratio * low * torch.exp(ratio * t - noise(t)),
        inverse=lambda a: torch.log1p(-torch.log(a) / low) / ratio,
        end=1.0,
    )


def _versine(t: Tensor) -> Tensor:
    """1 − cos(πt/2) on [0, 1], accurate near 0 and exactly 1 at 1."""
    half = math.pi / 2
    return torch.where(t < 0.5, 2 * torch.sin(half * t / 2) ** 2, 1 - torch.sin(half * (1 - t)))


CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:p", "geometric:σ0:σ1")


def clock(name: str) -> Clock:
    """The clock that a user names.

    Args:
        name: one of `CLOCKS`, with numbers in place of letters; ``geometric`` alone is
            ``geometric:1e-4:20``.

    Raises:
        InputError: if there is no such clock or a parameter is out of range.
    """
    kind, *texts = name.split(":")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        raise InputError(f"clock {name!r}: parameters after ':' must be numbers") from None
    half = math.pi / 2
    if kind == "constant" and not numbers:
        return Clock(
            name,
            alpha=lambda t: torch.exp(-t),
            masked=lambda t: -torch.expm1(-t),
            speed=lambda t: torch.exp(-t),
            inverse=lambda a: -torch.log(a),
            end=math.inf,
        )
    if kind == "linear" and not numbers:
        return Clock(
            name,
            alpha=lambda t: 1 - t,
            masked=lambda t: t.clone(),
            speed=torch.ones_like,
            inverse=lambda a: 1 - a,
            end=1.0,
        )
    if kind == "cosine" and not numbers:
        # α(1) is cos(π/2), which float64 would not round to 0: sin(π(1−t)/2) does.
        return Clock(
            name,
            alpha=lambda t: torch.sin(half * (1 - t)),
            masked=lambda t: _versine(t),
            speed=lambda t: half * torch.sin(half * t),
            inverse=lambda a: 1 - torch.asin(a) / half,
            end=1.0,
        )
    if kind == "cosine-late" and not numbers:
        return Clock(
            name,
            alpha=lambda t: _versine(1 - t),
            masked=lambda t: torch.sin(half * t),
            speed=lambda t: half * torch.cos(half * t),
            inverse=lambda a: torch.asin(1 - a) / half,
            end=1.0,
        )
    if kind == "polynomial" and len(numbers) == 1 and 0 < numbers[0] < math.inf:
        p = numbers[0]
        return Clock(
            name,
            alpha=lambda t: 1 - t**p,
            masked=lambda t: t**p,
            speed=lambda t: p * t ** (p - 1),
            inverse=lambda a: (1 - a) ** (1 / p),
            end=1.0,
        )
    if kind == "geometric" and not numbers:
        return _geometric(1e-4, 20.0, name)
    if kind == "geometric" and len(numbers) == 2 and 0 < numbers[0] < numbers[1] < math.inf:
        return _geometric(numbers[0], numbers[1], name)
    more = "; p > 0, 0 < σ0 < σ1"
    check_known("clock", kind, [one.split(":")[0] for one in CLOCKS])
    raise InputError(f"clock {name!r} is unknown: use one of {', '.join(CLOCKS)}{more}")


def default_horizon(chosen: Clock, length: int) -> float:
    """The horizon T where a user names none: the domain's end, or log(100 d) without one."""
    return chosen.end if math.isfinite(chosen.end) else math.log(100 * length)


GRIDS = ("uniform", "alpha", "logsnr", "exp-const")


def grid(name: str, chosen: Clock, steps: int, horizon: float, delta: float = 0.0) -> Tensor:
    """Times T = t_0 > … > t_K = δ of a sampler.

    Args:
        name: one of `GRIDS`.
        chosen: the clock.
        steps: K ≥ 1.
        horizon: T, within the clock's domain.
        delta: δ, 0 ≤ δ < T.

    Returns:
        float64 [K + 1], decreasing.

    Raises:
        InputError: if an argument is out of range for this grid and clock.
        TooLargeError: if so many times do not fit into memory.
    """
    if steps < 1:
        raise InputError(f"steps: need K ≥ 1, got {steps}")
    check_known("grid", name, GRIDS, ", or give times")
    check_memory(32 * steps, f"a grid of {steps} steps", "take fewer steps")
    if not 0 < horizon < math.inf:
        raise InputError(f"horizon: need 0 < T < ∞, got {horizon}")
    if horizon > chosen.end:
        raise InputError(f"horizon: clock {chosen.name} ends at {chosen.end:g}, got {horizon:g}")
    if not 0 <= delta < horizon:
        raise InputError(f"delta: need 0 ≤ δ < T = {horizon:g}, got {delta:g}")
    fraction = torch.arange(steps + 1, dtype=torch.float64) / steps
    ends = torch.tensor([horizon, delta], dtype=torch.float64)
    if name == "uniform":
        times = horizon + (delta - horizon) * fraction
    elif name == "alpha":
        first, last = chosen.alpha(ends).tolist()
        times = chosen.inverse(first + (last - first) * fraction)
    elif name == "logsnr":
        odds = chosen.alpha(ends) / chosen.masked(ends)
        if not (float(odds[0]) > 0 and math.isfinite(float(odds[1]))):
            raise InputError(
                "grid logsnr: needs 0 < α < 1 at both ends; set δ > 0, and T inside the domain"
            )
        first, last = odds.log().tolist()
        times = chosen.inverse(torch.sigmoid(first + (last - first) * fraction))
    elif name == "exp-const":
        if delta == 0:
            raise InputError("grid exp-const: needs δ > 0; set --delta")
        times = _exp_const(steps, horizon, delta)
    else:
        raise AssertionError(f"grid {name} has no formula")
    times = times.clone()
    times[0], times[-1] = horizon, delta
    return check_times(times, chosen)


def _exp_const(steps: int, horizon: float, delta: float) -> Tensor:
    """Step sizes c·min(1, t), with the c in (0, max(1, T)) that ends K steps from T at δ."""

    def end(c: float) -> float:
        # Steps of size c as long as t > 1, then factors 1 − c.
        flat = min(steps, math.ceil((horizon - 1) / c)) if horizon > 1 else 0
        return max(0.0, horizon - flat * c) * max(0.0, 1 - c) ** (steps - flat)

    low, high = 0.0, max(1.0, horizon)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if end(middle) > delta else (low, middle)
    times = [horizon]
    for _ in range(steps):
        times.append(times[-1] - low * min(1.0, times[-1]))
    return torch.tensor(times, dtype=torch.float64)


def check_times(times: Tensor, chosen: Clock) -> Tensor:
    """Check explicit times of a grid: decreasing, within the clock's domain.

    Args:
        times: [K + 1].
        chosen: the clock.

    Returns:
        The times as float64.

    Raises:
        InputError: naming the first time that is out of order or domain.
    """
    t = times.to(torch.float64)
    if t.ndim != 1 or t.numel() < 2:
        raise InputError(f"times: need K + 1 ≥ 2 of them, got shape {list(t.shape)}")
    if not bool(torch.isfinite(t).all()) or float(t[-1]) < 0 or float(t[0]) > chosen.end:
        raise InputError(f"times: must lie in [0, {chosen.end:g}], the domain of {chosen.name}")
    if bool((t.diff() >= 0).any()):
        where = int((t.diff() >= 0).nonzero()[0])
        raise InputError(
            f"times: must decrease strictly, but t_{where} = {float(t[where]):g} is followed by "
            f"{float(t[where + 1]):g}; take fewer steps or other ends"
        )
    return t
