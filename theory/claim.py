"""A claim: one statement of the theory, with its formula, constants and hypotheses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any

import sympy
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.errors import TheoryError
from sharprates.theory.evaluation import evaluate, lift
from sharprates.theory.functions import Named
from sharprates.theory.hypotheses import Hypothesis
from sharprates.theory.measured import Measured
from sharprates.theory.setting import Setting
from sharprates.theory.symbols import LATEX, constant
from sympy.printing.latex import LatexPrinter


class Kind(Enum):
    """How sure the statement is."""

    THEOREM = "theorem"
    IDENTITY = "identity"
    CONJECTURE = "conjecture"


class Relation(Enum):
    """How the measured left side stands to the formula."""

    UPPER = "upper"
    LOWER = "lower"
    EQUALITY = "equality"
    LIMIT = "limit"
    WORST_CASE = "worst-case"
    """The exact value for some law of the same (d, S, w), which decides nothing on another law."""


BOUNDS = (Relation.UPPER, Relation.LOWER)
"""Relations whose right side has the overall factor `OVERALL`."""

OVERALL = "constant"
"""Name of the constant by which the right side of a bound is multiplied; its value is 1."""

_SIGNS = {
    Relation.UPPER: r"\le",
    Relation.LOWER: r"\ge",
    Relation.EQUALITY: "=",
    Relation.LIMIT: r"\to",
    Relation.WORST_CASE: "=",
}


@dataclass(frozen=True)
class Provenance:
    """Where a statement comes from.

    Attributes:
        promises: of the abstract of arXiv 2602.22505, by their names in `abstract.PROMISES`.
        works: other works to which the statement is due, with arXiv numbers.
    """

    promises: tuple[str, ...] = ()
    works: tuple[str, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether the statement was derived in this project, not taken from a cited work."""
        return not self.works


@dataclass(frozen=True)
class Variant:
    """Another form of a claim, or a consequence of it, with a formula of its own.

    Attributes:
        expression: the formula; the constants are those of the claim.
        relation: how the measured side stands to it.
        measured: the left side; the claim's own if None.
        hypotheses: conditions besides those of the claim.
        replaces: whether these hypotheses stand in place of the claim's, not beside them.
    """

    expression: sympy.Expr
    relation: Relation
    measured: Measured | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    replaces: bool = False


