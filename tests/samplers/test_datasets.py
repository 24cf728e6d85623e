import csv
import io
import os
import pickle
import runpy
import stat
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.datasets import BUILTIN, MAX_SYMBOLS, builtin, load
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.families import dirichlet, sparse_dirichlet
from sharprates.samplers.target import Target

ROOT = Path(__file__).parents[2]
Law = dict[tuple[str, ...], Fraction]


def law(target: Target) -> Law:
    assert target.symbols is not None
    assert target.fractions is not None
    return {
        tuple(target.symbols[a] for a in row): p
        for row, p in zip(target.rows.tolist(), target.fractions, strict=True)
    }


def normalised(weights: Law) -> Law:
    total = sum(weights.values())
    return {row: weight / total for row, weight in weights.items() if weight}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


# Any text but what ends a line or a file's meaning: NUL, line ends, surrogates (no UTF-8), BOM.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\ufeff")


@st.composite
def sequences(draw: st.DrawFn, symbols: st.SearchStrategy[str]) -> list[tuple[str, ...]]:
    d = draw(st.integers(1, 5))
    row = st.lists(symbols, min_size=d, max_size=d).map(tuple)
    return draw(st.lists(row, min_size=1, max_size=12))


# How a text editor may have saved it: (start of file, line end, end of the last line).
SAVED = [(b"", "\n", "\n"), (b"\xef\xbb\xbf", "\r\n", "\r\n"), (b"", "\n", ""), (b"", "\r", "\r\r")]


@pytest.mark.parametrize(("mark", "end", "last"), SAVED)
@given(data=st.data())
def test_a_text_is_counted(
    folder: Path, mark: bytes, end: str, last: str, data: st.DataObject
) -> None:
    rows = data.draw(sequences(CHARACTERS))
    path = folder / "letters.txt"
    path.write_bytes(mark + (end.join("".join(row) for row in rows) + last).encode())
    target = load(path)
    assert law(target) == normalised({row: Fraction(n) for row, n in Counter(rows).items()})
    assert target.name == "letters.txt"
    assert target.symbols == tuple(sorted({a for row in rows for a in row}))
    assert target.vocabulary == len(target.symbols)


@given(sequences(st.sampled_from(["a", "bc", "Δ", "10", "2"])))
def test_a_separator_splits_tokens(folder: Path, rows: list[tuple[str, ...]]) -> None:
    rows = [(*row, "end") for row in rows]
    path = folder / "tokens.txt"
    for separator in (" ", ", ", "\t"):
        path.write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")
        target = load(path, separator=separator)
        assert law(target) == normalised({row: Fraction(n) for row, n in Counter(rows).items()})


@pytest.mark.parametrize(("mark", "end", "last"), SAVED)
@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t"), (".CSV", ",")])
@given(data=st.data())
def test_a_table_is_weighted(
    folder: Path, suffix: str, delimiter: str, mark: bytes, end: str, last: str, data: st.DataObject
) -> None:
    rows = data.draw(sequences(CHARACTERS))
    weights = data.draw(
        st.lists(st.fractions(0, 10, max_denominator=40), min_size=len(rows), max_size=len(rows))
    )
    weights[0] += 1
    column = data.draw(st.sampled_from(["text", "sequence", "Weight", "ψ", ""]))
    swap = data.draw(st.booleans())
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end)
    for cells in [(column, "weight"), *zip(map("".join, rows), weights, strict=True)]:
        writer.writerow(reversed(cells) if swap else cells)
    path = folder / f"table{suffix}"
    path.write_bytes(mark + (written.getvalue().removesuffix(end) + last).encode())
    expected: Law = {}
    for row, weight in zip(rows, weights, strict=True):
        expected[row] = expected.get(row, Fraction(0)) + weight
    assert law(load(path)) == normalised(expected)


def test_decimal_weights_are_exact(folder: Path) -> None:
    path = folder / "decimal.csv"
    path.write_text("word, weight \nab,0.1\nba, 2e-1\n\nbb,7/10\n")
    assert law(load(path)) == {
        ("a", "b"): Fraction(1, 10),
        ("b", "a"): Fraction(2, 10),
        ("b", "b"): Fraction(7, 10),
    }


