"""A synthetic liver CT study as files, with everything that a scanner sends beside the portal venous series."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import dcmread
from tests.dicom_files import SERIES_UID, ct_slice, save, with_tags

from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import Rendering, render, small_grid
from fibrolens.phantom.setting import Setting

#: Seconds of the day: contrast is injected at 12:05:00.
INJECTED = "120500"
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]


@dataclass(frozen=True)
class Scan:
    """One series: its description, slices and their step, when it was taken, and what its header says beyond."""

    number: int
    description: str
    slices: int = 40
    step: float = 5.0
    taken: str = "120610"
    contrast: bool = True
    normal: int = 2
    tags: dict[str, object] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """SeriesInstanceUID."""
        return f"{SERIES_UID}.{self.number}"


SOFT, BONE = {"ConvolutionKernel": "Br40d"}, {"ConvolutionKernel": "Br59d"}
PORTAL_THICK = Scan(6, "Abd portalvenoes 3.0 Br40", 60, 3.0, tags=SOFT)
STUDY = (
    Scan(1, "Topogram 0.6 Tr20", 2, 400.0, "120000", False, tags={"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
    Scan(2, "Abd nativ 5.0 Br40", 40, 5.0, "120200", False, tags=SOFT),
    Scan(3, "PreMonitoring 10.0", 1, 10.0, "120450", False),
    Scan(4, "Monitoring 10.0", 12, 0.5, "120515"),
    Scan(5, "Abd arteriell 3.0 Br40", 60, 3.0, "120535", tags=SOFT),
    PORTAL_THICK,
    Scan(7, "Abd portalvenoes 1.0 Br40", 200, 1.0, tags=SOFT),
    Scan(8, "Abd portalvenoes 3.0 Br59", 60, 3.0, tags=BONE),
    Scan(9, "Abd portalvenoes cor 3.0", 60, 3.0, normal=1, tags={"ImageType": ["DERIVED", "SECONDARY", "MPR"]}),
    Scan(10, "Abd portalvenoes MIP 10.0", 40, 5.0, tags={"ImageType": ["DERIVED", "SECONDARY", "MIP"]}),
    Scan(501, "Patient Protocol", 1, 1.0, tags={"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}),
)


def write_scan(scan: Scan, folder: Path, **tags: object) -> None:
    """The files of one series; `tags` replace elements, None removes them."""
    known: dict[str, object] = {
        "SeriesInstanceUID": scan.uid,
        "SeriesNumber": scan.number,
        "SeriesDescription": scan.description,
        "SliceThickness": scan.step,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "BodyPartExamined": "ABDOMEN",
        "AcquisitionTime": scan.taken,
        "AcquisitionNumber": int(scan.taken[-3:]),
        "ContrastBolusAgent": "iohexol" if scan.contrast else "",
        "ContrastBolusStartTime": INJECTED if scan.contrast else "",
        **({"ImageOrientationPatient": CORONAL} if scan.normal == 1 else {}),
        **scan.tags,
        **tags,
    }
    image, files = np.zeros((6, 8), dtype=np.int16), []
    for k in range(scan.slices):
        position = [-10.0, -20.0, 30.0]
        position[scan.normal] += scan.step * k
        files.append(ct_slice(image, position, k + 1, **{n: v for n, v in known.items() if v is not None}))
    save(files, folder / str(scan.number))


def write_study(folder: Path, scans: tuple[Scan, ...] = STUDY, **tags: object) -> Path:
    """A study as folders of series."""
    for scan in scans:
        write_scan(scan, folder, **tags)
    return folder


def write_phantom_study(folder: Path, phases: tuple[str, ...], **tags: object) -> Rendering:
    """A simulated patient scanned in several phases, a series each, in this order; returns the last of them.

    `tags` replace elements of every slice, None removes them.
    """
    for number, phase in enumerate(phases, 1):
        patient = sample_patient(np.random.default_rng(4), 2, "P1", setting=Setting(phase=phase))
        rendering = render(patient, small_grid(patient))
        series = folder / f"series{number}"
        write_dicom_series(rendering.hu, series, patient)
        for path in series.iterdir():
            file = with_tags(dcmread(path), SeriesNumber=number)
            with_tags(file, **{k: v for k, v in tags.items() if v is not None or k in file}).save_as(path)
    return rendering
