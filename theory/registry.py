"""All claims, by id."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from sharprates.theory import (
    assumptions,
    dependence,
    euler_lower,
    euler_upper,
    first_hitting,
    first_order,
    forward,
    information,
    laws,
    many_symbols,
    policies,
    precision,
    remasking,
    score_error,
)
from sharprates.theory.claim import Claim
from sharprates.theory.errors import UnknownClaimError

_TOPICS: tuple[tuple[Claim, ...], ...] = (
    *(forward.CLAIMS, laws.CLAIMS, euler_upper.CLAIMS, first_order.CLAIMS, euler_lower.CLAIMS),
    many_symbols.CLAIMS,
    *(first_hitting.CLAIMS, assumptions.CLAIMS, information.CLAIMS, dependence.CLAIMS),
    *(precision.CLAIMS, policies.CLAIMS, remasking.CLAIMS, score_error.CLAIMS),
)
CLAIMS: Mapping[str, Claim] = MappingProxyType({it.id: it for topic in _TOPICS for it in topic})
"""Claim id → claim, in the order of the theory; X1–X4 stand after L7."""


def claim(claim_id: str) -> Claim:
    """The claim with this id, in any case of letters.

    Raises:
        UnknownClaimError: naming the ids that look alike.
    """
    wanted = claim_id.strip().upper()
    if wanted not in CLAIMS:
        near = get_close_matches(wanted, CLAIMS, n=4, cutoff=0.3) or CLAIMS
        raise UnknownClaimError(f"claim {claim_id!r} is unknown: did you mean {', '.join(near)}?")
    return CLAIMS[wanted]
