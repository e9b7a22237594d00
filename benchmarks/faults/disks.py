"""A disk that is full or read-only, from the start or from a moment on; then there is room again and a second run."""

from typing import Any

from benchmarks.faults.mounts import Disk, disk
from benchmarks.faults.processes import LONGEST_S
from benchmarks.faults.verbs import OUT, Whole

#: What stands where no file system may be mounted.
SKIPPED = {"skipped": "no file system may be mounted here"}
OUTPUT = 5
#: Seconds for which a disk is full where the room comes back.
A_WHILE_S = 10.0


def full_disk(whole: Whole, share: float) -> dict[str, Any]:
    """Fill the disk when this share of the undisturbed time has passed; 0: before the run."""
    return _disturbed(whole, share, Disk.fill, Disk.empty)


def read_only(whole: Whole, share: float) -> dict[str, Any]:
    """Make the disk read-only when this share of the undisturbed time has passed; 0: before the run."""
    return _disturbed(whole, share, Disk.protect, Disk.writable)


def full_for_a_while(whole: Whole, share: float) -> dict[str, Any]:
    """Fill the disk when this share of the undisturbed time has passed, and give the room back during the run."""
    return _disturbed(whole, share, Disk.fill, Disk.empty, A_WHILE_S)


def _disturbed(whole: Whole, share: float, begin: Any, end: Any, lasts: float = LONGEST_S) -> dict[str, Any]:
    with disk(whole.place / f"{whole.verb.name}_disk") as place:
        if place is None:
            return SKIPPED
        # The log stands on another disk, beside the one that fails.
        out, log = place.root / OUT, whole.place / f"{whole.verb.name}_disk.log"
        whole.verb.clear(out)
        if share == 0:
            begin(place)
        command = whole.verb.start(out, log)
        ended = command.running.wait(max(share * whole.seconds, 1e-3)) if share else None
        if ended is None and share:
            begin(place)
        command.running.wait(lasts)
        end(place)
        failed = command.ended()
        halves = whole.halves(out)
        told = {"after": share, "status": failed.status, "said": failed.last, "halves": halves}
        return told | {"clear": failed.status == 0 or failed.is_clear(OUTPUT), "end": whole.ends(out, log)}
