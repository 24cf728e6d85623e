"""The drawings' numbers."""

from __future__ import annotations

import itertools

import pytest
from matplotlib import pyplot as plt
from studies import sketches


def test_places_fall_into_bins() -> None:
    assert sketches.bins([0.0, 0.24, 0.25, 0.99], [0.25, 0.25, 0.5]) == [0, 0, 1, 2]


def test_who_shares_a_bin() -> None:
    assert sketches.crowded([0.1, 0.3, 0.45, 0.9], [0.25] * 4) == [False, True, True, False]
    assert not any(sketches.crowded([0.1, 0.3, 0.45, 0.9], [0.125] * 8))


def test_hitting_times_are_red_where_a_grid_has_two_in_one_interval() -> None:
    figure, axis = plt.subplots()
    sketches.grids(axis, [0.9, 0.7, 0.55, 0.1], (2, 4, 8))
    dots = [line for line in axis.lines if line.get_marker() == "o"]
    red = [
        (line.get_ydata()[0], line.get_xdata()[0])
        for line in dots
        if line.get_color() == sketches.CLASH
    ]
    places = [round(x, 9) for _, x in red]
    assert [-y for y, _ in red] == [1, 1, 1, 2, 2]  # no first hitting, and no eighth of the axis
    assert places == [0.1, 0.3, 0.45, 0.3, 0.45]
    plt.close(figure)


def test_the_area_of_the_staircase_is_that_of_its_triangles() -> None:
    assert sketches.excess([0.25] * 4) == pytest.approx(1 / 8)
    figure, axis = plt.subplots()
    sketches.staircase(axis, [0.25] * 4)
    drawn = sum(
        abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise(path))) / 2
        for one in axis.collections
        for path in [one.get_paths()[0].vertices.tolist()]
    )
    assert drawn == pytest.approx(sketches.excess([0.25] * 4))
    plt.close(figure)


def test_the_ladder_changes_one_kernel_a_row() -> None:
    figure, axis = plt.subplots()
    sketches.ladder(axis, 3)
    texts = [text.get_text() for text in axis.texts]
    assert sum(text.startswith("$R_") for text in texts) == 0 + 1 + 2 + 3
    assert sum(text.startswith("$\\hat R_") for text in texts) == 3 + 2 + 1 + 0
    plt.close(figure)
