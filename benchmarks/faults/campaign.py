"""Every fault on every verb in turns, each trial written down when it has ended, so that a campaign can go on."""

import functools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.faults import checkpoints, clocks, disks, journals
from benchmarks.faults.kills import kills
from benchmarks.faults.verbs import Verb, Whole

Row = dict[str, Any]
#: When a disk fails, as shares of the undisturbed time.
MOMENTS = (0.5, 0.0)


@dataclass(frozen=True)
class Trial:
    """One fault on one verb.

    Args:
        fault: what fails.
        verb: the verb, or what else is tried.
        what: how it fails.
        run: do it; what became of the run.
    """

    fault: str
    verb: str
    what: str
    run: Callable[[], Row]

    @property
    def name(self) -> dict[str, str]:
        """Which trial it is."""
        return {"fault": self.fault, "verb": self.verb, "what": self.what}


@dataclass
class Records:
    """What became of the trials of a campaign, a line of JSON each; without the places of this machine.

    Args:
        path: of the file.
        place: folder whose path is left out.
    """

    path: Path
    place: Path
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.rows = [json.loads(line) for line in lines]

    def has(self, trial: Trial) -> bool:
        """Whether it was made before."""
        return any(trial.name.items() <= row.items() for row in self.rows)

    def add(self, trial: Trial, row: Row) -> Row:
        """Write down what became of a trial."""
        line = json.dumps(trial.name | row).replace(f"{self.place.absolute()}/", "").replace(f"{self.place}/", "")
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")
        self.rows.append(json.loads(line))
        return self.rows[-1]

    def kills(self, verb: str) -> int:
        """How often a verb was killed."""
        return sum(len(row["kills"]) for row in self.rows if row["fault"] == "kill" and row["verb"] == verb)


@dataclass(frozen=True, eq=False)
class Campaign:
    """The trials that are asked for.

    Args:
        known: the verbs.
        place: where they write.
        counts: kills by verb; the other faults are tried on these verbs too.
        faults: which are tried.
        seed: of everything that is drawn.
    """

    known: Mapping[str, Verb]
    place: Path
    counts: Mapping[str, int]
    faults: tuple[str, ...]
    seed: int

    def run(self, records: Records) -> Iterator[Row]:
        """Make the trials that were not made before, one of each verb after the other."""
        for trial in self._trials(records):
            if not records.has(trial):
                yield records.add(trial, trial.run())

    def _trials(self, records: Records) -> Iterator[Trial]:
        of_verbs = [in_turns(self._kills(verb, records), self._others(verb)) for verb in self.counts]
        found = in_turns(*of_verbs, self._checkpoints("train"), self._journals())
        return (trial for trial in found if trial.fault in self.faults)

    def _kills(self, verb: str, records: Records) -> Iterator[Trial]:
        number = 0
        while "kill" in self.faults and (left := self.counts[verb] - records.kills(verb)) > 0:
            what = f"chain {number}"
            yield self._drawn("kill", verb, what, kills, min(self.known[verb].chain, left))
            number += 1

    def _others(self, verb: str) -> Iterator[Trial]:
        damaged = self._checkpoints(verb) if verb == "study" else self._journals_under(verb)
        return in_turns(self._disks(verb), self._clocks(verb), damaged)

    def _disks(self, verb: str) -> Iterator[Trial]:
        for share in MOMENTS:
            what = f"from {share:.0%} of the run on"
            yield Trial("full disk", verb, what, lambda share=share: disks.full_disk(self._whole(verb), share))
            yield Trial("read-only disk", verb, what, lambda share=share: disks.read_only(self._whole(verb), share))
        if verb.startswith("serve"):
            yield Trial("full disk", verb, "for a while", lambda: disks.full_for_a_while(self._whole(verb), MOMENTS[0]))

    def _clocks(self, verb: str) -> Iterator[Trial]:
        for name in clocks.OFFSETS:
            yield Trial("wrong clock", verb, name, lambda name=name: clocks.wrong_clock(self._whole(verb), name))

    def _journals_under(self, verb: str) -> Iterator[Trial]:
        for name in journals.DAMAGES if verb.startswith("serve") else ():
            yield self._drawn("damaged write-ahead log", verb, name, journals.damaged_under_server, name)

    def _checkpoints(self, verb: str) -> Iterator[Trial]:
        for name in checkpoints.DAMAGES:
            yield self._drawn("damaged checkpoint", verb, name, checkpoints.damaged_checkpoint, name)

    def _journals(self) -> Iterator[Trial]:
        fault, verb = "damaged write-ahead log", "queue alone"
        for name in journals.DAMAGES:
            rng = self._rng(fault, verb, name)
            run = functools.partial(journals.damaged_journal, self.place / "wal", name, rng)
            yield Trial(fault, verb, name, run)

    def _drawn(self, fault: str, verb: str, what: str, made: Callable[..., Row], how: Any) -> Trial:
        rng = self._rng(fault, verb, what)
        return Trial(fault, verb, what, lambda: made(self._whole(verb), how, rng))

    def _rng(self, *words: str) -> np.random.Generator:
        """Of a trial alone, so that it is the same in a campaign that goes on."""
        return np.random.default_rng([self.seed, zlib.crc32(" ".join(words).encode())])

    @functools.cache  # noqa: B019  (there is one campaign)
    def _whole(self, verb: str) -> Whole:
        return Whole.of(self.known[verb], self.place)


def in_turns(*found: Iterator[Trial]) -> Iterator[Trial]:
    """One of each after the other, until all are at their end."""
    left = list(found)
    while left:
        for trials in tuple(left):
            trial = next(trials, None)
            if trial is None:
                left.remove(trials)
            else:
                yield trial


def is_good(row: Row) -> bool:
    """Whether everything under a final name was whole, an error clear, no worker left, and the end as undisturbed."""
    parts = (row, *row.get("kills", []))
    wrong = any(part.get("halves") or part.get("orphans") for part in parts) or row.get("end", row).get("differs")
    return not wrong and row.get("clear", True) and row.get("sound", True)
