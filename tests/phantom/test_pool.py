import math
import os

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from fibrolens.errors import FibrolensError
from fibrolens.phantom import pool


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers, monkeypatch):
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    assert sorted(pool.each(math.sqrt, [n * n for n in range(9)], workers)) == list(range(9))


def threads_of_a_product(n):
    """NumPy comes with the first job that needs it, as in a worker that renders."""
    assert (np.eye(n) @ np.eye(n)).sum() == n
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("workers", [1, 2])
def test_matrix_products_run_in_one_thread_with_any_number_of_workers(workers, monkeypatch):
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert list(pool.each(threads_of_a_product, [2, 3], workers)) == [{1}, {1}]


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
