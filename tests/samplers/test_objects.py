"""A user's object by name: found in the current folder, and every failure in one line."""

import sys
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object, one_line


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def test_objects_of_modules_here_and_anywhere(folder: Path) -> None:
    (folder / "own_module_1.py").write_text("class Box:\n    inside = 7\n")
    assert load_object("own_module_1:Box.inside", "denoiser") == 7
    assert load_object("math:pi", "denoiser") == pytest.approx(3.14159, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "needs MODULE:OBJECT"),
        (":x", "needs MODULE:OBJECT"),
        ("math:", "needs MODULE:OBJECT"),
        ("no_such_module:x", "cannot import no_such_module: ModuleNotFoundError"),
        ("math:no.such", "math has no 'no.such'"),
        ("own_module_2:x", "cannot import own_module_2: ZeroDivisionError: division by zero"),
        ("own_module_3:x", "cannot import own_module_3: SyntaxError"),
        ("own_module_4:x", "cannot import own_module_4: SystemExit"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(folder: Path, text: str, words: str) -> None:
    (folder / "own_module_2.py").write_text("1 / 0\n")
    (folder / "own_module_3.py").write_text("def\n")
    (folder / "own_module_4.py").write_text("raise SystemExit\n")
    with pytest.raises(InputError) as caught:
        load_object(text, "denoiser")
    assert words in str(caught.value)
    assert str(caught.value).startswith("--denoiser: ")
    assert "\n" not in str(caught.value)


def test_foreign_errors_in_one_line() -> None:
    assert one_line(ValueError("first\nsecond")) == "ValueError: first"
    assert one_line(KeyError()) == "KeyError"
