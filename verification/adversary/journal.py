"""What a long hunt has done already: a file that is written whole after every task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from joblib import Parallel, delayed
from sharprates.samplers.errors import InputError
from sharprates.verification.files import to_json, write_whole


class Keyed(Protocol):
    """A piece of work with a name."""

    @property
    def key(self) -> str:
        """Its name in the journal."""
        ...


T = TypeVar("T", bound=Keyed)
R = TypeVar("R")


class Journal:
    """The names of the tasks that are done, in a folder that also keeps their finds.

    A task is entered after its find is stored, so that a killed hunt has lost at most the tasks
    that were running, and repeats these.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], fresh: bool = False) -> None:
        """Open a journal, new or of an earlier hunt; other settings make the tasks new ones.

        Args:
            path: of the file; its folder is made.
            settings: of the hunt.
            fresh: do all tasks again. Finds lie in files of their own and stay.

        Raises:
            InputError: if the folder cannot be used, or the file is no journal.
        """
        self.path, self.settings = path, dict(settings)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent}: cannot be used: {error.strerror}") from None
        self.done = set() if fresh else self._read()

    def _read(self) -> set[str]:
        try:
            content = json.loads(self.path.read_text())
            same = content["version"] == 1 and content["settings"] == self.settings
            return set(map(str, content["done"])) if same else set()
        except FileNotFoundError:
            return set()
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(
                f"{self.path}: is no journal of a hunt; remove it to start again"
            ) from None

    def enter(self, key: str) -> None:
        """A task is done, and what it found is stored."""
        self.done.add(key)
        content = {"version": 1, "settings": self.settings, "done": sorted(self.done)}
        write_whole(self.path, to_json(content))

    def carry_out(
        self, tasks: Iterable[T], work: Callable[[T], R], jobs: int
    ) -> Iterator[tuple[T, R]]:
        """Results of the tasks that are not done yet, as they come; the caller enters them.

        Args:
            tasks: what is to be done.
            work: a picklable function of a task.
            jobs: processes.
        """
        todo = [task for task in tasks if task.key not in self.done]
        finished: Iterator[tuple[T, R]] = Parallel(n_jobs=jobs, return_as="generator_unordered")(
            delayed(_with_task)(work, task) for task in todo
        )
        return finished


def _with_task(work: Callable[[T], R], task: T) -> tuple[T, R]:
    return task, work(task)
