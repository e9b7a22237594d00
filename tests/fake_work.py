"""A verb whose scans are text files and whose results are known, for tests of batches, also in other processes.

The first word of a scan says what happens to it: ``good`` is done, ``bad`` is refused, ``broken`` meets a defect,
``slow`` takes a while, ``fatal`` kills the process every time, and ``fatal-N`` the first N times; ``held`` waits for a
file ``go`` beside the log.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.errors import InputError, ModelError
from fibrolens.output import file_sha256


@dataclass(frozen=True)
class FakeScan:
    path: Path

    @property
    def scan_id(self) -> str:
        return self.path.stem

    @property
    def fingerprint(self) -> dict[str, Any]:
        return {"input": {"sha256": file_sha256(self.path)}}


@dataclass(frozen=True)
class FakeResult:
    path: Path
    word: str

    @property
    def timings(self) -> Mapping[str, float]:
        return {"work": 0.1}

    def to_dict(self) -> dict[str, Any]:
        return {"input": {"path": str(self.path)}, "word": self.word}


@dataclass(frozen=True)
class FakeWork:
    """Args: log: every attempt is a line there, with the process that makes it; seconds: of one scan."""

    log: Path
    seconds: float = 0.0
    command: str = "fake"
    done: str = "faked"
    written: tuple[str, ...] = ("result.json", "word.txt")

    @property
    def fingerprint(self) -> dict[str, Any]:
        return {"options": {}}

    def read(self, path: Path) -> FakeScan:
        if not path.exists():
            raise InputError(f"{path} does not exist.")
        return FakeScan(path)

    def perform(self, scan: FakeScan, scan_id: str) -> FakeResult:
        attempts = self._note(f"begin {scan_id}")
        word, _, times = scan.path.read_text().strip().partition("-")
        if word == "bad":
            raise InputError(f"{scan.path} is bad.")
        if word == "broken":
            raise ZeroDivisionError("Mr Secret")
        if word == "fatal" and (not times or attempts <= int(times)):
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "held":
            self._wait()
        time.sleep(self.seconds)
        return FakeResult(scan.path, word)

    def write(self, result: FakeResult, folder: Path) -> Mapping[str, float]:
        (folder / "result.json").write_text(json.dumps(result.to_dict()))
        (folder / "word.txt").write_text(result.word)
        self._note(f"end {result.path.stem}")
        return {"write": 0.1}

    def row(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return {"word": content["word"]}

    def sentence(self, row: Mapping[str, Any]) -> str:
        return f"says {row['word']}"

    def _wait(self) -> None:
        until = time.monotonic() + 300
        while not self.log.with_name("go").exists():
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.05)

    def _note(self, what: str) -> int:
        """Write down what is done; returns how often it was."""
        with self.log.open("a") as stream:
            stream.write(f"{what} {os.getpid()}\n")
        return sum(line.rpartition(" ")[0] == what for line in self.log.read_text().splitlines())


@dataclass(frozen=True)
class FakeVerb:
    """Args: weights: where they are missing, nothing can be loaded."""

    log: Path
    seconds: float = 0.0
    weights: bool = True
    doing: str = "faking"
    columns: tuple[str, ...] = ("word",)

    def load(self) -> FakeWork:
        if not self.weights:
            raise ModelError("There are no weights.")
        with self.log.open("a") as stream:
            stream.write(f"load {os.getpid()}\n")
        return FakeWork(self.log, self.seconds)


def scans(folder: Path, words: list[str]) -> list[Path]:
    """Text files ``scan-00.txt`` and so on with these words."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"scan-{number:02}.txt" for number in range(len(words))]
    for path, word in zip(paths, words, strict=True):
        path.write_text(f"{word}\n")
    return paths
