from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS


def test_every_left_side_but_ones_own_is_that_of_some_claim() -> None:
    used = {one.left_side(name) for one in CLAIMS.values() for name in (None, *one.variants)}
    assert set(Measured) - used == {Measured.OWN}


def test_each_has_a_latex_of_its_own() -> None:
    assert len(Measured.__members__) == len(Measured)  # equal values would be one member
