import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.crossover import MOST_STEPS, dominated_among, dominated_from
from sharprates.verification.decomposition import Decomposition


def terms(score: float, rest: float) -> Decomposition:
    return Decomposition(0.0, score, 0.0, rest, 0.0, 0.0)


@pytest.mark.parametrize("exact", [1, 2, 3, 7, 64, 100, 1000, MOST_STEPS])
def test_the_first_k_is_found(exact: int) -> None:
    assert dominated_from(lambda K: terms(1.0, exact / K)) == exact


def test_half_of_the_sum_counts_and_nothing_never_does() -> None:
    assert terms(1.0, 1.0).score_dominates
    assert not terms(1.0, 1.0 + 1e-12).score_dominates
    assert not terms(0.0, 0.0).score_dominates
    assert dominated_from(lambda _: terms(0.0, 0.0)) is None
    assert dominated_from(lambda _: terms(1.0, 2.0)) is None


def test_a_grid_too_fine_to_exist_dominates_nowhere() -> None:
    def refuses(steps: int) -> Decomposition:
        if steps > 5:
            raise InputError("times: must decrease strictly")
        return terms(1.0, 2.0)

    assert dominated_from(refuses) is None


def test_among_given_steps_it_must_hold_to_the_end() -> None:
    above, below = terms(1.0, 0.5), terms(1.0, 2.0)
    assert dominated_among({4: below, 16: above, 64: above}) == 16
    assert dominated_among({4: above, 16: below, 64: above}) == 64
    assert dominated_among({4: above, 16: below}) is None
