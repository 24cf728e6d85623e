"""The hunt among laws with over-weighted support points."""

from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.verification import witness
from sharprates.verification.adversary import overweight
from sharprates.verification.adversary.frontier import STORED, first_order_of
from sharprates.verification.adversary.overweight import (
    GAIN,
    LARGEST_DENOMINATOR,
    OverweightTask,
    climb_overweight,
    conjectured,
    gain_of,
    hunt_overweight,
    keep_overweight,
    overweight_tasks,
)
from sharprates.verification.adversary.search import instance_of
from sharprates.verification.strategies import SHUFFLED


def test_the_conjectured_values_by_hand() -> None:
    assert conjectured((3, 3)) == Fraction(5, 4)
    assert conjectured((4, 4)) == Fraction(13, 6)


def test_a_rare_row_gains_and_permutations_do_not() -> None:
    """00 and 11 share a step and give 01 half of the time, which weighs little."""
    law = instance_of([[0, 0], [1, 1], [0, 1]], [5, 5, 1], 2)
    assert gain_of(law) > 0
    assert gain_of(SHUFFLED["permutations:3:3"]) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_finds_are_heavy_and_below_the_conjecture(seed: int) -> None:
    found = climb_overweight(OverweightTask((3, 3), 9, seed), starts=8, steps=120)
    assert found is not None
    assert gain_of(found) >= GAIN * conjectured((3, 3))
    assert min(found.weights) >= Fraction(1, LARGEST_DENOMINATOR)
    assert Fraction(9, 10) < first_order_of(found) < conjectured((3, 3))


def test_too_many_rows_leave_no_room() -> None:
    assert climb_overweight(OverweightTask((5, 3), 200, 1), steps=1) is None


def test_only_better_finds_are_kept(tmp_path: Path) -> None:
    worse = instance_of([[0, 0], [1, 1], [2, 2], [0, 1]], [5, 5, 5, 1], 3)
    better = instance_of([[0, 0], [1, 1], [2, 2], [0, 1]], [8, 8, 8, 1], 3)
    assert keep_overweight((2, 3), worse, tmp_path)
    assert keep_overweight((2, 3), better, tmp_path)
    assert not keep_overweight((2, 3), worse, tmp_path)
    (path,) = tmp_path.iterdir()
    held, _ = witness.recall(path)
    assert held.experiment.weights == better.weights


def test_a_hunt_leaves_a_witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        overweight, "climb_overweight", lambda task: climb_overweight(task, starts=4, steps=60)
    )
    told: list[str] = []
    hunt_overweight([(2, 3)], tmp_path, 1, progress=told.append)
    assert len(told) == len(overweight_tasks((2, 3), 1))
    assert [path.name for path in tmp_path.iterdir()] == ["overweight-2-3.witness"]


def test_stored_finds_are_as_the_book_says() -> None:
    paths = sorted(STORED.glob("overweight-*.witness"))
    assert len(paths) == 10
    for path in paths:
        it = witness.read(path).experiment
        goal = conjectured((it.length, it.vocabulary))
        assert gain_of(it) >= GAIN * goal
        assert first_order_of(it) < goal
        assert min(it.weights) >= Fraction(1, LARGEST_DENOMINATOR)
