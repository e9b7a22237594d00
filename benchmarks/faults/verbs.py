"""The verbs on small simulated inputs, and how to look at what they leave."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import service, session
from benchmarks.faults.outputs import Files, differing, found, halves, reached
from benchmarks.faults.processes import Command, Ended, program
from benchmarks.faults.toy import write_toy
from tests.serve.kit import upload_of

#: Name of every folder that is written, in one that is named after its verb, or in a disk.
OUT = "out"
#: CTs that are uploaded to the service.
UPLOADS = 3
#: Uploads to a service whose stager only takes time, so that kills meet the queue more often.
QUICK = 12


@dataclass(frozen=True)
class Verb:
    """A command and how to look at what it leaves.

    Args:
        name: of the verb.
        arguments: without the folder that it writes.
        paces: how moments of kills may be drawn: in the undisturbed time, or by what stands.
        chain: kills of one folder before a run may end.
        main: what is called.
        module: what is run where it gets an interpreter of its own.
        option: the one that names the folder.
        targets: what a kill may hit.
        found: what stands in a finished folder.
        halves: what in an unfinished one is not whole.
        reached: how far an unfinished one has come.
        cleared: told that a folder was removed.
    """

    name: str
    arguments: tuple[str, ...]
    paces: tuple[str, ...] = ("time", "work")
    chain: int = 4
    main: Callable[[], int] = program
    module: str = "fibrolens"
    option: str = "--out"
    targets: tuple[str, ...] = ("all",)
    found: Callable[[Path], Files] = found
    halves: Callable[[Path, Files], list[str]] = halves
    reached: Callable[[Path, Files], str] = reached
    cleared: Callable[[Path], None] = lambda out: None

    def start(self, out: Path, log: Path | None = None) -> Command:
        """Start it; what it says goes to `log`, by default beside the folder."""
        return Command.forked(self.main, self.command(out), log or out.with_name(f"{out.name}.log"))

    def command(self, out: Path) -> list[str]:
        """Its command line."""
        return [*self.arguments, self.option, str(out)]

    def clear(self, out: Path) -> None:
        """Remove what stands there, and make its parent."""
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        self.cleared(out)

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
        """Run it, once; raises SystemExit where it fails, for then there is nothing to compare with."""
        # As deep as a disk's folder, since a study writes down where its cohort lies, seen from there.
        out, took = place / f"{verb.name}_whole" / OUT, place / f"{verb.name}_whole.json"
        if not took.exists():
            verb.clear(out)
            started = time.monotonic()
            ended = verb.run(out)
            if ended.status:
                raise SystemExit(f"{verb.name} failed undisturbed with {ended.status}: {ended.last}")
            took.write_text(json.dumps(time.monotonic() - started), encoding="utf-8")
        return cls(verb, verb.found(out), json.loads(took.read_text(encoding="utf-8")), place)

    @property
    def out(self) -> Path:
        """Where a disturbed run writes."""
        return self.place / self.verb.name / OUT

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
    """A patient as a DICOM series and a cohort of tiny scans, made once."""
    place.mkdir(parents=True, exist_ok=True)
    command = ["phantom", "--stages=0,0,0,1,0", "--format=dicom", "--grid=small", "--out", place / "series"]
    subprocess.run([sys.executable, "-m", "fibrolens", *command], check=True, capture_output=True)
    write_toy(place / "toy")
    (place / "quick").mkdir(exist_ok=True)
    for number in range(QUICK):
        (place / "quick" / f"{number}.zip").write_bytes(upload_of(number=number))
    return place


def verbs(place: Path) -> dict[str, Verb]:
    """The verbs by name, on what `simulated` made."""
    series, toy = place / "series", place / "toy"
    scan = next((series / "images").iterdir())
    labels = f"--labels={series}/labels/{scan.name}.nii.gz"
    learning = (f"{toy}/cohort.csv", f"--from={toy}/start", "--steps=40")
    known = (
        Verb("phantom", ("phantom", "--patients=2", "--grid=small"), chain=8),
        # A scan's folder appears whole: what stands tells nothing of how far it is.
        Verb("stage", ("stage", str(scan), labels), ("time",), 8),
        Verb("study", ("study", *learning, "--folds=2", "--workers=1"), chain=6),
        Verb("train", ("train", *learning)),
        _served("serve", [*(f"{toy}/s{number}_image.nii.gz" for number in range(UPLOADS)), f"--model={toy}/start"], 6),
        _served("serve without networks", [f"{place}/quick/{number}.zip" for number in range(QUICK)], 10),
    )
    return {verb.name: verb for verb in known}


def _served(name: str, arguments: Sequence[str], chain: int) -> Verb:
    return Verb(
        name, tuple(arguments), ("work",), chain, session.main, "benchmarks.faults.session", "--data",
        ("all", "server", "worker"), service.found_jobs, service.half_jobs, service.reached, session.cleared,
    )  # fmt: skip
