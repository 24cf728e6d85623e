"""Errors that a user can act on: what was wrong, where, and what to do."""


class InputError(ValueError):
    """Bad input from outside; its message is one line and names the remedy."""


class TooLargeError(InputError):
    """The work asked for needs more memory than there is; nothing was allocated."""


def check_positive(**sizes: int) -> None:
    """Check that every named size is at least 1.

    Raises:
        InputError: naming the first that is not.
    """
    for name, value in sizes.items():
        if value < 1:
            raise InputError(f"{name}: must be at least 1, got {value}")
