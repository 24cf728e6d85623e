"""The checker's verdicts, laws and exit codes, also on samplers that misbehave."""

import importlib
import json
import math
import sys
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from sharprates.samplers.blocks import BlockSampler
from sharprates.samplers.compositions import fixed_blocks
from sharprates.samplers.errors import InputError
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.kept_draws import KeptDraws
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.verification.conformance.checker import LOOKS, check
from sharprates.verification.conformance.defects import RIGHT, Stepwise
from sharprates.verification.conformance.findings import FAST, Conformance, Outcome
from sharprates.verification.conformance.fixture import conformance  # noqa: F401 - a fixture
from sharprates.verification.conformance.known_laws import (
    ByCount,
)
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

TAU = Declaration("τ", "tau-leaping", "polynomial:2", last_step="fill")

OURS = {
    "euler": {"clock": "constant", "horizon": 2.0},
    "tau-leaping": {"clock": "cosine", "last_step": "fill"},
    "first-hitting": {},
    "blocks": {"tokens_a_step": 2},
    "confidence:drawn": {"tokens_a_step": 1},
    "confidence:probability": {"tokens_a_step": 2},
}
BESIDE = ("guided", "warms up")
ALIKE = ("leave", "argmax")
LATE = ("", "argmax at the end", "leftover set to 0")
CHECKS = (
    *OURS,
    "undeclared",
    *BESIDE,
    *ALIKE,
    *(f"late {defect}" for defect in LATE),
    "slow",
    "early end",
    "example",
)


# ---------------------------------------------------------------------------------------------
# The samplers of this project
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ours:
    """A sampler of this project."""

    declaration: Declaration

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        declared, d = self.declaration, denoiser.length
        if declared.by_hazard:
            schedule = declared.schedule(str(declared.rule))
            plan = replace(schedule, last_step=declared.last_step)
            return ParallelSampler(d, plan).sample(denoiser, n, generator)
        if declared.rule == "first-hitting":
            return FirstHittingSampler(d, declared.schedule("euler").chosen).sample(
                denoiser, n, generator
            )
        count = declared.tokens_a_step
        if declared.rule == "blocks":
            return BlockSampler(d, fixed_blocks(d, count)).sample(denoiser, n, generator)
        if declared.rule == "confidence:drawn":
            return KeptDraws(d, count).sample(denoiser, n, generator)
        return PolicySampler(d, policy(f"confidence:{count}")).sample(denoiser, n, generator)


