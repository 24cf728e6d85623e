"""Files of results are whole, and say where they come from."""

import os
import subprocess
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification import files
from sharprates.verification.files import check_writable, write_whole


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check_writable(tmp_path / "no" / "out.json")
    with pytest.raises(InputError, match="is a directory"):
        check_writable(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        check_writable(tmp_path / "pipe")


def test_the_commit_is_that_of_our_own_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        found = subprocess.run(["git", "-C", str(tmp_path), *words], capture_output=True, text=True)
        return found.stdout.strip()

    git("init")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-m", "one")
    for folder in ("verification", ".venv/verification"):
        (tmp_path / folder).mkdir(parents=True)
    head = git("rev-parse", "HEAD")
    monkeypatch.setattr(files, "__file__", str(tmp_path / "verification" / "files.py"))
    assert files.manifest()["commit"] == head != ""
    # installed below someone else's project: its commit says nothing about us
    monkeypatch.setattr(files, "__file__", str(tmp_path / ".venv" / "verification" / "files.py"))
    assert files.manifest()["commit"] is None


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "out.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o600)
    link.symlink_to(path)
    check_writable(link)
    write_whole(link, "new")
    assert link.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/null", "/dev/shm/x", "/proc/x.json"])
def test_devices_are_no_place_for_results(name: str) -> None:
    with pytest.raises(InputError, match="no place for results"):
        check_writable(Path(name))


def test_a_link_in_a_circle_is_no_place_for_results(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InputError, match="link in a circle"):
        check_writable(tmp_path / "circle")
    assert (tmp_path / "circle").is_symlink()


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000])
def test_names_that_are_too_long_are_found_before_the_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="may not be written"):
        check_writable(tmp_path / name)


def test_names_of_the_greatest_length_are_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    check_writable(path)
    write_whole(path, "\udce9")
    assert path.read_text() == "\\udce9"
