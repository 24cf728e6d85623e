"""MathJax and plotly come from installed packages."""

from sharpbook import offline


def test_mathjax_is_the_one_file_with_all_of_tex() -> None:
    path = offline.mathjax_file()
    assert path.name == offline.MATHJAX
    assert path.stat().st_size > 1_000_000


def test_plotly_is_there() -> None:
    assert offline.plotly_file().stat().st_size > 1_000_000


def test_the_scripts_of_single_pages_are_there() -> None:
    assert {path.name for path in offline.SCRIPTS.iterdir()} == {
        "named.js",
        "interactive.js",
        "policies.js",
        "sliders.js",
        "stepper.js",
    }