@pytest.mark.parametrize("rule", OURS)
def test_our_own_samplers_conform(rule: str, ledger: Ledger) -> None:
    sampler = Ours(Declaration(rule, rule, **OURS[rule]))
    found = check(sampler, ledger.take(rule), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert found.sentence.startswith("conforms to")
    assert "would detect" in found.sentence


def test_an_undeclared_law_is_identified(ledger: Ledger) -> None:
    drawn = Ours(Declaration("?", "confidence:drawn"))
    found = check(Renamed(drawn), ledger.take("undeclared"), replace(FAST, rows=4000))
    assert found.outcome is Outcome.CONFORMS
    assert found.compatible == (ByCount("drawn"),)
    assert found.json()["compatible"] == ["confidence:drawn 1"]
    assert "implements confidence:drawn, 1 token a step" in found.sentence


@dataclass(frozen=True)
class Renamed:
    """The same without a rule."""

    inner: Ours

    @property
    def declaration(self) -> Declaration:
        return replace(self.inner.declaration, rule=None)

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        return self.inner.sample(denoiser, n, generator)


def test_a_wrong_declaration_is_told_what_the_law_is() -> None:
    sampler = Stepwise(replace(TAU, rule="tau-leaping"), "another rule")
    found = check(sampler, settings=FAST)
    assert found.outcome is Outcome.FAILS
    assert found.failed is not None
    assert found.failed.cause == "fits the hazard of euler"
    assert json.loads(json.dumps(found.json(), allow_nan=False))["outcome"] == "fails"


def test_a_temperature_that_changes_the_rate_is_named() -> None:
    declared = Declaration("cold", "ancestral", "cosine", temperature=0.5)
    found = check(Stepwise(declared, "temperature on weights not renormalised"), settings=FAST)
    assert found.failed is not None
    assert found.failed.name == "unmask probability"
    assert "not renormalised" in found.failed.cause


def test_a_verdict_is_a_function_of_the_seed() -> None:
    assert check(RIGHT[0], settings=FAST) == check(RIGHT[0], settings=FAST)
    careless = Stepwise(TAU, "global random state")
    found = check(careless, settings=FAST)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        assert check(careless, settings=FAST) == found


class Beside(Stepwise):
    """Right, and asks the denoiser about all masks besides."""

    def _move(self, x, t, k, denoiser, generator):
        if self.defect == "guided" or k == 0:
            denoiser(torch.full_like(x, denoiser.vocabulary))
        return super()._move(x, t, k, denoiser, generator)

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        # Nothing is left to fill: no call of the denoiser for it.
        leave = replace(self.declaration, last_step="leave")
        whole = self.declaration if self.defect == "guided" else leave
        return Stepwise.sample(Beside(whole, self.defect), denoiser, n, generator)


@pytest.mark.parametrize("defect", BESIDE)
def test_calls_beside_the_trajectory_are_no_fault(defect: str, ledger: Ledger) -> None:
    declared = Declaration(defect, "ancestral", "cosine", last_step="fill")
    found = check(Beside(declared, defect), ledger.take(defect), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)


@pytest.mark.parametrize("last", ALIKE)
def test_rows_that_are_all_alike_by_law_are_no_frozen_seed(last: str, ledger: Ledger) -> None:
    declared = Declaration("first instant", "ancestral", times=(1.0, 0.9999), last_step=last)
    found = check(Stepwise(declared), ledger.take(last), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)


@pytest.mark.parametrize(
    ("options", "run", "cause"),
    [
        ({"clock": "cosine"}, {"clock": "linear"}, "fits the clock linear"),
        ({"steps": 3}, {"steps": 4}, "fits K = 4"),
        ({"temperature": 0.5}, {}, "fits temperature 1"),
    ],
)
def test_a_near_miss_is_named(options, run, cause) -> None:
    declared = Declaration("declared", "tau-leaping", last_step="fill")

    class Parts:
        """In parts of the rows, so that no trajectory is seen."""

        declaration = replace(declared, **options)

        def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
            real = Stepwise(replace(declared, **run))
            return torch.cat([real.sample(denoiser, m, generator) for m in (n - n // 2, n // 2)])

    found = check(Parts(), settings=replace(FAST, rows=40_000))
    assert found.failed is not None
    assert found.failed.name == ("times" if "steps" in options else "law, exact denoiser")
    assert found.failed.cause == cause


def test_a_small_defect_shows_in_what_the_denoiser_saw(ledger: Ledger) -> None:
    # Of a hundred tokens one is left for the last step: far below what the law's check detects.
    declared = Declaration("late", "ancestral", "cosine", steps=4, delta=0.1, last_step="fill")
    for defect in LATE:
        level = ledger.take(f"late {defect}")
        found = check(Stepwise(declared, defect), level, replace(FAST, rows=20_000))
        failed = [one.name for one in found.findings if not one.passed]
        assert failed == (["values by context"] if defect else []), str(found)


# ---------------------------------------------------------------------------------------------
# Samplers that misbehave
# ---------------------------------------------------------------------------------------------


class SpeechlessError(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError


class Misbehaving:
    """Draws nothing sensible."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.declaration = Declaration(kind, "first-hitting")

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> object:  # noqa: ARG002 - the base's argument
        d, S = denoiser.length, denoiser.vocabulary
        good = torch.zeros(n, d, dtype=torch.int64)
        if self.kind == "raises":
            raise KeyError("logits\nsecond line")
        if self.kind == "speechless":
            raise SpeechlessError
        if self.kind == "exits":
            sys.exit(3)
        if self.kind == "asks for nonsense":
            denoiser(good + 7)
        if self.kind == "sleeps":
            time.sleep(60)
        return {
            "list": good.tolist(),
            "shape": good[:, :-1],
            "float": good.double(),
            "foreign": good + S + 4,
            "negative": good - 1,
            "masks": good + S,
            "constant": good,
            "not a number": good * math.nan,
            "meta": good.to("meta"),
            "nothing": None,
        }.get(self.kind, good)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("raises", "KeyError: 'logits"),
        ("exits", "SystemExit: 3"),
        ("asks for nonsense", "symbols outside 0..2"),
        ("list", "returns list in place of a tensor"),
        ("shape", "returns shape [1, 2] in place of [1, 3]"),
        ("float", "returns torch.float64 in place of int64"),
        ("foreign", "returns the token 6"),
        ("negative", "returns the token -1"),
        ("masks", "returns masks: row M M M"),
        ("constant", "the generator is not used"),
        ("not a number", "returns torch.float32 in place of int64"),
        ("meta", "reading what it returned raises NotImplementedError"),
        ("nothing", "returns NoneType in place of a tensor"),
        ("speechless", "sample(…, 1, …) raises SpeechlessError"),
    ],
)
def test_misbehaviour_has_a_clear_verdict(kind: str, words: str) -> None:
    found: Conformance = check(Misbehaving(kind), settings=FAST)
    assert found.outcome is Outcome.FAILS
    assert words in found.sentence
    assert "\n" not in found.sentence


def test_a_sampler_that_hangs_is_ended() -> None:
    found = check(Misbehaving("sleeps"), settings=replace(FAST, limit=3.0))
    assert found.outcome is Outcome.UNDECIDED
    assert "not done within 3 s, one call took most of it" in found.sentence


def test_a_slow_sampler_gives_fewer_rows_and_no_alarm(ledger: Ledger) -> None:
    class Slow:
        declaration = RIGHT[4].declaration
        calls = 0

        def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
            self.calls += 1
            # Faster while it is timed than afterwards.
            time.sleep(0.0 if self.calls < 8 else 0.05)
            return RIGHT[4].sample(denoiser, n, generator)

    found = check(Slow(), ledger.take("slow"), replace(FAST, rows=60_000, limit=3.0))
    assert found.outcome is not Outcome.FAILS, str(found)
    law_of = next(one.test for one in found.findings if one.name == "law, exact denoiser")
    assert law_of is not None
    assert law_of.n < 60_000


@pytest.mark.parametrize("name", ["step", "draw"])
def test_a_broken_optional_method_is_no_traceback(name: str) -> None:
    class Broken:
        declaration = RIGHT[0].declaration

        def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
            return RIGHT[0].sample(denoiser, n, generator)

        def __getattr__(self, asked: str) -> object:
            if asked == name:
                return lambda *_: 1 / 0
            raise AttributeError(asked)

    found = check(Broken(), settings=replace(FAST, walk=True))  # type: ignore[arg-type]  # it has no such types
    assert f"{name}(…) raises ZeroDivisionError" in found.sentence


def test_each_look_says_what_it_sees_and_has_levels_of_its_own() -> None:
    levels = [level for look in LOOKS for level in look.levels]
    assert len(set(levels)) == len(levels)
    assert all(look.sees and look.misses for look in LOOKS)


class StopsEarly(Stepwise):
    """Right, and does not ask the denoiser once no mask can be left."""

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        x = torch.full((n, denoiser.length), denoiser.vocabulary)
        for k, t in enumerate(self.declaration.grid.tolist()):
            if not bool((x == denoiser.vocabulary).any()):
                break
            x = self._move(x, t, k, denoiser, generator)
        return x


def test_a_trajectory_may_end_before_the_grid(ledger: Ledger) -> None:
    # Of this Euler grid the last step but one reveals all that is left.
    declared = Declaration("early end", "euler", "polynomial:2", steps=3)
    found = check(StopsEarly(declared), ledger.take("early end"), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert any(one.name == "step law" for one in found.findings)
    wrong = replace(declared, rule="tau-leaping", last_step="fill")
    assert check(StopsEarly(wrong, "another rule"), settings=FAST).outcome is Outcome.FAILS


def test_a_budget_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="budget: need at least"):
        check(RIGHT[0], Fraction(1e-323), FAST)


def test_a_declaration_that_cannot_be_used() -> None:
    class Declared(Misbehaving):
        def __init__(self, **options: object) -> None:
            self.kind = "constant"
            self.declaration = Declaration("odd", "ancestral", **options)

    with pytest.raises(InputError, match="odd: cannot be used: TypeError"):
        check(Declared(steps="three"), settings=FAST)
    with pytest.raises(InputError, match="clock 'sundial' is unknown"):
        check(Declared(clock="sundial"), settings=FAST)


def test_what_is_no_sampler_is_told_so() -> None:
    with pytest.raises(InputError, match="object: is no sampler: it needs"):
        check(object(), settings=FAST)
    with pytest.raises(InputError, match="Odd: is a class; name an object of it"):
        check(type("Odd", (Misbehaving,), {"declaration": TAU}), settings=FAST)
    with pytest.raises(InputError, match="has no method sample"):
        check(type("Odd", (), {"declaration": TAU})(), settings=FAST)


# ---------------------------------------------------------------------------------------------
# The example
# ---------------------------------------------------------------------------------------------


def test_the_example(ledger: Ledger) -> None:
    sys.path.insert(0, str(Path(__file__).parents[3]))
    try:
        sampler = importlib.import_module("book.examples.own_sampler").sampler
    finally:
        sys.path.pop(0)
    found = check(sampler, ledger.take("example"), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)
