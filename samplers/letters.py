"""English letters: Markov chains of order 1 and 2 on the space and a–z, of any length.

The text is words drawn independently by their frequencies in English and set apart by single
spaces. A chain has the text's law of m letters in a row, which is stationary, and its law of the
next letter given m letters. Both come from counts of triples (`samplers/data/trigrams.csv`), which
lie inside a word and the spaces around it; across a space the text has no memory.
"""

from __future__ import annotations

import csv
import string
from functools import cache
from importlib import resources

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.family import Family
from sharprates.samplers.higher_order import HigherOrderChain
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.target import Target, all_states
from torch import Tensor

SYMBOLS = (" ", *string.ascii_lowercase)
ORDERS = (1, 2)

LISTED = 4
"""Of so many letters at most are all sequences listed: of five there are 27^5, 14 million."""


@cache
def counted() -> tuple[Tensor, Tensor]:
    """How often pairs occur in the text, int64 [S, S], and triples but " a b", [S, S, S]."""
    S, place = len(SYMBOLS), {symbol: a for a, symbol in enumerate(SYMBOLS)}
    triples = torch.zeros(S, S, S, dtype=torch.int64)
    file = resources.files("sharprates.samplers") / "data" / "trigrams.csv"
    for row in csv.DictReader(file.read_text("ascii").splitlines()):
        a, b, c = (place[symbol] for symbol in row["trigram"])
        triples[a, b, c] = int(row["weight"])
    pairs = triples.sum(0)  # each pair but a word's first ends a triple
    pairs[0] = triples.sum(2)[0]
    return pairs, triples


def letters(length: int, order: int = 1) -> MarkovChain | HigherOrderChain:
    """The law of d letters of English text.

    Args:
        length: d ≥ m.
        order: m, 1 or 2.

    Raises:
        InputError: if the order is another, or d too small.
    """
    if order not in ORDERS:
        raise InputError(f"letters: the order must be 1 or 2, got {order}")
    pairs, triples = (counts.to(torch.float64) for counts in counted())
    after = pairs / pairs.sum(1, keepdim=True)
    if order == 1:
        return MarkovChain.of(after, length)
    mass = triples.sum(2, keepdim=True)
    # what follows a pair that never occurs does not matter
    kernel = torch.where(mass > 0, triples / mass, 1 / len(SYMBOLS))
    kernel[:, 0] = after[0]  # across a space there is no memory
    return HigherOrderChain.of(kernel.flatten(0, 1), (pairs / pairs.sum()).flatten(), length)


def letters_target(length: int, order: int = 1) -> Target:
    """The same law with all sequences listed.

    Raises:
        InputError: for more than `LISTED` letters.
    """
    if length > LISTED:
        raise InputError(f"letters: of more than {LISTED} there are too many sequences to list")
    law, rows = letters(length, order), all_states(length, len(SYMBOLS))
    weights = law.log_probability(rows).exp()
    family = Family("letters", {"d": length, "order": order})
    return Target.from_rows(
        rows, weights, len(SYMBOLS), name=str(family), family=family, symbols=SYMBOLS
    )
