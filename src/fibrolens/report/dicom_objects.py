"""The ``dicom`` folder of a scan that came as DICOM: segmentation, maps, structured report, colour pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from fibrolens import __version__
from fibrolens.errors import InputError
from fibrolens.report.patient_files import DICOM
from fibrolens.result import Attention, StagingResult

if TYPE_CHECKING:
    from pydicom import Dataset

    from fibrolens.io.dicom.objects.maker import Maker
    from fibrolens.io.dicom.objects.source import Source

    #: Each object's name and how it is made.
    Makers = Iterator[tuple[str, Callable[[], Dataset | None]]]
    #: An object to what is written in its place.
    Change = Callable[[Dataset], Dataset]
    #: Colour pictures ``n y x 3``, or None.
    Frames = Callable[[], UInt8[np.ndarray, "n y x 3"] | None]

#: What highdicom and pydicom raise on values that no object may hold. Their messages may quote the header.
UNUSABLE = (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError)


@dataclass(frozen=True)
class DicomFolder:
    """What became of the objects.

    Args:
        objects: per object that was written its `file`, `sop_instance_uid` and `series_uid`.
        warnings: why others were not.
    """

    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any] | None:
        """The `dicom` object of ``result.json``: null where nothing was written."""
        return dict(self.objects) or None


def write_dicom(
    result: StagingResult,
    content: Mapping[str, Any],
    folder: Path,
    frames: Frames,
    change: Change | None = None,
) -> DicomFolder:
    """Write the objects of a scan that came as DICOM into ``folder/dicom``; nothing for other scans.

    The source is opened again for its headers, which no volume carries. Where they cannot be used, the result stands
    without the objects and says why.

    Args:
        result: the staged scan.
        content: of its ``result.json``.
        folder: the scan's.
        frames: waits for the colour pictures of its slices.
        change: what is written in the place of each object; None writes the objects. The record names the objects.

    Raises:
        OSError: the folder cannot be written.
    """
    if result.ct.get("format") != "dicom":
        return DicomFolder()
    # highdicom takes a third of a second, which other scans need not pay.
    from fibrolens.io.dicom.objects.source import open_source  # noqa: PLC0415
    from fibrolens.io.dicom.read import quiet_pydicom  # noqa: PLC0415

    with quiet_pydicom():
        try:
            source = open_source(Path(result.path), result.ct)
        except InputError as error:
            return DicomFolder(warnings=(f"DICOM objects were not written: {error}",))
        except UNUSABLE as error:
            return DicomFolder(warnings=(_unusable("objects", error),))
        made: dict[str, Dataset] = {}
        warnings = _write_all(
            _makers(result, content, source, made, frames), made, folder, change or (lambda data: data)
        )
    return DicomFolder({name: _record(name, data) for name, data in made.items()}, tuple(warnings))


def _write_all(makers: Makers, made: dict[str, Dataset], folder: Path, change: Change) -> list[str]:
    """Write every object that can be made, which joins `made`; returns why others could not."""
    warnings = []
    for name, make in makers:
        try:
            data = make()
            if data is not None:
                _save(change(data), folder / DICOM / f"{name}.dcm")
                made[name] = data
        except UNUSABLE as error:
            warnings.append(_unusable(f"object {name}", error))
    return warnings


def _record(name: str, data: Dataset) -> dict[str, str]:
    return {
        "file": f"{DICOM}/{name}.dcm",
        "sop_instance_uid": str(data.SOPInstanceUID),
        "series_uid": str(data.SeriesInstanceUID),
    }


def _save(data: Dataset, path: Path) -> None:
    """Write an object; nothing is left of one whose values cannot be encoded."""
    path.parent.mkdir(exist_ok=True)
    try:
        data.save_as(path, enforce_file_format=True)
    except UNUSABLE:
        path.unlink(missing_ok=True)
        raise


def _makers(
    result: StagingResult, content: Mapping[str, Any], source: Source, made: Mapping[str, Dataset], frames: Frames
) -> Makers:
    """Each object's name and how it is made; the report comes last, for it refers to those that were."""
    from fibrolens.io.dicom.objects.capture import secondary_capture  # noqa: PLC0415
    from fibrolens.io.dicom.objects.parametric_map import parametric_map  # noqa: PLC0415
    from fibrolens.io.dicom.objects.report import structured_report  # noqa: PLC0415
    from fibrolens.io.dicom.objects.segmentation import segmentation  # noqa: PLC0415

    maker = _maker(result, content)
    yield "seg", lambda: segmentation(source, result.labels.array, content["masks"], maker)
    yield (
        "map",
        lambda: parametric_map(source, result.predicted_map.array, _words(result.attention), maker),
    )
    second, values = result.recommended, result.recommended_map
    if second is not None and values is not None:
        yield (
            "map_recommended",
            lambda: parametric_map(source, values.array, _words(second), maker, "map_recommended"),
        )
    yield "report", lambda: structured_report(source, content, _referred(made), maker)
    # Waited for outside what is caught: the source's headers have no part in it.
    drawn = frames()
    yield "overlay", lambda: None if drawn is None else secondary_capture(source, drawn, _description(result), maker)


def _maker(result: StagingResult, content: Mapping[str, Any]) -> Maker:
    """Who makes the objects; its key covers every value that they hold, not where the files lay."""
    from fibrolens.io.dicom.objects.maker import Maker  # noqa: PLC0415

    told = {name: value for name, value in content.items() if name != "scan_id"}
    told["input"] = {name: value for name, value in content["input"].items() if name != "path"}
    key = hashlib.sha256(json.dumps([__version__, told], sort_keys=True).encode())
    key.update(hashlib.sha256(np.ascontiguousarray(result.labels.array).data).digest())
    for located in (result.predicted_map, result.recommended_map):
        key.update(b"-" if located is None else hashlib.sha256(located.array.values.tobytes()).digest())
    return Maker(__version__, result.model.name, result.model.sha256, key.hexdigest())


def _referred(made: Mapping[str, Dataset]) -> dict[str, Dataset]:
    return {name: made[name] for name in ("seg", "map", "map_recommended") if name in made}


def _words(look: Attention) -> Any:
    from fibrolens.io.dicom.objects.parametric_map import MapWords  # noqa: PLC0415

    return MapWords(look.target, look.method, look.layer, look.scale)


def _description(result: StagingResult) -> str:
    return f"fibrolens overlay {_words(result.attention)}, research use only"


def _unusable(what: str, error: Exception) -> str:
    kind = type(error).__name__
    return f"The DICOM {what} could not be written: the headers of the source cannot be used ({kind})."
