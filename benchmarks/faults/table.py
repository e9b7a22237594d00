"""The table of `docs/reliability.md` from the trials of a campaign, which it copies to ``docs/reliability.json``.

usage: python -m benchmarks.faults.table out/bench/faults/faults.jsonl [--json docs/reliability.json]
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.outputs import share

Row = dict[str, Any]
HEAD = (
    "| fault | verb | tried | half written | the run itself | the run after it |",
    "|---|---|---|---|---|---|",
)
#: Where in a run a kill came, by the share of files or jobs that stood.
PARTS = ("nothing", "under half", "over half", "all")


def main() -> None:
    """Write the copy; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", type=Path)
    parser.add_argument("--json", type=Path, default=Path("docs/reliability.json"))
    options = parser.parse_args()
    lines = options.trials.read_text(encoding="utf-8").splitlines()
    options.json.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print("\n".join(table([json.loads(line) for line in lines])))


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of Markdown, one for every fault of every verb."""
    groups = dict.fromkeys((row["fault"], row["verb"]) for row in rows)
    return [
        *HEAD,
        *(_line(*group, [row for row in rows if (row["fault"], row["verb"]) == group]) for group in sorted(groups)),
    ]


def _line(fault: str, verb: str, rows: Sequence[Row]) -> str:
    kills = [kill for row in rows for kill in row.get("kills", [])]
    tried = f"{len(kills)} ({_moments(kills)})" if kills else str(len(rows))
    halves = sum(len(part.get("halves", [])) for part in (*rows, *kills))
    itself = "" if fault == "kill" else _counted(_itself(row) for row in rows)
    ends = [row["end"]["differs"] for row in rows if "end" in row]
    after = f"same bytes, {sum(not differs for differs in ends)} of {len(ends)}" if ends else ""
    return f"| {fault} | `{verb}` | {tried} | {halves or 'none'} | {itself} | {after} |"


def _itself(row: Row) -> str:
    """How a disturbed run ended."""
    if "kept" in row:
        return f"{row['kept']} jobs kept, all again, {'sound' if row['sound'] else 'UNSOUND'}"
    if row.get("differs"):
        return "OTHER BYTES"
    if row.get("status") == 0:
        return "goes through, same bytes" if "differs" in row else "goes through"
    sentence = "a sentence" if row.get("clear", True) else "UNCLEAR"
    return f"status {row['status']}, {sentence}" if "status" in row else "opens"


def _moments(kills: Iterable[Row]) -> str:
    """How much stood when the kills came, and what they hit where they did not hit all."""
    stood = Counter(PARTS[part(kill["reached"])] for kill in kills)
    hit = Counter(kill["target"] for kill in kills)
    told = [f"{name} {stood[name]}" for name in PARTS if stood[name]]
    alone = [f"{count} hit the {name} alone" for name, count in hit.items() if name != "all"]
    return "; ".join([f"stood: {', '.join(told)}", *alone])


def part(reached: str) -> int:
    """Which of `PARTS`."""
    stood = share(reached)
    return 0 if stood == 0 else 3 if stood == 1 else 1 if stood < 0.5 else 2


def _counted(told: Iterable[str]) -> str:
    counts = Counter(told)
    return "; ".join(words if count == 1 else f"{words} ({count})" for words, count in counts.items())


if __name__ == "__main__":
    main()
