"""Denoisers with a known defect, made from any other: small errors, cut tails, false zeros, drift.

Each is a pure function of its base's prediction. What it returns in float64 is the denoiser: no
rounding error is stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from sharprates.samplers.changed import ChangedDenoiser
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import TemperedDenoiser
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Uniform:
    """Knows nothing: 1/S for every symbol.

    Attributes:
        vocabulary: S.
    """

    vocabulary: int

    time_free = True
    normalised = True

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        count = tuple(x.shape) if positions is None else tuple(positions[0].shape)
        shape = (*count, self.vocabulary)
        return torch.full(shape, 1 / self.vocabulary, dtype=torch.float64, device=x.device)


@dataclass(frozen=True, eq=False)
class Perturbed(ChangedDenoiser):
    """A base whose prediction is changed; a subclass says how by `change` or by its own call."""

    def change(self, p: Tensor) -> Tensor:
        """What it makes of the base's prediction, [..., S]."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Mixed(Perturbed):
    """(1−η)·base + η·other: an L1 error of at most 2η at every context.

    Attributes:
        other: e.g. `Uniform`.
        share: η in [0, 1].
    """

    other: Denoiser
    share: float

    def __post_init__(self) -> None:
        _check_share(self.share)
        if self.other.vocabulary != self.base.vocabulary:
            raise InputError(
                f"other: its vocabulary is {self.other.vocabulary}, the base's "
                f"{self.base.vocabulary}"
            )

    @property
    def time_free(self) -> bool:
        """Whether neither of the two depends on t."""
        return self.base.time_free and self.other.time_free

    @property
    def normalised(self) -> bool:
        """Whether both are."""
        return self.base.normalised and self.other.normalised

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        p, q = self.base(x, t, positions), self.other(x, t, positions)
        return (1 - self.share) * p + self.share * q


@dataclass(frozen=True, eq=False)
class Drifting(Mixed):
    """`Mixed` with the share η·t/(1+t): good near the data, worse the more is masked."""

    @property
    def time_free(self) -> bool:
        """Only if nothing is mixed in."""
        return self.share == 0 and super().time_free

    def variation(self, early: float, late: float) -> float:
        """Of two time-free denoisers mixed in a share that rises; see `samplers.denoiser`."""
        return self.share * (1 / (1 + early) - 1 / (1 + late))

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        if t is None and not self.time_free:
            raise InputError("t: this denoiser depends on time; give it one")
        p, q = self.base(x, t, positions), self.other(x, t, positions)
        time = torch.as_tensor(0.0 if t is None else t, dtype=torch.float64, device=x.device)
        share = self.share * time / (1 + time)
        if share.ndim:  # a time for each row of x
            share = share if positions is None else share[positions[0]]
            share = share.view(-1, *[1] * (p.ndim - 1))
        return (1 - share) * p + share * q


@dataclass(frozen=True, eq=False)
class Leaking(Perturbed):
    """Mass η moved to symbols that the base calls impossible, in equal parts; none, none moved.

    Attributes:
        share: η in [0, 1].
        at_start: only where nothing is revealed yet.

    Source: H3, where it attains the bound H2.
    """

    share: float
    at_start: bool = False

    def __post_init__(self) -> None:
        _check_share(self.share)

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        p = self.base(x, t, positions)
        impossible = p == 0
        count = impossible.sum(-1, keepdim=True)
        share = self.share * (count > 0).to(p.dtype)
        if self.at_start:
            empty = (x == self.vocabulary).all(1)
            empty = empty if positions is None else empty[positions[0]]
            share = share * empty.view(-1, *[1] * (p.ndim - 1))
        total = p.sum(-1, keepdim=True)
        return (1 - share) * p + share * total * impossible / count.clamp(min=1)


