"""Factors on the constants of claims: which can be asked for."""

from __future__ import annotations

from collections.abc import Iterable

from sharprates.samplers.errors import InputError
from sharprates.theory.registry import claim as claim_of
from sharprates.verification.decide import Scale


def check_scale(scale: Scale, claims: Iterable[str] | None = None) -> None:
    """Refuse a constant that no claim has, and a factor that is not positive.

    Args:
        scale: factors on constants.
        claims: ids of the only claims that are run; all by default.

    Raises:
        InputError: naming the constants that there are, or the factor.
        TheoryError: for an unknown claim.
    """
    for name, factor in scale.items():
        if factor <= 0:
            raise InputError(f"scale: {name} needs a positive factor, got {factor}")
        claim = claim_of(name.split(".")[0])
        if name not in {f"{claim.id}.{constant}" for constant in claim.constants}:
            known = ", ".join(f"{claim.id}.{c}" for c in claim.constants) or "no constant"
            raise InputError(f"scale: {name!r} is unknown: {claim.id} has {known}")
        if claims is not None and claim.id not in claims:
            raise InputError(f"scale: {name} is no constant of the claims {', '.join(claims)}")
