"""Held-out sequences from files, and what is refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.held_out import held_out


def test_lines_that_repeat_count_again(tmp_path: Path) -> None:
    path = tmp_path / "held.txt"
    path.write_text("ba\nab\nba\nba\n")
    found = held_out(path)
    assert sorted(found.rows.tolist()) == [[0, 1], [1, 0], [1, 0], [1, 0]]
    assert (found.name, found.length, found.vocabulary) == ("held.txt", 2, 2)


def test_symbols_are_the_models(tmp_path: Path) -> None:
    path = tmp_path / "held.txt"
    path.write_text("ba\nab\n")
    found = held_out(path, symbols="cba", vocabulary=3)
    assert sorted(found.rows.tolist()) == [[1, 2], [2, 1]]
    words = tmp_path / "words.txt"
    words.write_text("the cat\na cat\n")
    found = held_out(words, separator=" ", symbols="a cat the dog")
    assert sorted(found.rows.tolist()) == [[0, 1], [2, 1]]
    assert found.vocabulary == 4


def test_token_numbers(tmp_path: Path) -> None:
    path = tmp_path / "held.npy"
    np.save(path, np.array([[0, 3], [2, 2]], dtype=np.uint16))
    assert held_out(path).vocabulary == 4
    assert held_out(path, vocabulary=9).rows.tolist() == [[0, 3], [2, 2]]


@pytest.mark.parametrize(
    ("content", "options", "hint"),
    [
        ("ab\n", {}, "has one sequence"),
        ("ab\nb\n", {}, "all need the same length"),
        ("ab\nba\n", {"symbols": "ac"}, "the symbol 'b', which --symbols does not name"),
        ("ab\nba\n", {"symbols": "aab"}, "names 'a' twice"),
        ("ab\nba\n", {"vocabulary": 3}, "has 2 symbols, the model 3; name all of its"),
        ("ab\nba\n", {"vocabulary": 3, "symbols": "ab"}, "they must agree"),
    ],
)
def test_bad_texts(tmp_path: Path, content: str, options: dict[str, str], hint: str) -> None:
    path = tmp_path / "held.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=hint) as caught:
        held_out(path, **options)
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("sequence,weight\nab,2\n")
    with pytest.raises(InputError, match="weights are no sample"):
        held_out(table)
    array = tmp_path / "floats.npy"
    np.save(array, np.zeros((2, 2)))
    with pytest.raises(InputError, match="needs whole numbers"):
        held_out(array)
    np.save(array, np.array([[0, -1], [0, 1]]))
    with pytest.raises(InputError, match="token numbers ≥ 0"):
        held_out(array)
    np.save(array, np.array([[0, 5], [0, 1]]))
    with pytest.raises(InputError, match="has 6 symbols, the model 4; they must agree"):
        held_out(array, vocabulary=4)
    with pytest.raises(InputError, match="need no --symbols"):
        held_out(array, symbols="ab")
    np.save(array, np.array([[0, 2**62], [0, 1]]))
    with pytest.raises(InputError, match=r"symbols would take .* GiB"):
        held_out(array)
    array.write_bytes(b"no array")
    with pytest.raises(InputError, match=r"is no .npy table"):
        held_out(array)
    with pytest.raises(InputError, match="cannot be read"):
        held_out(tmp_path / "nowhere.npy")
    with pytest.raises(InputError, match="no such file"):
        held_out(tmp_path / "nowhere.txt")
