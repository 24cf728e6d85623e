"""Formulas of the registry as JavaScript, so that the page with sliders evaluates the same object.

Only the named functions are written by hand, in `scripts/named.js`; a browser test compares their
values with Python's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import sympy
from sharprates.theory.clocks import ancestral_hazard, clock, euler_hazard, tau_leaping_hazard
from sharprates.theory.functions import Named
from sharprates.theory.registry import claim
from sharprates.theory.symbols import constant
from sphinx.application import Sphinx
from sympy.printing.jscode import JavascriptCodePrinter

CURVES: Mapping[str, tuple[str | None, str]] = {
    "E2": (None, "upper"),
    "E3": (None, "upper"),
    "E5": ("vocabulary", "upper"),
    "E7": ("vocabulary", "upper"),
    "E8": ("step-size", "upper"),
    "KL2": ("tv", "upper"),
    "L0": (None, "lower"),
    "L1": (None, "exact"),
    "L2": (None, "exact"),
    "L4": ("parity", "exact"),
    "L6": ("every-law", "needed"),
}
"""Claim → form, and its role: a bound, exact on a family, or suffered by some law."""

ANSWERS: Mapping[str, tuple[str, str]] = {
    "E3": ("equal-steps", "enough"),
    "E7": ("vocabulary", "enough"),
    "L1": ("every-law", "needed"),
    "L6": ("every-law", "needed"),
}
"""Claim → its form for K equal steps or for every schedule, cheap at any K, and what it says."""

POLICIES: tuple[tuple[str, str | None], ...] = (
    ("E7", "vocabulary"),
    ("KL1", None),
    ("L2", None),
    ("L3", "every-law"),
    ("P1", None),
    ("P2", "one-token-exact"),
    ("P3", "copies"),
    ("P5", None),
    ("P5", "least-tv"),
    ("P5", "rounds"),
    ("P6", None),
    ("P6", "rounds-one"),
    ("P6", "scan"),
    ("P6", "walk"),
    ("P7", None),
    ("P7", "lower"),
    ("P11", "equal-blocks"),
    ("P11", "pairs"),
)
"""Claim and form of each formula of the panel of policies."""

CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")


class Printer(JavascriptCodePrinter):  # type: ignore[misc]  # sympy ships no types
    """Prints symbols as members of `v` and named functions as members of `N`."""

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return f"v.{expr.name}"

    def _print_Function(self, expr: sympy.Function) -> str:
        if isinstance(expr, Named | sympy.binomial):
            arguments = ", ".join(self._print(argument) for argument in expr.args)
            return f"N.{type(expr).__name__}({arguments})"
        return str(super()._print_Function(expr))

    def _print_binomial(self, expr: sympy.Expr) -> str:
        return self._print_Function(expr)


def code(expression: sympy.Expr) -> str:
    """JavaScript of an expression in `v` (values) and `N` (named functions)."""
    return str(Printer().doprint(expression))


def formula(claim_id: str, variant: str | None) -> sympy.Expr:
    """A claim's formula with its constants in numbers."""
    one = claim(claim_id)
    values = {constant(claim_id, name): value for name, value in one.constants.items()}
    return one.form(variant).expression.subs(values)


def _entries(forms: Mapping[str, tuple[str | None, str]]) -> list[str]:
    return [
        f"  {json.dumps(claim_id)}: {{role: {json.dumps(role)}, "
        f"value: (v) => {code(formula(claim_id, variant))}}}"
        for claim_id, (variant, role) in forms.items()
    ]


def name_of(claim_id: str, variant: str | None) -> str:
    """How `policies.js` calls a formula, e.g. ``P5 least-tv``."""
    return f"{claim_id} {variant}" if variant else claim_id


def script() -> str:
    """The text of `formulas.js`."""
    curves, answers = map(_entries, (CURVES, ANSWERS))
    policies = [f"  {json.dumps(name_of(*one))}: (v) => {code(formula(*one))}" for one in POLICIES]
    clocks = []
    for name in CLOCKS:
        chosen = clock(name)
        rules = {
            "euler": euler_hazard(chosen),
            "tau-leaping": tau_leaping_hazard(chosen),
            "ancestral": ancestral_hazard(chosen),
        }
        lines = ", ".join(f"{json.dumps(rule)}: (v) => {code(h)}" for rule, h in rules.items())
        end = "Infinity" if chosen.end == sympy.oo else str(chosen.end)
        clocks.append(
            f"  {json.dumps(name)}: {{end: {end}, alpha: (v) => {code(chosen.alpha)}, "
            f"rules: {{{lines}}}}}"
        )
    return (
        "// Generated from the registry of claims; see named.js for N.\n"
        "(function (N) {\nwindow.sharprates = {curves: {\n"
        + ",\n".join(curves)
        + "\n}, answers: {\n"
        + ",\n".join(answers)
        + "\n}, policies: {\n"
        + ",\n".join(policies)
        + "\n}, clocks: {\n"
        + ",\n".join(clocks)
        + "\n}};\n})(window.sharpratesNamed);\n"
    )


def _write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        (Path(app.outdir) / "_static" / "formulas.js").write_text(script(), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the file when the pages are done."""
    app.connect("build-finished", _write)
