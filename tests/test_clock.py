"""How long the steps of a run take."""

import pytest

from fibrolens.clock import Clock


def test_each_step_is_told_and_timed_beside_those_known_before():
    told = []
    clock = Clock({"read": 1.5}, told.append)
    with clock("maps"):
        pass
    assert told == ["maps"]
    assert set(clock.seconds) == {"read", "maps"}
    assert clock.seconds["read"] == 1.5
    assert clock.seconds["maps"] >= 0


def test_who_is_told_may_end_the_run():
    def stop(step):
        raise KeyboardInterrupt

    clock = Clock(say=stop)
    with pytest.raises(KeyboardInterrupt), clock("maps"):
        raise AssertionError
    assert not clock.seconds
