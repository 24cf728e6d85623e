"""The public names: few, importable, and light until they are asked for."""

import subprocess
import sys

import sharprates


def test_at_most_fifteen_names_and_each_can_be_imported() -> None:
    assert len(sharprates.__all__) <= 15
    assert len(set(sharprates.__all__)) == len(sharprates.__all__)
    for name in sharprates.__all__:
        value = getattr(sharprates, name)
        assert value.__module__.startswith("sharprates."), name
        assert value.__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(sharprates, "nothing")


def test_the_package_itself_loads_nothing() -> None:
    code = "import sys, sharprates; sys.exit('torch' in sys.modules or 'sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
