"""What CONTRIBUTING says of the files: they exist, and the reader's path is short."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_reader_s_path_exists_and_is_below_six_thousand_lines() -> None:
    table = TEXT.split("**The reader's path**")[1].split("**What an addition touches**")[0]
    files = re.findall(r"`([\w/]+\.py)`", table)
    assert len(files) == len(set(files)) > 20
    lines = sum(len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in files)
    assert lines < 6000, lines


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`((?:theory|samplers|verification|tests|book)[\w/.]*)`", TEXT):
        assert (ROOT / name).exists() or (ROOT / f"{name}.py").exists(), name
