"""Plans without enumeration: against enumeration where both go, and against what is known."""

import pytest
from sharprates.samplers.errors import InputError
from sharprates.samplers.higher_order import HigherOrderChain
from sharprates.samplers.markov import MarkovChain
from sharprates.verification.planning.data_law import long_target

from book.examples.two_topics import LAW

STICKY = "0.5,0.5:0.9,0.1:0.1,0.9"


def test_what_a_text_names() -> None:
    assert long_target("pairs:13:2") == "pairs:13:2"
    assert long_target("blocks:16:3:2") == "blocks:16:3:2"
    assert long_target("book.examples.two_topics:LAW") is LAW
    for text in ("pairs:12:2", "blocks:6:3:2", f"markov:12:{STICKY}", "letters:4", "my.csv"):
        assert long_target(text) is None, text


def test_letters_have_a_length_and_an_order() -> None:
    for text, order in (("letters:1024", 1), ("letters:40:2", 2)):
        law = long_target(text)
        assert isinstance(law, MarkovChain if order == 1 else HigherOrderChain)
        assert law.length == int(text.split(":")[1])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("letters:40:3", "order must be 1 or 2, got 3"),
        ("letters:many", "write it as letters:d"),
        ("markov:40:0.4,0.6:0.9,0.1:0.1,0.9", "from its stationary law: write 0.5,0.5"),
        ("markov:40:0.5,0.5:0.9,0.1", "needs 2 rows of 2"),
        ("markov:40:0.5,0.5:0.9,0.2:0.1,0.9", "must sum to 1"),
        ("markov:forty", "write it as markov:d"),
        ("book.examples.two_topics:WORDS", "has no 'length'"),
        ("book.examples.two_topics:NONE", "has no 'NONE'"),
        ("nowhere:LAW", "cannot import nowhere"),
    ],
)
def test_a_bad_text_is_named_in_one_line(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        long_target(text)
    assert "\n" not in str(caught.value)
