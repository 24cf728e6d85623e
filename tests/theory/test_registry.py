import re

import pytest
import sympy
from sharprates.theory.abstract import PROMISES
from sharprates.theory.claim import Kind, Relation
from sharprates.theory.errors import UnknownClaimError
from sharprates.theory.registry import CLAIMS, claim
from sharprates.theory.symbols import LATEX, MEANINGS

NUMBERS = (
    *(("F", range(1, 7)), ("S", range(1, 6)), ("E", range(1, 12)), ("L", range(8))),
    *(("X", range(1, 5)), ("H", range(1, 5)), ("C", range(1, 5)), ("KL", range(1, 8))),
    *(("U", range(1, 5)), ("G", (1,)), ("P", (1, 2, 3, "3C", *range(4, 12))), ("Q", (1, 2))),
    *(("R", (1, 2, 3, 5, 6, 7)), ("B", range(5))),
)
IDS = [f"{letter}{number}" for letter, numbers in NUMBERS for number in numbers]


def test_every_claim_of_the_note_is_there_once_and_in_order() -> None:
    assert list(CLAIMS) == IDS
    assert all(one.id == id_ for id_, one in CLAIMS.items())


def test_dependencies_exist_and_have_no_cycle() -> None:
    done: set[str] = set()
    waiting = dict(CLAIMS)
    while waiting:
        ready = [id_ for id_, one in waiting.items() if set(one.depends_on) <= done]
        assert ready, f"cycle or unknown id among {sorted(waiting)}"
        done.update(ready)
        waiting = {id_: one for id_, one in waiting.items() if id_ not in done}


@pytest.mark.parametrize("id_", IDS)
def test_bounds_have_a_factor_and_formulas_use_the_other_constants(id_: str) -> None:
    one = CLAIMS[id_]
    forms = [one.form(name) for name in (None, *one.variants)]
    used: set[str] = set()
    for form in forms:
        names = {s.name for s in form.expression.free_symbols}
        used |= names
    bounded = any(form.relation in (Relation.UPPER, Relation.LOWER) for form in forms)
    assert ("constant" in one.constants) == bounded
    constants = {f"{id_}.{name}" for name in one.constants if name != "constant"}
    assert {name for name in used if "." in name} == constants
    assert used - constants <= MEANINGS.keys()


def test_the_named_constants_of_the_design() -> None:
    half, quarter = sympy.Rational(1, 2), sympy.Rational(1, 4)
    named = {
        (id_, name): value
        for id_, one in CLAIMS.items()
        for name, value in one.constants.items()
        if name != "constant"
    }
    assert named == {
        ("E2", "clock"): half,
        ("E2", "parallel"): quarter,
        ("E7", "correction"): sympy.Rational(1, 5),
        ("E8", "root"): half,
        ("E9", "factor"): quarter,
        ("L6", "half"): half,
    }
    assert all(one.constants.get("constant", 1) == 1 for one in CLAIMS.values())


def test_provenance_covers_the_abstract() -> None:
    promised = {promise for one in CLAIMS.values() for promise in one.provenance.promises}
    assert promised == set(PROMISES) == {f"A{i}" for i in range(1, 8)}
    conjectures = [id_ for id_, one in CLAIMS.items() if one.kind is Kind.CONJECTURE]
    assert conjectures == ["X1", "P3C"]
    assert all("arXiv" in work for one in CLAIMS.values() for work in one.provenance.works)


@pytest.mark.parametrize("id_", IDS)
def test_texts_are_well_formed_latex(id_: str) -> None:
    one = CLAIMS[id_]
    assert one.statement.count("$") % 2 == 0
    formulas = [one.formula(name) for name in (None, *one.variants)]
    for text in (one.statement, one.measured.value, *formulas):
        assert text.count("{") == text.count("}")
        assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))
    for formula in formulas:
        assert f"{id_}." not in formula  # constants are printed as numbers
        bare = {name for name in MEANINGS if name != LATEX[name] and "_" in name}
        assert not [name for name in bare if f" {name} " in f" {formula} "]


def test_unknown_claims_are_answered_with_neighbours() -> None:
    assert claim("e3") is CLAIMS["E3"]
    with pytest.raises(UnknownClaimError, match=r"'KL9' is unknown: did you mean KL\d"):
        claim("KL9")
    with pytest.raises(ValueError, match="did you mean F1, F2"):
        claim("?")
