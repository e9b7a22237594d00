"""A wrong time of day: years ahead, years behind, or jumping back and forth while the program runs."""

import os
from pathlib import Path
from typing import Any

from benchmarks.faults.outputs import differing
from benchmarks.faults.processes import Command
from benchmarks.faults.verbs import Whole

YEAR_S = 365 * 86400
OFFSETS = {"jumping": "0,86400,-86400,3600", "20 years ahead": f"{20 * YEAR_S}", "20 years behind": f"{-20 * YEAR_S}"}
SKEWED = Path(__file__).with_name("skewed")


def wrong_clock(whole: Whole, name: str) -> dict[str, Any]:
    """Run a verb by one of the wrong clocks, which all its processes share."""
    whole.verb.clear(whole.out)
    path = os.pathsep.join((str(SKEWED), os.environ.get("PYTHONPATH", "")))
    environment = {"PYTHONPATH": path, "CLOCK_OFFSETS": OFFSETS[name]}
    log = whole.out.with_name(f"{whole.out.name}.log")
    ended = Command.spawned((whole.verb.module, *whole.verb.command(whole.out)), log, environment).ended()
    differs = differing(whole.verb.found(whole.out), whole.files) if ended.status == 0 else []
    told = {"clock": name, "status": ended.status, "said": ended.last, "halves": whole.halves(), "differs": differs}
    # Where a wrong clock was refused, a right one must go on.
    return told | ({} if ended.status == 0 else {"clear": ended.is_clear(3), "end": whole.ends()})
