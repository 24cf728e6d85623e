"""What a verdict is about, and what it is not about, is said; what is said to be seen is seen."""

from dataclasses import dataclass, replace

import pytest
import torch
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import RIGHT, Stepwise
from sharprates.verification.conformance.findings import Conformance, Outcome, Settings
from sharprates.verification.conformance.protocol import Declaration, OracleDenoiser
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

SOME = Settings(rows=4_000, step_rows=400, walk=False)
ANCESTRAL = Declaration("ancestral", "ancestral", "cosine", delta=0.2, last_step="fill")
CONFIDENT = Declaration("confident", "confidence:probability")
RIGHTS = ("ties", "length", "prompt", "counts", "cut", "no time", "sigma", "kernel's time")
CHECKS = RIGHTS


@dataclass(frozen=True)
class Timed(Stepwise):
    """Right but for the time that it hands to the denoiser."""

    kind: str = ""

    def _predict(self, x: Tensor, t: float, denoiser: OracleDenoiser) -> Tensor:
        grid = self.declaration.grid.tolist()
        here = grid.index(t)
        handed = {
            "next": grid[min(here + 1, len(grid) - 1)],
            "other direction": grid[0] - t,
            "thousandth": 1000 * t,
            "none": None,
            "sigma": t**2,
        }.get(self.kind, t)
        return denoiser(x, handed)


@dataclass(frozen=True)
class Greedy:
    """Values drawn where the denoiser is surest, with places for a defect."""

    declaration: Declaration
    kind: str = ""

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        S, d = denoiser.vocabulary, denoiser.length
        x = torch.full((n, d), S) if self.kind == "no prompt" else denoiser.prompt.repeat(n, 1)
        for step in range(d):
            if not bool((x == S).any()):
                break
            p = denoiser(x)
            if self.kind == "long" and d > 4:
                p = p.flip(-1)
            q = self.declaration.drawn_from(p)
            if self.kind == "nucleus":
                q = torch.where(p < p.max(-1, keepdim=True).values / 4, 0.0, p)
            u = torch.rand(q.shape, generator=generator, dtype=torch.float64)
            values = (q / -u.log()).argmax(-1)
            sure = torch.where(x == S, p.amax(-1).round(decimals=9), -1.0)
            if self.kind == "ties to the right":
                sure = torch.where(x == S, sure + 1e-8 * torch.arange(d), -1.0)
            count = self.declaration.counts(d)[step]
            place = sure.sort(dim=1, descending=True, stable=True).indices[:, :count]
            hit = torch.zeros_like(x, dtype=torch.bool).scatter(1, place, True) & (x == S)
            if self.kind == "all ties":
                hit = (x == S) & (sure >= sure.gather(1, place[:, -1:]))
            x = torch.where(hit, values, x)
        return x


def failing(found: Conformance) -> list[str]:
    return [one.name for one in found.findings if not one.passed]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("next", "the time of another step"),
        ("other direction", "declare time='to 1'"),
        ("thousandth", "1000 times the grid's"),
    ],
)
def test_a_wrong_time_is_seen_and_named(kind: str, cause: str) -> None:
    declared = replace(ANCESTRAL, delta=0.0)
    found = check(Timed(declared, kind=kind), settings=SOME)
    assert found.failed is not None, str(found)
    assert found.failed.name == "times"
    assert cause in found.failed.cause
    # A denoiser that depends on time shows it too: the law is another one.
    assert "law, time-dependent denoiser" in failing(found)