def test_a_table_may_hold_separated_tokens(folder: Path) -> None:
    path = folder / "tokens.csv"
    path.write_text('tokens,weight\n"10,2",1\n"2,2",3\n')
    assert law(load(path, separator=",")) == {
        ("10", "2"): Fraction(1, 4),
        ("2", "2"): Fraction(3, 4),
    }


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 9), st.booleans())
def test_a_npy_table_round_trips(folder: Path, d: int, S: int, seed: int, sparse: bool) -> None:
    target = sparse_dirichlet(d, S, 1, seed=seed) if sparse else dirichlet(d, S, seed=seed)
    path = folder / "pmf.npy"
    for order in ("C", "F"):
        np.save(path, np.asarray(target.pmf().numpy(), order=order))
        again = load(path)
        assert torch.equal(again.rows, target.rows)
        assert torch.allclose(again.weights, target.weights, rtol=1e-14, atol=0)
        assert (again.length, again.vocabulary, again.symbols) == (d, S, None)


def test_a_npy_table_of_integers_or_single_precision_is_read(folder: Path) -> None:
    path = folder / "pmf.npy"
    for table in (np.array([[0, 1], [0, 0]]), np.full((2, 2), 0.25, dtype=np.float32)):
        np.save(path, table)
        assert torch.equal(load(path).pmf(), torch.from_numpy(table).to(torch.float64))


def npy(table: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(table))
    return stream.getvalue()


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, np.ones(1))
    return stream.getvalue()


NOT_A_TABLE = "is not a .npy table of numbers (objects are never unpickled): save a float64 array"

