"""The verbs on small simulated inputs, and how to look at what they leave."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.outputs import Files, differing, found, halves
from benchmarks.faults.processes import Command, Ended, program
from benchmarks.faults.service import found_jobs, half_jobs
from benchmarks.faults.session import main as session
from benchmarks.faults.toy import write_toy

PATIENTS = 10


@dataclass(frozen=True)
class Verb:
    """A command and how to look at what it leaves.

    Args:
        name: of the verb.
        arguments: without the folder that it writes.
        reach: share of the undisturbed time within which a kill comes.
        chain: kills of one folder before a run may end.
        main: what is called.
        option: the one that names the folder.
        found: what stands in a finished folder.
        halves: what in an unfinished one is not whole.
    """

    name: str
    arguments: tuple[str, ...]
    reach: float = 1.0
    chain: int = 4
    main: Callable[[], int] = program
    option: str = "--out"
    found: Callable[[Path], Files] = found
    halves: Callable[[Path, Files], list[str]] = halves

    def start(self, out: Path, log: Path | None = None) -> Command:
        """Start it; what it says goes to `log`, by default beside the folder."""
        return Command.forked(self.main, self.command(out), log or out.with_name(f"{out.name}.log"))

    def command(self, out: Path) -> list[str]:
        """Its command line."""
        return [*self.arguments, self.option, str(out)]

    def run(self, out: Path, log: Path | None = None) -> Ended:
        """Run it to its end."""
        return self.start(out, log).ended()


@dataclass(frozen=True)
class Whole:
    """The undisturbed run of a verb.

    Args:
        verb: what ran.
        files: what it left.
        seconds: how long it took.
        place: where disturbed runs may write.
    """

    verb: Verb
    files: Files
    seconds: float
    place: Path

    @classmethod
    def of(cls, verb: Verb, place: Path) -> "Whole":
        """Run it; raises SystemExit where it fails, for then there is nothing to compare with."""
        out = place / f"{verb.name}_whole"
        shutil.rmtree(out, ignore_errors=True)
        started = time.monotonic()
        ended = verb.run(out)
        if ended.status:
            raise SystemExit(f"{verb.name} failed undisturbed with {ended.status}: {ended.last}")
        return cls(verb, verb.found(out), time.monotonic() - started, place)

    @property
    def out(self) -> Path:
        """Where a disturbed run writes."""
        return self.place / self.verb.name

    def halves(self, out: Path | None = None) -> list[str]:
        """What stands there under a final name and is not whole."""
        return self.verb.halves(out or self.out, self.files)

    def ends(self, out: Path | None = None, log: Path | None = None) -> dict[str, object]:
        """Run it to its end where it was disturbed: its status, and which files differ from the undisturbed run's."""
        ended = self.verb.run(out or self.out, log)
        if ended.status:
            return {"status": ended.status, "said": ended.last, "differs": ["did not end"]}
        return {"status": 0, "differs": differing(self.verb.found(out or self.out), self.files)}


def simulated(place: Path) -> Path:
    """A cohort of NIfTI files and a patient as a DICOM series, made once."""
    place.mkdir(parents=True, exist_ok=True)
    for name, made in (("cohort", f"--patients={PATIENTS}"), ("series", "--stages=0,0,0,1,0 --format=dicom")):
        command = ["phantom", *made.split(), "--grid=small", "--out", place / name]
        subprocess.run([sys.executable, "-m", "fibrolens", *command], check=True, capture_output=True)
    write_toy(place / "toy")
    return place


def verbs(place: Path) -> dict[str, Verb]:
    """The verbs by name, on what `simulated` made."""
    cohort, series = place / "cohort", place / "series"
    scan = next((series / "images").iterdir())
    labels = f"--labels={series}/labels/{scan.name}.nii.gz"
    toy = place / "toy"
    study = ("study", f"{toy}/cohort.csv", f"--from={toy}/start", "--folds=2", "--steps=40", "--workers=1")
    known = (
        Verb("phantom", ("phantom", "--patients=2", "--grid=small"), 0.5, 8),
        Verb("stage", ("stage", str(scan), labels), 0.8, 10),
        Verb("study", study, 0.5, 8),
        Verb("serve", (f"{cohort}/images/P0001.nii.gz",), 0.6, 6, session, "--data", found_jobs, half_jobs),
    )
    return {verb.name: verb for verb in known}
