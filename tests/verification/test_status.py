"""Statuses computed from records; `claims.json` written and read."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.theory.claim import Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import Example, Method, Outcome, Trial
from sharprates.verification.decide import Decision
from sharprates.verification.record import Record
from sharprates.verification.status import (
    ClaimStatus,
    Status,
    claims_json,
    read_records,
    record,
    side_text,
    statuses,
    write_claims,
)


def a_record(method: str = "certified", **values) -> Record:  # type: ignore[no-untyped-def]
    given = {"claim": "E3", "check": method, "method": method, "n": 10, "n_counting": 8}
    return Record(**{**given, **values})


def status_of(*records: Record) -> ClaimStatus:
    return next(one for one in statuses(records) if one.claim.id == "E3")


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        ((), Status.UNTESTED),
        (("sampled",), Status.SAMPLED),
        (("sampled", "tested"), Status.TESTED),
        (("tested", "certified"), Status.CERTIFIED),
        (("symbolic",), Status.CERTIFIED),
    ],
)
def test_the_best_evidence_decides(methods: tuple[str, ...], expected: Status) -> None:
    assert status_of(*map(a_record, methods)).status is expected


def test_a_failure_refutes_whatever_else_holds() -> None:
    found = status_of(a_record(), a_record("tested", failure="d=1: 1 against 0.99"))
    assert found.status is Status.REFUTED
    assert found.problems == ["tested: d=1: 1 against 0.99"]


def test_checks_that_do_not_count_are_no_evidence() -> None:
    assert status_of(a_record(n_counting=0)).status is Status.UNTESTED


def test_n_is_that_of_the_status_own_kind() -> None:
    found = status_of(a_record("symbolic", n=1), a_record(n=7, n_counting=5), a_record("tested"))
    assert (found.n, found.n_counting) == (7, 5)
    assert status_of(a_record("symbolic", n=1, n_counting=1)).n == 1


def test_the_worst_ratio_is_of_the_claims_own_relation() -> None:
    upper = a_record(relation="upper", ratio=0.4, instance="a")
    tighter = a_record("tested", relation="upper", ratio=0.7, instance="b")
    other = a_record(relation="equality", ratio=1.5, instance="c")
    found = status_of(upper, tighter, other)
    assert found.worst is tighter
    assert found.sharpness == {"kind": "within ×1.42857", "instance": "b"}
    lower = [
        a_record(claim="L0", relation="lower", ratio=ratio, instance="") for ratio in (3.0, 2.0)
    ]
    row = next(one for one in statuses(lower) if one.claim.id == "L0")
    assert row.worst is not None
    assert row.worst.ratio == 2.0


def test_sharpness_names_what_was_reached() -> None:
    fit = {"family": "f", "parameter": "b", "exponent": 1.0, "constant": 2.0, "last": 0.995}
    attained = status_of(a_record(relation="upper", ratio=1.0, instance="x"))
    limit = status_of(a_record(relation="upper", ratio=0.995, instance="x", fit=fit))
    assert attained.sharpness == {"kind": "attained", "instance": "x"}
    assert limit.sharpness == {
        "kind": "limit",
        "ratio": 0.995,
        "instance": "x",
        "limits": [fit],
    }
    regimes = [
        a_record(relation="upper", ratio=ratio, instance="y", regime=regime)
        for regime, ratio in (("leftover", 1.0), ("a lemma", 0.995), ("large K", 0.5))
    ]
    # a regime in which the bound is attained does not make it sharp
    assert status_of(a_record(relation="upper", ratio=0.8, instance="x"), *regimes).sharpness == {
        "kind": "within ×1.25",
        "instance": "x",
        "leftover": "attained",
        "a lemma": "limit 0.995",
        "large K": "within ×2",
    }
    twice = [a_record(relation="upper", ratio=x, instance="", regime="r") for x in (0.5, 0.4)]
    assert (status_of(*twice).sharpness or {})["r"] == "within ×2"
    assert status_of(a_record()).sharpness is None


def test_power_and_break_even_are_gathered() -> None:
    found = status_of(
        a_record(power={"m": "d=1"}, break_even={"constant": 0.8}),
        a_record("tested", power={"n": None}, break_even={"constant": 0.9, "clock": None}),
    )
    assert [(one["mutant"], one["killed"]) for one in found.power] == [("m", True), ("n", False)]
    assert found.break_even == {"constant": 0.9}
    apart = {"constant": 0.99, "clock": 0.7}
    more = status_of(*found.records, a_record(regime="r", break_even=apart))
    assert more.break_even == {"constant": 0.9, "clock": 0.7}


def test_an_outcome_in_plain_values() -> None:
    side = (Interval.exact(Fraction(1, 2)), Interval.exact(Fraction(2, 3)))
    trial = Trial(Example.of(d=2), Decision(Relation.UPPER, (side,)), counts=True)
    outcome = Outcome("E3", "name", Method.CERTIFIED, 5, 4, worst=trial, failure=trial)
    found = record(outcome, "regime", "file")
    assert (found.ratio, found.instance) == (0.75, "d=2")
    assert found.failure == "d=2: 1/2 = 0.5 against 2/3 = 0.666667"
    assert (found.relation, found.witness, found.regime) == ("upper", "file", "regime")


def test_long_numbers_are_shown_as_decimals() -> None:
    third = Interval(Fraction(10**30, 3 * 10**30 + 1), Fraction(1, 3))
    assert side_text((Interval.exact(0.25), third)) == "1/4 = 0.25 against 0.333333333333"
    assert side_text((Interval.exact(Fraction(0)), Interval.exact(Fraction(1)))) == "0 against 1"


def test_claims_json_has_a_row_for_every_claim_and_reads_back(tmp_path: Path) -> None:
    records = [a_record(power={"m": "d=1"}, relation="upper", ratio=0.5, instance="x")]
    path = tmp_path / "build" / "claims.json"
    write_claims(path, statuses(records), {"seed": 3})
    content = json.loads(path.read_text())
    assert content["version"] == 1
    assert content["manifest"] == {"seed": 3}
    assert [row["id"] for row in content["claims"]] == list(CLAIMS)
    row = next(row for row in content["claims"] if row["id"] == "E3")
    assert row.keys() >= {
        "id",
        "kind",
        "relation",
        "status",
        "n",
        "n_counting",
        "ratio",
        "sharpness",
        "power",
        "break_even",
        "witness",
    }
    assert row["ratio"] == {"worst": 0.5, "instance": "x"}
    assert read_records(path) == records
    assert claims_json(statuses(records), {"seed": 3}) == content


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"version": 99, "claims": []}'])
def test_what_is_no_claims_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(InputError, match="run again"):
        read_records(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_records(tmp_path / "missing.json")
