"""Memory is estimated before it is taken: too large is an error, not a killed process."""

import os

import torch
from sharprates.samplers.errors import TooLargeError


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
    chosen = torch.device(device)
    if chosen.type != "cuda":
        return available_bytes()
    # what torch has reserved and does not use serves new tensors as well
    unused = torch.cuda.memory_reserved(chosen) - torch.cuda.memory_allocated(chosen)
    return torch.cuda.mem_get_info(chosen)[0] + unused


def require(needed: int, what: str, remedy: str, device: str | torch.device = "cpu") -> None:
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
