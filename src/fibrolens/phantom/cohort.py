"""A folder of simulated patients: images, masks, evidence, ``cohort.csv`` and ``truth.csv``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fibrolens import __version__
from fibrolens.begun import State, begin, state, writing
from fibrolens.output import write_json, write_manifest
from fibrolens.phantom.folder import UNFINISHED, make_room, require_space
from fibrolens.phantom.mr import UPTAKE_SIGN
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.pool import each
from fibrolens.phantom.roster import Roster, Twin
from fibrolens.phantom.scanfiles import (
    ORGAN_NAMES,
    Format,
    Grid,
    ScanJob,
    image_path,
    read_record,
    record_path,
    write_scan,
)  # fmt: skip
from fibrolens.phantom.setting import Setting
from fibrolens.phantom.severity import paper_stages
from fibrolens.phantom.tables import Row, cohort_row, truth_row, twin_row, write_table

__all__ = ["CohortOptions", "Setting", "Twin", "cohort_run", "paper_stages", "sample_cohort", "write_cohort"]

#: Bytes of one scan's image, and of its label maps and evidence. Measured: 1.1 bytes per voxel as NIfTI, 2.0 as DICOM,
#: 0.11 in all masks; 21 million voxels on average on the full grid (59 to 120 slices), 0.9 million on the small one.
#: On top comes a quarter for cohorts of thin slices.
IMAGE_BYTES: dict[tuple[Format, Grid], float] = {
    ("nifti", "small"): 1.2e6, ("dicom", "small"): 2.3e6, ("nifti", "full"): 29e6, ("dicom", "full"): 53e6,
}  # fmt: skip
MASK_BYTES: dict[Grid, float] = {"small": 0.25e6, "full": 3e6}


@dataclass(frozen=True)
class CohortOptions:
    """What a cohort shows and how it is written.

    Args:
        format: one NIfTI file or one DICOM folder per CT.
        grid: `small_grid` or `full_grid` of each patient.
        workers: processes that render, at most one per core; the bytes do not depend on it.
        setting: arm, effect, confounding, phase, shares and modality.
        twins: each is made of every scan.
        truth_only: nothing but ``truth.csv``.
        overwrite: a cohort of other options may be replaced.

    Raises:
        ValueError: no workers, twins of nothing, a twin twice or of a sign that the modality does not show, or an MR
            as DICOM.
    """

    format: Format = "nifti"
    grid: Grid = "small"
    workers: int = 1
    setting: Setting = field(default_factory=Setting)
    twins: tuple[Twin, ...] = ()
    truth_only: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be 1 or more; it is {self.workers!r}")
        if self.truth_only and self.twins:
            raise ValueError(
                "twins are rendered, and a cohort of the truth only renders nothing; leave one of them out"
            )
        if len(set(self.twins)) < len(self.twins):
            raise ValueError("twins must differ from each other; one of them is there twice")
        if self.setting.is_mr and self.format == "dicom":
            raise ValueError("MR is written as NIfTI alone; leave out format dicom")
        hidden = "enhancement" if self.setting.is_mr else UPTAKE_SIGN
        if any(twin.sign == hidden for twin in self.twins):
            raise ValueError(f"a twin of {hidden} does not show with modality {self.setting.modality}; leave it out")


def sample_cohort(stages: Sequence[int], seed: int, setting: Setting | None = None) -> list[Patient]:
    """The scans of a cohort, one per entry of `stages` (see `Roster`)."""
    return list(Roster(tuple(stages), seed, setting or Setting()))


def write_cohort(
    out: Path,
    stages: Sequence[int],
    seed: int,
    options: CohortOptions | None = None,
    on_patient: Callable[[], object] | None = None,
) -> Path:
    """Simulate and write a cohort; its manifest comes last. An interrupted one is gone on with, a finished one kept.

    Memory does not grow with the number of scans, but for a few bytes each.

    Args:
        out: folder to make.
        stages: METAVIR stage (0 to 4) of each scan.
        seed: of all that is drawn; same seed, stages and options, same bytes.
        options: what it shows and how it is written.
        on_patient: called for each scan, in any order, also for those that an earlier run wrote.

    Returns:
        The path of ``cohort.csv``, or ``truth.csv`` if nothing else is wanted.

    Raises:
        ValueError: no scan, a stage that is not 0 to 4, or a negative seed.
        UsageError: `out` holds something else.
        OutputError: the folder cannot be written, or the disk is too small.
        FibrolensError: a worker was ended from outside.
    """
    options = options or CohortOptions()
    on_patient = on_patient or (lambda: None)
    roster = Roster(tuple(stages), seed, options.setting)
    run = cohort_run(stages, seed, options)
    table = out / ("truth.csv" if options.truth_only else "cohort.csv")
    found = state(out, run, options.overwrite)
    if found is State.COMPLETE:
        for _ in stages:
            on_patient()
        return table
    started = time.perf_counter()
    # Each table appears whole, and truth.csv last: where it stands there is nothing left to draw.
    drawn = found is State.BEGUN and (out / "truth.csv").exists()
    jobs = [] if drawn or options.truth_only else _jobs(out, roster, options)
    missing = [job for job in jobs if found is State.FREE or not job.record.exists()]
    require_space(out, len(missing) * _scan_bytes(options))
    begin(out, run, found)
    make_room(out)
    with writing(out):
        if not drawn:
            for _ in range(len(jobs) - len(missing)):
                on_patient()
            with closing(each(write_scan, missing, options.workers)) as written:
                for _ in written:
                    on_patient()
            _write_tables(out, roster, options, on_patient)
        shutil.rmtree(out / UNFINISHED)
        write_manifest(out, run, {"phantom": time.perf_counter() - started})
    return table


def cohort_run(stages: Sequence[int], seed: int, options: CohortOptions) -> dict[str, object]:
    """What the bytes of a cohort depend on, as its manifest records it."""
    return {
        "command": "phantom",
        "stages": list(stages),
        "seed": seed,
        "setting": _setting(options.setting),
        "version": __version__,
        "truth_only": options.truth_only,
        **({} if options.truth_only else {"format": options.format, "grid": options.grid}),
        "twins": [twin.name for twin in options.twins],
    }


def _setting(setting: Setting) -> dict[str, object]:
    """As the manifest records it; cohorts of CTs were written before there was another modality."""
    known = asdict(setting)
    return known if setting.is_mr else {name: value for name, value in known.items() if name != "modality"}


def _jobs(out: Path, roster: Roster, options: CohortOptions) -> list[ScanJob]:
    return [ScanJob(out, roster, k, options.format, options.grid, options.twins) for k in range(len(roster))]


def _scan_bytes(options: CohortOptions) -> float:
    """What one scan takes on the disk; its twins' evidence, which is not written, is counted for safety."""
    return (IMAGE_BYTES[options.format, options.grid] + MASK_BYTES[options.grid]) * (1 + len(options.twins))


