"""One run of the checks on one sampler: its calls, its seeds, its levels and its findings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from sharprates.verification.conformance.findings import Finding, Settings
from sharprates.verification.conformance.foreign import FaultError, guarded
from sharprates.verification.conformance.oracle import Oracle, state_codes
from sharprates.verification.conformance.samples import Samples, joined, p_value, states_seen
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.denoiser_table import DenoiserTable
    from sharprates.verification.conformance.design import Design, Instance
    from sharprates.verification.conformance.known_laws import KnownSampler
    from sharprates.verification.conformance.protocol import Declaration, SamplerUnderTest

# Half of the rows are drawn in a few large calls, by which copies far apart show, the others in
# many small ones: these show better what is drawn once a call. They are paired four by four.
LARGE, SMALL, _FEWEST_CALLS = 20, 100, 4

OF_DEPENDENT = (1, 2, 7)
"""Rows of calls whose rows depend on each other: of each call one row is a sample."""

MOST = 1_000_000
"""More samples with a denoiser are not drawn unless they are asked for."""


@dataclass(eq=False)
class Session:
    """One run of the checks on one sampler.

    Attributes:
        sampler: what is checked.
        declaration: what it says about itself.
        plan: denoisers, and the known laws on them.
        settings: how much work to do.
        ledger: levels of the statistical checks.
        ends: when the time limit is over, by `time.monotonic`.
        findings: those made so far.
        calls: how many seeds were used.
        called: when the call began that runs now; infinite while none does.
        pace: seconds a row, measured by the first look.
        tell: what is told what is going on.
        first: rows that the same seed must give again at the end.
        returned: what the first few calls returned, itself and a copy.
        times: of each call of the denoiser the times that it was handed, seen by the first look.
    """

    sampler: SamplerUnderTest
    declaration: Declaration
    plan: Design
    settings: Settings
    ledger: Ledger
    ends: float
    findings: list[Finding] = field(default_factory=list)
    calls: int = 0
    called: float = math.inf
    pace: float = 0.0
    tell: Callable[[str], None] = lambda _: None
    times: tuple[Tensor | None, ...] = ()
    first: Tensor | None = None
    returned: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def declared(self) -> KnownSampler | None:
        """The known sampler that is declared; None if it asks which one it is."""
        return self.plan.declared

    @property
    def possible(self) -> list[KnownSampler]:
        """What it may be: what it says, or any known sampler."""
        return list(self.plan.laws) if self.declared is None else [self.declared]

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The denoisers that it is run on: none that depends on time where it hands no time."""
        timed = any(time is not None for time in self.times)
        return tuple(one for one in self.plan.instances if timed or one.denoiser.late is None)

    @cached_property
    def alike(self) -> float:
        """Probability at most with which two rows are equal by chance."""
        laws = (p for known in self.possible for p in self.plan.laws[known])
        return max(float((p**2).sum()) for p in laws)

    @cached_property
    def _sampling(self) -> tuple[float, float]:
        """When the samples are begun, and the seconds that are left then."""
        return time.monotonic(), self.ends - time.monotonic()

    def deadline(self, part: float) -> float:
        """When this part of the time for samples is over."""
        began, seconds = self._sampling
        return began + part * seconds

    @cached_property
    def rows(self) -> int:
        """Samples with each of the first two denoisers: as asked for, or as the time allows."""
        most = self.settings.rows or MOST
        n = most if self.declaration.rows_independent else min(most, 3_000)
        # Small batches and single steps are of about the size of one denoiser's samples.
        parts = 2 + sum(instance.share for instance in self.instances)
        # What is drawn must be looked at too, which takes about as long.
        seconds = 0.25 * max(self._sampling[1], 0) / parts
        n = max(400, min(n, int(seconds / max(self.pace, 1e-9))))
        return n // 80 * 80

    @cached_property
    def step_rows(self) -> int:
        """Samples of each single step: who asks for more rows asks for more of all."""
        asked = max(self.settings.step_rows, (self.settings.rows or 0) // 6)
        return max(100, min(self.rows, asked))

    @cached_property
    def samples(self) -> tuple[Samples, ...]:
        """Whole sequences on each instance, drawn when a look first asks for them."""
        found, past = [], 0.0
        whole = sum(instance.share for instance in self.instances)
        for instance in self.instances:
            past += instance.share
            self.tell(f"{instance}: {self.rows} rows")
            rows = max(400, int(self.rows * instance.share) // 80 * 80)
            found.append(self._draw(instance.denoiser, rows, self.deadline(0.5 * past / whole)))
        return tuple(found)

    @cached_property
    def compatible(self) -> list[KnownSampler]:
        """The known samplers that the samples of the first two denoisers do not contradict."""
        level = self.ledger.take("identification") / (len(self.plan.laws) * 2)
        laws = self.plan.laws.items()
        return [known for known, law in laws if p_value(self.samples[:2], law) > level]

    def oracle(self, denoiser: DenoiserTable, recording: bool = False) -> Oracle:
        """A denoiser to hand out: a copy, on the sampler's own times."""
        late = None if denoiser.late is None else denoiser.late.clone()
        copy = replace(denoiser, table=denoiser.table.clone(), late=late)
        grid = self.declaration.grid if self.declaration.has_times else torch.tensor([1.0, 0.0])
        ends = self.declaration.own_time(float(grid[0])), self.declaration.own_time(float(grid[-1]))
        return Oracle(copy, ends, recording)

    def _draw(self, denoiser: DenoiserTable, whole: int, deadline: float) -> Samples:
        independent = self.declaration.rows_independent
        oracle, half = self.oracle(denoiser, recording=independent), whole // 2
        sizes = [OF_DEPENDENT[number % len(OF_DEPENDENT)] for number in range(whole)]
        if independent:
            # Odd numbers and even ones: who halves a call may lose its last row.
            sizes = [max(10, half // LARGE) | 1] * min(LARGE, half // 10)
            sizes += [max(10, half // SMALL) & ~1] * min(SMALL, half // 10)
        codes, traces = [], []
        for number, size in enumerate(sizes):
            rows = self.sample(oracle, size)
            traces.append(states_seen(oracle.contexts, rows, oracle.vocabulary))
            oracle.forget()
            # Of dependent rows one a call is a sample, of those of each number in turn.
            seen = rows if independent else rows[number // len(OF_DEPENDENT) % size][None]
            codes.append(state_codes(seen, oracle.vocabulary))
            # Slower than foreseen: fewer rows, whatever these are like.
            if time.monotonic() > deadline and number + 1 >= _FEWEST_CALLS:
                break
        return Samples(tuple(codes), joined(traces))

    def generator(self) -> torch.Generator:
        """A new seed each call; never the same as another session's of another seed."""
        self.calls += 1
        return self.seeded(self.settings.seed * 1_000_003 + self.calls)

    def seeded(self, seed: int) -> torch.Generator:
        """A generator on the sampler's device."""
        return torch.Generator(self.declaration.device).manual_seed(seed)

    def sample(self, oracle: Oracle, n: int) -> Tensor:
        """Draw with a new seed."""
        generator = self.generator()
        draw = lambda: self.sampler.sample(oracle, n, generator)  # noqa: E731 - one use
        return self.call(draw, f"sample(…, {n}, …)", n, oracle)

    def call(self, foreign: Callable[[], object], what: str, n: int, oracle: Oracle) -> Tensor:
        """Rows from the sampler; what is no set of samples is refused."""

        def seeded() -> object:
            # The verdict is a function of the seed, also of who draws from torch's global state.
            torch.default_generator.manual_seed(self.settings.seed * 1_000_003 + self.calls)
            return foreign()

        self.called = time.monotonic()
        answer = guarded(seeded, what)
        self.called = math.inf
        d, S = oracle.length, oracle.vocabulary
        if not isinstance(answer, Tensor):
            raise FaultError(f"returns {type(answer).__name__} in place of a tensor [{n}, {d}]")
        if tuple(answer.shape) != (n, d):
            raise FaultError(f"returns shape {list(answer.shape)} in place of [{n}, {d}]")
        if answer.is_floating_point() or answer.is_complex() or answer.dtype == torch.bool:
            raise FaultError(f"returns {answer.dtype} in place of int64")
        # A sparse or meta tensor, or a class of the sampler's own, may refuse.
        rows: Tensor = guarded(lambda: _plain(answer), "reading what it returned")
        if rows.numel() and (int(rows.min()) < 0 or int(rows.max()) > S):
            odd = int(rows.max()) if int(rows.max()) > S else int(rows.min())
            raise FaultError(f"returns the token {odd}: there are 0..{S - 1}, and {S} is the mask")
        if len(self.returned) < 8:
            self.returned.append((answer, rows))
        return rows

    def overwritten(self) -> bool:
        """True if rows that were returned have changed since."""
        return any(not torch.equal(_plain(answer), rows) for answer, rows in self.returned)


def _plain(answer: Tensor) -> Tensor:
    dense = answer.detach().to_dense() if answer.layout != torch.strided else answer.detach()
    return dense.to("cpu", torch.int64, copy=True)


def method(sampler: object, name: str) -> Callable[..., object] | None:
    """An optional method; None if there is none."""
    own: Callable[..., object] | None = guarded(lambda: getattr(sampler, name, None), name)
    if own is not None and not callable(own):
        raise FaultError(f"has an attribute {name} that cannot be called")
    return own
