"""The database: what was acknowledged stays, whatever happens."""

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.readers.conftest import small_items

from fibrolens.errors import InputError, OutputError
from fibrolens.readers.store import Reading, Store

READING = Reading("A", "map0", "surface", 4, "a comment", 2.5, "form", "one")


def test_key_readers_and_orders_are_kept(store):
    again = Store.open(store.path)
    assert again.items() == tuple(sorted(small_items(), key=lambda item: item.item))
    assert again.readers() == ("A", "B")
    assert again.order("A") == again.order("B")[::-1]
    assert again.order("nobody") == ()
    assert again.about() == {"top": 6.0, "rule": "a rule"}
    assert again.problems() == []


def test_a_corrected_reading_keeps_the_history(store):
    later = replace(READING, pattern="core", submission="two")
    store.add([READING])
    store.add([later])
    assert store.current("A") == {"map0": later}
    assert store.history("A") == (READING, later)
    assert store.current("B") == {}


def test_a_reading_is_never_changed_or_removed(store):
    store.add([READING])
    with sqlite3.connect(store.path) as database:
        for sentence in ("UPDATE readings SET confidence = 1", "DELETE FROM readings"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(sentence)
    database.close()
    assert store.history("A") == (READING,)


def test_what_is_sent_twice_is_stored_once(store):
    store.add([READING])
    store.add([READING])
    assert store.history("A") == (READING,)


@pytest.mark.parametrize("wrong", [{"item": "nothing"}, {"reader": "C"}])
def test_all_readings_of_a_call_or_none(store, wrong):
    with pytest.raises(InputError, match="nothing was saved"):
        store.add([READING, replace(READING, submission="two", **wrong)])
    assert store.history("A") == ()


@pytest.mark.parametrize("wrong", [
    {"pattern": "bright"}, {"confidence": 0}, {"confidence": 6}, {"comment": "x" * 2001}, {"seconds": -1.0},
    {"seconds": float("nan")},
])  # fmt: skip
def test_a_reading_that_cannot_be(wrong):
    with pytest.raises(InputError):
        replace(READING, **wrong)


def test_many_threads_write_at_once(store):
    readings = [replace(READING, submission=str(n)) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda reading: store.add([reading]), readings))
    assert {reading.submission for reading in store.history("A")} == {str(n) for n in range(40)}


WRITER = """
import sys
from pathlib import Path
from fibrolens.readers.store import Reading, Store
store = Store.open(Path(sys.argv[1]))
for n in range(100_000):
    store.add([Reading("A", "map0", "surface", 4, "x" * 500, 1.0, "form", str(n))])
    print(n, flush=True)
"""


def test_a_kill_in_the_middle_loses_nothing_that_was_acknowledged(store):
    for _ in range(2):
        before = len(store.history("A"))
        script = WRITER.replace("str(n)", f'f"{before}-{{n}}"')
        with subprocess.Popen(
            [sys.executable, "-c", script, str(store.path)], stdout=subprocess.PIPE, text=True
        ) as run:
            told = [int(run.stdout.readline()) for _ in range(40)]
            run.send_signal(signal.SIGKILL)
            told += [int(line) for line in run.stdout.read().split("\n")[:-1]]
        assert run.returncode == -signal.SIGKILL
        kept = {reading.submission for reading in Store.open(store.path).history("A")}
        assert {f"{before}-{n}" for n in told} <= kept
        # At most the one that was on its way came through beside them.
        assert len(kept) - before - len(told) in (0, 1)
        assert store.problems() == []
    store.add([READING])
    assert store.current("A")["map0"] == READING


def test_what_is_no_database_is_told(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        Store.open(tmp_path / "none")
    (tmp_path / "other").write_bytes(b"something else entirely" * 100)
    with pytest.raises(InputError, match="damaged"):
        Store.open(tmp_path / "other")


def test_another_version_is_refused(store):
    with sqlite3.connect(store.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(InputError, match="schema version 99"):
        Store.open(store.path)


def test_a_database_that_is_locked_or_full_is_an_error_of_output(store, monkeypatch):
    monkeypatch.setattr("fibrolens.readers.store.PATIENCE", 0.05)
    database = sqlite3.connect(store.path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutputError, match="locked"):
        store.add([READING])
    database.close()
