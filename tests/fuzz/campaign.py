"""A campaign: so many inputs for one reader, by worker processes that are ended where they hang and replaced."""

from __future__ import annotations

import json
import multiprocessing as mp
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.judge import FINDING, OUTCOMES, Verdict
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import Board, Work, work

#: Inputs after which a worker is replaced, so that what libraries leak does not count against a reader.
SHIFT = 10_000
#: Inputs that are kept of one defect.
KEPT = 3


@dataclass
class Campaign:
    """One reader's campaign and what it found.

    Args:
        reader: name of the target.
        seed: inputs are a function of it and of their number.
        inputs: how many.
        worker: what a process does.
        patience_s: seconds that an input may take.
    """

    reader: str
    seed: int
    inputs: int
    worker: Work = work
    patience_s: float = 10.0
    board: Board = field(default_factory=Board)
    findings: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    _hangs: bool = False

    def run(self) -> Iterator[None]:
        """Read every input; yields whenever a worker was replaced, and at the end."""
        first = 0
        while first < self.inputs:
            first = self._shift(range(first, min(self.inputs, first + SHIFT)))
            yield

    def _shift(self, numbers: Sequence[int]) -> int:
        """One worker process; returns the number of the first input that it did not read."""
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=self.worker, args=(self.reader, self.seed, numbers, self.board, theirs), daemon=True
        )
        process.start()
        theirs.close()
        for index, verdict in self._heard(process, ours):
            self._note(index, verdict)
        process.join()
        index, began = self.board.now
        if process.exitcode == 0:
            return numbers[-1] + 1
        if not began:
            raise RuntimeError(f"the worker of {self.reader} ended between two inputs, with {process.exitcode}")
        if not self._hangs:
            self._note(int(index), Verdict(FINDING, f"process ended with {process.exitcode}"))
        self._hangs = False
        self.board.counts[OUTCOMES.index(FINDING)] += 1
        self.board.now[1] = 0.0
        return int(index) + 1

    def _heard(self, process: Any, line: Any) -> Iterator[tuple[int, Verdict]]:
        """What the worker tells until it ends; it is ended where it hangs."""
        while True:
            if line.poll(0.5):
                try:
                    told = line.recv()
                except EOFError:
                    return
                if told is None:
                    return
                yield told
            index, began = self.board.now
            if began and time.monotonic() - began > self.patience_s:
                self._hangs = True
                process.kill()
                yield int(index), Verdict(FINDING, "hang", f"not done after {self.patience_s:.0f} s")
                return

    def _note(self, index: int, verdict: Verdict) -> None:
        self.counts[verdict.key] = self.counts.get(verdict.key, 0) + 1
        kept = self.findings.setdefault(verdict.key, [])
        if len(kept) < KEPT:
            kept.append((index, verdict.told))

    def to_dict(self) -> dict[str, Any]:
        """The record of the campaign."""
        board = self.board
        return {
            "reader": self.reader,
            "seed": self.seed,
            "inputs": sum(board.counts),
            "outcomes": {name: count for name, count in zip(OUTCOMES, board.counts, strict=True) if count},
            "slowest_s": round(board.slowest[0], 3),
            "slowest_input": int(board.slowest[1]),
            "peak_mib_above_start": round((board.memory[1] - board.memory[0]) / 1024),
            "findings": {key: {"count": self.counts[key], "inputs": [index for index, _ in kept]}
                         for key, kept in sorted(self.findings.items())},
        }  # fmt: skip


def run_campaign(reader: str, seed: int, inputs: int, out: Path) -> dict[str, Any]:
    """Run a campaign; the record and the inputs that were found go into `out`, as far as it has come."""
    campaign = Campaign(reader, seed, inputs, patience_s=TARGETS[reader].patience_s)
    began, record = time.monotonic(), {}
    out.mkdir(parents=True, exist_ok=True)
    for _ in campaign.run():
        record = campaign.to_dict() | {"seconds": round(time.monotonic() - began)}
        (out / f"{reader}-{seed}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    sound = TARGETS[reader].seeds()
    for number, (key, kept) in enumerate(sorted(campaign.findings.items())):
        for index, told in kept:
            name = f"{reader}-{seed}-{number}-{index}"
            (out / f"{name}.bin").write_bytes(TARGETS[reader].mutated(sound, seed, index))
            (out / f"{name}.txt").write_text(f"{key}\n{told}\n", encoding="utf-8", errors="backslashreplace")
    return record
