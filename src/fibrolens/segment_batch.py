"""What `fibrolens segment` does to each CT of a batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.batch import RESULT, VOLUMES, Place, run_batch, volumes
from fibrolens.cases import Inputs, as_cases, is_single
from fibrolens.clock import timeless_mark
from fibrolens.engine import Engine
from fibrolens.errors import UsageError
from fibrolens.io import write_nifti
from fibrolens.output import write_json
from fibrolens.report.overlay import overlay_png
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import OverlaySheet
from fibrolens.segment.predict import OrganSegmenter, fingerprint_of
from fibrolens.segment.segmenters import load_segmenter
from fibrolens.segmenting import SegmentationResult, SegmentInput, SegmentOptions

LABELS, OVERLAY = "labels.nii.gz", "overlay.png"
COLUMNS = (*VOLUMES, "phase", "liver_coverage", "warnings")


def segment_batch(inputs: Inputs, options: SegmentOptions, place: Place, engine: Engine | None = None) -> int:
    """Segment every input; see `run_batch` for what it returns.

    Args:
        inputs: CTs.
        options: how they are segmented.
        place: where the results go.
        engine: where the work is done; None is this process.

    Raises:
        UsageError: options for one scan with several inputs, or a scan id that cannot name a folder.
        ModelError: the weights cannot be used.
        OutputError: the folder cannot be written.
    """
    if not is_single(inputs) and (place.scan_id is not None or options.series_uid is not None):
        raise UsageError("--scan-id and --series belong to one scan; give a single INPUT with them.")
    return run_batch(SegmentVerb(options), as_cases(inputs, place.scan_id), place, engine or Engine(1))


@dataclass(frozen=True)
class SegmentVerb:
    """The verb before its networks are loaded."""

    options: SegmentOptions
    doing: str = "segmenting"
    columns: tuple[str, ...] = COLUMNS

    def load(self) -> Segmenting:
        """With its networks; raises ModelError where the weights cannot be used."""
        return Segmenting(self.options, load_segmenter(self.options.segmenter, self.options.model))


@dataclass(frozen=True)
class Segmenting:
    """The work of `segment`."""

    options: SegmentOptions
    segmenter: OrganSegmenter
    command: str = "segment"
    done: str = "segmented"
    written: tuple[str, ...] = (RESULT, LABELS, OVERLAY)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Options and weights, for the manifest."""
        options = {"series_uid": self.options.series_uid, **timeless_mark()}
        return {"options": options, "models": {"segmentation": fingerprint_of(self.segmenter)}}

    def read(self, path: Path) -> SegmentInput:
        """A CT; raises InputError where it is none."""
        return SegmentInput.read(path, self.options, self.segmenter)

    def perform(self, scan: SegmentInput, scan_id: str) -> SegmentationResult:
        """Segment it."""
        return scan.segment(self.segmenter, scan_id)

    def write(self, result: SegmentationResult, folder: Path) -> Mapping[str, float]:
        """Write the scan's files; returns seconds per step."""
        started = time.perf_counter()
        write_json(result.to_dict(), folder / RESULT)
        write_nifti(result.labels, folder / LABELS, "1 liver, 2 spleen")
        captions = Captions(f"{result.scan_id}: liver and spleen", f"Masks from {result.masks}.")
        sheet = OverlaySheet.of(Scene.of(result.ct, None, result.labels), captions)
        (folder / OVERLAY).write_bytes(overlay_png(sheet))
        return {"write": time.perf_counter() - started}

    def row(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The figures for ``summary.csv`` from the content of a ``result.json``."""
        quality = content["quality"]
        return {
            **volumes(content["markers"]),
            "phase": quality["phase"],
            "liver_coverage": quality["liver_coverage"],
            "warnings": " ".join(content["warnings"]),
        }

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What a person reads of a segmented scan."""
        said = [
            f"{organ} {row[name]} mL" if row[name] else f"{organ} not measurable"
            for organ, name in zip(("liver", "spleen"), VOLUMES, strict=True)
        ]
        return f"{', '.join(said)}{'; see its warnings' if row['warnings'] else ''}"
