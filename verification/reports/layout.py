"""What all reports share: tables, short numbers, exact numbers as text, figures in a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from flint import fmpq
from rich.table import Table
from sharprates.verification.files import write_whole

NEVER = "∞: a sequence of the data is never put out"
"""Why a KL divergence is infinite; in JSON its numbers are null beside this."""


def table(*headings: str, title: str | None = None) -> Table:
    """A table without lines.

    Args:
        headings: of its columns; one that begins with ``>`` is flush right.
        title: above it.
    """
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        right = heading.startswith(">")
        made.add_column(heading.removeprefix(">"), justify="right" if right else "left")
    return made


def shown(value: float) -> str:
    """A probability in four significant digits, as short as it can be."""
    return "0" if value == 0 else f"{value:.4f}" if value >= 0.001 else f"{value:.1e}"


def exact_text(value: Fraction) -> str:
    """A fraction in decimal digits, however many: python itself writes no more than 4300."""
    return str(fmpq(value.numerator, value.denominator))


@contextmanager
def figure(path: Path, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[Any]:
    """A figure and its axes, rows by columns, to be drawn on; then it is written whole.

    Args:
        path: ends in .png, .svg or .pdf.
        rows: of panels.
        columns: of panels.
        options: of `matplotlib.pyplot.subplots`.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    drawn, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained", **options)
    try:
        yield drawn, axes
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=path.suffix.lstrip("."), dpi=130)
    finally:
        plt.close(drawn)
    write_whole(path, buffer.getvalue())
