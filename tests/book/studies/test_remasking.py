"""The map of remasking: its fractions, its cells, and the file that was committed."""

from fractions import Fraction

import pytest
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import family
from sharprates.samplers.remasking import remasking
from studies import remasking as study


@pytest.mark.parametrize("name", ["copies:2:2", "copies:3:2"])
def test_fractions_are_the_sampler_s(name: str) -> None:
    target = family(name)
    for share, rule in ((Fraction(1), "max"), (Fraction(1, 4), "rescaled:0.25")):
        exact = study.by_hand(name, 3, share)
        tv, error = study.distance(target, ExactDenoiser(target), remasking(rule), 3)
        assert float(exact) == pytest.approx(tv, abs=error + 1e-16)


def test_two_copies_by_hand() -> None:
    """K = 3, no remasking: both in one step with probability 1/3, and then they differ in half."""
    assert study.by_hand("copies:2:2", 3, Fraction(0)) == Fraction(1, 6)


def test_cells_of_one_law() -> None:
    found = list(study.cells(("copies:2:2",)))
    kinds = len(study.DENOISERS) - 1  # a network is trained elsewhere
    assert len(found) == kinds * len(study.STEPS) * len(study.RULES)
    assert all(cell.ratio >= 1 - 1e-9 for cell in found if cell.denoiser == "exact")


def test_the_file_has_every_law_and_rule() -> None:
    content = study.read()
    assert content["manifest"]["command"] == "make remask"
    cells = [study.Cell(**one) for one in content["cells"]]
    assert {cell.law for cell in cells} == set(study.LAWS)
    assert {cell.rule for cell in cells} == set(study.RULES)
    assert {cell.steps for cell in cells} == set(study.STEPS)
    assert any(cell.ratio < 0.9 for cell in cells)
    assert any(cell.ratio > 1.1 for cell in cells)
    one = next(
        cell for cell in cells if (cell.law, cell.rule, cell.steps) == ("copies:2:2", "max", 4)
    )
    target = family("copies:2:2")
    tv, _ = study.distance(target, ExactDenoiser(target), remasking("max"), 4)
    assert one.tv == pytest.approx(tv, abs=1e-13)
