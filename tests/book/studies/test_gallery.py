"""The gallery's constants are those of the theorems."""

from __future__ import annotations

from fractions import Fraction

from sharprates.samplers.families import FAMILIES, family
from studies import gallery


def test_constants_of_families_with_a_closed_form() -> None:
    """Copies and parity at S = 2: d/4; pairs ⌊d/2⌋(1−1/S); permutations (d/2)(H_S − 1)."""
    assert gallery.constant("copies:3:2") == gallery.constant("parity:3:2") == Fraction(3, 4)
    assert gallery.constant("pairs:4:3") == 2 * Fraction(2, 3)
    harmonic = sum(Fraction(1, s) for s in range(1, 5))
    assert gallery.constant("permutations:4:4") == 2 * (harmonic - 1)


def test_what_is_drawn_is_of_the_family() -> None:
    for text in gallery.SHOWN:
        assert text.split(":")[0] in FAMILIES
        support = {tuple(row) for row in family(text).rows.tolist()}
        rows = gallery.drawn(text)
        assert {tuple(row) for row in rows} <= support
        assert rows == gallery.drawn(text)
