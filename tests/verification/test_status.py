"""Statuses computed from evidence; `claims.json` written and read."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.theory.claim import Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.evidence import Evidence, Fit
from sharprates.verification.formal import formal_of
from sharprates.verification.status import (
    NEAR,
    ClaimStatus,
    Report,
    Sharpness,
    Status,
    claims_json,
    read_evidence,
    statuses,
    write_claims,
)
from sharprates.verification.verdict import Verdict


def shown(method: str = "certified", **values) -> Evidence:
    given = {"claim": "E3", "check": method, "method": method, "n": 10, "n_counting": 8}
    return Evidence(**{**given, **values})


def status_of(*evidence: Evidence) -> ClaimStatus:
    return next(one for one in statuses(evidence) if one.claim.id == "E3")


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
    assert status_of(*map(shown, methods)).status is expected


def test_a_failure_refutes_whatever_else_holds() -> None:
    found = status_of(shown(), shown("tested", failure="d=1: 1 against 0.99"))
    assert found.status is Status.REFUTED
    assert found.problems == ["tested: d=1: 1 against 0.99"]


def test_checks_that_do_not_count_are_no_evidence() -> None:
    assert status_of(shown(n_counting=0)).status is Status.UNTESTED


def test_n_is_that_of_the_status_own_kind() -> None:
    found = status_of(shown("symbolic", n=1), shown(n=7, n_counting=5), shown("tested"))
    assert (found.n, found.n_counting) == (7, 5)
    assert status_of(shown("symbolic", n=1, n_counting=1)).n == 1


def test_the_worst_ratio_is_of_the_claims_own_relation() -> None:
    upper = shown(relation="upper", ratio=0.4, instance="a")
    tighter = shown("tested", relation="upper", ratio=0.7, instance="b")
    other = shown(relation="equality", ratio=1.5, instance="c")
    found = status_of(upper, tighter, other)
    assert found.worst is tighter
    assert found.sharpness == Sharpness("within ×1.42857", 0.7, "b", (), {})
    lower = [shown(claim="L0", relation="lower", ratio=ratio, instance="") for ratio in (3.0, 2.0)]
    row = next(one for one in statuses(lower) if one.claim.id == "L0")
    assert row.worst is not None
    assert row.worst.ratio == 2.0


SIDES = (("upper", 1.5), ("lower", 1.0))


def test_sharpness_names_what_was_reached() -> None:
    fit = Fit("f", "b", exponent=1.0, constant=2.0, last=0.995, at=400)
    attained = status_of(shown(relation="upper", ratio=1.0, instance="x"))
    limit = status_of(shown(relation="upper", ratio=0.995, instance="x", fit=fit))
    assert "0.995 at b = 400 along f: 1 − ratio ~ 2·b^−1.00" in limit.sharpness.text
    slow = status_of(shown(relation="upper", ratio=0.9, fit=Fit("f", "b", None, None, 0.9, 64)))
    assert slow.sharpness.text.endswith("; 0.9 at b = 64 along f")
    assert attained.sharpness == Sharpness("attained", 1.0, "x", (), {})
    assert limit.sharpness == Sharpness("limit", 0.995, "x", (fit,), {})
    regimes = [
        shown(relation="upper", ratio=ratio, instance="y", regime=regime)
        for regime, ratio in (("leftover", 1.0), ("a lemma", 0.995), ("large K", 0.5))
    ]
    # a regime in which the bound is attained does not make it sharp
    sharpness = status_of(shown(relation="upper", ratio=0.8, instance="x"), *regimes).sharpness
    apart = {"leftover": "attained", "a lemma": "limit 0.995", "large K": "within ×2"}
    assert sharpness == Sharpness("within ×1.25", 0.8, "x", (), apart)
    assert sharpness.text.startswith("within ×1.25; large K: within ×2; ")
    zero = shown(relation="upper", ratio=0.0, instance="", regime="r")
    assert status_of(*regimes, zero).sharpness.regimes["r"] == "within ×inf"
    # at the bound from below, and past it from above: the second is nearer to failing
    both = [shown(relation=kind, ratio=x, instance="", regime="r") for kind, x in SIDES]
    assert status_of(*both).sharpness.regimes == {"r": "within ×1.5"}
    twice = [shown(relation="upper", ratio=x, instance="", regime="r") for x in (0.5, 0.4)]
    assert status_of(*twice).sharpness.regimes == {"r": "within ×2"}
    assert status_of(shown()).sharpness is None


def test_power_and_break_even_are_gathered() -> None:
    found = status_of(
        shown(power={"m": "d=1"}, break_even={"constant": 0.8}),
        shown("tested", power={"n": None}, break_even={"constant": 0.9, "clock": None}),
    )
    assert [(one["mutant"], one["killed"]) for one in found.power] == [("m", True), ("n", False)]
    assert found.break_even == {"constant": 0.9}
    apart = {"constant": 0.99, "clock": 0.7}
    more = status_of(*found.evidence, shown(regime="r", break_even=apart))
    assert more.break_even == {"constant": 0.9, "clock": 0.7}
    assert more.json()["break_even"] == more.break_even
    assert status_of(shown()).json()["break_even"] is None


def test_claims_json_has_a_row_for_every_claim_and_reads_back(tmp_path: Path) -> None:
    evidence = [shown(power={"m": "d=1"}, relation="upper", ratio=0.5, instance="x")]
    path = tmp_path / "build" / "claims.json"
    write_claims(path, statuses(evidence), {"seed": 3})
    content = json.loads(path.read_text())
    assert content["version"] == 2
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
    assert read_evidence(path) == evidence
    assert json.loads(json.dumps(claims_json(statuses(evidence), {"seed": 3}))) == content


def test_the_proof_checkers_label_stands_beside_the_status_of_a_claim_of_the_registry() -> None:
    foreign = ClaimStatus(replace(CLAIMS["E3"], id="mine"), (shown(),))
    ours, theirs = claims_json([status_of(shown()), foreign], {})["claims"]
    assert ours["formal"] == asdict(formal_of(CLAIMS)["E3"])
    assert theirs["formal"] is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": 2}', '{"version": 99, "claims": []}', "[" * 200_000, '{"a":' * 200_000],
)
def test_what_is_no_claims_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(InputError, match="run again"):
        read_evidence(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_evidence(tmp_path / "missing.json")


def test_a_ratio_is_near_one_up_to_the_tolerance_and_no_further() -> None:
    assert NEAR == 1e-9
    for off, kind in (
        *((0.9e-9, "attained"), (-0.9e-9, "attained"), (1.1e-9, "limit"), (-1.1e-9, "limit")),
        *((0.0099, "limit"), (-0.0099, "limit"), (0.0101, "within ×1.0101")),
    ):
        found = status_of(shown(relation="equality", ratio=1 + off, instance="x"))
        assert found.sharpness is not None
        assert found.sharpness.kind == kind


def test_equalities_within_the_tolerance_are_equal_and_others_ranked_by_distance() -> None:
    claim = next(one for one in CLAIMS.values() if one.relation is Relation.EQUALITY)

    def worst_of(*ratios: float) -> float | None:
        found = [
            shown(claim=claim.id, relation="equality", ratio=ratio, instance="") for ratio in ratios
        ]
        row = next(one for one in statuses(found) if one.claim.id == claim.id)
        assert row.worst is not None
        return row.worst.ratio

    assert worst_of(1.0, 1 + NEAR / 2) == 1.0  # of equal ones the first
    assert worst_of(1.0, 1 + 2 * NEAR, 1 + NEAR / 2) == 1 + 2 * NEAR
    assert worst_of(1.0, 0.5, 1.2) == 0.5


def test_proofs_are_the_symbolic_checks_and_no_others() -> None:
    found = status_of(shown("symbolic"), shown("certified"), shown("tested"))
    assert found.json()["proofs"] == ["symbolic"]


def test_a_ratio_of_zero_is_the_worst_of_lower_bounds_and_the_best_of_upper_ones() -> None:
    for claim, relation, worst in (("L0", "lower", 0.0), ("E3", "upper", 0.5)):
        found = [
            shown(claim=claim, relation=relation, ratio=ratio, instance="") for ratio in (0.5, 0.0)
        ]
        row = next(one for one in statuses(found) if one.claim.id == claim)
        assert row.worst is not None
        assert row.worst.ratio == worst
    only = status_of(shown(relation="upper", ratio=0.0, instance=""))
    assert only.sharpness is not None
    assert (only.sharpness.kind, only.sharpness.ratio) == ("within ×inf", 0.0)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ((), Verdict.UNDECIDED),  # untested
        ((shown(),), Verdict.HOLDS),
        ((shown(n_undecided=1),), Verdict.UNDECIDED),
        ((shown(n_counting=0),), Verdict.UNDECIDED),
        ((shown(n_undecided=1), shown("tested", complaint="too few")), Verdict.FAILS),
        ((shown(failure="1 against 0.99"),), Verdict.FAILS),
    ],
)
def test_the_verdict_of_a_run(evidence: tuple[Evidence, ...], verdict: Verdict) -> None:
    one = status_of(*evidence)
    assert Report((one,), {}).verdict is verdict
    assert Report((one,), {})["E3"] is one
    # one claim that is worse than another decides
    good = ClaimStatus(CLAIMS["E4"], (shown(claim="E4"),))
    assert Report((good, one), {}).verdict is verdict
    assert Report((one, good), {}).verdict is verdict


def test_claims_json_is_written_into_a_folder_new_or_old(tmp_path: Path) -> None:
    for path in (tmp_path / "a" / "b" / "claims.json", tmp_path / "a" / "claims.json"):
        write_claims(path, [status_of(shown())], {})
        write_claims(path, [status_of(shown())], {})
        assert read_evidence(path) == [shown()]
