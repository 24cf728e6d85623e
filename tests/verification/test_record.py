"""Records cross process boundaries and files."""

import json
import subprocess
import sys
from dataclasses import asdict

from sharprates.verification.record import Record


def test_a_record_survives_json() -> None:
    one = Record("E3", "name", "tested", 3, 2, ratio=0.5, power={"m": None}, fit={"at": 2.0})
    assert Record(**json.loads(json.dumps(asdict(one)))) == one


def test_records_load_without_torch() -> None:
    """Pytest sessions that gather nothing must not pay for it."""
    code = "import sys, sharprates.verification.pytest_plugin; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
