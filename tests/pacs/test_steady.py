"""A thread that was to be held does nothing more, however the two threads take turns."""

import sys
import threading
import time

from pynetdicom.association import Association

from fibrolens.pacs.steady import Checkpoint


def test_the_thread_stands_still_as_long_as_it_is_held():
    checkpoint, steps, ended = Checkpoint(), [0], threading.Event()

    def work():
        while not ended.is_set():
            checkpoint.wait()
            steps[0] += 1

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(300):
            checkpoint.clear()
            before = steps[0]
            time.sleep(0.0005)
            assert steps[0] == before
            checkpoint.set()
    finally:
        ended.set()
        checkpoint.set()
        thread.join()
        sys.setswitchinterval(usual)
    assert steps[0] > 0


def test_a_thread_that_has_ended_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("fibrolens.pacs.steady.LONGEST_S", 0.05)
    Checkpoint().clear()


def test_the_library_still_holds_its_thread_at_what_we_replace():
    names = Association.__init__.__code__.co_names
    assert "_reactor_checkpoint" in names
