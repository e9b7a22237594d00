"""``python -m tests.fuzz``: a campaign of damaged inputs against the readers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import run_campaign
from tests.fuzz.targets import ALL, TARGETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    names = [target.name for target in ALL]
    parser.add_argument("--reader", choices=TARGETS, action="append", help="which reader (default: all but the verbs)")
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N", help="for each reader (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same inputs")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"), metavar="DIR", help="for records and findings")
    options = parser.parse_args(arguments)
    found = 0
    for name in options.reader or names:
        record = run_campaign(name, options.seed, options.inputs, options.out)
        found += len(record["findings"])
        sys.stdout.write(f"{name}: {record['inputs']} inputs in {record['seconds']} s, {record['outcomes']}\n")
        for key, one in record["findings"].items():
            sys.stdout.write(f"  {one['count']} x {key}, input {one['inputs']}\n")
        sys.stdout.flush()
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
