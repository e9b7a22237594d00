"""What speaks for and against a CT series as the portal-venous scan to stage: rules, each with its points.

The network grid has slices of 5 mm, the markers want thinner ones, and below 1.5 mm noise and size grow: 2 to 3.5 mm
serve both best. The rules in words: docs/series-selection.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fibrolens.io.dicom.kernels import Kernel, kernel_kind, written_kernel
from fibrolens.io.dicom.phase_evidence import PhaseEvidence
from fibrolens.io.dicom.record import SeriesRecord
from fibrolens.io.dicom.series_names import is_sharp, is_treatment, names_abdomen, purpose, unusual_energy

LEAST_SLICES, LEAST_COVERAGE_MM, THICKEST_MM = 20, 120.0, 10.0
#: A liver is 150 to 200 mm high.
COVERAGE_POINTS = ((200.0, 10), (150.0, 7), (LEAST_COVERAGE_MM, 3))
#: Up to this thickness in mm: so many points.
THICKNESS_POINTS = ((0.8, 8), (1.49, 13), (1.99, 17), (3.5, 20), (5.1, 18), (7.5, 10), (THICKEST_MM, 4))
PHASE_POINTS = {"portal": 40, "unknown": 20, "delayed": 12, "arterial": 10, "native": 5}
ORDER_POINTS = 30
KERNEL_POINTS: dict[Kernel, int] = {"soft": 15, "unknown": 10, "sharp": 0}
#: Words of ImageType (PS3.3 C.8.2.1.1.1 and the vendors' own) that no volume of attenuation bears.
NO_VOLUME = {
    "LOCALIZER": "a localizer",
    "MIP": "a projection",
    "MINIP": "a projection",
    "PROJECTION IMAGE": "a projection",
    "VRT": "a rendering",
    "VOLREN": "a rendering",
    "3D": "a rendering",
    "SCREEN SAVE": "a screen save",
    "SCREENSHOT": "a screen save",
    "DOSE_INFO": "a dose report",
    "DOSE": "a dose report",
    "MATERIAL": "computed from two energies",
    "VNC": "computed from two energies",
    "IODINE": "computed from two energies",
    "OVERLAY": "computed from two energies",
}
ABDOMINAL_PARTS = ("ABD", "LIVER", "HEPA", "PANC", "CAP", "BODY", "KIDN", "TRUNK", "TORSO")

Criterion = Literal["phase", "slices", "kernel", "image type", "body part", "coverage", "contrast", "energy"]


@dataclass(frozen=True)
class Judged:
    """A series, its phase, why it cannot be taken (empty where it can), and its points by criterion."""

    record: SeriesRecord
    phase: PhaseEvidence
    kernel: Kernel
    against: str
    points: dict[Criterion, int]

    @property
    def score(self) -> int:
        """Sum of the points; at most 110."""
        return sum(self.points.values())

    def words(self, criterion: Criterion) -> str:
        """What the series shows in a criterion, for a sentence."""
        record = self.record
        known = {
            "phase": f"phase {self.phase}",
            "slices": "slice thickness unknown" if record.thickness is None else f"slices of {record.thickness:.3g} mm",
            "kernel": f"{self.kernel} kernel",
            "image type": "derived image",
            "coverage": "coverage unknown" if record.coverage is None else f"covers {record.coverage:.0f} mm",
            "body part": f"body part {record.body_part.lower() or 'not stated'}",
            "contrast": "no contrast agent stated",
            "energy": "monoenergetic image of another energy",
        }
        return known[criterion]


def judge(record: SeriesRecord, phase: PhaseEvidence, any_phase: bool = False) -> Judged:
    """Points of a series, and the first rule that rules it out; of `any_phase` none is ruled out by its phase."""
    kernel = _kernel(record)
    against = _no_volume(record) or _extent(record)
    if not against and not any_phase and phase.phase not in ("portal", "unknown") and phase.sure:
        against = str(phase)
    return Judged(record, phase, kernel, against, _points(record, phase, kernel))


def _kernel(record: SeriesRecord) -> Kernel:
    kind = kernel_kind(record.kernel, record.manufacturer)
    if kind == "unknown":
        kind = kernel_kind(written_kernel(record.description))
    return "sharp" if kind != "sharp" and is_sharp(record.description) else kind


def _no_volume(record: SeriesRecord) -> str:
    """Why a series is no axial CT of the abdomen."""
    if kind := next((words for word, words in NO_VOLUME.items() if word in record.image_type), ""):
        return kind
    if reason := purpose(record.description):
        return reason
    if is_treatment(record.study):
        return "of a study for a needle, a treatment or a PET"
    if record.orientation not in ("", "axial"):
        return f"{record.orientation}, not axial"
    return ""


def _extent(record: SeriesRecord) -> str:
    """Why a series is too short, too coarse, or no volume at all."""
    thickness, coverage = record.thickness, record.coverage
    if record.images < LEAST_SLICES and (coverage is None or coverage < LEAST_COVERAGE_MM):
        return f"{record.images} image{'s' if record.images != 1 else ''} only"
    if coverage is not None and coverage < LEAST_COVERAGE_MM:
        return f"covers {coverage:.0f} mm only"
    if thickness is not None and thickness > THICKEST_MM:
        return f"slices of {thickness:.3g} mm"
    return f"cannot be read: {record.flaw}" if record.flaw else ""


def _points(record: SeriesRecord, phase: PhaseEvidence, kernel: Kernel) -> dict[Criterion, int]:
    thickness, coverage = record.thickness, record.coverage
    guessed = phase.phase == "portal" and not phase.sure
    return {
        "phase": ORDER_POINTS if guessed else PHASE_POINTS[phase.phase],
        "slices": 12 if thickness is None else next((p for upto, p in THICKNESS_POINTS if thickness <= upto), 0),
        "kernel": KERNEL_POINTS[kernel],
        "image type": 8 if not record.image_type else 3 if "DERIVED" in record.image_type else 10,
        "body part": _body_points(record),
        "coverage": 6 if coverage is None else next((p for least, p in COVERAGE_POINTS if coverage >= least), 0),
        "contrast": 5 if record.contrast else 0,
        "energy": 0 if unusual_energy(record.description) is None else -10,
    }


def _body_points(record: SeriesRecord) -> int:
    part = record.body_part.upper()
    if names_abdomen(record.description) or any(word in part for word in ABDOMINAL_PARTS):
        return 10
    return 0 if part else 6
