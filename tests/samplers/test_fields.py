"""A field of a wrong type is named, whatever the type; what looks like the right one passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sharprates.samplers.errors import InputError
from sharprates.samplers.fields import check_types


@dataclass(frozen=True)
class Options:
    steps: tuple[int, ...] = (1, 2)
    rate: float = 0.5
    share: Fraction = Fraction(1, 2)
    name: str | None = None
    make: Callable[[int], int] = abs
    scale: Mapping[str, float] = field(default_factory=dict)
    times: tuple[float, ...] | None = None
    other: Any = None


@pytest.mark.parametrize(
    "right",
    [
        {},
        {"steps": [1, 2]},
        {"steps": tuple(np.arange(3))},
        {"rate": 1, "share": 0.5},
        {"rate": np.float64(1), "times": (0, 0.5)},
        {"name": "x", "other": object(), "scale": {"a": 1}},
    ],
)
def test_what_fits(right: dict[str, Any]) -> None:
    check_types(replace(Options(), **right))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"steps": 16}, r"steps: needs tuple\[int, ...\], got '16'"),
        ({"steps": "16"}, "steps: needs"),
        ({"steps": (1, 2.5)}, "steps: needs"),
        ({"steps": (True,)}, "steps: needs"),
        ({"rate": "1"}, "rate: needs float, got '1'"),
        ({"name": 3}, r"name: needs str \| None"),
        ({"make": 3}, "make: needs"),
        ({"scale": [1]}, "scale: needs"),
        ({"times": 0.5}, "times: needs"),
    ],
)
def test_what_does_not_fit(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_types(replace(Options(), **wrong))
