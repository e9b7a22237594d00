"""``summary.csv``, written by runs that come one after the other, at once, or to a sudden end."""

import csv
import json
import multiprocessing
import os
import signal
import time

import pytest

from fibrolens import summary as module
from fibrolens.errors import OutputError, UsageError
from fibrolens.summary import HIDDEN, Summary

COLUMNS = ("scan_id", "input", "status", "reason")


def row(scan_id, path="ct", status="done", reason=None):
    return {"scan_id": scan_id, "input": path, "status": status, "reason": reason}


def table(out):
    with (out / "summary.csv").open(newline="") as stream:
        return [(r["scan_id"], r["input"], r["status"], r["reason"]) for r in csv.DictReader(stream)]


def finish(out, *rows):
    with Summary(out, COLUMNS) as summary:
        for one in rows:
            summary.add(one)


def standing(out, scan_id):
    (out / scan_id).mkdir()
    (out / scan_id / "manifest.json").write_text("{}")


def test_rows_are_sorted_and_nothing_else_is_left(tmp_path):
    finish(tmp_path, row("b"), row("", "x", "refused", "no CT"), row("a", 'say "hi", twice\n'))
    assert table(tmp_path) == [
        ("", "x", "refused", "no CT"),
        ("a", 'say "hi", twice\n', "done", ""),
        ("b", "ct", "done", ""),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]


def test_a_later_row_of_a_scan_replaces_the_earlier_one(tmp_path):
    finish(tmp_path, row("a", "old"), row("b"))
    finish(tmp_path, row("a", "new"))
    assert table(tmp_path) == [("a", "new", "done", ""), ("b", "ct", "done", "")]


def test_a_refusal_is_history_once_the_scan_can_be_read(tmp_path):
    finish(tmp_path, row("", "x", "refused"), row("", "y", "refused"))
    finish(tmp_path, row("a", "x"))
    assert [r[:2] for r in table(tmp_path)] == [("", "y"), ("a", "x")]


def test_a_failed_attempt_replaces_the_row_of_a_scan_whose_folder_is_gone_but_of_no_other(tmp_path):
    standing(tmp_path, "stands")
    finish(tmp_path, row("stands"), row("gone"), row("failed", status="refused", reason="first"))
    again = [row(name, status="not done", reason="second") for name in ("stands", "gone", "failed")]
    finish(tmp_path, *again)
    assert {r[0]: r[3] for r in table(tmp_path)} == {"stands": "", "gone": "second", "failed": "second"}


def test_without_rows_there_is_no_table(tmp_path):
    finish(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_verb_is_left_alone_and_no_row_is_lost(tmp_path):
    (tmp_path / "summary.csv").write_text("a,b\n")
    with pytest.raises(UsageError, match="another --out"):
        finish(tmp_path, row("a"))
    assert (tmp_path / "summary.csv").read_text() == "a,b\n"
    (tmp_path / "summary.csv").unlink()
    finish(tmp_path)
    assert [r[0] for r in table(tmp_path)] == ["a"]


def test_two_runs_at_once_see_each_others_rows_and_keep_their_own_journals(tmp_path):
    with Summary(tmp_path, COLUMNS) as one, Summary(tmp_path, COLUMNS) as other:
        one.add(row("a"))
        other.add(row("b"))
        assert [r[0] for r in table(tmp_path)] == ["a", "b"]
        assert one.scratch != other.scratch
        assert len(list((tmp_path / HIDDEN).glob("*.rows"))) == 2
    assert [r[0] for r in table(tmp_path)] == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]


def test_publishing_takes_a_small_part_of_the_time(tmp_path):
    class Clock:
        """Publishing takes a second, everything else half a second."""

        now = 0.0

        def __call__(self):
            return Clock.now

    clock, published = Clock(), []
    publish = Summary._publish

    def slow(self, wait):
        published.append(clock.now)
        Clock.now += 1.0
        publish(self, wait)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Summary, "_publish", slow)
        with Summary(tmp_path, COLUMNS, clock) as summary:
            for number in range(400):
                Clock.now += 0.5
                summary.add(row(f"s{number:03}"))
    assert len(published) <= 2 + 0.5 * 400 / module.SHARE
    assert len(table(tmp_path)) == 400


def test_bytes_of_a_name_that_are_no_text_do_not_end_a_run(tmp_path):
    finish(tmp_path, row("", os.fsdecode(b"caf\xe9.nii"), "refused"))
    assert table(tmp_path)[0][1] == "caf?.nii"


def write_until_killed(out, name):
    """What a process does that is to be killed: rows without end, and a folder that is half written."""
    with Summary(out, COLUMNS) as summary:
        (summary.scratch / "half").mkdir()
        for number in range(10**6):
            summary.add(row(f"{name}-{number:06}"))
            (out / f"{name}.count").write_text(str(number + 1))
            time.sleep(0.001)


def test_killed_runs_lose_no_row_and_leave_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=write_until_killed, args=(tmp_path, name)) for name in "ab"]
    for run in runs:
        run.start()
    counts = [tmp_path / f"{name}.count" for name in "ab"]
    until = time.monotonic() + 60
    while not all(count.exists() and int(count.read_text() or 0) > 30 for count in counts):
        assert time.monotonic() < until
        time.sleep(0.01)
    for run in runs:
        os.kill(run.pid, signal.SIGKILL)
        run.join()
    written = [int(count.read_text() or 0) for count in counts]
    finish(tmp_path, row("c"))
    names = [r[0] for r in table(tmp_path)]
    for name, at_least in zip("ab", written, strict=True):
        own = [n for n in names if n.startswith(name)]
        assert own == [f"{name}-{number:06}" for number in range(len(own))]
        assert len(own) >= at_least
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.count", "b.count", "summary.csv"]


def write_some(out, name):
    finish(out, *(row(f"{name}-{number:02}") for number in range(20)))


def test_runs_that_end_together_publish_all_their_rows(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(write_some, [(tmp_path, f"r{number}") for number in range(12)], chunksize=1)
        pool.close()
        pool.join()
    assert [r[0] for r in table(tmp_path)] == sorted(f"r{run}-{number:02}" for run in range(12) for number in range(20))
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]


def test_a_row_that_was_cut_off_is_left_out(tmp_path):
    (tmp_path / HIDDEN).mkdir()
    whole = json.dumps(["a", "ct", "done", ""])
    (tmp_path / HIDDEN / "1.rows").write_text(f"{whole}\n{whole[:9]}")
    finish(tmp_path, row("b"))
    assert [r[0] for r in table(tmp_path)] == ["a", "b"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        Summary(tmp_path / "file", COLUMNS)
