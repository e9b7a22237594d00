"""What `fibrolens stage` does to each CT of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fibrolens.batch import VOLUMES, Place, run_batch, volumes
from fibrolens.cases import Inputs, as_cases, is_single
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.place import claim
from fibrolens.engine import Engine, one_blas_thread
from fibrolens.errors import UsageError
from fibrolens.io.dicom.patient import read_identity
from fibrolens.pipeline import Models, StageOptions, StagingInput
from fibrolens.plan import STAGES
from fibrolens.report.artist import Artist
from fibrolens.report.patient import Unnaming, Wanted, write_result
from fibrolens.report.patient_files import WRITTEN
from fibrolens.report.pictures import draw_here
from fibrolens.result import StagingResult

COLUMNS = ("predicted", "expected", *(f"p_{stage}" for stage in STAGES), *VOLUMES, "phase", "forced", "warnings")


def stage_batch(
    inputs: Inputs,
    options: StageOptions,
    place: Place,
    engine: Engine | None = None,
    key: Key | None = None,
    artist: Artist | None = None,
) -> int:
    """Stage every input; see `run_batch` for what it returns.

    Args:
        inputs: CTs.
        options: how they are staged.
        place: where the results go.
        engine: where the work is done; None is this process.
        key: nothing that is written leads back to the patient, whose names and UIDs it replaces; None writes DICOM
            objects of the patient.
        artist: draws the pictures beside this process; None draws them in it.

    Raises:
        UsageError: options for one scan with several inputs, or a scan id that cannot name a folder; with a key, that
            the reports shall name the patient, or the tables of the profile are not installed; a folder that holds
            results with patients where these have none, or without.
        ModelError: the weights cannot be used.
        OutputError: the folder cannot be written.
    """
    if not is_single(inputs) and (place.scan_id is not None or options.masks.given or options.series_uid is not None):
        raise UsageError("--scan-id, --series and own masks belong to one scan; give a single INPUT with them.")
    if key is not None:
        place = replace(place, unnamed=key.input_name)
        _require_unnamed(options)
    claim(place.out, key)
    return run_batch(StageVerb(options, key, artist), as_cases(inputs, place.scan_id), place, engine or Engine(1))


def _require_unnamed(options: StageOptions) -> None:
    if options.identified:
        raise UsageError("--identified names the patient and --deidentify takes the name out; give one of them.")
    from fibrolens.deidentify.profile import table  # noqa: PLC0415 - as everything that only a run with a key needs

    table()


@dataclass(frozen=True)
class StageVerb:
    """The verb before its networks are loaded."""

    options: StageOptions
    key: Key | None = None
    artist: Artist | None = field(default=None, compare=False)
    doing: str = "staging"
    columns: tuple[str, ...] = COLUMNS

    def load(self) -> Staging:
        """With its networks; raises ModelError where the weights cannot be used."""
        return Staging(self.options, Models.load(*self.options.weights), self.key, self.artist)


@dataclass(frozen=True)
class Staging:
    """The work of `stage`; with a key nothing that is written leads back to the patient."""

    options: StageOptions
    models: Models
    key: Key | None = None
    artist: Artist | None = None
    command: str = "stage"
    done: str = "staged"
    written: tuple[str, ...] = WRITTEN

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Options and weights, for the manifest."""
        known = {**self.options.fingerprint, "models": self.models.fingerprint}
        if self.key is None:
            return known
        from fibrolens.deidentify.staged import without_patient  # noqa: PLC0415 - with a key only

        return without_patient(known, self.key)

    def read(self, path: Path) -> StagingInput:
        """A CT; raises InputError where it is none, UsageError where its reports cannot name the patient as asked."""
        scan = StagingInput.read(path, self.options, self.models)
        if self.options.identified and scan.ct.get("format") != "dicom":
            raise UsageError(f"{scan.ct.source} is not DICOM and names no patient; leave --identified out for it.")
        if self.key is None:
            return scan
        from fibrolens.deidentify.staged import UnnamedInput  # noqa: PLC0415 - with a key only

        return UnnamedInput.of(scan, self.key)

    def perform(self, scan: StagingInput, scan_id: str) -> StagingResult:
        """Stage it; raises InputError where it cannot be staged."""
        return scan.stage(self.models, self.options, scan_id)

    def write(self, result: StagingResult, folder: Path) -> Mapping[str, float]:
        """Write the scan's files; returns seconds per step."""
        with one_blas_thread():
            draw = draw_here if self.artist is None else self.artist.draw
            return write_result(result, folder, self._wanted(result), draw)

    def _wanted(self, result: StagingResult) -> Wanted:
        """What is written of a result."""
        return Wanted(self.options.all_maps, self.options.skip, self._identity(result), self._unnaming(result))

    def _unnaming(self, result: StagingResult) -> Unnaming | None:
        """What takes the patient out of the files; None where it stays."""
        if self.key is None:
            return None
        from fibrolens.deidentify.staged import Unnamed  # noqa: PLC0415 - with a key only

        return Unnamed.of(result, self.key)

    def _identity(self, result: StagingResult) -> Mapping[str, str] | None:
        """Who the patient is, from the headers, where the reports shall say so."""
        if not self.options.identified:
            return None
        return read_identity(Path(result.path), result.ct.get("series_uid") or "")

    def row(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The figures for ``summary.csv`` from the content of a ``result.json``."""
        stage, quality = content["stage"], content["quality"]
        return {
            "predicted": stage["predicted"],
            "expected": f"{stage['expected']:.3f}",
            **{f"p_{name}": f"{probability:.4f}" for name, probability in stage["probabilities"].items()},
            **volumes(content["markers"]),
            "phase": quality["phase"],
            "forced": str(quality["forced"]).lower(),
            "warnings": " ".join(content["warnings"]),
        }

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What a person reads of a staged scan."""
        forced = ", FORCED" if row["forced"] == "true" else ""
        return f"{row['predicted']} (expected stage {row['expected']}){forced}"
