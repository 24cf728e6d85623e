"""Data laws from files, and the data sets that ship with the package."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from sharprates.samplers.errors import InputError, TooLargeError, check_memory, printable
from sharprates.samplers.families import FAMILIES, family
from sharprates.samplers.rational import read_rational
from sharprates.samplers.reading import file_size
from sharprates.samplers.target import Target

BUILTIN: dict[str, str] = {
    "words4": "English four-letter words with corpus frequencies (wordfreq, CC BY-SA 4.0)",
    "patterns12": "vowel/consonant patterns of twelve-letter words (wordfreq, CC BY-SA 4.0)",
}
"""The data sets that ship: name and description. Sources and licence: samplers/data/README.md."""

MAX_SYMBOLS = 65_536
"""More distinct symbols than this mean that a file was read in the wrong way."""

# Memory that reading takes at its peak, per byte of text (measured: at most 120, for short lines
# that are all different).
_BYTES_A_BYTE = 150


def builtin(name: str) -> Target:
    """Load a data set that ships with the package.

    Args:
        name: a key of `BUILTIN`.

    Returns:
        The target, with exact weights and the letters as its symbols.

    Raises:
        InputError: if there is no such data set.
    """
    if name not in BUILTIN:
        raise InputError(f"no built-in data set is called {name!r}: known are {', '.join(BUILTIN)}")
    with resources.as_file(resources.files("sharprates.samplers") / "data" / f"{name}.csv") as path:
        return replace(read_file(path), name=name)


def load(source: str | Path, *, separator: str | None = None) -> Target:
    """A data law as a user names it.

    Args:
        source: a built-in data set (`BUILTIN`), a member of a family such as ``copies:3:2``
            (`samplers.families.FAMILIES`), or the path of a file (`read_file`).
        separator: of a file's tokens.

    Raises:
        InputError: if it is none of them, or bad.
    """
    if isinstance(source, str) and source in BUILTIN:
        return builtin(source)
    # unlike Path.exists, False also for a name that no file can have
    if isinstance(source, Path) or os.path.exists(source):
        return read_file(source, separator=separator)
    name, colon, _ = source.partition(":")
    if colon or name in FAMILIES:
        return family(source)
    raise InputError(
        f"{source}: no such file, and no data set ({', '.join(BUILTIN)}); "
        "a family is written like copies:3:2"
    )


def read_file(path: str | Path, *, separator: str | None = None) -> Target:
    """Read a data law from a file; the ending of its name says how.

    * ``.csv``, ``.tsv``: a header, a column ``weight`` and one other column, the sequence. Weights
      are normalised and stay exact; repeated sequences are added up.
    * ``.npy``: a table of probabilities of shape (S,)*d, of mass 1. It is never unpickled.
    * any other: UTF-8 text, one sequence a line, weighted by how often it occurs.

    Args:
        path: the file.
        separator: what stands between the tokens of a sequence; without it every character
            (Unicode code point) is a token. Without meaning for ``.npy``.

    Returns:
        The target, named by the file. Its symbols are the tokens that occur, sorted; a ``.npy``
        table has none.

    Raises:
        InputError: one line that names the file, the place and the remedy.
    """
    path = Path(path)
    if separator == "":
        raise InputError("separator: must not be empty; leave it out to read single characters")
    size = file_size(path)
    if size == 0:
        raise InputError(f"{path}: is empty: it needs at least one sequence")
    try:
        if path.suffix.lower() == ".npy":
            return _load_table(path)
        check_memory(_BYTES_A_BYTE * size, "reading it", "take fewer sequences")
        weights: Mapping[str, int | Fraction]
        if path.suffix.lower() in (".csv", ".tsv"):
            delimiter = "," if path.suffix.lower() == ".csv" else "\t"
            weights, lines = _weighted(_text(path), delimiter)
        else:
            weights, lines = _counted(_text(path))
        return _from_sequences(weights, lines, separator, printable(path.name))
    except TooLargeError as error:
        raise TooLargeError(f"{path}: {error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _text(path: Path) -> str:
    """The file's text without byte order mark, lines ended by a line feed."""
    data = path.read_bytes()
    if b"\0" in data:
        raise InputError("is binary (or UTF-16): save it as UTF-8 text")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"line {line}: is not UTF-8: save the file as UTF-8 text") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _counted(text: str) -> tuple[Counter[str], dict[str, int]]:
    """How often each line of a text occurs, and the number of the first line where it does."""
    lines = text.rstrip("\n").split("\n")
    if lines == [""]:
        raise InputError("has only blank lines: it needs at least one sequence")
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        first.setdefault(line, number)
    return Counter(lines), first


