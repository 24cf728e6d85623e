"""All bounds side by side: each holds, each route is what it says, and the smallest is named."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from sharprates.samplers.families import family
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.registry import CLAIMS
from sharprates.verification import strategies as some
from sharprates.verification.bound_table import BoundTables
from sharprates.verification.verdict import Verdict


@settings(max_examples=15, deadline=None)
@given(some.laws(2, 4), some.step_laws(8))
def test_every_bound_holds(law: Target, w: tuple[Fraction, ...]) -> None:
    table = BoundTables(law)(StepLaw.from_weights(torch.tensor(w, dtype=torch.float64)))
    assert table.rows
    assert {row.verdict for row in table.rows} <= {Verdict.HOLDS, Verdict.UNDECIDED}
    for row in table.rows:
        exact = table.tv if row.quantity == "TV" else table.kl
        assert exact.lower <= row.value + 1e-12


def test_routes_and_order() -> None:
    table = BoundTables(family("copies:4:2"))(StepLaw.equal(4))
    by_name = {(row.quantity, row.name): row for row in table.rows}
    kl = by_name["KL", "KL2"].value
    assert kl == pytest.approx(math.log(2), rel=1e-12)  # d/K·Ī
    assert by_name["TV", "KL2, Pinsker"].value == pytest.approx(math.sqrt(kl / 2), rel=1e-12)
    assert by_name["TV", "KL2, Bretagnolle–Huber"].value == pytest.approx(
        math.sqrt(1 - math.exp(-kl)), rel=1e-12
    )
    assert ("TV", "KL2") not in by_name
    assert by_name["TV", "E3"].value == pytest.approx(1 - math.perm(4, 4) / 4**4, rel=1e-12)
    assert by_name["KL", "KL1"].works == CLAIMS["KL1"].provenance.works
    values = [row.value for row in table.rows if row.quantity == "TV"]
    assert values == sorted(values)
    assert table.best("TV").value == values[0]
    assert table.best("KL").claim == "KL1"


def test_bretagnolle_and_huber_beat_pinsker_at_large_divergences_only() -> None:
    tables = BoundTables(family("permutations:5:5"))

    def route(steps: int, name: str) -> float:
        rows = tables(StepLaw.equal(steps)).rows
        return next(row.value for row in rows if row.name == f"KL1, {name}")

    assert route(1, "Bretagnolle–Huber") < route(1, "Pinsker")
    assert route(64, "Bretagnolle–Huber") > route(64, "Pinsker")


def test_the_exponential_without_a_root_would_fail() -> None:
    """Power: two nearly independent tokens, whose KL is 60 times below their TV."""
    weights = [Fraction(1, 4), Fraction(5, 16), Fraction(3, 16), Fraction(1, 4)]
    law = Target.from_rows([(0, 0), (0, 1), (1, 0), (1, 1)], weights, 2)
    table = BoundTables(law)(StepLaw.equal(1))
    assert table.tv.middle == pytest.approx(1 / 128)
    assert table.tv.lower > 1 - math.exp(-table.kl.middle)
    assert all(row.verdict is Verdict.HOLDS for row in table.rows)


def test_leftover_masks_leave_only_what_allows_them() -> None:
    law = StepLaw.from_weights(torch.tensor([0.5, 0.25], dtype=torch.float64))
    table = BoundTables(family("copies:3:2"))(law)
    assert {row.quantity for row in table.rows} == {"TV"}
    assert {row.claim for row in table.rows} >= {"E3", "E5"}
    assert all(row.verdict is Verdict.HOLDS for row in table.rows)
