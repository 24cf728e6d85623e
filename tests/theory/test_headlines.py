import pytest
from sharprates.theory.claim import Relation
from sharprates.theory.headlines import HEADLINES
from sharprates.theory.registry import CLAIMS

SIGNS = {
    Relation.UPPER: (r"\le",),
    Relation.LOWER: (r"\ge",),
    Relation.EQUALITY: ("=",),
    Relation.LIMIT: (r"\longrightarrow",),
    Relation.WORST_CASE: ("=", r"\ge", r"\longrightarrow"),
}


@pytest.mark.parametrize("id_", HEADLINES)
def test_what_is_set_by_hand_has_the_relation_of_the_formula(id_: str) -> None:
    one = HEADLINES[id_]
    assert any(sign in one.display for sign in SIGNS[CLAIMS[id_].relation])


@pytest.mark.parametrize("id_", HEADLINES)
def test_headlines_are_well_formed(id_: str) -> None:
    one = HEADLINES[id_]
    assert one.says.count("$") % 2 == 0
    assert not one.says.endswith(".")
    for text in (one.says, one.display):
        assert text.count("{") == text.count("}")
        assert text.count(r"\begin") == text.count(r"\end")