def _write_tables(out: Path, roster: Roster, options: CohortOptions, on_patient: Callable[[], object]) -> None:
    """Write all tables from the scans' records, the truth last."""
    if options.truth_only:
        write_table(out / "truth.csv", _drawn(roster, on_patient))
        return
    write_json(ORGAN_NAMES, out / "labels" / "organs.json")
    write_table(out / "cohort.csv", (cohort_row(p, image_path(p.scan_id, options.format)) for p in roster))
    if options.twins:
        write_table(out / "twins.csv", _twin_rows(out, roster, options))
    write_table(out / "truth.csv", (truth_row(p, _record(out, p.scan_id)[p.scan_id]) for p in roster))


def _drawn(roster: Roster, on_patient: Callable[[], object]) -> Iterator[Row]:
    """Rows of the truth without any rendering."""
    for patient in roster:
        yield truth_row(patient, {})
        on_patient()


def _twin_rows(out: Path, roster: Roster, options: CohortOptions) -> Iterator[Row]:
    for number in range(len(roster)):
        record = _record(out, roster.scan_id(number))
        for twin in options.twins:
            patient = roster.patient(number, twin)
            yield twin_row(patient, twin, image_path(patient.scan_id, options.format), record[patient.scan_id])


def _record(out: Path, scan_id: str) -> dict[str, dict[str, float | None]]:
    return read_record(record_path(out, scan_id))