@dataclass(frozen=True)
class Claim:
    """One statement of the theory.

    Attributes:
        id: e.g. ``E3``.
        title: a few words.
        statement: text with LaTeX between dollars.
        measured: the left side.
        kind: theorem, identity or conjecture.
        relation: how the left side stands to the formula.
        expression: the formula.
        constants: ASCII name → value, e.g. ``clock`` → 1/2; in formulas the symbol ``E2.clock``.
            A claim with an upper or lower form has `OVERALL` besides, without being given it: no
            formula contains it, the values of these forms are multiplied by it.
        hypotheses: when it applies.
        provenance: where it comes from.
        depends_on: ids of the claims that its proof uses.
        attained_by: of a worst-case claim: the built-in families on which its value is exact; for
            any other law of the same size it says only what some law suffers.
        variants: name → other forms.
        unchecked: what the statement says besides its forms and no check looks at, for a reader.
    """

    id: str
    title: str
    statement: str
    measured: Measured
    kind: Kind
    relation: Relation
    expression: sympy.Expr
    constants: Mapping[str, sympy.Rational] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    provenance: Provenance = Provenance()
    depends_on: tuple[str, ...] = ()
    attained_by: tuple[str, ...] = ()
    variants: Mapping[str, Variant] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Add the overall factor."""
        relations = (self.relation, *(form.relation for form in self.variants.values()))
        if any(relation in BOUNDS for relation in relations):
            constants = {OVERALL: sympy.Rational(1), **self.constants}
            object.__setattr__(self, "constants", constants)

    def form(self, variant: str | None = None) -> Variant:
        """The claim's main form, or the variant of that name.

        Raises:
            TheoryError: if there is no such variant.
        """
        if variant is None:
            return Variant(self.expression, self.relation, self.measured)
        if variant not in self.variants:
            known = ", ".join(self.variants) or "none"
            raise TheoryError(f"variant {variant!r}: {self.id} has {known}")
        return self.variants[variant]

    def left_side(self, variant: str | None = None) -> Measured:
        """What is measured, of the main form or of the variant of that name."""
        return self.form(variant).measured or self.measured

    def applies(self, setting: Setting, variant: str | None = None) -> str | None:
        """Why the claim says nothing about a setting; None if it does apply."""
        form = self.form(variant)
        own = () if form.replaces else self.hypotheses
        for hypothesis in (*own, *form.hypotheses):
            if not hypothesis.holds(setting):
                return hypothesis.reason
        return None

    def symbols(self, variant: str | None = None) -> frozenset[str]:
        """Names of the values that the formula needs, see `theory.symbols.MEANINGS`."""
        return _names_in(self.form(variant).expression) - self._constant_names().keys()

    def value(
        self,
        values: Mapping[str, Any],
        arithmetic: Arithmetic,
        scale: Mapping[str, Number] | None = None,
        variant: str | None = None,
    ) -> Number:
        """The value of the right side: of the formula, times the overall factor of a bound.

        Args:
            values: by name, see `theory.symbols.MEANINGS`; more than needed does no harm.
            arithmetic: the number type.
            scale: full name of a constant, e.g. ``E2.clock`` → factor on it (int, Fraction or a
                number of the arithmetic). Constants of other claims are ignored.
            variant: name of the form; the main one by default.

        Raises:
            TheoryError: for an unknown variant, constant, or a missing value.
        """
        known = self._constant_names()
        factors = {
            name: factor for name, factor in (scale or {}).items() if name.split(".")[0] == self.id
        }
        for name in factors:
            if name not in known:
                raise TheoryError(f"scale: {name} is no constant; {self.id} has {', '.join(known)}")
        bound = {
            name: _scaled(value, factors.get(name, 1), arithmetic) for name, value in known.items()
        }
        form = self.form(variant)
        overall = bound.pop(f"{self.id}.{OVERALL}", 1)
        value = evaluate(form.expression, {**values, **bound}, arithmetic)
        return value * lift(overall, arithmetic) if form.relation in BOUNDS else value

    def formula(self, variant: str | None = None) -> str:
        """LaTeX of measured side, relation and formula, the constants in numbers."""
        form = self.form(variant)
        constants = {constant(self.id, name): value for name, value in self.constants.items()}
        right = _PRINTER.doprint(form.expression.subs(constants))
        return f"{self.left_side(variant).value} {_SIGNS[form.relation]} {right}"

    def _constant_names(self) -> dict[str, sympy.Rational]:
        return {f"{self.id}.{name}": value for name, value in self.constants.items()}


@cache
def _names_in(expression: sympy.Expr) -> frozenset[str]:
    return frozenset(symbol.name for symbol in expression.free_symbols)


def _scaled(value: sympy.Rational, factor: Any, arithmetic: Arithmetic) -> Any:
    exact = Fraction(int(value.p), int(value.q))
    if isinstance(factor, int | Fraction):
        return exact * factor
    return arithmetic.rational(exact.numerator, exact.denominator) * factor


class _Printer(LatexPrinter):  # type: ignore[misc]  # sympy ships no types
    """Prints symbols and the order of terms as the book writes them."""

    def _print_Symbol(self, expr: sympy.Symbol, style: str = "plain") -> str:
        return LATEX.get(expr.name) or str(super()._print_Symbol(expr, style))

    def _as_ordered_terms(self, expr: sympy.Add, order: str | None = None) -> list[sympy.Expr]:
        def place(term: sympy.Expr) -> tuple[bool, bool, int]:
            named = term.has(Named)  # 1 − d!e_d(w) + ε, not ε − d!e_d(w) + 1
            size = term.count_ops() if named else int(term.could_extract_minus_sign())
            return not (term.is_Rational and term > 0), not named, size

        return sorted(super()._as_ordered_terms(expr, order), key=place)


_PRINTER = _Printer()
