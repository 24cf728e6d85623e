"""Defects that are in no catalogue: each is caught, or the verdict says where it did not look."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import Conformance, Outcome, Settings
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

ANCESTRAL = Declaration("ancestral", "ancestral", steps=4, delta=0.05, last_step="fill")
COLD = replace(ANCESTRAL, name="cold", temperature=0.7)
ONE = Declaration("one a step", "first-hitting")
TOGETHER = replace(ONE, name="one order a call", rows_independent=False)
DRAWN = Declaration("low confidence", "confidence:drawn")
BLOCKS = replace(DRAWN, name="blocks", block_length=2, prompt="prefix")
NUCLEUS = Declaration("nucleus", "confidence:probability", top_p=0.8)
TIES = Declaration("ties", "confidence:probability", ties="random")
THRESHOLD = Declaration("threshold", "threshold:0.6")
RIGHT = (ANCESTRAL, COLD, ONE, TOGETHER, DRAWN, BLOCKS, NUCLEUS, TIES, THRESHOLD)
CHECKS = (*(f"right {one.name}" for one in RIGHT), "antithetic, declared", "long prompt")

SOME = Settings(rows=4_000, step_rows=400, walk=False, limit=300)
FIRST = replace(SOME, others=False)
MANY = replace(FIRST, rows=80_000)


def uniform(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def drawn(p: Tensor, u: Tensor) -> Tensor:
    """By the largest p / Exp(1)."""
    return (p / -u.log()).argmax(-1)


@dataclass
class Faithful:
    """One of `RIGHT`, with places for a defect."""

    declaration: Declaration
    kind: str = ""

    def __post_init__(self) -> None:
        self.calls, self.buffers = 0, dict[torch.Size, Tensor]()

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        if self.kind == "generator copied":
            generator = torch.Generator().manual_seed(generator.initial_seed())
        by_hazard = self.declaration.by_hazard
        x = (self._by_hazard if by_hazard else self._by_choice)(denoiser, n, generator)
        self.calls += 1
        if self.kind == "each fiftieth call" and self.calls % 50 == 0:
            x = torch.zeros_like(x)
        if self.kind == "all the same after the last symbol":
            x = torch.where((x == denoiser.vocabulary - 1).cumsum(1) > 0, x.max(), x)
        if self.kind == "second row" and n > 1:
            x[1] = 0
        if self.kind == "one buffer":
            buffer = self.buffers.setdefault(x.shape, torch.empty_like(x))
            return buffer.copy_(x)
        return x

    def _noise(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Uniforms for draws from p [n, d, S]."""
        if self.kind in ("rows share", "far rows share"):
            half = uniform(p[: -(-len(p) // 2)].shape, generator)
            far = self.kind.startswith("far")
            return (half.repeat(2, 1, 1) if far else half.repeat_interleave(2, 0))[: len(p)]
        return uniform(p.shape, generator)

    def _values(self, p: Tensor, generator: torch.Generator) -> Tensor:
        if self.kind.startswith("antithetic"):
            half = uniform(p[: -(-len(p) // 2), :, :1].shape, generator)
            u = torch.stack([half, 1 - half], 1).flatten(0, 1)[: len(p)]
            return (p.cumsum(-1) < u).sum(-1).clamp(max=p.shape[-1] - 1)
        return drawn(p, self._noise(p, generator))

    def _by_hazard(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        S, declared = denoiser.vocabulary, self.declaration
        x, p = torch.full((n, denoiser.length), S), torch.empty(0)
        hazards = declared.hazards("ancestral")
        if self.kind == "last interval skipped":
            hazards[-1] = 0.0
        if self.kind == "all at the end of the grid":
            hazards[-1] = 1.0
        for k, hazard in enumerate([*hazards, 1.0]):
            if not (self.kind == "stale predictions" and k % 2):
                p = denoiser(x, float(declared.grid[k]))
            q = declared.drawn_from(p)
            if self.kind == "temperature twice":
                q = declared.drawn_from(q)
            if self.kind == "no temperature at the end" and k == len(hazards):
                q = p
            if self.kind == "rare ones never":
                q = torch.where(p < 0.01, 0.0, p)
            values, coin = self._values(q, generator), uniform(x.shape, generator)
            x = torch.where((x == S) & (coin < hazard), values, x)
        return x

    def _by_choice(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        S, d, declared = denoiser.vocabulary, denoiser.length, self.declaration
        x, past = denoiser.prompt.repeat(n, 1), None
        given = int((denoiser.prompt < S).sum())
        length = declared.block_length or d - given
        order = uniform((1 if declared is TOGETHER else n, d), generator).expand(n, d)
        if self.kind == "naive shuffle":
            order = torch.arange(d).repeat(n, 1)
            for i in range(d):
                j = torch.randint(d, (n, 1), generator=generator)
                order = order.clone().scatter(1, j, order[:, i : i + 1])
                order[:, i : i + 1] = torch.arange(d).repeat(n, 1).gather(1, j)
        for start in range(given, d, length):
            end = start + length + (self.kind == "blocks overlap")
            open_ = (torch.arange(d) >= start) & (torch.arange(d) < end)
            while bool((x[:, start : start + length] == S).any()):
                p = denoiser(x)
                values = drawn(declared.drawn_from(p), self._noise(p, generator))
                if self.kind == "last one greedy" and int((x[0] == S).sum()) == 1:
                    values = p.argmax(-1)
                judged = p if self.kind == "cut after confidence" else declared.judged_by(p)
                if self.kind == "stale confidence":
                    judged, past = judged if past is None else past, judged
                sure = judged.amax(-1)
                if declared.rule == "confidence:drawn" or self.kind == "confidence of the draw":
                    sure = judged.gather(-1, values[..., None]).squeeze(-1)
                if declared.rule == "first-hitting":
                    sure = order
                sure = torch.where((x == S) & open_, sure.double().round(decimals=9), -math.inf)
                if declared.ties == "random" and self.kind != "ties to the left":
                    sure = sure + 1e-10 * uniform(sure.shape, generator)
                hit = torch.arange(d) == sure.argmax(1, keepdim=True)
                if declared is THRESHOLD:
                    hit |= sure >= (0.62 if self.kind == "another threshold" else 0.6)
                if self.kind == "two of a block":
                    hit |= (x == S) & open_
                x = torch.where(hit & (x == S), values, x)
        if self.kind == "prompt overwritten":
            x[:, :given] = denoiser(x).argmax(-1)[:, :given]
        if self.kind == "long prompt" and given > 2:
            x[:, -1] = 0
        return x


def failing(found: Conformance) -> list[str]:
    return [one.name for one in found.findings if not one.passed]


DEFECTS = (
    (ANCESTRAL, "generator copied", "reproducible by seed", FIRST),
    (ANCESTRAL, "rows share", "rows independent", MANY),
    (ANCESTRAL, "far rows share", "rows independent", MANY),
    (ANCESTRAL, "antithetic", "rows independent", MANY),
    (ANCESTRAL, "one buffer", "inputs not mutated", FIRST),
    (ANCESTRAL, "each fiftieth call", "carry-over", FIRST),
    (ANCESTRAL, "all the same after the last symbol", "carry-over", FIRST),
    (ANCESTRAL, "last interval skipped", "step law", FIRST),
    (ANCESTRAL, "all at the end of the grid", "step law", FIRST),
    (ANCESTRAL, "stale predictions", "law, exact denoiser", FIRST),
    (ANCESTRAL, "rare ones never", "law, more symbols", replace(SOME, rows=20_000)),
    (COLD, "temperature twice", "values by context", replace(FIRST, rows=10_000)),
    (COLD, "no temperature at the end", "values by context", replace(FIRST, rows=40_000)),
    (ONE, "naive shuffle", "law, order-dependent denoiser", replace(FIRST, rows=40_000)),
    (ONE, "last one greedy", "values by context", FIRST),
    (TOGETHER, "second row", "law, exact denoiser", FIRST),
    (DRAWN, "stale confidence", "moves", FIRST),
    (BLOCKS, "blocks overlap", "tokens a step", FIRST),
    (BLOCKS, "two of a block", "tokens a step", FIRST),
    (BLOCKS, "prompt overwritten", "carry-over", SOME),
    (NUCLEUS, "cut after confidence", "tokens a step", FIRST),
    (TIES, "ties to the left", "law, ties", SOME),
    (THRESHOLD, "confidence of the draw", "tokens a step", FIRST),
    (THRESHOLD, "another threshold", "tokens a step", FIRST),
)


@pytest.mark.parametrize("declared", RIGHT, ids=lambda one: one.name)
def test_without_a_defect_each_conforms(declared: Declaration, ledger: Ledger) -> None:
    found = check(Faithful(declared), ledger.take(f"right {declared.name}"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)


@pytest.mark.parametrize(
    ("declared", "kind", "by", "settings"), DEFECTS, ids=[kind for _, kind, *_ in DEFECTS]
)
def test_a_defect_is_caught(declared: Declaration, kind: str, by: str, settings: Settings) -> None:
    found = check(Faithful(declared, kind), settings=settings)
    assert by in failing(found), str(found)


def test_antithetic_rows_are_declared(ledger: Ledger) -> None:
    declared = replace(ANCESTRAL, rows_independent=False)
    found = check(Faithful(declared, "antithetic"), ledger.take("antithetic, declared"), FIRST)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert "whether rows of a call depend on each other: declared that they do" in (
        found.not_looked_at
    )


def test_where_it_did_not_look_it_says_so(ledger: Ledger) -> None:
    found = check(Faithful(BLOCKS, "long prompt"), ledger.take("long prompt"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert "prompts other than 1 M M M M, several in one call" in found.not_looked_at
    assert any("close to a threshold" in one for one in found.not_looked_at)
    assert any(one.startswith("other settings than those declared") for one in found.not_looked_at)


def test_all_orders_of_many_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="orders of 8 tokens are too many; take at most 6"):
        check(Faithful(TIES), settings=replace(SOME, length=8, vocabulary=2))
