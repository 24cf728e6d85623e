"""The proof checker's labels, and the formal definitions against ours.

What needs Coq carries the mark `formal` and runs under `make formal`.
"""

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from sharprates.theory.registry import CLAIMS
from sharprates.verification import formal
from sharprates.verification.correspondence import (
    Correspondence,
    SharedInstance,
    build,
    correspondences,
)
from sharprates.verification.formal import (
    CHECKED,
    CLASSICAL,
    CLASSICAL_AXIOMS,
    FOLDER,
    NOT_RUN,
    REFUSED,
    Formal,
    JudgedTheorem,
    Reading,
    axioms_of,
    check_proofs,
    difference,
    files_of_statements,
    fingerprint,
    formal_of,
    label_of,
    label_of_claim,
    make_formal,
    needed_by,
    recorded,
    unbuilt,
)
from sharprates.verification.proof_sources import (
    ProofSourceError,
    Sources,
    Theorem,
    plain,
    theorems,
)

needs_coq = [
    pytest.mark.formal,
    pytest.mark.skipif(
        shutil.which("coqc") is None, reason="coqc is absent: `make formal` installs it"
    ),
]
PROGRAM = ("spec.ml*", "*.cm*", "*.o", "speceval")
SOURCES_ONLY = shutil.ignore_patterns("*.vo*", "*.glob", ".*", *PROGRAM)
MUTANTS = Path(__file__).parent / "formal_mutants"


# --- labels, without Coq --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "axioms"),
    [
        ("Closed under the global context\n", ()),
        ("Axioms:\nE3 : forall x,\n  x = x\n", ("E3",)),
        (
            "Axioms:\nboolp.propositional_extensionality\n  : forall P Q : Prop, P <-> Q -> P = Q\n"
            "functional_extensionality_dep\n  : forall A : Type, True\n",
            ("functional_extensionality_dep", "propositional_extensionality"),
        ),
    ],
)
def test_answers_of_print_assumptions_are_read(answer: str, axioms: tuple[str, ...]) -> None:
    assert axioms_of(answer) == axioms


def test_an_answer_of_another_form_is_no_answer() -> None:
    with pytest.raises(ProofSourceError, match="Print Assumptions answered"):
        axioms_of("Section Variables:\nx : nat\n")


def test_only_the_three_axioms_of_the_reals_are_allowed() -> None:
    assert label_of((), "") == (CHECKED, "")
    assert label_of(CLASSICAL_AXIOMS, "") == (CLASSICAL, "")
    status, reason = label_of([*CLASSICAL_AXIOMS, "choice"], "")
    assert (status, reason) == (REFUSED, "its proof assumes choice")
    assert label_of((), "its statement has changed")[0] == REFUSED


READ = Reading("claim_X : a = b", {"f.a": "Definition a := 0."}, {"E1": "$a=b$"}, {"8.16.1": "0f"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"statement": "claim_X : a = c"}, "its statement has changed"),
        ({"definitions": {"f.a": "Definition a := 1."}}, "have changed: f.a"),
        ({"definitions": {"f.a": READ.definitions["f.a"], "f.b": "…"}}, "have changed: f.b"),
        ({"definitions": {}}, "have changed: f.a"),
        ({"claims": {"E1": r"$a\le b$"}}, "the registry's statement of E1 has changed"),
        ({"claims": {"E2": "$a=b$"}}, "it belongs to other claims now"),
        ({"printed": {"8.16.1": "1f"}}, "Coq reads the same text"),
        ({"printed": {"8.20.1": "1f"}}, ""),
    ],
)
def test_a_change_of_what_was_read_is_told(change: dict[str, object], words: str) -> None:
    told = difference(READ, dataclasses.replace(READ, **change))
    assert words in told
    assert bool(told) == bool(words)


def test_what_nobody_has_read_is_refused() -> None:
    assert "nobody has recorded" in difference(None, READ)


