"""The wheel, in an empty environment, beside a user's own folders `samplers`, `verification`, …"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("theory", "samplers", "verification")

PROJECT = {
    "theory.py": "STEPS = 2\n",
    "verification/__init__.py": "from theory import STEPS\n",
    "samplers/__init__.py": "",
    "samplers/mine.py": (ROOT / "book" / "examples" / "own_sampler.py").read_text(encoding="utf-8")
    + "\n\nfrom verification import STEPS\n\nassert STEPS == sampler.declaration.steps\n",
    "tests/conftest.py": (
        "pytest_plugins = [\n"
        '    "sharprates.verification.conformance.fixture",\n'
        '    "sharprates.verification.pytest_plugin",\n'
        "]\n"
    ),
    "tests/test_mine.py": (
        "import sys\n"
        "from pathlib import Path\n"
        "import pytest, samplers\n"
        "from samplers.mine import sampler\n"
        "from sharprates.samplers import datasets\n"
        "from sharprates.verification.conformance.findings import FAST\n"
        "from sharprates.verification.evidence import Evidence\n"
        "\n\n"
        '@pytest.mark.claim("E3")\n'
        "def test_it_conforms(conformance, evidence):\n"
        "    conformance(sampler, FAST)\n"
        '    evidence(Evidence("E3", "mine", "exact", 5, 4))\n'
        "\n\n"
        "def test_imports(request):\n"
        "    assert Path(sys.prefix) in Path(datasets.__file__).parents\n"
        "    assert request.config.rootpath in Path(samplers.__file__).parents\n"
        '    assert datasets.builtin("words4").support == 2482\n'
    ),
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of an earlier build gets in, and without network."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in (".package", *ROOMS):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-index"]
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-q", "-w", out, source], check=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment with the wheel, and with what it depends on.

    The latter are seen where they are: of a folder that a .pth file names, its own .pth files, and
    so the editable install there, are not read. pip must not see them: the wheel comes first.
    """
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(place), "install", "--no-index"]
    subprocess.run([*pip, "--no-deps", "-q", wheel], check=True)
    outside = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(place)}))
    (own / "outside.pth").write_text("\n".join(sorted(outside)) + "\n")
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(place)}))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The user's project."""
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(project: Path, *command: str | Path) -> str:
    """What a command prints, run in the project; it must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PY")}
    done = subprocess.run(command, cwd=project, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_in_it(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"sharprates"}
    modules = {
        f"sharprates/{file.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if (file.parent / "__init__.py").exists()
    }
    python = {name for name in names if name.endswith(".py")}
    assert python == modules | {"sharprates/__init__.py"}
    expected = {f"sharprates/{room}/py.typed" for room in ROOMS}
    for place in ("samplers/data/*.csv", "samplers/data/*.md", "verification/witnesses/*"):
        files = {f"sharprates/{file.relative_to(ROOT).as_posix()}" for file in ROOT.glob(place)}
        assert files
        expected |= files
    assert names - python == expected


def test_a_check(binaries: Path, project: Path) -> None:
    command = ("check", "samplers.mine:sampler", "--samples", "6000")
    shown = run(project, binaries / "sharprates", *command)
    assert "conforms to ancestral" in shown


def test_imports_the_fixture_and_the_marker(binaries: Path, project: Path) -> None:
    run(project, binaries / "python", "-m", "pytest", "-q", "--claims-json", "claims.json")
    claims = json.loads((project / "claims.json").read_text())["claims"]
    (one,) = [row for row in claims if row["n"]]
    assert (one["id"], one["n"], one["n_counting"]) == ("E3", 5, 4)


def test_what_the_page_says(binaries: Path, tmp_path: Path) -> None:
    """The files of "Check your sampler in five minutes", and the last command of its workflow."""
    page = (ROOT / "book" / "check_your_sampler.md").read_text(encoding="utf-8")
    conftest, test = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    last = re.findall(r"- run: (.*)", page)[-1].split()
    (tmp_path / "my_module.py").write_text(PROJECT["samplers/mine.py"].partition("from verif")[0])
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / last[-1]).parent.mkdir()
    # The page's seconds are not needed here.
    few = "rows=2_000, others=False, limit=300"
    (tmp_path / last[-1]).write_text(test.replace("limit=30", few))
    shown = run(tmp_path, binaries / "python", "-m", *last, "-q", "--strict-markers")
    assert "1 passed" in shown
