"""How many files an addition touches: all are made in a copy of the rooms, and work there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FAMILY = {
    "samplers/families.py": (
        (
            "FAMILIES: dict[str, FamilyForm] = {\n",
            '    "twins": FamilyForm("d:S", lambda d, S: _uniform_on(\n'
            "        torch.arange(S)[:, None].expand(S, d), S, 'twins', d=d, S=S\n"
            "    )),\n",
        ),
    )
}
USE_FAMILY = """
from sharprates import Plan, audit, load
(found,) = audit([load("twins:3:2")], Plan(steps=(1,), clocks=("linear",), rules=("euler",)))
assert found.results[0].tv.middle == 0.75, found.results[0].tv
"""

CLOCK = {
    "samplers/clock.py": (
        (
            'must be numbers") from None\n    half = math.pi / 2\n',
            '    if kind == "square" and not numbers:\n'
            "        return Clock(\n"
            "            name,\n"
            "            alpha=lambda t: (1 - t) ** 2,\n"
            "            masked=lambda t: t * (2 - t),\n"
            "            speed=lambda t: 2 * (1 - t),\n"
            "            inverse=lambda a: 1 - torch.sqrt(a),\n"
            "            end=1.0,\n"
            "        )\n",
        ),
    ),
    "theory/clocks.py": (
        ("CLOCKS: dict[str, Clock] = {\n", '    "square": Clock((1 - t) ** 2, sympy.S.One),\n'),
    ),
}
USE_CLOCK = """
from fractions import Fraction
from sharprates import Plan, Schedule, audit, load
from sharprates.verification.exact_schedule import exact_weights
(found,) = audit([load("copies:3:2")], Plan(steps=(4,), clocks=("square",), rules=("ancestral",)))
assert found.results[0].bounds["E3"].verdict == "holds"
schedule = Schedule("ancestral", "square", "uniform", 4, Fraction(1))
exact, floats = exact_weights(schedule), schedule.law(3).weights.tolist()
assert max(abs(float(int(x.p) / int(x.q)) - y) for x, y in zip(exact, floats)) < 1e-15
"""

RULE = {
    "samplers/RULES": (
        (
            "RULES: dict[str, Rule] = {",
            '\n    "half": lambda clock, times: ancestral(clock, times) / 2,\n   ',
        ),
    ),
    "theory/setting.py": (("PARALLEL = (", '"half", '),),
}
USE_RULE = """
from sharprates import Plan, audit, load
(found,) = audit([load("copies:3:2")], Plan(steps=(4,), clocks=("linear",), rules=("half",)))
row = found.results[0]
assert row.sampler == "half" and row.leftover > 0
assert row.bounds["L0"].verdict == row.bounds["E3"].verdict == "holds"
"""

SAMPLER = {
    "samplers/left_to_right.py": '''"""Reveals one token after the other, from the left."""

from dataclasses import dataclass

import torch
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw


@dataclass(frozen=True)
class LeftToRight(Sampler):
    """One token a call, the leftmost first."""

    kind = "left-to-right"
    uniforms = 1

    @property
    def calls(self):
        return self.length

    def facts(self):
        return {"sampler": self.kind, "steps": self.length}

    def run_batch(self, denoiser, uniforms):
        n, _, d = uniforms.shape
        x = torch.full((n, d), denoiser.vocabulary)
        rows = torch.arange(n)
        for i in range(d):
            p = denoiser(x, positions=(rows, torch.full_like(rows, i)))
            x[:, i] = draw(p, uniforms[:, 0, i])
        return Run(x, torch.arange(d).expand(n, d), d)

    def _law(self, target, denoiser, given):
        law = torch.ones(target.support, dtype=torch.float64)
        for i in range(self.length):
            x = target.rows.clone()
            x[:, i:] = target.vocabulary
            places = torch.arange(target.support)
            p = denoiser(x, positions=(places, torch.full_like(places, i)))
            law *= p[places, target.rows[:, i]]
        return OutputLaw(target.rows, law, target.vocabulary, False, 1e-14, 1e-14)
'''
}
USE_SAMPLER = """
from sharprates import Plan, audit, load
from sharprates.samplers.left_to_right import LeftToRight
from sharprates.verification.empirical import Sampling
plan = Plan(steps=(1,), clocks=("linear",), others=(LeftToRight,), sampling=Sampling(2000, seed=1))
(found,) = audit([load("copies:3:2")], plan)
row = found.results[-1]
assert row.sampler == "left-to-right" and row.tv.middle < 1e-9 and row.runs_true
"""

POLICY = {
    "samplers/policies.py": (
        (
            "FORMS: dict[str, Form] = {\n",
            '    "rightmost": Form("rightmost", lambda text, rest: Rightmost()),\n',
        ),
        (
            "# --- a user's own ---------------------------------------------------------------"
            "------------------\n",
            "@dataclass(frozen=True)\n"
            "class Rightmost(Rule):\n"
            '    name = "rightmost"\n\n'
            "    def pick(self, masked, predicted, round, ranks):\n"
            "        return masked & (masked.flip(1).cumsum(1).flip(1) == 1)\n\n",
        ),
    )
}
USE_POLICY = """
from sharprates import Plan, audit, load
plan = Plan(steps=(1,), clocks=("linear",), policies=("rightmost", "left-to-right:1"))
(found,) = audit([load("copies:3:2")], plan)
rows = found.results[-2:]
assert [row.policy for row in rows] == ["rightmost", "left-to-right:1"]
assert all(row.tv.middle < 1e-12 and row.rounds.most == 3 for row in rows)
"""

CLAIM = {
    "theory/euler_upper.py": (
        (
            "CLAIMS = (",
            None,
        ),
    ),
    "verification/checks/euler_upper.py": (
        (
            "CHECKS = (\n",
            "    Check(\n"
            '        "E99",\n'
            '        "exact TV of any law and step law",\n'
            "        some.instances().map(Example.of),\n"
            '        mutants=(Mutant("a hundredth", {"E99.constant": Fraction(1, 100)}),),\n'
            "        least_counting=0.0,\n"
            "    ),\n",
        ),
    ),
}
NEW_CLAIM = """E99 = Claim(
    id="E99",
    title="Twice the birthday bound",
    statement="Weaker than E3.",
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=2 * (1 - DistinctSteps(d, w)),
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START),
)