def test_what_was_read_is_written_and_read_back(tmp_path: Path) -> None:
    other = dataclasses.replace(READ, printed={"8.20.1": "2f"})
    now = recorded(
        {"claim_X": READ, "claim_R": READ, "gone": READ}, {"claim_X": other}, ["claim_R"]
    )
    assert now["claim_X"].printed == {"8.16.1": "0f", "8.20.1": "2f"}
    assert now["claim_R"] == READ
    assert "gone" not in now
    Reading.write(tmp_path, now)
    assert Reading.read(tmp_path) == now


def label(name: str, status: str, **fields: object) -> JudgedTheorem:
    return JudgedTheorem(
        Theorem(name, "claims", ("E1", "E3"), "…", f"Covers {name}.", "…"), status, **fields
    )


def test_a_claim_takes_its_label_from_its_theorems() -> None:
    good, real = label("a", CHECKED), label("b", CLASSICAL, axioms=("x",))
    absent, bad = label("c", NOT_RUN, reason="no library"), label("d", REFUSED, reason="wrong")
    assert label_of_claim("E1", [good]) == Formal(CHECKED, "a", "Covers a.")
    assert label_of_claim("E1", [absent, real, good]) == Formal(CHECKED, "a", "Covers a.")
    assert label_of_claim("E1", [real, absent]) == Formal(CLASSICAL, "b", "Covers b.", ("x",))
    assert label_of_claim("E1", [good, label("e", CHECKED)]).covers == "a: Covers a. e: Covers e."
    assert label_of_claim("E1", [absent]).status == NOT_RUN
    assert label_of_claim("E1", [good, real, bad]) == Formal(
        REFUSED, "d", "Covers d.", (), "d: wrong"
    )
    assert label_of_claim("E2", [good]).status == NOT_RUN
    assert "no part of this claim" in label_of_claim("E2", [good]).reason


def test_a_file_that_needs_a_broken_one_is_not_built() -> None:
    needed = needed_by("claims", FOLDER)
    assert {"dist", "partial", "euler", "e5"} <= needed
    assert unbuilt("claims", needed, {}) == ""
    assert "euler.v, which it needs, does not compile: why" in unbuilt(
        "claims", needed, {"euler": "why"}
    )
    assert unbuilt("claims", needed, {"claims": "why"}) == "claims.v does not compile: why"
    assert unbuilt("claims", needed, {"elsewhere": "why"}) == ""


def stored(path: Path, **changes: object) -> Path:
    content = {
        "version": formal.VERSION,
        "sources": fingerprint(FOLDER, CLAIMS),
        "claims": {
            key: dataclasses.asdict(Formal(CHECKED, f"claim_{key}", "All.", ("x",)))
            for key in CLAIMS
        },
    }
    path.write_text(json.dumps({**content, **changes}), "utf-8")
    return path


def test_labels_come_from_the_file_only_if_it_was_made_from_these_sources(tmp_path: Path) -> None:
    path = stored(tmp_path / "formal.json")
    assert formal_of(CLAIMS, path)["E3"] == Formal(CHECKED, "claim_E3", "All.", ("x",))

    edited = dataclasses.replace(CLAIMS["E3"], statement="another")
    stale = [
        formal_of({**CLAIMS, "E3": edited}, path),
        formal_of(CLAIMS, stored(tmp_path / "other.json", sources="0")),
        formal_of(CLAIMS, stored(tmp_path / "older.json", version=0)),
        formal_of(CLAIMS, tmp_path / "missing.json"),
        formal_of(CLAIMS, path, tmp_path / "installed"),
    ]
    for labels in stale:
        assert labels.keys() == CLAIMS.keys()
        assert {one.status for one in labels.values()} == {NOT_RUN}
        assert all(one.reason for one in labels.values())


def test_the_sources_are_told_apart(tmp_path: Path) -> None:
    copy = tmp_path / "formal"
    shutil.copytree(FOLDER, copy, ignore=SOURCES_ONLY)
    before = fingerprint(copy, CLAIMS)
    assert before == fingerprint(FOLDER, CLAIMS)
    (copy / "compat.v").write_text("made by the build")
    assert fingerprint(copy, CLAIMS) == before
    (copy / "euler.v").write_text("(* another *)")
    assert fingerprint(copy, CLAIMS) != before


