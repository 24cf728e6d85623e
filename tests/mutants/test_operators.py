"""The mutants of a source: every kind, none of words, and each a file that still parses."""

import ast

import pytest

from tests.mutants.operators import Mutant, mutants

SOURCE = '''"""A file; its ρ is two bytes long."""

from x import y

LEVEL = 0.5  # ρ


@cached(8)
def f(a: int = 1, *, b: bool = True) -> float:
    """Words, 3 of them."""
    if a < 2:
        raise ValueError(f"a: {a + 1}")
    total = a + b - LEVEL
    total += 1
    g(total)
    return max(-a, total ** 3) if a and not b else abs(a)


class C:
    def __str__(self) -> str:
        return "a" * 7

    def close(self, xs: list) -> bool:
        return any(x.upper <= 1 for x in xs if x) and (xs == 1).any()
'''


def found(source: str) -> list[Mutant]:
    return mutants("samplers/f.py", source)


def test_every_kind_of_change_is_made() -> None:
    changes = {f"{one.place}: {one.before} → {one.after}" for one in found(SOURCE)}
    assert changes == {
        *("LEVEL: 0.5 → 1.0", "LEVEL: 0.5 → 0.25"),
        *("f: 1 → 2", "f: True → False"),  # defaults, and 1 in the body
        *("f: a < 2 → (a <= 2)", "f: a < 2 → (a >= 2)", "f: 2 → 3", "f: 2 → 1"),
        'f: raise ValueError(f"a: {a + 1}") → pass',
        *("f: a + b - LEVEL → (a + b)", "f: a + b - LEVEL → (a + b + LEVEL)"),
        *("f: a + b → (a)", "f: a + b → (b)", "f: a + b → (a - b)"),
        *("f: total += 1 → pass", "f: total += 1 → total -= 1"),
        "f: g(total) → pass",
        "f: max(-a, total ** 3) if a and not b else abs(a) → "
        "(max(-a, total ** 3) if not (a and (not b)) else abs(a))",
        *("f: max → min", "f: -a → (a)", "f: total ** 3 → (total * 3)", "f: 3 → 4", "f: 3 → 2"),
        *("f: a and not b → (a or not b)", "f: not b → (b)", "f: abs(a) → (a)"),
        *("C.close: any → all", "C.close: x.upper → x.lower"),
        *("C.close: x.upper <= 1 → (x.upper < 1)", "C.close: x.upper <= 1 → (x.upper > 1)"),
        "C.close: 1 → 2",
        *("C.close: xs == 1 → (xs != 1)", "C.close: (xs == 1).any → (xs == 1).all"),
        "C.close: any(x.upper <= 1 for x in xs if x) and (xs == 1).any() → "
        "(any((x.upper <= 1 for x in xs if x)) or (xs == 1).any())",
    }


def test_each_differs_from_the_source_in_its_place_and_parses() -> None:
    for one in found(SOURCE):
        ast.parse(one.source)
        assert one.source != SOURCE
        lines = zip(one.source.splitlines(), SOURCE.splitlines(), strict=True)
        changed = [number for number, (a, b) in enumerate(lines, 1) if a != b]
        assert changed == [one.line]


def test_names_tell_them_apart_and_do_not_move_with_the_lines() -> None:
    names = [one.name for one in found(SOURCE)]
    assert len(set(names)) == len(names)
    assert names == [one.name for one in found("# one more line\n" + SOURCE)]
    twice = [one.name for one in found("def f(x):\n    return x[1] + x[1]\n")]
    assert "samplers/f.py · f · 1 → 2" in twice
    assert "samplers/f.py · f · 1 → 2 #2" in twice


@pytest.mark.parametrize("source", ["x: Final[2] = y", "'words'", "assert x > 1", "s = f'{a + 1}'"])
def test_types_words_and_assertions_are_left_alone(source: str) -> None:
    assert found(source) == []
