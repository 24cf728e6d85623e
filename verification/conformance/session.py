"""One run of the checks on one sampler: its calls, its seeds, its levels and its findings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from sharprates.verification.budget import Ledger
from sharprates.verification.conformance.findings import Finding, Settings
from sharprates.verification.conformance.foreign import guarded
from sharprates.verification.conformance.known_laws import Design, Instance, declared_label
from sharprates.verification.conformance.protocol import (
    Declaration,
    FaultError,
    Oracle,
    SamplerUnderTest,
)
from sharprates.verification.statistics import Check
from torch import Tensor


@dataclass
class Session:
    """One run of the checks on one sampler."""

    sampler: SamplerUnderTest
    declaration: Declaration
    plan: Design
    settings: Settings
    ledger: Ledger
    findings: list[Finding] = field(default_factory=list)
    calls: int = 0
    called: float = math.inf

    @property
    def label(self) -> str | None:
        """The known law that is declared; None if it asks which one it is."""
        return declared_label(self.declaration)

    @property
    def laws(self) -> list[str]:
        """What it may be: what it says, or any known sampler."""
        return list(self.plan.laws) if self.label is None else [self.label]

    def add(
        self, name: str, passed: bool, detail: str, cause: str = "", check: Check | None = None
    ) -> None:
        """Keep a finding; a cause only of a failure."""
        self.findings.append(Finding(name, passed, detail, "" if passed else cause, check))

    def generator(self) -> torch.Generator:
        """A new seed each call; never the same as another session's of another seed."""
        self.calls += 1
        return torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.calls)

    def call(self, foreign: Callable[[], object], what: str, n: int, oracle: Oracle) -> Tensor:
        """Rows from the sampler; what is no set of samples is refused."""
        self.called = time.monotonic()
        found = guarded(foreign, what)
        self.called = math.inf
        return _checked(found, n, oracle)

    def sample(self, oracle: Oracle, n: int) -> Tensor:
        """Draw with a new seed."""
        generator = self.generator()
        draw = lambda: self.sampler.sample(oracle, n, generator)  # noqa: E731 - one use
        return self.call(draw, f"sample(…, {n}, …)", n, oracle)

    def worst(self, name: str, results: Sequence[tuple[Check, str, str]], cause: str = "") -> None:
        """One finding for many checks: the first that failed, or the weakest that passed."""
        if not results:
            return
        for one, text, guess in results:
            if not one.passed:
                detail = f"{text} (p ≤ {one.p_value:.2g}, n = {one.n})"
                self.add(name, False, detail, guess or cause, one)
                return
        weakest = max((one for one, _, _ in results), key=lambda one: one.detects)
        detail = f"{len(results)} checked, would detect {weakest.detects:.3g} ({weakest.distance})"
        self.add(name, True, detail, "", weakest)


def _checked(found: object, n: int, oracle: Oracle) -> Tensor:
    d, S = oracle.length, oracle.vocabulary
    if not isinstance(found, Tensor):
        raise FaultError(f"returns {type(found).__name__} in place of a tensor [{n}, {d}]")
    if tuple(found.shape) != (n, d):
        raise FaultError(f"returns shape {list(found.shape)} in place of [{n}, {d}]")
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise FaultError(f"returns {found.dtype} in place of int64")
    # A sparse or meta tensor, or a class of the sampler's own, may refuse.
    rows: Tensor = guarded(lambda: _plain(found), "reading what it returned")
    if rows.numel() and (int(rows.min()) < 0 or int(rows.max()) > S):
        odd = int(rows.max()) if int(rows.max()) > S else int(rows.min())
        raise FaultError(f"returns the token {odd}: there are 0..{S - 1}, and {S} is the mask")
    return rows


def _plain(found: Tensor) -> Tensor:
    dense = found.detach().to_dense() if found.layout != torch.strided else found.detach()
    return dense.to("cpu", torch.int64, copy=True)


def method(sampler: object, name: str) -> Callable[..., object] | None:
    """An optional method; None if there is none."""
    found: Callable[..., object] | None = guarded(lambda: getattr(sampler, name, None), name)
    if found is not None and not callable(found):
        raise FaultError(f"has an attribute {name} that cannot be called")
    return found


def fresh_oracle(instance: Instance) -> Oracle:
    """A denoiser: the instance keeps its table, whatever a sampler writes."""
    return Oracle(instance.table.clone())
