"""The CT that DICOM objects are derived from: its headers, opened again when the objects are written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from fibrolens.errors import InputError, SeriesError
from fibrolens.io.dicom.files import Instance, instances
from fibrolens.io.dicom.frames import Frame, numbers, text
from fibrolens.io.dicom.objects.headers import (
    character_set,
    file_header,
    frame_name,
    instance_of,
    slice_header,
    study_header,
)
from fibrolens.io.dicom.pixels import series_digest
from fibrolens.io.dicom.read import ordered_frames, quiet_pydicom
from fibrolens.io.dicom.series import named_series
from fibrolens.volume import Volume


@dataclass(frozen=True, eq=False)
class FrameReference:
    """Where a frame of the source stands: its file's class and UID, and its number in a multi-frame file."""

    sop_class: str
    sop_instance: str
    number: int


@dataclass(frozen=True, eq=False)
class Source:
    """The source series as far as derived objects need it; it holds who the patient is, so it is never kept.

    Args:
        slices: a single-frame header per slice of the volume, in its order.
        files: a header per file, for a report's evidence.
        frames: by the UID that stands for it in `slices`, each frame of a multi-frame file; empty for classic slices.
        number: of the series; None where it has none.
        character_set: of its texts; None for ASCII. The headers leave it out, for highdicom refuses some.
    """

    slices: tuple[Dataset, ...]
    files: tuple[Dataset, ...]
    frames: dict[str, FrameReference]
    number: int | None
    character_set: str | list[str] | None

    @property
    def study(self) -> Dataset:
        """Patient, study and series."""
        return self.files[0]


def open_source(path: Path, ct: Volume) -> Source:
    """The headers of the series that `ct` was read from.

    Args:
        path: where it was read from.
        ct: the volume; its metadata say which series, and the hash of its files.

    Raises:
        InputError: the path cannot be read any more.
        SeriesError: the files have changed since, or lack the UIDs by which a derived object names them.
        GeometryError: as `read_dicom`.
    """
    if not path.exists():
        raise InputError(f"{path.name} is no longer there; keep the input until the result is written.")
    with quiet_pydicom(), instances(path) as found:
        series = named_series(found, path.name, ct.get("series_uid") or "")
        ordered, geometry = ordered_frames(series)
        used = list(dict.fromkeys(frame.instance for frame in ordered))
        same_files = series_digest(_file_digest(instance) for instance in used) == ct.get("sha256")
        if not (same_files and geometry.same_grid(ct.geometry)):
            raise SeriesError(f"{series} has changed since it was read; stage it again.")
        study = study_header(ordered[0].instance.header)
        return Source(
            tuple(slice_header(frame, study, geometry.spacing[0]) for frame in ordered),
            tuple(file_header(instance.header, study) for instance in used),
            _multi_frames(ordered),
            _series_number(ordered[0].instance.header),
            character_set(ordered[0].instance.header, study),
        )


def _file_digest(instance: Instance) -> str:
    with instance.open() as stream:
        digest = hashlib.sha256()
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _multi_frames(frames: list[Frame]) -> dict[str, FrameReference]:
    multi = [f for f in frames if f.instance.header.get("PerFrameFunctionalGroupsSequence") is not None]
    known = {}
    for frame in multi:
        kind, instance = instance_of(frame.instance.header)
        known[frame_name(instance, frame.index)] = FrameReference(kind, instance, frame.index + 1)
    return known


def _series_number(header: Dataset) -> int | None:
    found = numbers(header, "SeriesNumber", 1)
    return int(found[0]) if found and text(header, "SeriesNumber") else None
