import math

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.assumptions import C1, C2, C3, C4
from sharprates.theory.setting import Setting


def test_values_also_where_the_divergence_is_infinite() -> None:
    assert C1.value({"d": 8, "epsilon_KL": 1.0}, FLOAT) == 2.0
    assert C1.value({"epsilon_KL": 0.5}, FLOAT, variant="tv") == 0.5
    assert C1.value({"d": 8, "epsilon_KL": math.inf}, FLOAT) == math.inf
    assert C2.value({"d": 8}, FLOAT) == 8


def test_leftover_adds_to_the_divergence() -> None:
    values = {"d": 3, "w": [0.5, 0.25], "kl_revealed": 0.1}
    assert C3.value(values, FLOAT) == pytest.approx(0.1 - 3 * math.log(0.75))
    tiny = {**values, "w": [1 - 1e-12]}
    assert C3.value(tiny, FLOAT) - 0.1 == pytest.approx(3e-12, rel=1e-3)
    assert C3.value({**values, "w": [0.0]}, FLOAT) == math.inf


def test_where_they_apply() -> None:
    assert C1.applies(Setting(length=2, vocabulary=2, sampler="fhs")) is None
    assert C2.applies(Setting(length=2, vocabulary=2)) is not None
    assert C3.applies(Setting(length=2, vocabulary=2, has_leftover=True)) is None


def test_hellinger() -> None:
    assert C4.value({"d": 1, "eta": 0.36}, FLOAT) == pytest.approx(math.sqrt(1 - 0.64**2))
    assert C4.value({"d": 2, "eta": 0.25}, FLOAT, variant="simple") == 1.0
    fhs = Setting(length=2, vocabulary=2, sampler="fhs")
    policy = Setting(length=2, vocabulary=2, sampler="policy", one_token=True)
    assert C4.applies(fhs) is None
    assert C4.applies(policy) is not None
    assert C4.applies(policy, "policy") is None
