"""Property-based verification of total-variation guarantees for masked diffusion samplers.

The names in `__all__` are the public API; each is imported when it is first asked for. All else is
internal and may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharprates.samplers.datasets import load
    from sharprates.samplers.denoiser import ExactDenoiser
    from sharprates.samplers.schedule import Schedule
    from sharprates.samplers.target import Target
    from sharprates.theory.claim import Claim, Kind, Relation
    from sharprates.theory.measured import Measured
    from sharprates.theory.symbols import constant, symbol
    from sharprates.verification.audit import audit
    from sharprates.verification.audit_plan import Plan
    from sharprates.verification.conformance.checker import check
    from sharprates.verification.conformance.protocol import Declaration
    from sharprates.verification.verify import verify

_PLACES = {
    "theory.claim": ("Claim", "Kind", "Relation"),
    "theory.measured": ("Measured",),
    "theory.symbols": ("constant", "symbol"),
    "samplers.datasets": ("load",),
    "samplers.denoiser": ("ExactDenoiser",),
    "samplers.schedule": ("Schedule",),
    "samplers.target": ("Target",),
    "verification.audit": ("audit",),
    "verification.audit_plan": ("Plan",),
    "verification.conformance.checker": ("check",),
    "verification.conformance.protocol": ("Declaration",),
    "verification.verify": ("verify",),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [  # noqa: RUF022 - by room
    "Claim",
    "Kind",
    "Measured",
    "Relation",
    "constant",
    "symbol",
    "ExactDenoiser",
    "Schedule",
    "Target",
    "load",
    "Declaration",
    "Plan",
    "audit",
    "check",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
