"""A CT volume from DICOM."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fibrolens.io.dicom.choose import SeriesChoice, choose_series
from fibrolens.io.dicom.files import instances
from fibrolens.io.dicom.frames import Frame, frames_of, numbers, text
from fibrolens.io.dicom.pixels import read_pixels
from fibrolens.io.dicom.series import Series
from fibrolens.io.dicom.stack import stack
from fibrolens.io.dicom.telling import description_of
from fibrolens.io.quiet import quiet
from fibrolens.volume import Geometry, Volume


def read_dicom(path: Path, source: str, how: SeriesChoice | None = None) -> Volume:
    """Read the CT series in a folder, zip or file.

    Args:
        path: where to look; folders are searched through.
        source: what messages and the volume call it.
        how: which series to read where there are several; the rules alone decide where None.

    Returns:
        Hounsfield units, slices ordered by position along the normal. The table of a choice is its ``selection``.

    Raises:
        InputError: there is no CT.
        SeriesError: the files do not form one CT volume, or no series is the one to take.
        PhaseError: every series of the abdomen states a phase other than portal venous.
        GeometryError: the slices do not lie on one even, orthogonal grid.
    """
    with quiet_pydicom(), instances(path) as found:
        series, selection = choose_series(found, source, how or SeriesChoice(), lambda one: _volume(one, source))
        volume = _volume(series, source)
    return volume if selection is None else replace(volume, metadata=(*volume.metadata, ("selection", selection)))


def _volume(series: Series, source: str) -> Volume:
    ordered, geometry = ordered_frames(series)
    array, digest = read_pixels(ordered, str(series))
    return Volume(array, geometry, source, _facts(series, ordered, digest))


def ordered_frames(series: Series) -> tuple[list[Frame], Geometry]:
    """The frames of a series in the order of the volume's slices, and their grid; raises as `read_dicom`."""
    return stack([frame for instance in series.instances for frame in frames_of(instance, str(series))], str(series))


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom, and highdicom on top of it, from warning and logging.

    They do so about every odd value and quote it, which may be a patient's name; what matters here is checked by us.
    """
    with quiet("pydicom", "highdicom"):
        yield


def _facts(series: Series, frames: Sequence[Frame], digest: str) -> tuple[tuple[str, Any], ...]:
    """What travels along with the volume; nothing that says who the patient is."""
    header = frames[0].instance.header
    facts = {
        "format": "dicom",
        "modality": "CT",
        "series_uid": series.uid or None,
        "study_uid": text(header, "StudyInstanceUID") or None,
        "sha256": digest,
        "kvp": next(iter(numbers(header, "KVP", 1)), None),
        "manufacturer": text(header, "Manufacturer") or None,
        "model": text(header, "ManufacturerModelName") or None,
        "slice_thickness_mm": frames[0].thickness,
        "kernel": text(header, "ConvolutionKernel") or None,
        "contrast_agent": text(header, "ContrastBolusAgent") or None,
        "series_description": description_of(header) or None,
        "scan_id": hashlib.sha256((series.uid or digest).encode()).hexdigest()[:12],
        "files": len(series.instances),
    }
    return tuple(sorted(facts.items()))
