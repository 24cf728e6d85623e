"""Is a sampler's law what it says it is? `check` asks; a sampler comes with a `Declaration`."""

from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import Conformance, Outcome, Settings
from sharprates.verification.conformance.protocol import Declaration, SamplerUnderTest

__all__ = ["Conformance", "Declaration", "Outcome", "SamplerUnderTest", "Settings", "check"]
