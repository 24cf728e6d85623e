"""Remasking by its definitions, on cases small enough to be done by hand."""

from flint import fmpq
from sharprates.samplers.families import family
from sharprates.verification.checks.redraws import (
    Redraws,
    RevealedBlock,
    chance,
    parts_of,
    relevant,
)
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import ExactQuantities

HALF = fmpq(1, 2)


def of(text: str, off: int | None = None) -> Redraws:
    return Redraws(ExactQuantities(exact_experiment(family(text))), off)


def test_all_parts_of_a_set_are_chosen_with_probability_one() -> None:
    places = (0, 2, 3)
    assert len(list(parts_of(places))) == 8
    assert sum((chance(part, places, fmpq(1, 3)) for part in parts_of(places)), fmpq(0)) == 1


def test_two_copies_in_one_step() -> None:
    pair = of("copies:2:2")
    blank = {(2, 2): fmpq(1)}
    assert pair.step(blank, fmpq(0), fmpq(1), pair.jointly) == {(0, 0): HALF, (1, 1): HALF}
    apart = pair.step(blank, fmpq(0), fmpq(1), pair.independently)
    assert apart == {(a, b): fmpq(1, 4) for a in (0, 1) for b in (0, 1)}
    # one is masked with probability 1/2 each, none is revealed in the same step
    kept = pair.step({(0, 0): fmpq(1)}, HALF, fmpq(1), pair.independently)
    assert kept == {(0, 0): fmpq(1, 4), (0, 2): fmpq(1, 4), (2, 0): fmpq(1, 4), (2, 2): fmpq(1, 4)}


def test_what_is_about_to_be_masked_may_be_forgotten() -> None:
    pair = of("copies:2:2")
    seen = pair.step({(0, 2): fmpq(1)}, fmpq(1), fmpq(1), pair.independently)
    assert seen == {(2, 0): fmpq(1)}
    forgotten = pair.step({(0, 2): fmpq(1)}, fmpq(1), fmpq(1), pair.independently, kept=True)
    assert forgotten == {(2, 0): HALF, (2, 1): HALF}


def test_off_the_support_a_convention() -> None:
    assert list(of("copies:3:2").predict((0, 1, 2), 2)) == [HALF, HALF]
    assert list(of("copies:3:2", off=0).predict((0, 1, 2), 2)) == [1, 0]


def test_local_errors_of_copies() -> None:
    copies = of("copies:3:2")
    assert copies.local((2, 2, 2), (0, 1)) == HALF
    assert copies.local((2, 2, 2), (0, 1, 2)) == fmpq(3, 4)
    assert copies.local((0, 2, 2), (1, 2)) == 0
    # a third of: r² (1−r)·3 blocks of two, r³ of three
    assert copies.of_block((2, 2, 2), HALF) == 3 * fmpq(1, 8) * HALF + fmpq(1, 8) * fmpq(3, 4)


def test_relevant_reveals_by_hand() -> None:
    """Tokens 0, 1; then 2, while 0 is masked; then 0 again: the first 0 was a context."""
    path = [RevealedBlock((), (0, 1)), RevealedBlock((0, 1), (2,)), RevealedBlock((1, 2), (0,))]
    everything = frozenset((0, 1, 2))
    assert relevant(path, everything) == path
    forgotten = relevant(path, everything, contexts=False)
    assert [one.block for one in forgotten] == [(1,), (2,), (0,)]
    # what is masked at the end, and was in no context, does not matter
    assert relevant([RevealedBlock((), (0, 1))], frozenset((0,))) == [RevealedBlock((), (0,))]


def test_a_redraw_of_one_token_repairs_parity() -> None:
    parity = of("parity:2:2")
    assert parity.corrected({(0, 1): fmpq(1)}, 1) == {(0, 0): HALF, (1, 1): HALF}
    assert parity.corrector_error(1) == (0, 0)
    assert parity.corrector_error(2) == (HALF, 0)
    assert parity.contraction(2) == 1
