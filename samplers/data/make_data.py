"""Make the data sets of this folder from wordfreq's English word list.

Run `python samplers/data/make_data.py` (needs `pip install wordfreq==3.1.1`). The output does not
depend on the machine; tests/samplers/test_datasets.py compares it with the shipped files.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from wordfreq import get_frequency_dict

DATA = Path(__file__).parent

# Parts per 10⁹: as integers, so that the laws are exactly rational.
UNIT = 10**9
# Frequency 10⁻⁶. Below it the list holds many misspellings and names.
THRESHOLD = 1000


def words(length: int | None = None) -> dict[str, int]:
    """Words of a–z, of one length or of all, with a frequency above 10⁻⁶, in parts per 10⁹."""
    frequencies = get_frequency_dict("en", wordlist="large")
    parts = {
        word: round(frequency * UNIT)
        for word, frequency in frequencies.items()
        if length in (None, len(word)) and all("a" <= letter <= "z" for letter in word)
    }
    return {word: part for word, part in parts.items() if part > THRESHOLD}


def patterns(length: int) -> Counter[str]:
    """Vowels (v: a, e, i, o, u) and consonants (c) of these words, frequencies added up."""
    counts: Counter[str] = Counter()
    for word, part in words(length).items():
        counts["".join("v" if letter in "aeiou" else "c" for letter in word)] += part
    return counts


def trigrams() -> Counter[str]:
    """Three letters in a row, of all words with a space before and after, frequencies added up."""
    counts: Counter[str] = Counter()
    for word, part in words().items():
        spaced = f" {word} "
        for place in range(len(word)):
            counts[spaced[place : place + 3]] += part
    return counts


def table(column: str, weights: Mapping[str, int]) -> str:
    """CSV text, the most frequent first."""
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return f"{column},weight\n" + "".join(f"{text},{weight}\n" for text, weight in ordered)


def tables() -> dict[str, str]:
    """File name and content of each data set."""
    return {
        "words4.csv": table("word", words(4)),
        "patterns12.csv": table("pattern", patterns(12)),
        "trigrams.csv": table("trigram", trigrams()),
    }


def main() -> None:
    """Write the files."""
    for name, text in tables().items():
        (DATA / name).write_bytes(text.encode("ascii"))


if __name__ == "__main__":
    main()
