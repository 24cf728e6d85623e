"""Numbers written as text, read without rounding."""

from fractions import Fraction

LONGEST = 4000
"""Characters of a number; python reads and writes whole numbers of up to 4300 digits."""


def read_rational(text: str) -> Fraction:
    """Read a number such as 3, 0.25, 1e-6 or 1/3 exactly.

    Args:
        text: an integer, a decimal number or a quotient of integers.

    Returns:
        The rational number that the text stands for.

    Raises:
        ValueError: if it is no finite number, is too long, or its power of ten is beyond ±300.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a number of {len(text)} characters: at most {LONGEST} are read")
    _, _, exponent = text.lower().partition("e")
    # A short text such as 1e999999999 would become an integer that fills the memory.
    if exponent and abs(int(exponent)) > 300:
        raise ValueError(f"power of ten beyond ±300: {text!r}")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"division by zero: {text!r}") from None


def writable(value: Fraction) -> bool:
    """Whether `read_rational` reads what a number is written as: three bits are a digit at most."""
    return value.numerator.bit_length() + value.denominator.bit_length() < 3 * LONGEST


def brief(value: Fraction, longest: int = 60) -> str | None:
    """What a number is written as, if that is no longer than so many characters."""
    text = str(value) if writable(value) else ""
    return text if 0 < len(text) <= longest else None
