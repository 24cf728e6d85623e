"""Errors that a user can act on: what was wrong, where, and what to do."""


class InputError(ValueError):
    """Bad input from outside; its message is one line and names the remedy."""


class TooLargeError(InputError):
    """The work asked for needs more memory than there is; nothing was allocated."""
