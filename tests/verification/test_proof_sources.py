"""Reading the formal proofs: comments, sentences, the rules of claims*.v, who uses whom."""

import pytest
from sharprates.verification.formal import FOLDER, files_of_statements
from sharprates.verification.proof_sources import (
    ProofSourceError,
    Sources,
    assumptions_in,
    entities,
    plain,
    sentences,
    theorems,
    without_comments,
)

GOOD = """(* A file. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Sharprates Require Import dist.
Set Implicit Arguments.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** claim: E1, E2
    says: One is one. (* really *)
    covers: All of it. It leaves out two. *)
Theorem claim_E1 (x : nat) :
  x.+1 = x.+1.
Proof. by []. Qed.
"""
COMMENT = "(** claim: E1\n says: A.\n covers: B. *)\n"
THEOREM = COMMENT + "Theorem claim_X : True.\nProof. by []. Qed.\n"


def test_a_theorem_is_read_with_its_comment() -> None:
    (theorem,) = theorems(GOOD.replace(" (* really *)", ""), "claims")
    assert (theorem.name, theorem.claims) == ("claim_E1", ("E1", "E2"))
    assert (theorem.says, theorem.covers) == ("One is one.", "All of it. It leaves out two.")
    assert plain(theorem.statement) == "claim_E1 (x : nat) : x.+1 = x.+1"


@pytest.mark.parametrize(
    "text",
    [
        "Section S.\n" + THEOREM,
        "Variable R : Type.\n" + THEOREM,
        "Definition tv := 0.\n" + THEOREM,
        "Notation tv := 0.\n" + THEOREM,
        "Lemma l : True. Proof. by []. Qed.\n" + THEOREM,
        "From Coq Require Import Reals.\n" + THEOREM,
        "Unset Guard Checking.\n" + THEOREM,
        THEOREM.replace("Qed", "Admitted"),
        THEOREM.replace("Qed", "Defined"),
        THEOREM.replace("claim_X", "other"),
        THEOREM + THEOREM,
        THEOREM.removeprefix(COMMENT),
        THEOREM.replace("B.", ""),
        THEOREM.replace("says: A.", ""),
        THEOREM.replace("claim: E1", "claim: E1,"),
        THEOREM.replace("(** ", "(* "),
        # the comment of one theorem is not that of the next
        THEOREM + "Theorem claim_Y : True.\nProof. by []. Qed.\n",
    ],
)
def test_a_file_of_statements_holds_nothing_else(text: str) -> None:
    with pytest.raises(ProofSourceError, match=r"claims\.v: "):
        theorems(text, "claims")


def test_comments_nest_and_strings_hold_none() -> None:
    text = 'a (* b (* c *) d\n *) e "(*" f.'
    assert without_comments(text).split() == ["a", "e", '"(*"', "f."]
    assert len(without_comments(text)) == len(text)
    assert without_comments(text).count("\n") == 1


def test_a_sentence_ends_at_a_full_stop_before_white_space() -> None:
    code = "have: x.1 = M.y.\n by [].  rewrite a.."
    assert [code[a:b] for a, b in sentences(code)] == ["have: x.1 = M.y.", "by []."]


def test_axioms_and_switches_are_found_outside_comments() -> None:
    assert assumptions_in("(* Axiom *) Axiom a : False. Unset Guard Checking.") == [
        "Axiom",
        "Unset Guard",
    ]
    assert not assumptions_in("Lemma parametricity : True. (* Parameter *)")


TEXT = """Section S.
(* A number. *)
Variable n : nat.
(* Twice n. *)
Definition twice := n + n.
Lemma e : twice = n + n.
Proof. by
 rewrite /twice; exact: f. Qed.
End S.
"""


def at(word: str, after: int = 0) -> int:
    return TEXT.index(word, after)


PROOF = at("Proof")
GLOB = f"""DIGEST x
FSharprates.small
sec {at("S.")}:0 <> S
var {at("n :")}:0 S n
def {at("twice")}:0 <> twice
R{at("n + n")}:0 Sharprates.small <> S.n var
prf {at("e : ")}:0 <> e
R{at("twice = ")}:0 Sharprates.small <> twice def
binder {at("twice = ")}:0 <> x:1
R{at("twice = ")}:0 Sharprates.small <> x:1 var
R{at("twice", PROOF)}:0 Sharprates.small <> twice def
R{at("f. Qed", PROOF)}:0 Sharprates.other <> f thm
R{at("f. Qed", PROOF)}:0 mathcomp.ssreflect <> g thm
"""


def test_entities_have_their_text_comment_and_uses() -> None:
    n, twice, e = entities(TEXT, GLOB, "small")
    assert (n.name, n.kind, n.text, n.comment) == ("S.n", "var", "Variable n : nat.", "A number.")
    assert (twice.text, twice.comment) == ("Definition twice := n + n.", "Twice n.")
    assert twice.uses == (("small", "S.n"),)
    assert (e.text, e.uses, e.lines) == ("Lemma e : twice = n + n.", (("small", "twice"),), 3)
    assert e.proof_uses == (("small", "twice"), ("other", "f"))


def test_what_a_statement_rests_on_has_no_lemma_and_the_definitions_come_first() -> None:
    sources = Sources({one.key: one for one in entities(TEXT, GLOB, "small")})
    (theorem,) = theorems(THEOREM.replace("claim_X", "claim_e"), "small")
    named = Sources({**sources.entities, ("small", "claim_e"): sources.entities["small", "e"]})
    assert [one.name for one in named.trusted(theorem)] == ["S.n", "twice"]
    assert [one.name for one in named.proof(theorem)] == ["e"]


def test_our_files_keep_the_rules() -> None:
    for path in sorted(FOLDER.rglob("*.v")):
        text = path.read_text("ascii")
        assert "Admitted" not in text, path
        assert not assumptions_in(text), path
    stated = [
        one
        for path in files_of_statements(FOLDER)
        for one in theorems(path.read_text("ascii"), path.stem)
    ]
    assert len(stated) >= 20
    assert len({one.name for one in stated}) == len(stated)
    for one in stated:
        assert one.covers.endswith("."), one.name
    promised = {"E1", "E2", "E3", "E5", "H1", "H2", "H3", "H4", "L0", "L1", "L2", "L3", "P2", "P7"}
    assert promised <= {key for one in stated for key in one.claims}
