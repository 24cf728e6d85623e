"""Loss curves: reading, the excess against brute force on a Markov chain, the best blocks."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.planning.loss_curve import loss_curve, read_loss_curve


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────


def test_the_ceiling_uses_no_interpolation() -> None:
    """h falls in m: a measured loss bounds what comes after it, log S what comes before."""
    curve = loss_curve([2, 4], [1.0, 1.5], 6, 5)
    np.testing.assert_allclose(curve.ceiling, [math.log(5)] * 2 + [1.0] * 4)
    np.testing.assert_allclose(curve.losses, [1.0, 1.0, 1.0, 1.25, 1.5, 1.5])
    assert not curve.falls


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def test_counts_and_fractions_up_and_down_read_alike(tmp_path: Path) -> None:
    up = "masked,loss\n1,0.1\n2,0.4\n3,0.65\n4,1.0\n"
    lines = up.strip().split("\n")
    down = "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
    shares = "loss, masked ,note\n0.1,0.25,a\n0.4,0.5,b\n0.65,0.75,c\n1.0,1.0,d\n"
    for number, text in enumerate((up, down, "\ufeff" + up, shares, up + "\n")):
        curve = read_loss_curve(write(tmp_path / f"{number}.csv", text), 4)
        np.testing.assert_allclose(curve.losses, [1.0, 0.65, 0.4, 0.1])
        assert curve.label == "exact"


def test_a_fraction_between_whole_numbers_is_an_estimate(tmp_path: Path) -> None:
    text = "masked,loss\n0.3,0.1\n1.0,0.9\n"
    curve = read_loss_curve(write(tmp_path / "c.csv", text), 4)
    assert (curve.label, curve.bound_label) == ("estimate", "estimate")
    np.testing.assert_allclose(curve.losses, [0.9, 0.9 - 0.8 / 3, 0.9 - 1.6 / 3, 0.1])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "needs one column 'masked'"),
        ("masked\n1\n", "needs one column 'loss'"),
        ("masked,loss,loss\n1,2,3\n", "needs one column 'loss'"),
        ("masked,loss\n", "has a header and no rows"),
        ("masked,loss\n1,nan\n", "line 2: loss must be finite, got nan"),
        ("masked,loss\n1,0.5\n2,inf\n", "line 3: loss must be finite, got inf"),
        ("masked,loss\n1,-0.5\n", "line 2: loss must not be negative, got -0.5"),
        ("masked,loss\n1,0.1\n3,0.5\n2,0.4\n4,1\n", "line 4: 'masked' is not sorted"),
        ("masked,loss\n1,0.1\n1,0.1\n4,1\n", "line 3: 'masked' is not sorted, or repeats"),
        ("masked,loss\n1,0.1\n5,0.5\n", "line 3: masked must be a whole number in 1..4"),
        ("masked,loss\n1.5,0.1\n4,0.5\n", "line 2: masked must be a whole number in 1..4"),
        ("masked,loss\n0,0.1\n4,0.5\n", "line 2: masked must be a whole number in 1..4"),
        ("masked,loss\n0.01,0.1\n1,0.5\n", r"line 2: masked must be a fraction in \(0, 1\]"),
        ("masked,loss\n1\n", "line 2: has no value for 'loss'"),
        ("masked,loss\none,2\n", "line 2: masked 'one' is not a number"),
        ("masked,loss\n1,0.1\n3,0.5\n", "no loss with all tokens masked"),
    ],
)
def test_a_bad_file_gets_one_line(text: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        read_loss_curve(write(tmp_path / "c.csv", text), 4)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv: cannot be read: no such file"):
        read_loss_curve(tmp_path / "none.csv", 4)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00masked")
    with pytest.raises(InputError, match="is not a CSV file in UTF-8"):
        read_loss_curve(binary, 4)
    with pytest.raises(InputError, match=r"length: must lie in 1\.\.1000000, got 0"):
        read_loss_curve(tmp_path / "none.csv", 0)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (([0, 0], [1.0, 1.0], 3), "must increase"),
        (([0], [1.0, 2.0], 3), "one loss a point"),
        (([0, 1], [1.0, math.nan], 3), "finite and not negative"),
        (([1], [1.0], 3), "--vocab"),
        (([0], [1.0], 3, 0), "vocab: must be at least 1"),
    ],
)
def test_bad_arguments_are_named(given: tuple[Any, ...], hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        loss_curve(*given)
