"""The stepper's data."""

from __future__ import annotations

import json
import re

import kit
import pytest
from sharprates.samplers import datasets
from sharprates.samplers.step_law import StepLaw
from studies import stepper


def test_the_page_holds_the_words_and_the_exact_tv() -> None:
    text = stepper.Stepper()._repr_html_()
    (content,) = re.findall(r"<script[^>]*>(.*)</script>", text)
    found = json.loads(content)
    words = datasets.builtin("words4")
    assert len(found["words"]) == words.support
    assert sum(found["words"].values()) == pytest.approx(1)
    assert max(found["words"], key=found["words"].get) == "that"
    total = kit.Bench.of(words).tv(StepLaw.equal(4)).middle
    assert found["tv"]["4"] == pytest.approx(total)
    assert list(map(int, found["tv"])) == list(stepper.STEPS)
