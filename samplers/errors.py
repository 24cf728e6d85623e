"""Errors that a user can act on: what was wrong, where, and what to do.

Memory and time are estimated before they are taken: too large is an error, not a killed process
or a silent hour.
"""

from __future__ import annotations

import difflib
import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


NEVER_TOO_MUCH = 1 << 15
"""Bytes up to which nobody is asked how many are free: the question takes longer than the work."""


class InputError(ValueError):
    """Bad input from outside; its message is one line and names the remedy."""


class TooLargeError(InputError):
    """The work asked for needs more memory or time than there is; none of it was done."""


def printable(text: str) -> str:
    """A user's text without characters that a terminal would obey, e.g. of a file's name."""
    return "".join(x if x.isprintable() else ascii(x)[1:-1] for x in text)


def check_known(kind: str, name: str, known: Iterable[str], more: str = "") -> None:
    """Check that a name is one of those that are known.

    Args:
        kind: what it is the name of.
        name: a user's.
        known: all names.
        more: of how it may be written.

    Raises:
        InputError: with a guess at what was meant.
    """
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(str(name), names, 1)
        guess = f"did you mean {near[0]}? Use" if near else "use"
        one_of = f"one of {', '.join(names)}{more}"
        raise InputError(f"{kind} {name!r} is unknown: {guess} {one_of}")


def check_positive(**sizes: int) -> None:
    """Check that every named size is at least 1.

    Raises:
        InputError: naming the first that is not.
    """
    for name, value in sizes.items():
        if value < 1:
            raise InputError(f"{name}: must be at least 1, got {value}")


def check_seed(seed: int) -> None:
    """Check that a seed is one for every generator: numpy's takes no negative one.

    Raises:
        InputError: if it is not.
    """
    if not 0 <= seed < 2**63:
        raise InputError(f"seed: need a whole number from 0 to 2^63 - 1, got {seed}")


def available_bytes() -> int:
    """Memory that can be taken now without swapping or being killed, in bytes."""
    # not Linux: the page count is the best estimate at hand
    free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError, KeyError):
        free.append(_numbers(Path("/proc/meminfo"))["MemAvailable:"] * 1024)
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        with suppress(OSError):
            taken = int(Path("/proc/self/statm").read_text().split()[0])
            free.append(most - taken * os.sysconf("SC_PAGE_SIZE"))
    for one in memory_limits():
        with suppress(OSError, ValueError):
            free.append(one.left())
    return max(0, min(free))


def _numbers(path: Path) -> dict[str, int]:
    """The numbers of a file of the system, a name and a number a line."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}


@dataclass(frozen=True)
class MemoryLimit:
    """A limit that a container, or another control group, sets on this process.

    Attributes:
        most: bytes.
        usage: the file that says how much of it is taken.
    """

    most: int
    usage: Path

    def left(self) -> int:
        """Bytes that can still be taken."""
        about = _numbers(self.usage.with_name("memory.stat"))
        # pages of files are given back when memory is needed
        cached = max(about.get("inactive_file", 0), about.get("total_inactive_file", 0))
        return self.most - int(self.usage.read_text()) + cached


@cache
def memory_limits(root: Path = Path("/")) -> tuple[MemoryLimit, ...]:
    """The limits of all control groups that hold this process, versions 1 and 2.

    Args:
        root: of the file system that says so.
    """
    found = []
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if "memory" in controllers.split(","):
                mount, limit, usage = "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            elif not controllers:
                mount, limit, usage = "", "memory.max", "memory.current"
            else:
                continue
            place = Path(group.lstrip("/"))
            # a container may see its own group only, as the root
            for one in (place, *place.parents):
                folder = root / "sys/fs/cgroup" / mount / one
                with suppress(OSError, ValueError):  # without a limit it says "max"
                    most = int((folder / limit).read_text())
                    if most < physical:
                        found.append(MemoryLimit(most, folder / usage))
    return tuple(found)


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
    if needed < NEVER_TOO_MUCH:
        return
    free = free_bytes(device)
    if needed > 0.8 * free:
        raise TooLargeError(
            f"{what} would take {_gibibytes(needed)} GiB, "
            f"and {_gibibytes(free)} GiB are free: {remedy}"
        )


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.3g}" if count < 2**1000 else f"2^{count.bit_length() - 31}"


LONGEST = 1800.0
"""Seconds of work that are begun without further ado."""

MOST_TOKENS = 30
"""Tokens up to which all sets of them are gone through, as an exact law needs."""

_forced: ContextVar[bool] = ContextVar("forced", default=False)


@contextmanager
def any_time(wanted: bool = True) -> Iterator[None]:
    """Here `check_time` lets everything pass, if that is wanted: what ``--force`` does."""
    token = _forced.set(wanted)
    try:
        yield
    finally:
        _forced.reset(token)


def check_time(seconds: float, what: str, remedy: str) -> None:
    """Check that work is done within half an hour, by an estimate.

    Args:
        seconds: that it takes on one core, by its operations; right to a factor of a few.
        what: what is worked on, a noun phrase for the message.
        remedy: what the user can do instead.

    Raises:
        TooLargeError: if it takes longer and nobody has said that it may (`any_time`).
    """
    if seconds > LONGEST and not _forced.get():
        units = {"years": 3.2e7, "days": 86400.0, "hours": 3600.0, "minutes": 60.0}
        unit, size = next(pair for pair in units.items() if seconds > 2 * pair[1])
        raise TooLargeError(
            f"{what} would take about {seconds / size:.2g} {unit}: {remedy}, or add --force"
        )


def check_tokens(length: int, what: str) -> None:
    """Check that sequences are short enough for an exact law.

    Raises:
        TooLargeError: beyond `MOST_TOKENS`.
    """
    if length > MOST_TOKENS:
        raise TooLargeError(
            f"{what}: sequences of length {length} have 2^{length} sets of tokens, and an exact "
            f"law goes through all of them: take at most {MOST_TOKENS} tokens"
        )
