import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.forward import F1, F2, F3, F4, F5


@pytest.mark.parametrize("d", [1, 2, 10])
@pytest.mark.parametrize("mass", [1e-9, 0.01, 0.5])
def test_linear_forms_lie_above_and_touch_at_zero(d: int, mass: float) -> None:
    exact = F2.value({"d": d, "alpha_T": mass}, FLOAT)
    linear = F2.value({"d": d, "alpha_T": mass}, FLOAT, variant="linear")
    assert exact == pytest.approx(F3.value({"d": d, "alpha_delta": 1 - mass}, FLOAT), rel=1e-6)
    assert exact <= linear * (1 + 1e-15)
    if mass < 1e-8:
        # attained in the limit: 1 % less is too little
        assert F2.value({"d": d, "alpha_T": mass}, FLOAT, {"F2.constant": 0.99}, "linear") < exact


def test_one_token_by_hand() -> None:
    values = {"alpha": 0.25, "speed": 2.0, "q": 0.5, "u": 1, "d": 2}
    assert F1.value(values, FLOAT) == 0.25 * 0.75 * 0.5
    assert F4.value(values, FLOAT) == pytest.approx(1 / 3 * 0.5)
    assert F4.value(values, FLOAT, variant="rate") == pytest.approx(2 / 0.75 * 0.5)
    step = {"alpha_t": 0.2, "alpha_s": 0.6, "q": 1, "d": 1, "u": 0, "j": 1}
    assert F5.value(step, FLOAT) == pytest.approx(0.5)
    assert F5.value(step, FLOAT, variant="probability") == pytest.approx(0.5)
