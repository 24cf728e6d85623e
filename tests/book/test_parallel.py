"""Pages dealt to processes: every page once, parts of about the same cost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sharpbook.parallel import dealt


def test_costly_pages_are_spread() -> None:
    names, costs = ["a", "b", "c", "d", "e", "f"], [9, 8, 0, 0, 0, 1]
    assert dealt(names, costs, 3) == ["a", "e", "b", "d", "f", "c"]


@given(st.lists(st.integers(0, 20), max_size=30), st.integers(1, 6))
def test_every_page_is_read_once(costs: list[int], hands: int) -> None:
    names = [f"page{i}" for i in range(len(costs))]
    assert sorted(dealt(names, costs, hands)) == sorted(names)