"""
USE_CLAIM = """
from sharprates import verify
(status,) = verify(["E99"], examples=20).statuses
assert status.status == "certified", status.problems
assert status.power[0]["killed"]
"""

ADDITIONS = {
    "family": (FAMILY, USE_FAMILY, 1),
    "clock": (CLOCK, USE_CLOCK, 2),
    "step rule": (RULE, USE_RULE, 2),
    "sampler kind": (SAMPLER, USE_SAMPLER, 1),
    "rule of a policy": (POLICY, USE_POLICY, 1),
    "claim": (CLAIM, USE_CLAIM, 2),
}


def file_with(text: str, room: str) -> str:
    """The one file of a room that has a text."""
    (file,) = [one for one in (ROOT / room).glob("*.py") if text in one.read_text(encoding="utf-8")]
    return file.relative_to(ROOT).as_posix()


def add(copy: Path, changes: Mapping[str, object]) -> list[str]:
    """Make an addition in a copy; the files that changed."""
    changed = []
    for name, change in changes.items():
        if isinstance(change, str):  # a new file
            (copy / name).write_text(change, encoding="utf-8")
            changed.append(name)
            continue
        assert isinstance(change, tuple)
        if name == "samplers/RULES":
            name = file_with(change[0][0], "samplers")
        path = copy / name
        text = path.read_text(encoding="utf-8")
        for anchor, new in change:
            assert anchor in text, f"{name} has no {anchor!r}"
            if new is not None:
                text = text.replace(anchor, anchor + new, 1)
            elif anchor == "CLAIMS = (":
                text = text.replace(anchor, f"{NEW_CLAIM}CLAIMS = (E99, ", 1)
        path.write_text(text, encoding="utf-8")
        changed.append(name)
    return changed


RUN = """
import json, sys, traceback
failures = {}
for name, use in json.load(sys.stdin).items():
    try:
        exec(use, {})
    except Exception:
        failures[name] = traceback.format_exc()
print(json.dumps(failures))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, str]]:
    """A copy with all additions, used in one process: files that each changed, what went wrong."""
    copy = tmp_path_factory.mktemp("copy")
    for room in ("theory", "samplers", "verification", ".package"):
        ignored = shutil.ignore_patterns("__pycache__", "formal", "*.egg-info")
        shutil.copytree(ROOT / room, copy / room, symlinks=True, ignore=ignored)
    changed = {name: len(add(copy, changes)) for name, (changes, _, _) in ADDITIONS.items()}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps({name: use for name, (_, use, _) in ADDITIONS.items()}),
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / ".package")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return changed, json.loads(done.stdout)


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_touches_few_files_and_works(
    name: str, extended: tuple[dict[str, int], dict[str, str]]
) -> None:
    changed, failures = extended
    assert changed[name] == ADDITIONS[name][2]
    assert name not in failures, failures[name]
