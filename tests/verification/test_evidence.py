"""Evidence crosses process boundaries and files."""

import json
import subprocess
import sys
from dataclasses import asdict

import cattrs
from sharprates.verification.evidence import Evidence, Fit


def test_it_survives_json() -> None:
    fit = Fit("copies", "d", 1.0, 2.0, 0.9, 8)
    one = Evidence(
        "E3", "name", "tested", 3, 2, ratio=0.5, power={"m": None}, fit=fit, points=((1.0, 0.5),)
    )
    assert cattrs.structure(json.loads(json.dumps(asdict(one))), Evidence) == one


def test_it_loads_without_torch() -> None:
    """Pytest sessions that gather nothing must not pay for it."""
    code = "import sys, sharprates.verification.pytest_plugin; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
