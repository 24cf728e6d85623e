"""The divergence of blocks averaged over orders."""

import math

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.check import exact
from sharprates.verification.checks.random_orders import mean_divergence
from sharprates.verification.exact_experiment import exact_experiment


@pytest.mark.parametrize(
    ("text", "sizes", "bits"),
    [("copies:3:2", (2, 1), 1), ("copies:3:2", (1, 2), 0), ("parity:3:2", (1, 2), 1)],
)
def test_divergence_of_blocks(text: str, sizes: tuple[int, ...], bits: int) -> None:
    it = exact(exact_experiment(families.family(text)))
    found = mean_divergence(it, sizes)
    assert float(found.mid()) == pytest.approx(bits * math.log(2), abs=1e-14)
