import math
import os

import pytest

from fibrolens.errors import FibrolensError
from fibrolens.phantom import pool


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers, monkeypatch):
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    assert sorted(pool.each(math.sqrt, [n * n for n in range(9)], workers)) == list(range(9))


def test_one_worker_takes_jobs_as_they_are_needed():
    assert next(pool.each(math.sqrt, (n for n in iter(int, 1)), 1)) == 0


def test_no_more_processes_than_cores(monkeypatch):
    monkeypatch.setattr(pool, "_cores", lambda: 1)
    monkeypatch.setattr(pool, "ProcessPoolExecutor", None)
    assert list(pool.each(math.sqrt, [4.0], 64)) == [2.0]


def test_worker_ended_from_outside_is_one_sentence(monkeypatch):
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    with pytest.raises(FibrolensError, match=r"ended from outside.*start again to go on") as caught:
        list(pool.each(os._exit, [9, 9], 2))
    assert caught.value.exit_status == 1
