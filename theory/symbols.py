"""The symbols of the formulas; their names are the keys of the values that evaluate a claim.

`MEANINGS` is the table of names. Whole numbers are given as ints, vectors as sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sympy
from sharprates.theory.symbol_table import TABLE

MEANINGS: Mapping[str, str] = MappingProxyType({name: text for name, _, _, text in TABLE})
"""Name of a value → what it is."""

LATEX: Mapping[str, str] = MappingProxyType({name: latex for name, latex, _, _ in TABLE})
"""Name of a value → its LaTeX."""

_SYMBOLS = {
    name: sympy.Symbol(name, **dict.fromkeys(assumption.split(), True))
    for name, _, assumption, _ in TABLE
}


def symbol(name: str) -> sympy.Symbol:
    """The symbol of that name in `MEANINGS`."""
    return _SYMBOLS[name]


def constant(claim_id: str, name: str = "constant") -> sympy.Symbol:
    """The symbol of a named constant, written e.g. ``E2.clock``.

    The overall factor, ``E2.constant``, stands in no formula: `Claim` multiplies by it.
    """
    return sympy.Symbol(f"{claim_id}.{name}", positive=True)