def test_without_coq_every_claim_is_not_run_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "formal"
    shutil.copytree(FOLDER, copy, ignore=SOURCES_ONLY)
    (copy / "tools.sh").write_text("#!/bin/sh\necho 'Coq is missing here.' >&2\nexit 69\n")
    monkeypatch.setattr(formal, "FOLDER", copy)
    monkeypatch.setattr(formal, "OUTPUT", tmp_path / "build" / "formal.json")
    assert make_formal() == 0
    assert "Coq is missing here." in capsys.readouterr().err
    labels = formal_of(CLAIMS, formal.OUTPUT, copy)
    assert {one.status for one in labels.values()} == {NOT_RUN}
    assert "Coq is missing here." in labels["E3"].reason


# --- labels, with Coq -----------------------------------------------------------------------------

SMALL = ("E1", "E3", "E3_uniform", "H1", "L0")
"""Theorems that need few files, which a mutant compiles again in seconds."""


def small_copy(folder: Path) -> Path:
    """The compiled proofs, with those of `SMALL` as the only statements."""
    copy = folder / "formal"
    text = (FOLDER / "claims.v").read_text("ascii")
    needed = {"compat", "dist", "partial", "fhs", "euler", "birthday"}
    shutil.copytree(FOLDER, copy, ignore=lambda _, names: unneeded(names, needed))
    header = re.sub(
        r"From Sharprates Require Import [^.]*\.",
        f"From Sharprates Require Import {' '.join(sorted(needed))}.",
        text[: text.index("(** claim:")],
    )
    kept = [
        found
        for name in SMALL
        for found in re.findall(
            rf"\(\*\* claim:(?:(?!\(\*\*).)*?Theorem claim_{name} .*?Qed\.\n", text, re.DOTALL
        )
    ]
    assert len(kept) == len(SMALL)
    (copy / "claims.v").write_text(header + "\n".join(kept))
    return copy


