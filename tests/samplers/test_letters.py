"""English letters: the counts, in whole numbers, and the laws that come from them."""

import math

import pytest
import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.letters import SYMBOLS, counted, letters, letters_target


def test_counts_are_those_of_a_stationary_text() -> None:
    pairs, triples = counted()
    # as often as a letter is entered it is left, in whole numbers
    assert torch.equal(pairs.sum(0), pairs.sum(1))
    inside = triples.sum(2)
    assert torch.equal(inside[:, 1:], pairs[:, 1:])
    assert int(triples[:, 0].sum()) == 0
    q, u = SYMBOLS.index("q"), SYMBOLS.index("u")
    assert pairs[q].argmax() == u


@pytest.mark.parametrize("order", [1, 2])
def test_a_window_has_one_law_wherever_it_starts(order: int) -> None:
    target = letters_target(4, order)
    dense = torch.zeros(27, 27, 27, 27, dtype=torch.float64)
    dense[target.rows.unbind(1)] = target.weights
    pairs, triples = (counts / counted()[0].sum().double() for counts in counted())
    for axes in ((2, 3), (0, 3), (0, 1)):
        assert float((dense.sum(axes) - pairs).abs().max()) < 1e-15
    if order == 2:
        assert float((dense.sum(0) - triples)[:, 1:].abs().max()) < 1e-15


def test_orders_differ_in_entropy() -> None:
    rows = [letters(512, order).sample(50, torch.Generator().manual_seed(1)) for order in (1, 2)]
    rates = [
        -float(letters(512, order).log_probability(x).mean()) / 512 / math.log(2)
        for order, x in zip((1, 2), rows, strict=True)
    ]
    assert 2.5 < rates[1] < rates[0] < 3.6  # bits a letter


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match="order must be 1 or 2, got 3"):
        letters(8, 3)
    with pytest.raises(InputError, match="of more than 4 there are too many"):
        letters_target(5)
