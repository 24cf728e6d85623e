"""Held-out sequences: a sample of the data law, one sequence a line or a table of token numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sharprates.samplers.datasets import read_file
from sharprates.samplers.errors import InputError, check_memory
from torch import Tensor


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Independent draws from the data law.

    Attributes:
        name: what a report calls them.
        rows: int64 [n, d], entries in 0..S-1.
        vocabulary: S.
    """

    name: str
    rows: Tensor
    vocabulary: int

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.rows.shape[1])


def held_out(
    path: Path,
    *,
    separator: str | None = None,
    symbols: str | None = None,
    vocabulary: int | None = None,
) -> HeldOut:
    """Read held-out sequences.

    Args:
        path: UTF-8 text, one sequence a line; or ``.npy``, whole numbers [n, d], the model's token
            numbers. A line that occurs twice counts twice.
        separator: between the tokens of a line; without it every character is one.
        symbols: of a text, all of the model's, in the order of their numbers, written like a line;
            by default those that occur, sorted.
        vocabulary: S of the model, if it says so.

    Raises:
        InputError: one line that names the file, the place and the remedy.
    """
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        raise InputError(f"{path}: weights are no sample; give a text with one sequence a line")
    if ending == ".npy":
        if symbols is not None:
            raise InputError(f"{path}: holds token numbers, which need no --symbols; leave it out")
        rows, found = _numbers(path), None
    else:
        target = read_file(path, separator=separator)
        assert target.fractions is not None
        assert target.symbols is not None
        lines = path.read_text("utf-8").rstrip("\n").count("\n") + 1
        counts = torch.tensor([int(weight * lines) for weight in target.fractions])
        rows, found = target.rows.repeat_interleave(counts, 0), target.symbols
    if symbols is not None and found is not None:
        order = list(symbols.split(separator) if separator else symbols)
        rows = torch.tensor(_places(path, found, order))[rows]
        found = tuple(order)
    if len(rows) < 2:
        raise InputError(f"{path}: has one sequence; an interval needs at least two")
    S = len(found) if found is not None else max(int(rows.max()) + 1, vocabulary or 0)
    if vocabulary is not None and vocabulary != S:
        raise InputError(
            f"{path}: has {S} symbols, the model {vocabulary}; "
            + ("they must agree" if found is None or symbols else "name all of its with --symbols")
        )
    needed = 8 * S * rows.shape[1]
    check_memory(needed, f"{path}: a prediction of {S} symbols", "number them from 0")
    return HeldOut(path.name, rows, S)


def _places(path: Path, found: tuple[str, ...], order: list[str]) -> list[int]:
    """The number of each symbol that occurs among those named."""
    if len(set(order)) < len(order):
        twice = next(symbol for symbol in order if order.count(symbol) > 1)
        raise InputError(f"--symbols: names {twice!r} twice")
    unknown = [symbol for symbol in found if symbol not in order]
    if unknown:
        raise InputError(f"{path}: has the symbol {unknown[0]!r}, which --symbols does not name")
    return [order.index(symbol) for symbol in found]


def _numbers(path: Path) -> Tensor:
    try:
        table = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{path}: is no .npy table of numbers (nothing is unpickled)") from None
    if not isinstance(table, np.ndarray) or table.dtype.kind not in "iu" or table.ndim != 2:
        raise InputError(f"{path}: needs whole numbers [n, d], the token numbers of n sequences")
    if table.size == 0 or int(table.min()) < 0:
        raise InputError(f"{path}: needs token numbers ≥ 0, at least one")
    return torch.from_numpy(table.astype(np.int64))
