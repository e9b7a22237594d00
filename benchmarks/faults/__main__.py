"""Every fault on every verb; a campaign that was interrupted goes on. Writes ``faults.jsonl``, a trial per line.

usage: python -m benchmarks.faults [--out DIR] [--faults NAME,...] [--kills VERB=N,...] [--seed 0]
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.faults.campaign import Campaign, Records, is_good
from benchmarks.faults.processes import import_all
from benchmarks.faults.verbs import simulated, verbs

KILLS = "serve without networks=50,serve=10,phantom=75,study=35,stage=35,train=0"
FAULTS = "kill,full disk,read-only disk,wrong clock,damaged checkpoint,damaged write-ahead log"


def main() -> int:
    """Run what is asked for and was not done before; 1 where something was not whole, not clear or not the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/faults"))
    parser.add_argument("--faults", default=FAULTS)
    parser.add_argument("--kills", default=KILLS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import_all()
    counts = {verb: int(count) for verb, count in (part.split("=") for part in options.kills.split(","))}
    known = verbs(simulated(options.out))
    records = Records(options.out / "faults.jsonl", options.out)
    for row in Campaign(known, options.out, counts, tuple(options.faults.split(",")), options.seed).run(records):
        print("good" if is_good(row) else "WRONG", json.dumps(row)[:300], flush=True)
    return 0 if all(map(is_good, records.rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
