import os
from pathlib import Path

import pytest
import torch

from fibrolens.engine import Engine
from fibrolens.errors import CohortError, FibrolensError
from fibrolens.progress import Reporter, Silent


class Counter(Silent):
    def __init__(self) -> None:
        self.units = 0

    def advance(self, n: int = 1, note: str = "") -> None:
        self.units += n


def touch(path: Path, report: Reporter) -> None:
    path.write_text(f"{os.getpid()} {torch.get_num_threads()}")
    report.advance(2)


def refuse(path: Path, report: Reporter) -> None:
    raise CohortError(f"{path.name} is refused.")


def die(path: Path, report: Reporter) -> None:
    os._exit(1)


def test_one_worker_is_this_process_and_gives_the_threads_back(tmp_path):
    before, counter = torch.get_num_threads(), Counter()
    with Engine(1) as engine:
        engine.run(touch, [tmp_path / "a", tmp_path / "b"], counter)
    assert (tmp_path / "b").read_text().split()[0] == str(os.getpid())
    assert counter.units == 4
    assert torch.get_num_threads() == before


@pytest.mark.slow
def test_two_workers_are_other_processes_that_report_and_refuse_and_may_die(tmp_path):
    counter = Counter()
    with Engine(2) as engine:
        engine.run(touch, [tmp_path / "a", tmp_path / "b"], counter)
        assert (tmp_path / "a").read_text().split()[0] != str(os.getpid())
        assert counter.units == 4
        with pytest.raises(CohortError, match="a is refused"):
            engine.run(refuse, [tmp_path / "a"], counter)
        with pytest.raises(FibrolensError, match="ended from outside"):
            engine.run(die, [tmp_path / "a"], counter)