def _weighted(text: str, delimiter: str) -> tuple[dict[str, Fraction], dict[str, int]]:
    """The weight of each sequence of a table with a header, and the line where it first stands."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    weights: dict[str, Fraction] = {}
    first: dict[str, int] = {}
    try:
        header = [name.strip() for name in next(reader)]
        found = ", ".join(repr(name) for name in header) or "none"
        if header.count("weight") != 1:
            raise InputError(
                f"header: needs one column 'weight', found {found}; a table has two columns, the "
                "sequence (symbols side by side, or set apart by --separator) and its weight"
            )
        if len(header) != 2:
            raise InputError(f"header: needs one column beside 'weight', found {found}")
        column = header.index("weight")
        for cells in reader:
            if not cells:  # a blank line
                continue
            line = reader.line_num
            if len(cells) != 2:
                raise InputError(f"line {line}: needs 2 columns as the header, found {len(cells)}")
            weight = _weight(cells[column], line)
            sequence = cells[1 - column]
            weights[sequence] = weights.get(sequence, Fraction(0)) + weight
            first.setdefault(sequence, line)
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}: is no valid row: {error}") from None
    except StopIteration:
        raise InputError("is empty: it needs a header and at least one row") from None
    if not weights:
        raise InputError("has a header but no rows: it needs at least one sequence")
    return weights, first


def _weight(cell: str, line: int) -> Fraction:
    try:
        weight = read_rational(cell.strip())
    except ValueError:
        weight = Fraction(-1)
    if weight < 0:
        raise InputError(f"line {line}: weight must be a number, 0 or more, got {_quote(cell)}")
    return weight


def _from_sequences(
    weights: Mapping[str, int | Fraction],
    lines: Mapping[str, int],
    separator: str | None,
    name: str,
) -> Target:
    """Split sequences into tokens, number the symbols, and build the target."""
    tokens: list[Sequence[str]] = []
    for sequence in weights:
        line = lines[sequence]
        if not sequence:
            raise InputError(f"line {line}: the sequence is empty: remove the line")
        split = sequence.split(separator) if separator else sequence
        if "" in split and separator:
            place = split.index("") + 1
            raise InputError(f"line {line}: token {place} between separators is empty")
        if tokens and len(split) != len(tokens[0]):
            raise InputError(
                f"line {line}: {_quote(sequence)} has length {len(split)}, but the first sequence "
                f"has {len(tokens[0])}: all need the same length"
            )
        tokens.append(split)
    if separator and len(tokens[0]) == 1:
        # With one token a sequence every sampler is exact: surely the wrong separator.
        raise InputError(f"separator {separator!r} does not occur: name the one that does")
    symbols = sorted({token for split in tokens for token in split})
    if len(symbols) > MAX_SYMBOLS:
        raise InputError(
            f"has {len(symbols)} distinct symbols, more than {MAX_SYMBOLS}: check the separator"
        )
    number = {symbol: a for a, symbol in enumerate(symbols)}
    rows = [[number[token] for token in split] for split in tokens]
    return Target.from_rows(
        rows, list(weights.values()), len(symbols), name=name, symbols=tuple(symbols)
    )


def _load_table(path: Path) -> Target:
    """A `.npy` table of probabilities."""
    try:
        # A memory map shows shape and type before anything is read, and takes no objects (np.load
        # would try a pickle or a zip archive where the file starts like one).
        with np.errstate(over="ignore"):  # the shape of a damaged file may be immense
            table = np.lib.format.open_memmap(path, mode="r")
        if table.dtype.kind not in "fiu":
            raise TypeError
    except OSError:
        raise
    except Exception:  # numpy's parser raises many types on a damaged file
        raise InputError(
            "is not a .npy table of numbers (objects are never unpickled): "
            "save a float64 array with numpy.save"
        ) from None
    d, S = table.ndim, max(table.shape, default=0)
    if table.size == 0 or set(table.shape) != {S}:
        raise InputError(
            f"needs shape (S,)*d, all axes alike, got {table.shape}: it is read as a table of "
            "probabilities; put sequences into a text file, one a line"
        )
    need = 16 * table.size
    check_memory(need, f"a table of {S}^{d} states", "take a shorter sequence")
    support = int(np.count_nonzero(table))
    need += support * (48 * d + 64)
    check_memory(need, f"a table of {S}^{d} states, {support} not 0,", "take a shorter sequence")
    pmf = torch.from_numpy(np.array(table, dtype=np.float64))
    mass = float(pmf.sum())
    if not bool(torch.isfinite(pmf).all()):
        raise InputError("has an entry that is not finite: probabilities lie in [0, 1]")
    if float(pmf.min()) < 0:
        raise InputError(f"has a negative entry, {float(pmf.min())}: probabilities lie in [0, 1]")
    if abs(mass - 1) > 1e-9:
        raise InputError(f"has mass {mass:.12g}, not 1: divide it by its sum, in float64")
    return Target.from_pmf(pmf, name=printable(path.name))


def _quote(text: str) -> str:
    """The text in quotes on one line, cut to a readable length."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
