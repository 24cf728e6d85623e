"""The claims about masked diffusion samplers, as objects; sympy only, no measurement."""

from sharprates.theory.claim import Claim, Hypothesis, Kind, Provenance, Relation, Variant
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.theory.setting import Setting
from sharprates.theory.symbols import MEANINGS, constant, symbol

__all__ = [
    "CLAIMS",
    "MEANINGS",
    "Claim",
    "Hypothesis",
    "Kind",
    "Measured",
    "Provenance",
    "Relation",
    "Setting",
    "Variant",
    "constant",
    "symbol",
]
