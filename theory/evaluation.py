"""Evaluate a formula in a number type, by walking its sympy tree.

Whole numbers and fractions stay exact until they meet a number of the chosen type, so that d, S and
K lose nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache, partial, reduce
from typing import Any

import sympy
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.errors import TheoryError
from sharprates.theory.functions import Argument, Named


def evaluate(expression: sympy.Expr, values: Mapping[str, Any], arithmetic: Arithmetic) -> Number:
    """The value of a formula.

    Args:
        expression: built of numbers, symbols, sums, products, powers, exp, log, cos, Min, Max,
            floor, Mod, binomials and the functions of `theory.functions`.
        values: for each symbol's name an int, Fraction, number of the arithmetic, or sequence.
        arithmetic: the number type.

    Returns:
        A number of the arithmetic.

    Raises:
        TheoryError: if a value is missing or of the wrong kind, or the tree holds something else.
    """
    return _Evaluation(values, arithmetic).number(expression)


def lift(value: Any, arithmetic: Arithmetic) -> Number:
    """An int or Fraction as a number of the arithmetic; a number as it is."""
    if isinstance(value, (int, Fraction)):
        return arithmetic.rational(value.numerator, value.denominator)
    return value


class _Evaluation:
    def __init__(self, values: Mapping[str, Any], arithmetic: Arithmetic) -> None:
        self.values = values
        self.arithmetic = arithmetic
        # A rank law may stand several times in one formula, and it is the costly part.
        self.known: dict[Named, Any] = {}

    def number(self, node: sympy.Basic) -> Number:
        """The value as a number of the arithmetic."""
        return self.lift(self.value(node))

    def lift(self, value: Any) -> Number:
        return lift(value, self.arithmetic)

    def value(self, node: sympy.Basic) -> Any:
        """The value: a Fraction as long as it is one, else a number, or a sequence."""
        if isinstance(node, sympy.Rational):
            return Fraction(int(node.p), int(node.q))
        if isinstance(node, sympy.Symbol):
            return self.symbol(node.name)
        if isinstance(node, Named):
            if node not in self.known:
                self.known[node] = self.named(node)
            return self.known[node]
        if isinstance(node, sympy.Add):
            return self.add(node)
        if isinstance(node, sympy.Mul):
            multiply = partial(self.combine, operator.mul)
            return reduce(multiply, map(self.value, node.args))
        if isinstance(node, sympy.exp):
            return self.arithmetic.exp(self.number(node.args[0]))
        if isinstance(node, sympy.Pow):
            return self.power(node)
        if isinstance(node, sympy.log):
            return self.log(node.args[0])
        if isinstance(node, sympy.cos):
            return self.arithmetic.cos(self.number(node.args[0]))
        if isinstance(node, sympy.sin):  # from the derivative of a cosine clock
            return self.arithmetic.cos(self.arithmetic.pi() / 2 - self.number(node.args[0]))
        if isinstance(node, sympy.Min | sympy.Max):
            choose = (
                self.arithmetic.minimum if isinstance(node, sympy.Min) else self.arithmetic.maximum
            )
            return reduce(choose, (self.number(argument) for argument in node.args))
        if isinstance(node, sympy.floor):
            return Fraction(self.fraction(node.args[0]).__floor__())
        if isinstance(node, sympy.Mod):
            return self.fraction(node.args[0]) % self.fraction(node.args[1])
        if isinstance(node, sympy.binomial):
            return self.binomial(self.count(node.args[0]), self.count(node.args[1]))
        if node is sympy.S.Exp1:
            return self.arithmetic.exp(self.arithmetic.rational(1))
        if node is sympy.S.Pi:
            return self.arithmetic.pi()
        raise TheoryError(f"formula: cannot evaluate {type(node).__name__} {node}")

    def symbol(self, name: str) -> Any:
        if name not in self.values:
            raise TheoryError(f"values: {name} is missing; given are {', '.join(self.values)}")
        value = self.values[name]
        if isinstance(value, sympy.Rational):
            return Fraction(int(value.p), int(value.q))
        return Fraction(value) if isinstance(value, int) else value

    def fraction(self, node: sympy.Basic) -> Fraction:
        value = self.value(node)
        if not isinstance(value, Fraction):
            raise TheoryError(f"values: {node} must be an int or a Fraction, got {value!r}")
        return value

    def count(self, node: sympy.Basic) -> int:
        value = self.fraction(node)
        if value.denominator != 1:
            raise TheoryError(f"values: {node} must be an integer, got {value}")
        return value.numerator

    def named(self, node: Named) -> Any:
        if len(node.args) != len(node.signature):
            raise TheoryError(f"formula: {type(node).__name__} takes {len(node.signature)} values")
        arguments = [
            self.argument(kind, argument)
            for kind, argument in zip(node.signature, node.args, strict=True)
        ]
        return type(node).compute(self.arithmetic, *arguments)

    def argument(self, kind: Argument, node: sympy.Basic) -> Any:
        if kind is Argument.COUNT:
            return self.count(node)
        if kind is Argument.NUMBER:
            return self.number(node)
        value = self.value(node)
        if kind is Argument.VECTOR:
            return list(map(self.lift, value))
        if kind is Argument.COMPOSITION:
            return tuple(map(operator.index, value))
        return {
            a: list(map(self.lift, x)) if isinstance(x, Sequence) else self.lift(x)
            for a, x in value.items()
        }

    def add(self, node: sympy.Add) -> Any:
        terms = list(node.args)
        result: Any = Fraction(0)
        if sympy.S.One in terms:
            # 1 − e^z and 1 − y^n lose all digits to cancellation where they are small.
            for term in terms:
                short = self.one_minus(term)
                if short is not None:
                    terms.remove(sympy.S.One)
                    terms.remove(term)
                    result = short
                    break
        for term in terms:
            result = self.combine(operator.add, result, self.value(term))
        return result

    def one_minus(self, term: sympy.Basic) -> Any:
        """1 + term computed without cancellation, if the term is −e^z or −y^n; else None."""
        inner = _negative(term)
        if isinstance(inner, sympy.exp):
            return -self.arithmetic.expm1(self.number(inner.args[0]))
        if isinstance(inner, sympy.Pow):
            exponent = self.value(inner.exp)
            if isinstance(exponent, Fraction) and exponent.denominator == 1 and exponent > 1:
                # Lifted: an exact power of a fraction has n times its digits.
                return _miss(self.number(_one_minus(inner.base)), exponent.numerator)
        return None

    def combine(self, operation: Any, left: Any, right: Any) -> Any:
        if isinstance(left, Fraction) != isinstance(right, Fraction):
            return operation(self.lift(left), self.lift(right))
        return operation(left, right)

    def power(self, node: sympy.Pow) -> Any:
        base, exponent = self.value(node.base), self.value(node.exp)
        if isinstance(exponent, Fraction):
            if exponent == 0:
                return Fraction(1)
            if exponent.denominator == 1:
                if isinstance(base, Fraction) or exponent >= 0:
                    return base**exponent.numerator
                return 1 / base**-exponent.numerator
            if exponent.denominator == 2:
                root = self.arithmetic.sqrt(self.lift(base))
                whole = abs(exponent.numerator)
                return root**whole if exponent > 0 else 1 / root**whole
        logarithm = self.arithmetic.log(self.lift(base))
        return self.arithmetic.exp(self.lift(exponent) * logarithm)

    def log(self, node: sympy.Basic) -> Number:
        if isinstance(node, sympy.Add) and sympy.S.One in node.args:
            return self.arithmetic.log1p(self.number(_negative(_one_minus(node))))
        return self.arithmetic.log(self.number(node))

    def binomial(self, n: int, k: int) -> Fraction:
        result = Fraction(1)
        for j in range(k):
            result = result * (n - j) / (j + 1)
        return result


# sympy takes longer to build a tree than an evaluation takes to walk through it
@cache
def _negative(node: sympy.Basic) -> sympy.Basic:
    return -node


@cache
def _one_minus(node: sympy.Basic) -> sympy.Basic:
    return 1 - node


def _miss(x: Any, n: int) -> Any:
    """1 − (1−x)^n for n ≥ 1 by f(a+b) = f(a) + f(b)·(1−f(a)): no cancellation, any number type."""
    result = x
    for bit in bin(n)[3:]:
        result = result + result * (1 - result)
        if bit == "1":
            result = result + x * (1 - result)
    return result
