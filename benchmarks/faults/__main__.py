"""Every fault on every verb; writes ``faults.json``, or a file of another name for some of them.

usage: python -m benchmarks.faults [--out DIR] [--kinds NAME,...] [--kills VERB=N,...] [--seed 0] [--name faults]
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.faults import kills
from benchmarks.faults.processes import import_all
from benchmarks.faults.verbs import Whole, simulated, verbs

KILLS = "stage=70,study=30,serve=20,phantom=80"


def main() -> int:
    """Run what is asked for; 1 where something was not whole, not clear or not the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/faults"))
    parser.add_argument("--kills", default=KILLS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="faults")
    options = parser.parse_args()
    import_all()
    known = verbs(simulated(options.out))
    told: dict[str, Any] = {}
    for verb, count in (part.split("=") for part in options.kills.split(",")):
        whole = Whole.of(known[verb], options.out)
        rng = np.random.default_rng([options.seed, sorted(known).index(verb)])
        told[verb] = {"seconds": round(whole.seconds, 1), "kills": kills.kills(whole, int(count), rng)}
        (options.out / f"{options.name}.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if all(kills.is_good(one["kills"]) for one in told.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
