"""What a long run has done already: typed values under keys, a line each, in a file on disk.

Lines are appended as tasks finish, each with a checksum, and reach the disk before the next is
begun. So a run that was stopped in whatever way has lost at most what was being worked on. A
checksum finds what was cut or damaged; it is no signature, and no defence against a forger.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

import cattrs
from sharprates.samplers.errors import InputError
from sharprates.verification.files import manifest

R = TypeVar("R")


# --- values as JSON and back, exactly -------------------------------------------------------------


def _number(value: Any, _: Any) -> Fraction | float:
    """A number as it was, also an integer that stands for a float."""
    if not isinstance(value, dict):
        return cast(float, value)
    if "float" in value:
        return float(value["float"])
    return Fraction(*(int(part, 16) for part in value["fraction"]))


VALUES = cattrs.Converter()
"""Dataclasses as JSON and back without loss: fractions exactly, infinities by name."""
VALUES.register_unstructure_hook(
    # hexadecimal: python refuses decimal numbers of more than 4300 digits
    Fraction,
    lambda value: {"fraction": [hex(value.numerator), hex(value.denominator)]},
)
VALUES.register_unstructure_hook(
    float, lambda value: value if math.isfinite(value) else {"float": str(value)}
)
VALUES.register_structure_hook(float, _number)
VALUES.register_structure_hook(Fraction, _number)
VALUES.register_structure_hook(Fraction | float, _number)


def _line(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({"sha256": digest, **content}, ensure_ascii=False).encode() + b"\n"


def _checked(line: bytes) -> dict[str, Any]:
    """The content of a whole line; nothing of one that was cut or changed."""
    try:
        content = json.loads(line)
        del content["sha256"]
        return content if _line(content) == line else {}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}


# --- what makes two runs the same -----------------------------------------------------------------


def identity(options: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a journal is about: versions, options and data.

    Args:
        options: an object of options under each name; functions count by their names.
        data: digests of what the options only name.
    """
    made = manifest()
    about = {name: made[name] for name in ("version", "commit", "packages")}
    for name, value in options.items():
        fields = VALUES.unstructure(value)
        # the fields of an object are what a message should name
        about |= fields if isinstance(fields, dict) else {name: fields}
    # as it will be read back
    return dict(json.loads(json.dumps({**about, **data}, default=_named)))


def _named(value: Any) -> str:
    """A function in an options object."""
    name: str = value.__qualname__
    return name


# --- the file -------------------------------------------------------------------------------------


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One run at a time works in a folder; it is made.

    Raises:
        InputError: if another run is at it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder}: cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(
            f"{folder}: is in use by another run; wait for it, or use another --out"
        ) from None
    finally:
        os.close(handle)


class Journal(Generic[R]):
    """Values of finished tasks: a file to which lines are appended, and nothing is changed.

    One run at a time may use it, in a ``with`` statement; if the run stops, a message says how to
    go on.
    """

    def __init__(
        self,
        path: Path,
        about: Mapping[str, Any],
        kind: Any,
        *,
        resume: bool = False,
        replace: bool = False,
    ) -> None:
        """Open the journal of a run, or begin one.

        Args:
            path: of the file; its folder is made.
            about: what the run is, from `identity`; a journal of another one is refused.
            kind: the type of its values.
            resume: go on with what is there, if anything is.
            replace: otherwise begin anew, whatever is there.

        Raises:
            InputError: if there is a journal and neither is set, or it is of another run, or is
                none, or is in use, or cannot be written.
        """
        self.path, self.kind = path, kind
        self.about = dict(about)
        self.values: dict[str, R] = {}
        self.resumed = False
        self.end = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            # unbuffered: what was written and what was not is known at any time
            self.file = open(handle, "r+b", buffering=0)  # noqa: SIM115 - closed by `close`
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.close()
            raise InputError(
                f"{path}: is in use by another run; wait for it, or use another --out"
            ) from None
        except OSError as error:
            where = path if path.parent.is_dir() else path.parent
            raise InputError(f"{where}: cannot be used: {error.strerror}") from None
        try:
            self._read(resume, replace)
        except BaseException:
            self.file.close()
            raise

    def _read(self, resume: bool, replace: bool) -> None:
        if not stat.S_ISREG(os.fstat(self.file.fileno()).st_mode):
            raise InputError(f"{self.path}: is not a regular file; remove it, or use another --out")
        lines = self.file.readall().splitlines(keepends=True)
        there = _checked(lines[0]).get("about") if lines else None
        if lines and not isinstance(there, dict):
            raise InputError(f"{self.path}: is no journal; remove it, or use another --out")
        if not lines or (replace and not resume):
            self.file.truncate(0)
            self.file.seek(0)
            self._append({"about": self.about})
            return
        assert isinstance(there, dict)
        self.end = len(lines[0])
        for line in lines[1:]:
            content = _checked(line)
            # behind a line that was being written nothing is trusted
            try:
                if "about" in content:
                    there |= content["about"]
                else:
                    self.values[content["key"]] = VALUES.structure(content["value"], self.kind)
            except Exception:  # cattrs raises groups, of whatever a type raises
                break
            self.end += len(line)
        self._compare(there, {**there, **self.about})
        if self.values and not resume:
            raise InputError(
                f"{self.path}: holds {self._count()} of this run; "
                "add --resume to go on with it, or remove it"
            )
        self.about, self.resumed = there, True
        self.file.truncate(self.end)
        self.file.seek(self.end)

    def _compare(self, there: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        differ = [name for name in sorted({*there, *about}) if there.get(name) != about.get(name)]
        if differ:
            raise InputError(
                f"{self.path}: holds another run (differs in {', '.join(differ)}); "
                "use another --out, or remove it"
            )

    def _count(self) -> str:
        many = len(self.values)
        return f"{many} finished piece{'s' if many > 1 else ''} of work"

    def check(self, name: str, value: Any) -> None:
        """Compare, or enter, what makes the run the same and is known only after it has begun.

        Raises:
            InputError: if the journal is of another run.
        """
        known = json.loads(json.dumps(value))
        if name in self.about:
            self._compare({name: self.about[name]}, {name: known})
        else:
            self._append({"about": {name: known}})
            self.about[name] = known

    def put(self, key: str, value: R) -> None:
        """Append; the line is on the disk on return, or nothing of it is in the file.

        Raises:
            InputError: if the disk is full.
        """
        self._append({"key": key, "value": VALUES.unstructure(value)})
        self.values[key] = value

    def _append(self, content: Mapping[str, Any]) -> None:
        data = left = _line(content)
        try:
            while left:
                left = left[os.write(self.file.fileno(), left) :]
            os.fsync(self.file.fileno())
        except OSError as error:
            with suppress(OSError):
                self.file.truncate(self.end)
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None
        self.end += len(data)

    def close(self) -> None:
        """Let others use it."""
        self.file.close()

    def __enter__(self) -> Journal[R]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if self.values and isinstance(error, InputError | KeyboardInterrupt):
            raise InputError(
                f"{str(error) or 'stopped'}; {self._count()} in {self.path}: "
                "run the same command with --resume to go on"
            ) from None
        if isinstance(error, KeyboardInterrupt):
            raise InputError("stopped") from None