@dataclass(frozen=True, eq=False)
class TopK(Perturbed):
    """The k most likely symbols, normalised; of equal ones the smaller symbol comes first.

    Attributes:
        count: k ≥ 1.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"count: must be at least 1, got {self.count}")

    @property
    def normalised(self) -> bool:
        """True."""
        return True

    def change(self, p: Tensor) -> Tensor:
        order = torch.sort(p, dim=-1, descending=True, stable=True).indices[..., : self.count]
        return _normal(torch.zeros_like(p).scatter(-1, order, p.gather(-1, order)))


@dataclass(frozen=True, eq=False)
class Forbidding(Perturbed):
    """Probability 0 for one symbol, normalised; uniform on the others where the base is sure of it.

    Attributes:
        symbol: in 0..S−1; S ≥ 2.
    """

    symbol: int

    def __post_init__(self) -> None:
        S = self.base.vocabulary
        if not (0 <= self.symbol < S and S >= 2):
            raise InputError(f"symbol: needs one of 0..{S - 1} with S ≥ 2, got {self.symbol}")

    @property
    def normalised(self) -> bool:
        """True."""
        return True

    def change(self, p: Tensor) -> Tensor:
        allowed = torch.ones(self.vocabulary, dtype=p.dtype, device=p.device)
        allowed[self.symbol] = 0
        rest = p * allowed
        return _normal(torch.where(rest.sum(-1, keepdim=True) > 0, rest, allowed))


@dataclass(frozen=True, eq=False)
class Scaled(Perturbed):
    """Scores instead of probabilities: symbol a times factor_a, so that a total may be anything.

    With factors above 1 the total jump rate exceeds the hazard of the exact process, and a step may
    ask for more than probability 1.

    Attributes:
        factors: one for all symbols, or S of them; finite, not negative.
    """

    factors: float | tuple[float, ...]

    def __post_init__(self) -> None:
        given = self.factors if isinstance(self.factors, tuple) else (self.factors,)
        if len(given) not in (1, self.base.vocabulary):
            raise InputError(f"factors: need 1 or {self.base.vocabulary} of them, got {len(given)}")
        if not all(0 <= factor < math.inf for factor in given):
            raise InputError(f"factors: must be finite and not negative, got {given}")

    @property
    def normalised(self) -> bool:
        """False."""
        return False

    def change(self, p: Tensor) -> Tensor:
        return p * torch.tensor(self.factors, dtype=p.dtype, device=p.device)


@dataclass(frozen=True, eq=False)
class Switching:
    """One denoiser after another: the first at time 0, the next one after each jump.

    Attributes:
        parts: one more than jumps, or one alone.
        jumps: times, rising.
    """

    parts: tuple[Denoiser, ...]
    jumps: tuple[float, ...]

    time_free = False
    normalised = True

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.parts[0].vocabulary

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        time = torch.as_tensor(t, dtype=torch.float64).contiguous()
        which = torch.searchsorted(torch.tensor(self.jumps, dtype=torch.float64), time)
        if which.ndim:
            which = which if positions is None else which[positions[0]]
            which = which.view(-1, *[1] * (2 if positions is None else 1))
        found = self.parts[0](x, t, positions)
        for k, part in enumerate(self.parts[1:], 1):
            found = torch.where(which == k, part(x, t, positions), found)
        return found


class Telling(Switching):
    """It says when it jumps."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """All jumps."""
        return self.jumps


class Bounded(Switching):
    """It says only whether it jumps between two times."""

    def variation(self, early: float, late: float) -> float:
        """1 if there is a jump in between, else 0."""
        return float(any(early < t < late for t in self.jumps))


@dataclass(frozen=True, eq=False)
class Always:
    """The symbol 0, whatever is known."""

    vocabulary: int

    time_free = normalised = True

    def __call__(self, x: Tensor, _: object = None, positions: Positions | None = None) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        found = torch.zeros((*x.shape, self.vocabulary), dtype=torch.float64)
        found[..., 0] = 1
        return found if positions is None else found[positions]


def in_a_window(
    target: Target, low: float, high: float, kind: type[Switching] = Switching
) -> Denoiser:
    """The exact denoiser, but for a window of time in which it always says 0."""
    exact = ExactDenoiser(target)
    return kind((exact, Always(target.vocabulary), exact), (low, high))


def catalogue(base: Denoiser) -> dict[str, Denoiser]:
    """One denoiser of each defect, made from the same base; S ≥ 2.

    Args:
        base: normalised and time-free, e.g. the exact denoiser.
    """
    uniform = Uniform(base.vocabulary)
    return {
        "l1-small": Mixed(base, uniform, 0.01),
        "off-support": Leaking(base, 0.1),
        "off-support-at-start": Leaking(base, 0.1, at_start=True),
        "sharper": TemperedDenoiser(base, 0.7),
        "flatter": TemperedDenoiser(base, 1.5),
        "top-k": TopK(base, max(1, base.vocabulary - 1)),
        "top-p": TemperedDenoiser(base, top_p=0.9),
        "forbidden": Forbidding(base, 0),
        "time-dependent": Drifting(base, uniform, 0.3),
        "unnormalised": Scaled(base, tuple(1.0 + 0.5 * a for a in range(base.vocabulary))),
        "above-hazard": Scaled(base, 1.7),
        "below-hazard": Scaled(base, 0.6),
    }


def _normal(p: Tensor) -> Tensor:
    """Divided by its sum; left at 0 where there is nothing."""
    total = p.sum(-1, keepdim=True)
    return p / torch.where(total > 0, total, 1.0)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise InputError(f"share: must lie in [0, 1], got {share}")