BAD: list[tuple[str, bytes, str]] = [
    ("empty.txt", b"", "is empty: it needs at least one sequence"),
    ("empty.csv", b"", "is empty: it needs at least one sequence"),
    ("empty.npy", b"", "is empty: it needs at least one sequence"),
    ("blank.txt", b"\n\r\n\n", "has only blank lines"),
    ("mark.txt", b"\xef\xbb\xbf", "has only blank lines"),
    ("gap.txt", b"ab\n\nba\n", "line 2: the sequence is empty: remove the line"),
    (
        "lengths.txt",
        b"ab\nba\nab\nabc\n",
        "line 4: 'abc' has length 3, but the first sequence has 2: all need the same length",
    ),
    ("again.txt", b"ab\nabc\nba\nabc\n", "line 2: 'abc' has length 3"),
    ("again.csv", b"w,weight\nab,1\nabc,1\nba,1\nabc,1\n", "line 3: 'abc' has length 3"),
    ("space.txt", b"ab\r\nab \r\n", "line 2: 'ab ' has length 3, but the first sequence has 2"),
    ("long.txt", b"ab\n" + b"a" * 99, "line 2: '" + "a" * 39 + "…' has length 99"),
    ("image.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "is binary (or UTF-16): save it as UTF-8 text"),
    ("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "is binary (or UTF-16): save it as UTF-8 text"),
    ("wide.txt", "ab\nba\n".encode("utf-16"), "is binary (or UTF-16): save it as UTF-8 text"),
    ("latin.txt", b"abc\nd\xe9f\n", "line 2: is not UTF-8: save the file as UTF-8 text"),
    ("latin.csv", b"w,weight\nd\xe9f,1\n", "line 2: is not UTF-8"),
    ("blank.csv", b"\n\n", "header: needs one column 'weight', found none"),
    ("mark.csv", b"\xef\xbb\xbf", "is empty: it needs a header and at least one row"),
    ("header.csv", b"word,weight\n", "has a header but no rows"),
    ("none.csv", b"word,count\nab,1\n", "one column 'weight', found 'word', 'count'"),
    ("semicolon.csv", b"word;weight\nab;1\n", "one column 'weight', found 'word;weight'"),
    ("twice.csv", b"weight,weight\n1,1\n", "one column 'weight', found 'weight', 'weight'"),
    ("alone.csv", b"weight\n1\n", "one column beside 'weight', found 'weight'"),
    (
        "many.csv",
        b"word,id,weight\nab,1,1\n",
        "one column beside 'weight', found 'word', 'id', 'weight'",
    ),
    ("cells.csv", b"word,weight\nab,1\nba,0,5\n", "line 3: needs 2 columns as the header, found 3"),
    ("short.csv", b"word,weight\nab,1\nba\n", "line 3: needs 2 columns as the header, found 1"),
    ("negative.csv", b"word,weight\nab,1\nba,-1\n", "line 3: weight must be a number, 0 or more"),
    ("nan.csv", b"word,weight\nab,NaN\n", "line 2: weight must be a number, 0 or more, got 'NaN'"),
    ("inf.csv", b"word,weight\nab,inf\n", "line 2: weight must be a number, 0 or more, got 'inf'"),
    ("text.csv", b"word,weight\nab,x\n", "line 2: weight must be a number, 0 or more, got 'x'"),
    ("hole.csv", b"word,weight\nab,\n", "line 2: weight must be a number, 0 or more, got ''"),
    ("huge.csv", b"word,weight\nab,1e999999999\n", "line 2: weight must be a number"),
    ("zero.csv", b"word,weight\nab,0\nba,0\n", "weights: need a positive, finite sum, got 0"),
    (
        "tiny.csv",
        b"word,weight\nab,1e-300\nba,1e300\n",
        "weights: one is below 1e-308 of the whole",
    ),
    ("lengths.csv", b"word,weight\nab,1\nabc,1\n", "line 3: 'abc' has length 3, but the first"),
    ("nothing.csv", b"word,weight\nab,1\n,1\n", "line 3: the sequence is empty"),
    ("quote.csv", b'word,weight\n"ab"c,1\n', "line 2: is no valid row"),
    ("open.csv", b'word,weight\n"ab,1\n', "line 2: is no valid row"),
    ("tabs.tsv", b"word,weight\nab,1\n", "one column 'weight', found 'word,weight'"),
    ("object.npy", npy([None, "a"]), NOT_A_TABLE),
    ("pickle.npy", pickle.dumps([0.5, 0.5]), NOT_A_TABLE),
    ("text.npy", b"0.5 0.5\n", NOT_A_TABLE),
    ("strings.npy", npy(["a", "b"]), NOT_A_TABLE),
    ("complex.npy", npy([1j, 1]), NOT_A_TABLE),
    ("logical.npy", npy([True, False]), NOT_A_TABLE),
    ("archive.npy", npz(), NOT_A_TABLE),
    ("truncated.npy", npy(np.full((4, 4), 1 / 16))[:-8], NOT_A_TABLE),
    ("nothing.npy", npy(np.zeros((0, 0))), "needs shape (S,)*d, all axes alike, got (0, 0)"),
    ("scalar.npy", npy(1.0), "needs shape (S,)*d, all axes alike, got ()"),
    ("axes.npy", npy(np.full((2, 3), 1 / 6)), "needs shape (S,)*d, all axes alike, got (2, 3)"),
    ("nan.npy", npy([np.nan, 1.0]), "has an entry that is not finite"),
    ("inf.npy", npy([np.inf, 1.0]), "has an entry that is not finite"),
    ("negative.npy", npy([-0.5, 1.5]), "has a negative entry, -0.5"),
    ("mass.npy", npy([0.5, 0.5 + 2e-9]), "has mass 1.000000002, not 1: divide it by its sum"),
    ("zero.npy", npy([0.0, 0.0]), "has mass 0, not 1: divide it by its sum"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[bad[0] for bad in BAD])
def test_bad_input_gets_one_clear_line(
    folder: Path, name: str, content: bytes, message: str
) -> None:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_mass_within_the_tolerance_is_taken(folder: Path) -> None:
    path = folder / "close.npy"
    path.write_bytes(npy([0.5, 0.5 + 5e-10]))
    assert float(load(path).weights.sum()) == pytest.approx(1, abs=1e-15)


def test_pickled_objects_are_never_run(folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(folder / "sprung"),))

    for content in (pickle.dumps(Trap()), npy(np.array([Trap()], dtype=object))):
        path = folder / "trap.npy"
        path.write_bytes(content)
        with pytest.raises(InputError, match="never unpickled"):
            load(path)
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "separator", "message"),
    [
        (b"a b\nb a\n", "", "separator: must not be empty"),
        (b"a b\nb a\n", ",", "separator ',' does not occur"),
        (b"a b\na  b\n", " ", "line 2: token 2 between separators is empty"),
        (b"a b\na b \n", " ", "line 2: token 3 between separators is empty"),
        (b"a b\na b a\n", " ", "line 2: 'a b a' has length 3, but the first sequence has 2"),
    ],
)
def test_bad_separators(folder: Path, content: bytes, separator: str, message: str) -> None:
    path = folder / "separated.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(path, separator=separator)
    assert message in str(caught.value)


