"""Wrong types in the fields of a dataclass that a user makes: one line that names the field."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import cache
from numbers import Integral, Real
from typing import Any, Union, get_args, get_origin, get_type_hints

from sharprates.samplers.errors import InputError

_NUMBERS: dict[Any, type] = {int: Integral, float: Real, Fraction: Real}
"""What stands for a number: numpy's numbers are no `int`."""


def check_types(value: Any) -> None:
    """Check each field of a dataclass against the type that it is declared with.

    Raises:
        InputError: naming the first field that is something else.
    """
    kind: Any = type(value)
    hints = _hints(kind)
    for one in fields(value):
        found = getattr(value, one.name)
        if not _fits(hints[one.name], found):
            raise InputError(f"{one.name}: needs {one.type}, got {str(found)[:60]!r}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return any(_fits(one, value) for one in inner)
    if kind is tuple:
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(_fits(inner[0], one) for one in value)
        )
    if kind is not None:
        hint = Mapping if issubclass(kind, Mapping) else kind
    if hint in _NUMBERS:
        return isinstance(value, _NUMBERS[hint]) and not isinstance(value, bool)
    return not isinstance(hint, type) or isinstance(value, hint)
