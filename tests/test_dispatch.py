"""Jobs for workers that may be lost, with workers that are no processes."""

from concurrent.futures import Future
from itertools import count

import pytest

from fibrolens.dispatch import ATTEMPTS, Dispatch, Lost, WorkerLost, translated


class Immediate:
    """A worker that does a job at once, in this process; it is lost where the job raises WorkerLost."""

    def __init__(self) -> None:
        self.stopped = False

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - as processes do
            future.set_exception(error)
        return future

    def stop(self) -> None:
        self.stopped = True


class Held(Immediate):
    """A worker whose jobs end when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.future = Future()

    def submit(self, function, *arguments):
        self.future = Future()
        if not arguments:
            self.future.set_result(None)
        return self.future


class Flaky:
    """A job's function that loses so many workers over one job."""

    def __init__(self, job, times) -> None:
        self.job, self.left = job, times

    def __call__(self, job):
        if job == self.job and self.left:
            self.left -= 1
            raise WorkerLost
        return 10 * job


def test_every_job_is_done_once_in_its_order():
    assert list(Dispatch(Immediate).results(lambda job: job + 1, iter(range(5)), places=1)) == [
        (k, k + 1) for k in range(5)
    ]


def test_a_job_whose_worker_is_lost_is_done_next_by_another():
    workers = []
    dispatch = Dispatch(lambda: workers.append(Immediate()) or workers[-1])
    assert dict(dispatch.results(Flaky(1, 2), range(4), places=1)) == {k: 10 * k for k in range(4)}
    assert [worker.stopped for worker in workers] == [True, True, False]
    dispatch.stop()
    assert workers[-1].stopped


def test_a_job_that_ends_every_worker_is_given_up_and_the_others_are_done():
    found = dict(Dispatch(Immediate).results(Flaky(1, 99), range(4), places=2))
    assert found == {0: 0, 1: Lost(ATTEMPTS), 2: 20, 3: 30}


def test_an_error_of_a_job_ends_the_run():
    with pytest.raises(ZeroDivisionError):
        list(Dispatch(Immediate).results(lambda job: 1 // job, [1, 0], places=1))


def test_no_more_jobs_are_taken_than_workers_wait_for():
    workers, taken = [], count()
    jobs = (next(taken) for _ in range(10**9))

    def end():
        """Once all places are taken, each worker ends its job."""
        if len(workers) == 3 and all(not worker.future.done() for worker in workers):
            for worker in workers:
                worker.future.set_result("done")

    dispatch = Dispatch(lambda: workers.append(Held()) or workers[-1])
    results = dispatch.results(str, jobs, places=3, meanwhile=end)
    assert next(results)[1] == "done"
    assert next(taken) <= 2 * 3 + 1


def test_a_worker_that_never_gets_ready_leaves_its_place_to_nobody():
    started = []

    def never():
        raise WorkerLost

    with pytest.raises(WorkerLost):
        list(Dispatch(lambda: started.append(1) or Immediate()).results(str, range(9), places=2, prepare=never))
    assert len(started) <= 2 * ATTEMPTS


def test_an_error_while_a_worker_gets_ready_ends_the_run():
    def broken():
        raise ValueError("weights")

    with pytest.raises(ValueError, match="weights"):
        list(Dispatch(Immediate).results(str, range(9), places=2, prepare=broken))


def test_a_place_that_cannot_be_filled_is_not_waited_for():
    ready = iter([True])

    def once():
        if not next(ready, False):
            raise WorkerLost

    found = dict(Dispatch(Immediate).results(lambda job: job, range(20), places=4, prepare=once))
    assert found == {k: k for k in range(20)}


def test_a_translated_future_has_the_same_result_and_another_error():
    good, bad, gone = Future(), Future(), Future()
    good.set_result(3)
    bad.set_exception(ValueError("x"))
    gone.cancel()
    assert translated(good, lambda error: error).result() == 3
    with pytest.raises(KeyError):
        translated(bad, lambda error: KeyError(str(error))).result()
    assert translated(gone, lambda error: error).cancelled()
