"""The table of what is stated and what was tried: from evidence, with nothing overlooked."""

from dataclasses import replace

import pytest
from sharprates.theory.registry import CLAIMS
from sharprates.verification.evidence import Evidence, Reach
from sharprates.verification.scope import NO_RUN, conditions, reach_text, scope, stated

SIZES = {"d": (1.0, 4.0), "S": (2.0, 3.0), "K": (1.0, 8.0)}
KINDS = {
    "q_0": ("copies", "drawn"),
    "denoiser": ("exact",),
    "steps": ("equal", "unequal", "without leftover"),
}


def evidence(claim: str, method: str = "certified", **changes: object) -> Evidence:
    reach = Reach(("",), SIZES, KINDS)
    return replace(Evidence(claim, "a check", method, 9, 9, reach=reach), **changes)


def test_what_a_claim_is_stated_for() -> None:
    assert stated(CLAIMS["E6"]).startswith("every d, K; ")
    assert stated(CLAIMS["E9"]) == "every q₀, d, S; the exact denoiser; S = 2"
    assert stated(CLAIMS["L1"]).startswith("every q₀ of pairs, d, S, w; a parallel unmasking")
    assert stated(CLAIMS["S3"]).startswith("every d, K, m; ")
    assert stated(CLAIMS["H3"]).startswith("every q₀ of point-mass, d, S, η; ")


def test_conditions_are_said_without_the_verbs_of_a_refusal() -> None:
    assert conditions(CLAIMS["E2"].hypotheses).startswith("the Euler sampler; the constant")
    assert conditions(CLAIMS["E9"].hypotheses) == "the exact denoiser; S = 2"


def test_sizes_above_the_largest_and_kinds_that_are_allowed_were_not_tried() -> None:
    found = scope(CLAIMS["E4"], [evidence("E4")])
    assert found.tried == (
        "in fractions or balls: 9 examples; d = 1…4, S = 2…3, K = 1…8; q₀: copies, drawn; "
        "denoiser: exact; steps: equal, unequal, without leftover",
    )
    assert found.not_tried == ("d > 4, S > 3, K > 8; steps with leftover",)


def test_a_denoiser_that_errs_is_missed_only_where_the_claim_allows_it() -> None:
    (allowed,) = [x for x in scope(CLAIMS["L0"], [evidence("L0")]).not_tried if "d >" in x]
    assert "denoiser errs" in allowed
    assert "denoiser" not in " ".join(scope(CLAIMS["E4"], [evidence("E4")]).not_tried)


def test_a_size_that_the_claim_fixes_is_not_missed() -> None:
    reach = Reach(("",), {"d": (2, 5), "S": (2, 2)}, {"q_0": ("drawn",)})
    assert scope(CLAIMS["E9"], [evidence("E9", reach=reach)]).not_tried == ("d > 5",)


def test_what_is_known_in_float64_alone_is_said() -> None:
    larger = Reach(("",), {"d": (1.0, 6.0), "S": (2.0, 3.0), "K": (1.0, 5.0)}, KINDS)
    found = scope(CLAIMS["E4"], [evidence("E4"), evidence("E4", "tested", reach=larger)])
    assert found.not_tried == ("d > 6 (d > 4 in float64 only), S > 3, K > 8; steps with leftover",)


def test_a_form_that_no_check_evaluates_is_named() -> None:
    (main, *others) = scope(CLAIMS["KL3"], [evidence("KL3")]).not_tried
    assert main.startswith("main form: d > 4")
    assert others == ["linear: no example was tried"]


def test_a_check_of_another_quantity_does_not_extend_a_form() -> None:
    """Sides that are not the claim's own stand for a form only where nothing else does."""
    far = Reach(("",), {"d": (2, 99)}, {})
    both = [evidence("E4"), evidence("E4", reach=far, rated=False)]
    assert "d > 4" in scope(CLAIMS["E4"], both).not_tried[0]
    assert "d > 99" in scope(CLAIMS["E4"], both[1:]).not_tried[0]


def test_notes_and_undecided_examples_stand_under_not_tried() -> None:
    noted = evidence("E4", note="1 % of the volume is undecided", n_undecided=2)
    lines = scope(CLAIMS["E4"], [noted]).not_tried
    assert "a check: 1 % of the volume is undecided" in lines
    assert "a check: 2 of 9 examples undecided" in lines


def test_symbolic_proofs_and_parts_of_a_statement_are_told_apart() -> None:
    proof = evidence("E4", "symbolic", check="all d ≤ 5", reach=Reach())
    part = evidence("E4", "tested", check="a lemma", reach=Reach((), {"p": (0.5, 0.5)}, {}))
    assert scope(CLAIMS["E4"], [proof, part]) == replace(
        scope(CLAIMS["E4"], []),
        tried=(
            "proved symbolically: all d ≤ 5",
            "part of the statement in float64 with a stated error: a lemma; p = 0.5",
        ),
    )


def test_without_a_run_nothing_was_tried() -> None:
    found = scope(CLAIMS["E4"], [])
    assert found.tried == ()
    assert found.not_tried == (NO_RUN,)


def test_sentences_without_a_formula_are_written_by_hand() -> None:
    claim = replace(CLAIMS["E4"], unchecked=("the last sentence",))
    assert scope(claim, [evidence("E4")]).not_tried[-1] == "the last sentence"


def test_long_lists_of_families_are_counted() -> None:
    names = ("drawn", *(f"family {k}" for k in range(7)))
    assert reach_text(Reach((), {}, {"q_0": names})) == "q₀: 7 families, drawn"


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_every_claim_is_stated_for_something(claim_id: str) -> None:
    assert stated(CLAIMS[claim_id]).startswith("every ")