def unneeded(names: Iterable[str], needed: set[str]) -> list[str]:
    keep = {*needed, "Makefile", "tools", "version", "statements"}
    return [name for name in names if name.lstrip(".").split(".")[0] not in keep]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("ascii")
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder of the proofs, compiled."""
    formal.Checker(FOLDER).build()
    return FOLDER


class TestWithCoq:
    pytestmark = needs_coq

    def test_mutants_of_the_proofs_are_refused(self, built: Path, tmp_path: Path) -> None:
        assert built == FOLDER
        copy = small_copy(tmp_path)
        checked, _, _ = check_proofs(copy, CLAIMS)
        assert {one.theorem.name: one.status for one in checked} == {
            f"claim_{name}": CHECKED for name in SMALL
        }

        # A constant tightened: the old proof no longer fits, and nothing of that file is believed.
        edit(copy / "claims.v", "'C(#|I|, 2)%:R / K%:R", "'C(#|I|, 2)%:R / K.+1%:R")
        checked, _, _ = check_proofs(copy, CLAIMS)
        assert {one.status for one in checked} == {REFUSED}
        assert all("claims.v does not compile: line" in one.reason for one in checked)
        edit(copy / "claims.v", "'C(#|I|, 2)%:R / K.+1%:R", "'C(#|I|, 2)%:R / K%:R")

        # A statement that is proved all the same, but is another one.
        edit(
            copy / "claims.v",
            "(0 < K)%N -> (#|I| <= K)%N ->\n",
            "(0 < K)%N -> (#|I| <= K)%N -> (#|I| <= K)%N ->\n",
        )
        edit(
            copy / "claims.v",
            "Proof. exact: E3_uniform. Qed.",
            "Proof. by move=> *; apply: E3_uniform. Qed.",
        )
        # The proof of E3 given up: all that needs it, and only that, is refused.
        text = (copy / "euler.v").read_text("ascii")
        start = text.index("Theorem E3 ")
        end = text.index("Qed.", start)
        (copy / "euler.v").write_text(
            text[:start] + text[start:end] + "Admitted." + text[end + 4 :]
        )
        checked, _, _ = check_proofs(copy, CLAIMS)
        sources = Sources.read(copy)
        dependents = {
            one.theorem.name
            for one in checked
            if ("euler", "E3") in {entity.key for entity in sources.proof(one.theorem)}
        }
        assert dependents == {"claim_E3", "claim_E3_uniform"}
        for one in checked:
            assert one.status == (REFUSED if one.theorem.name in dependents else CHECKED)
            assert one.axioms == (("E3",) if one.theorem.name in dependents else ())
        assert {o.theorem.name: o.reason for o in checked}["claim_E3"] == "its proof assumes E3"

    # Each size once with a denoiser that errs, once with the exact one.
    @pytest.mark.parametrize("exact", [False, True], ids=["errs", "exact"])
    @pytest.mark.parametrize(
        ("d", "S", "K"), [(1, 3, 2), (2, 2, 3), (2, 3, 4), (3, 2, 3), (3, 3, 2)]
    )
    def test_the_formal_definitions_give_our_numbers(
        self, program: Path, d: int, S: int, K: int, exact: bool
    ) -> None:
        count = 0
        for seed in range(1 if d == S else 2):
            for one in correspondences(program, SharedInstance.drawn(d, S, K, exact, seed)):
                assert one.holds, one
                count += 1
        assert count > 20

    @pytest.mark.parametrize(
        ("mutant", "theorem", "source"),
        [
            ("squared", "claim_E3", "claims"),
            ("stale", "claim_L0", "claims"),
            ("short", "E3", "euler"),
        ],
    )
    def test_a_wrong_definition_is_caught_by_the_numbers_and_by_no_proof(
        self, built: Path, tmp_path: Path, mutant: str, theorem: str, source: str
    ) -> None:
        copy = tmp_path / "formal"
        shutil.copytree(built, copy, ignore=shutil.ignore_patterns("claims*", *PROGRAM))
        text = (MUTANTS / f"{mutant}.v").read_text("ascii")
        assert statement(theorem, (built / f"{source}.v").read_text("ascii")) == statement(
            theorem, text
        )
        (copy / "mutant.v").write_text(f"{text}\nPrint Assumptions {theorem}.\n")
        shutil.copy(built / "extract" / "main.ml", copy / "extract")
        edit(
            copy / "eval.v", "e5 policy.\n", "e5 policy.\nFrom Sharprates Require Import mutant.\n"
        )
        subprocess.run(["make", "-C", str(copy), "depend", "mutant.vo"], check=True)
        assert (copy / "mutant.out").read_text() == "Closed under the global context\n"
        found = list(correspondences(build(copy), SharedInstance.drawn(2, 2, 3, False, 1)))
        wrong = {one.what.partition(": p_out")[0] for one in found if not one.holds}
        assert wrong, mutant
        if mutant == "short":
            assert wrong == {"E3: 1 - d! e_d(w)"}
        else:
            assert {"E3", "E3: TV", "E3 by propagation", "E3 by expansion"} <= wrong
        assert not any(what.startswith(("H2", "P2", "E5")) for what in wrong)


@pytest.fixture(scope="module")
def program(built: Path) -> Path:
    """The program of the formal definitions."""
    return build(built)


def statement(theorem: str, text: str) -> str:
    """The text of a theorem between its name and its proof."""
    found = re.search(rf"Theorem {theorem} (.*?)\nProof", text, re.DOTALL)
    assert found is not None
    return plain(found[1])


def test_a_comparison_allows_no_error_where_both_sides_are_exact() -> None:
    third = Correspondence("…", formal=1, ours=1)
    assert third.holds


def test_every_statement_is_recorded_as_read() -> None:
    read = Reading.read(FOLDER)
    for path in files_of_statements(FOLDER):
        for one in theorems(path.read_text("ascii"), path.stem):
            assert read[one.name].statement == plain(one.statement), one.name
