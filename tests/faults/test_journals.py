"""A damaged write-ahead log loses jobs at most, which can be submitted again; one damage of each kind."""

import numpy as np
import pytest
from benchmarks.faults.journals import DAMAGES, JOBS, damaged_journal


@pytest.mark.parametrize("name", ["cut short", "noise"])
def test_the_queue_opens_and_takes_the_jobs_again(tmp_path, name):
    assert name in DAMAGES
    told = damaged_journal(tmp_path / "data", name, np.random.default_rng(0))

    assert (told["status"], told["jobs"], told["sound"]) == (0, JOBS, True)
    assert 0 <= told["kept"] < JOBS
