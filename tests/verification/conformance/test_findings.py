"""Settings that cannot be used are refused."""

import math
from dataclasses import replace

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.findings import FAST


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"limit": math.inf}, "limit: need seconds"),
        ({"limit": math.nan}, "limit: need seconds"),
        ({"seed": 10**20}, "seed: need a whole number"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(options, words) -> None:
    with pytest.raises(InputError, match=words):
        replace(FAST, **options)
