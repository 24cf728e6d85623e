"""Journals of hunts: what is entered is not done again, whatever happens in between."""

from operator import attrgetter

import pytest
from sharprates.verification.adversary.frontier import Task
from sharprates.verification.adversary.journal import Journal

TASKS = [Task((3, 2), "anneal", k) for k in range(4)]
SIZE = attrgetter("size")


def finish(journal, limit=10):
    found = {}
    for task, result in journal.carry_out(TASKS, SIZE, jobs=1):
        found[task.size] = result
        journal.enter(task.key)
        if len(found) == limit:
            break
    return found


def test_done_tasks_are_not_repeated(tmp_path):
    path = tmp_path / "new" / "journal.json"
    first = finish(Journal(path, {"a": 1}), 2)
    second = finish(Journal(path, {"a": 1}))
    assert {**first, **second} == {k: k for k in range(4)}
    assert not first.keys() & second.keys()
    assert finish(Journal(path, {"a": 1})) == {}


def test_other_settings_or_a_fresh_start_do_all_again(tmp_path):
    path = tmp_path / "journal.json"
    finish(Journal(path, {"a": 1}))
    assert len(finish(Journal(path, {"a": 2}))) == 4
    assert len(finish(Journal(path, {"a": 2}, fresh=True))) == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1, "settings": {}, "done": 3}'])
def test_what_is_no_journal(tmp_path, content):
    path = tmp_path / "journal.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="no journal"):
        Journal(path, {})
