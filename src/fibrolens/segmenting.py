"""The way of one CT to its organs: read, find them, doubt them, measure them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fibrolens.engine import one_blas_thread
from fibrolens.markers.marker import Marker
from fibrolens.markers.measure import MarkedScan, MaskNames, measure
from fibrolens.quality import Quality, assess
from fibrolens.result import INTENDED_USE, SCHEMA_VERSION, describe_input, selection_warnings
from fibrolens.scan import ScanInput, read_scan, series_choice
from fibrolens.segment.flags import doubts
from fibrolens.segment.predict import OrganSegmenter
from fibrolens.segment.segmenters import SegmenterName
from fibrolens.segment.sources import MaskSource, OrganSources
from fibrolens.volume import Volume


@dataclass(frozen=True)
class SegmentOptions:
    """What may be chosen when a CT is segmented.

    Args:
        model: folder of the segmentation weights; None takes those that come with the package.
        series_uid: which DICOM series, where an input holds several; None takes the best by stated rules.
        segmenter: ``fibrolens``, or ``totalsegmentator`` where the user has installed it.
        explain_selection: print what was found of each series, and why it was taken or not.
    """

    model: Path | None = None
    series_uid: str | None = None
    segmenter: SegmenterName = "fibrolens"
    explain_selection: bool = False


@dataclass(frozen=True, eq=False)
class SegmentationResult:
    """One segmented CT.

    Args:
        ct: as read, on its own grid.
        labels: 1 liver, 2 spleen, on the CT's grid.
        masks: what made them.
        quality: phase and coverage; neither is a reason to refuse here.
        agreement: Dice of the network's two passes by organ.
        measured: the markers, each a value or the reason why there is none.
        warnings: what deserves doubt, a sentence each.
        timings: seconds per step.
    """

    ct: Volume
    labels: Volume
    masks: OrganSources
    quality: Quality
    agreement: Mapping[str, float]
    measured: tuple[Marker, ...]
    warnings: tuple[str, ...]
    scan_id: str
    path: str
    timings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def markers(self) -> dict[str, float | None]:
        """Marker name to value; None where it could not be measured."""
        return {marker.name: marker.value for marker in self.measured}

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``; a function of inputs and options alone."""
        return {
            "schema_version": SCHEMA_VERSION,
            "scan_id": self.scan_id,
            "intended_use": INTENDED_USE,
            "input": describe_input(self.ct, self.path),
            "quality": {
                "phase": self.quality.phase,
                "liver_coverage": self.quality.liver_coverage,
                "organ_hu_median": vars(self.quality.organ_hu).copy(),
                "agreement": dict(self.agreement),
            },
            "masks": self.masks.to_dict(),
            "markers": self.markers,
            "marker_details": [marker.to_dict() for marker in self.measured],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class SegmentInput(ScanInput):
    """A CT to segment."""

    @classmethod
    def read(cls, path: Path, options: SegmentOptions, segmenter: OrganSegmenter | None = None) -> SegmentInput:
        """Read a CT; of a study whose headers leave the phase open, `segmenter` finds the portal-venous series.

        Where none is portal venous the best of another phase is taken, for organs are found in any.

        Raises:
            InputError: it cannot be read, or is no CT volume.
        """
        how = series_choice(options.series_uid, options.explain_selection, segmenter)
        scan = read_scan(path, replace(how, any_phase=True))
        return cls(scan.ct, scan.path, scan.seconds)

    def segment(self, segmenter: OrganSegmenter, scan_id: str) -> SegmentationResult:
        """Find and measure the organs of this CT, in any phase, whole or cut off."""
        started = time.perf_counter()
        with one_blas_thread():
            found = segmenter.segment(self.ct)
            segmented = time.perf_counter()
            source = MaskSource("segmenter", segmenter.name, segmenter.sha256)
            quality = assess(self.ct, found.labels, found.aorta)
            names = MaskNames(str(source), str(source), str(source))
            measured = measure(MarkedScan(self.ct, found.labels, names, quality.organ_hu, quality.phase))
        timings = {
            "read": self.seconds,
            "segment": segmented - started,
            "markers": time.perf_counter() - segmented,
        }
        return SegmentationResult(
            ct=self.ct,
            labels=found.labels,
            masks=OrganSources(source, source),
            quality=quality,
            agreement=found.agreement,
            measured=measured,
            warnings=(*selection_warnings(self.ct), *doubts(self.ct, found.labels, found.agreement)),
            scan_id=scan_id,
            path=self.path,
            timings=timings,
        )
