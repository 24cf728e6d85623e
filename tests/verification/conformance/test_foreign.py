"""Time limits around code that is not ours."""

import signal
import time

import pytest
from sharprates.verification.conformance.foreign import OutOfTimeError, time_limit


def test_an_outer_time_limit_goes_on() -> None:
    def too_late(*_: object) -> None:
        raise AssertionError

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(OutOfTimeError), time_limit(0.05):
            time.sleep(10)
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 0 < left < 100
