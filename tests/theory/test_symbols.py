import pytest
from sharprates.theory.symbols import LATEX, MEANINGS, constant, symbol


def test_every_name_has_a_symbol_a_meaning_and_latex() -> None:
    assert MEANINGS.keys() == LATEX.keys()
    for name, meaning in MEANINGS.items():
        assert symbol(name).name == name
        assert meaning
        assert LATEX[name]


def test_one_symbol_a_name() -> None:
    assert symbol("d") is symbol("d")
    assert symbol("d").is_integer
    assert symbol("alpha").is_nonnegative
    with pytest.raises(KeyError):
        symbol("xi")


def test_constants_are_written_as_a_user_writes_them() -> None:
    assert constant("E2", "clock").name == "E2.clock"
    assert constant("E3").name == "E3.constant"
    assert constant("E3").is_positive
