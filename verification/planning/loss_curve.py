"""A trained model's loss curve, and what it bounds.

L_m is the model's mean loss per hidden token, in nats, when m of the d tokens are revealed, at
random places. It ranks schedules (`verification.planning.block_schedule`). A bound on TV needs the
information curve h of the data, and uses h_m ≤ L_m.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sharprates.samplers.errors import InputError
from sharprates.samplers.reading import read_bytes
from sharprates.verification.planning.question import check_length

Label = Literal["exact", "bound", "estimate"]
"""How far a number can be trusted."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossCurve:
    """Mean loss by number of revealed tokens.

    Attributes:
        losses: L_0, …, L_{d−1}, nats, float64 [d]; between measured points interpolated linearly,
            beyond them continued constantly.
        ceiling: upper bounds on h_0, …, h_{d−1}, nats, float64 [d]. Because h falls in m, each
            measured L_m bounds all h_n with n ≥ m; no interpolation enters.
        measured: how many of the d losses were measured.
        rounded: True if a fraction of masked tokens stood for no whole number and was rounded.
    """

    losses: Array
    ceiling: Array
    measured: int
    rounded: bool = False

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.losses.size)

    @property
    def label(self) -> Label:
        """Of the excess: exact for the model if every L_m was measured."""
        whole = self.measured == self.length and not self.rounded
        return "exact" if whole else "estimate"

    @property
    def bound_label(self) -> Label:
        """Of what uses `ceiling`: a bound unless numbers of tokens were rounded."""
        return "estimate" if self.rounded else "bound"

    @property
    def falls(self) -> bool:
        """Whether the loss never rises with more context, as exact conditionals would have it."""
        return bool((np.diff(self.losses) <= 0).all())


def loss_curve(
    revealed: Sequence[int], losses: Sequence[float], length: int, vocabulary: int | None = None
) -> LossCurve:
    """A loss curve from measured points.

    Args:
        revealed: m, numbers of revealed tokens, 0 ≤ m < d, increasing.
        losses: L_m, nats, one a point.
        length: d.
        vocabulary: S; bounds h_m by log S where nothing better was measured.

    Raises:
        InputError: if a point is impossible, or nothing bounds h_0 (no loss with all tokens masked,
            and no vocabulary).
    """
    check_length(length)
    if vocabulary is not None and vocabulary < 1:
        raise InputError(f"vocab: must be at least 1, got {vocabulary}")
    m, loss = np.asarray(revealed, dtype=np.int64), np.asarray(losses, dtype=np.float64)
    if m.size == 0 or m.shape != loss.shape:
        raise InputError(f"loss curve: needs one loss a point, got {loss.size} for {m.size}")
    if m[0] < 0 or m[-1] >= length or bool((np.diff(m) <= 0).any()):
        raise InputError(f"loss curve: revealed tokens must increase within 0..{length - 1}")
    if not bool(np.isfinite(loss).all()) or bool((loss < 0).any()):
        raise InputError("loss curve: losses must be finite and not negative")
    top = math.inf if vocabulary is None else math.log(vocabulary)
    if m[0] > 0 and vocabulary is None:
        raise InputError(
            "loss curve: has no loss with all tokens masked, which bounds h_0: measure it, or give "
            "--vocab"
        )
    ceiling = np.full(length, top)
    np.minimum.at(ceiling, m, loss)
    return LossCurve(
        np.interp(np.arange(length), m, loss), np.minimum.accumulate(ceiling), int(m.size)
    )


def read_loss_curve(path: str | Path, length: int, vocabulary: int | None = None) -> LossCurve:
    """Read a loss curve from a CSV file with the columns ``masked`` and ``loss``.

    Args:
        path: the file. ``masked`` counts hidden tokens, 1..d, or is their fraction, in (0, 1]: all
            values at most 1 and d > 1 mean fractions. Rows are sorted by it, up or down. ``loss``
            is the mean per hidden token, nats.
        length: d.
        vocabulary: S, if known.

    Raises:
        InputError: in one line, with the file and the line number where there is one.
    """
    check_length(length)
    data = read_bytes(Path(path), 100)
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: is not a CSV file in UTF-8") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    for name in ("masked", "loss"):
        if header.count(name) != 1:
            raise InputError(f"{path}: needs one column {name!r}, its header is {header}")
    points = [
        (
            number,
            _number(path, number, row, header.index("masked"), "masked"),
            _number(path, number, row, header.index("loss"), "loss"),
        )
        for number, row in enumerate(rows[1:], start=2)
        if row
    ]
    if not points:
        raise InputError(f"{path}: has a header and no rows")
    if len(points) > 1 and points[0][1] > points[-1][1]:
        points.reverse()
    fractions = length > 1 and all(masked <= 1 for _, masked, _ in points)
    counts = [_count(path, number, masked, length, fractions) for number, masked, _ in points]
    for (number, *_), one, other in zip(points[1:], counts, counts[1:], strict=False):
        if other <= one:
            raise InputError(f"{path}, line {number}: 'masked' is not sorted, or repeats a value")
    for number, _, loss in points:
        if loss < 0:
            raise InputError(f"{path}, line {number}: loss must not be negative, got {loss:g}")
    revealed = [length - count for count in reversed(counts)]
    curve = loss_curve(revealed, [loss for *_, loss in reversed(points)], length, vocabulary)
    exact = zip(points, counts, strict=True) if fractions else ()
    off = any(abs(masked * length - count) > 1e-6 * length for (_, masked, _), count in exact)
    return replace(curve, rounded=off)


def _number(path: str | Path, line: int, row: list[str], place: int, name: str) -> float:
    try:
        value = float(row[place])
    except IndexError:
        raise InputError(f"{path}, line {line}: has no value for {name!r}") from None
    except ValueError:
        raise InputError(f"{path}, line {line}: {name} {row[place]!r} is not a number") from None
    if not math.isfinite(value):
        raise InputError(f"{path}, line {line}: {name} must be finite, got {row[place].strip()}")
    return value


def _count(path: str | Path, line: int, masked: float, length: int, fraction: bool) -> int:
    count = round(masked * length) if fraction else round(masked)
    if not 1 <= count <= length or (not fraction and count != masked):
        wanted = "a fraction in (0, 1]" if fraction else f"a whole number in 1..{length}"
        hint = "" if fraction else ", or all values fractions of at most 1"
        raise InputError(
            f"{path}, line {line}: masked must be {wanted}{hint}, got {masked:g}"
            + (f" (of {length} tokens)" if fraction else "")
        )
    return count
