"""Every fault on every verb; writes ``faults.json``, or a file of another name for some of them.

usage: python -m benchmarks.faults [--out DIR] [--faults NAME,...] [--kills VERB=N,...] [--seed 0] [--name faults]
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.faults import checkpoints, clocks, disks, journals, kills
from benchmarks.faults.processes import import_all
from benchmarks.faults.verbs import Verb, Whole, simulated, verbs

KILLS = "stage=70,study=40,phantom=80,serve=10"
FAULTS = ("kills", "full", "readonly", "checkpoints", "wal", "clock")
#: When a disk fails, as shares of the undisturbed time.
MOMENTS = (0.0, 0.3, 0.6, 0.9)
#: How often the write-ahead log is damaged in each way.
DAMAGED = 5


def main() -> int:
    """Run what is asked for; 1 where something was not whole, not clear or not the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/faults"))
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--kills", default=KILLS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="faults")
    options = parser.parse_args()
    import_all()
    known = verbs(simulated(options.out))
    told: dict[str, Any] = {}
    for what, row in found(options, known):
        told.setdefault(what, []).append(row)
        print(what, json.dumps(row)[:200], flush=True)
        (options.out / f"{options.name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if all(is_good(row) for rows in told.values() for row in rows) else 1


def found(options: argparse.Namespace, known: dict[str, Verb]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Fault and verb, and what became of the run, one after the other."""
    rng = np.random.default_rng(options.seed)
    asked = options.faults.split(",")
    counts = {verb: int(count) for verb, count in (part.split("=") for part in options.kills.split(","))}
    for verb, count in counts.items():
        whole = Whole.of(known[verb], options.out)
        if "kills" in asked:
            yield from ((f"kills of {verb}", row) for row in kills.kills(whole, count, rng))
        if "full" in asked:
            yield from ((f"full disk under {verb}", row) for row in disks.full_disk(whole, MOMENTS))
        if "readonly" in asked:
            yield from ((f"read-only disk under {verb}", row) for row in disks.read_only(whole, MOMENTS))
        if "clock" in asked and verb != "serve":
            yield from ((f"wrong clock of {verb}", clocks.wrong_clock(whole, name)) for name in clocks.OFFSETS)
        if "checkpoints" in asked and verb == "study":
            yield from (("damaged checkpoints", row) for row in checkpoints.damaged_checkpoints(whole, rng))
    for name in journals.DAMAGES if "wal" in asked else ():
        for _ in range(DAMAGED):
            yield "damaged write-ahead log", journals.damaged_journal(options.out / "wal", name, rng)


def is_good(row: dict[str, Any]) -> bool:
    """Whether everything under a final name was whole, an error clear, and the end the same as undisturbed."""
    halves = [half for one in (row, *row.get("kills", [])) for half in one.get("halves", [])]
    differs = row.get("end", row).get("differs")
    return not halves and not differs and row.get("clear", True) and row.get("sound", True)


if __name__ == "__main__":
    sys.exit(main())
