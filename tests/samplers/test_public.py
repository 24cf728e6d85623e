"""The names that the room exports."""

import pytest
import sharprates.samplers as room


@pytest.mark.parametrize("name", sorted(room.PUBLIC))
def test_each_public_name_is_where_the_table_says(name: str) -> None:
    module = f"sharprates.samplers.{room.PUBLIC[name]}"
    assert getattr(room, name).__module__ == module


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="'Nothing'"):
        _ = room.Nothing