def test_what_is_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is a directory: name a file in it"):
        load(folder)
    with pytest.raises(InputError, match="no such file"):
        load(folder / "missing.csv")
    with pytest.raises(InputError, match="no such file"):
        load(str(folder / "missing\0.csv"))
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        load(folder / ("x" * 300))
    os.mkfifo(folder / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        load(folder / "pipe")

    # Root may read everything, so a refused permission is acted.
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(np.lib.format, "open_memmap", lambda path, **_: refuse(path))
    for name in ("locked.txt", "locked.npy"):
        (folder / name).write_text("ab\n")
        with pytest.raises(InputError, match=rf"{name}: cannot be read: Permission denied"):
            load(folder / name)


def test_too_many_symbols_mean_a_wrong_separator(folder: Path) -> None:
    path = folder / "numbers.txt"
    path.write_text("\n".join(f"{2 * i} {2 * i + 1}" for i in range(MAX_SYMBOLS // 2)))
    assert load(path, separator=" ").vocabulary == MAX_SYMBOLS
    path.write_text("\n".join(f"{2 * i} {2 * i + 1}" for i in range(MAX_SYMBOLS // 2 + 1)))
    with pytest.raises(InputError, match=f"has {MAX_SYMBOLS + 2} distinct symbols, more than"):
        load(path, separator=" ")


def test_a_file_beyond_memory_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sharprates.samplers.errors.available_bytes", lambda: 2**16)
    for name, content in [
        ("big.txt", b"ab\n" * 1000),
        ("big.csv", b"w,weight\n" + b"ab,1\n" * 1000),
        ("big.npy", npy(np.full((2,) * 10, 2.0**-10))),
    ]:
        path = folder / name
        path.write_bytes(content)
        with pytest.raises(TooLargeError, match=rf"{name}: .* would take .* GiB"):
            load(path)


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".npy"])
@given(data=st.data())
def test_damaged_files_never_end_in_a_traceback(
    folder: Path, suffix: str, data: st.DataObject
) -> None:
    whole = {
        ".txt": b"abc\nbca\n",
        ".csv": b'word,weight\nabc,1\n"bca",0.5\n',
        ".npy": npy(np.full((2, 2), 0.25)),
    }[suffix]
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    path = folder / f"damaged{suffix}"
    path.write_bytes(content)
    # No other exception than this may come, and what is read must be a law.
    with suppress(InputError):
        target = load(path, separator=data.draw(st.sampled_from([None, ",", "b"])))
        assert float(target.weights.sum()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "d", "S", "N", "first"),
    [("words4", 4, 26, 2482, "that"), ("patterns12", 12, 2, 260, "cvccvccvcvvc")],
)
def test_shipped_data(name: str, d: int, S: int, N: int, first: str) -> None:
    target = builtin(name)
    assert (target.name, target.length, target.vocabulary, target.support) == (name, d, S, N)
    weights = law(target)
    assert sum(weights.values()) == 1
    assert max(weights, key=lambda row: weights[row]) == tuple(first)
    assert target.weights.tolist() == [float(p) for p in weights.values()]


def test_every_shipped_file_is_listed_and_described() -> None:
    folder = ROOT / "samplers" / "data"
    # the trigrams are no data set: the chains of `samplers.letters` are made from them
    assert {path.stem for path in folder.glob("*.csv")} == {*BUILTIN, "trigrams"}
    about = (folder / "README.md").read_text(encoding="utf-8")
    for name in BUILTIN:
        assert f"`{name}.csv`" in about
        assert f"| {builtin(name).support} |" in about
        assert not (folder / f"{name}.csv").stat().st_mode & stat.S_IXUSR
    with pytest.raises(InputError, match="called 'words5': known are words4, patterns12"):
        builtin("words5")


def test_the_script_makes_the_shipped_files() -> None:
    pytest.importorskip("wordfreq", reason="the source of the data (pip install wordfreq==3.1.1)")
    made = runpy.run_path(str(ROOT / "samplers" / "data" / "make_data.py"))["tables"]()
    assert set(made) == {f"{name}.csv" for name in (*BUILTIN, "trigrams")}
    for name, text in made.items():
        assert (ROOT / "samplers" / "data" / name).read_bytes() == text.encode("ascii")


def test_a_text_names_a_data_set_a_family_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.txt"
    path.write_text("ab\nba\n")
    assert load("words4").name == "words4"
    assert str(load("copies:3:2").family) == "copies:3:2"
    assert load(str(path)).name == "two.txt"
    with pytest.raises(InputError, match="no such file, and no data set"):
        load("nowhere")
