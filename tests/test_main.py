"""The command line as a process of its own."""

import gc

import pytest

from fibrolens import __main__ as process


@pytest.fixture
def collector():
    """What is changed of the garbage collector is put back."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_its_status_is_the_command_s_and_garbage_is_seldom_looked_for(monkeypatch):
    seen = []
    monkeypatch.setattr(process, "main", lambda: seen.append(gc.get_threshold()) or 3)
    assert process.run() == 3
    assert seen == [process.PATIENCE]
    assert gc.get_freeze_count() > 0
