"""Errors that a user can act on: what was wrong, where, and what to do.

Memory is estimated before it is taken: too large is an error, not a killed process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


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


def available_bytes() -> int:
    """Memory that can be taken now without swapping, in bytes."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: the page count below is the best estimate at hand
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_bytes(device: str | torch.device = "cpu") -> int:
    """Memory that can be taken now on a device, in bytes."""
    if not str(device).startswith("cuda"):
        return available_bytes()
    # here, because whoever only needs the errors should not wait for torch
    import torch

    # what torch has reserved and does not use serves new tensors as well
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused


def check_memory(needed: int, what: str, remedy: str, device: str | torch.device = "cpu") -> None:
    """Check that an allocation fits into memory.

    Args:
        needed: bytes that will be allocated.
        what: what they are for, a noun phrase for the message.
        remedy: what the user can do instead.
        device: where they will be allocated.

    Raises:
        TooLargeError: if more than 80 % of the available memory is needed.
    """
    free = free_bytes(device)
    if needed > 0.8 * free:
        raise TooLargeError(
            f"{what} would take {needed / 2**30:.3g} GiB, "
            f"and {free / 2**30:.3g} GiB are free: {remedy}"
        )