def test_no_time_is_said_to_be_none(ledger: Ledger) -> None:
    found = check(Timed(ANCESTRAL, kind="none"), ledger.take("no time"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert "a denoiser that depends on time: none is handed to it" in found.not_looked_at
    assert "K = 3 steps; times handed to the denoiser: none" in found.looked_at[-1]


def test_a_time_of_its_own_is_declared(ledger: Ledger) -> None:
    declared = replace(ANCESTRAL, time=lambda t: t**2)
    # It has no `step`, which would get that time too.
    found = check(Declared(Timed(declared, kind="sigma"), declared), ledger.take("sigma"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert any(
        line.startswith("time-dependent denoiser (d = 2, S = 3)") for line in found.looked_at
    )


def test_ties_are_told_and_tested_where_they_are_declared(ledger: Ledger) -> None:
    found = check(Greedy(CONFIDENT), ledger.take("ties"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert "how ties are broken: not declared" in found.not_looked_at
    told = next(one.detail for one in found.findings if one.name == "law, ties")
    assert told.startswith("broken as if by left;")
    right = Greedy(replace(CONFIDENT, ties="left"), "ties to the right")
    assert "law, ties" in failing(check(right, settings=SOME))
    # More tokens than declared where they tie: whoever breaks them.
    assert failing(check(Greedy(CONFIDENT, "all ties"), settings=SOME))[0] == "tokens a step"


def test_a_defect_at_other_lengths_is_found_or_they_are_not_looked_at(ledger: Ledger) -> None:
    long = Greedy(CONFIDENT, "long")
    assert "law, more tokens" in failing(check(long, settings=SOME))
    found = check(long, ledger.take("length"), replace(SOME, length=3))
    assert found.outcome is Outcome.CONFORMS, str(found)
    assert "lengths other than 3" in found.not_looked_at


def test_a_prompt_that_is_left_out(ledger: Ledger) -> None:
    declared = replace(CONFIDENT, prompt="any")
    assert check(Greedy(declared), ledger.take("prompt"), SOME).outcome is Outcome.CONFORMS
    found = check(Greedy(declared, "no prompt"), settings=SOME)
    assert failing(found) == ["law, prompt"], str(found)


def test_counts_that_vary_by_step(ledger: Ledger) -> None:
    declared = replace(CONFIDENT, tokens_a_step=lambda tokens: [2, *[1] * (tokens - 2)])
    found = check(Greedy(declared), ledger.take("counts"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    wrong = replace(CONFIDENT, tokens_a_step=lambda tokens: [1] * tokens)
    mine = Greedy(declared)
    object.__setattr__(mine, "declaration", wrong)
    assert check(mine, settings=replace(SOME, others=False)).outcome is Outcome.CONFORMS
    with pytest.raises(ValueError, match=r"block_length: 2 must divide 3"):
        check(Greedy(replace(CONFIDENT, block_length=2)), settings=replace(SOME, length=3))


def test_a_cut_of_the_tail_shows_with_eight_symbols(ledger: Ledger) -> None:
    cut = replace(CONFIDENT, top_k=4, top_p=0.9, temperature_acts="draw")
    found = check(Greedy(cut), ledger.take("cut"), SOME)
    assert found.outcome is Outcome.CONFORMS, str(found)
    for wrong in (replace(cut, top_k=5, top_p=None), replace(cut, top_p=0.95)):
        mine = Greedy(cut)
        found = check(Declared(mine, wrong), settings=SOME)
        assert "law, more symbols" in failing(found), str(found)
    assert "law, more symbols" in failing(check(Greedy(CONFIDENT, "nucleus"), settings=SOME))


@dataclass(frozen=True)
class Declared:
    """A sampler with another declaration."""

    inner: Greedy | Stepwise
    declaration: Declaration

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        return self.inner.sample(denoiser, n, generator)


def test_temperature_zero_draws_nothing() -> None:
    cold = replace(CONFIDENT, temperature=0)
    assert check(Greedy(cold), settings=SOME).outcome is Outcome.CONFORMS
    assert check(Declared(Greedy(CONFIDENT), cold), settings=SOME).outcome is Outcome.FAILS
    assert (
        check(
            Greedy(replace(cold, temperature=1e-9, temperature_acts="draw")), settings=SOME
        ).failed
        is None
    )


def test_what_the_verdict_says() -> None:
    found = check(RIGHT[0], settings=SOME)
    assert "d = 3, S = 3" in found.sentence
    assert "4020 rows in calls of 20 and 101, would detect TV" in found.looked_at[0]
    assert found.json()["not_looked_at"] == found.not_looked_at
    assert any(line.startswith("other sizes (d, S) than (2, 3)") for line in found.not_looked_at)


def test_numbers_that_differ_are_shown_to_differ() -> None:
    late = Stepwise(replace(RIGHT[1].declaration, delta=1e-3), "grid off by one")
    found = check(late, settings=replace(SOME, others=False))
    assert found.failed is not None
    shown = [word.strip(",") for word in found.failed.detail.split() if word[0].isdigit()]
    assert len(set(shown)) > 1
    assert "math domain" not in str(found)
