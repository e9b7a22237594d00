"""Sound files, as small as they can be, of every kind that a reader takes; all are simulated, made here."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless
from tests.cohort_files import ct, mask
from tests.dicom_files import ct_array, ct_series, enhanced_ct, transcode
from tests.dicom_segmentation import LIVER, MASS, SPLEEN, Part, save_segmentation

from fibrolens.io import write_nifti
from fibrolens.volume import Volume

#: JPEG 2000 needs planes that can be halved five times.
HU = ct_array(2, 32, 32)


def slices() -> list[bytes]:
    """The second slice of a series of two, in every way in which its pixels and elements may be written."""
    plain = bytes_of(_slice())
    made = [plain, bytes_of(_slice(RescaleSlope=0.5, PixelPaddingValue=0)), bytes_of(_slice(KVP=None))]
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        other = _slice()
        other.file_meta.TransferSyntaxUID = syntax
        made.append(bytes_of(other))
    for syntax in (RLELossless, JPEGLSLossless):
        packed = _slice()
        packed.compress(syntax, generate_instance_uid=False)
        made.append(bytes_of(packed))
    return [
        *made,
        *(transcoded(plain, name) for name in ("JPEGLosslessProcess14_1", "JPEG2000Lossless") if _has_gdcm()),
    ]


def neighbour() -> bytes:
    """The slice before that of `slices`."""
    return bytes_of(ct_series(HU)[0])


def frames() -> list[bytes]:
    """Multi-frame files."""
    packed = enhanced_ct(HU, [0, 1])
    packed.compress(RLELossless, generate_instance_uid=False)
    return [bytes_of(_loosened(file)) for file in (enhanced_ct(HU, [1, 0]), packed)]


def volumes() -> list[bytes]:
    """CTs as NIfTI-1 and NIfTI-2, plain and compressed, of several types."""
    return [_written(lambda path: write_nifti(ct(0), path), "ct.nii.gz"), *_images(ct(0).array)]


def labels() -> list[bytes]:
    """Masks, in the same ways."""
    return [_written(lambda path: write_nifti(mask(), path), "mask.nii.gz"), *_images(mask().array)]


def _images(array: np.ndarray) -> list[bytes]:
    affine, made = np.diag([3.0, 3.0, 5.0, 1.0]), []
    for kind in (np.int16, np.float32, np.float64):
        image = nib.Nifti1Image(array.T.astype(kind), affine)
        image.header.set_slope_inter(*((2.0, 0.0) if kind == np.float32 else (1.0, 0.0)))
        made.append(image)
    made.append(nib.Nifti2Image(array.T, affine))
    return [_written(lambda path, image=image: nib.save(image, path), "image.nii") for image in made]


def zips() -> list[bytes]:
    """Zipped series, stored and deflated, with something beside it that is no DICOM."""
    series = [bytes_of(one) for one in ct_series(HU)]
    made = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", kind) as archive:
            archive.writestr("readme.txt", "a simulated series")
            for number, content in enumerate(series):
                archive.writestr(f"series/{number}.dcm", content)
        made.append(stream.getvalue())
    return made


def segmentations(grid: Volume) -> list[bytes]:
    """DICOM segmentations on `grid`, of the three kinds."""
    liver, spleen, mass = (np.zeros(grid.array.shape, bool) for _ in range(3))
    liver[1, 1:4, 1:4], spleen[2, 4:6, 5:8], mass[1, 2:3, 4:5] = True, True, True
    parts = [Part(liver, "Liver", LIVER), Part(spleen, "Spleen", SPLEEN), Part(mass, "Mass", MASS)]
    found = []
    for kind in ("BINARY", "FRACTIONAL", "LABELMAP"):
        content = _written(lambda path, kind=kind: save_segmentation(path, grid, parts, kind), "seg.dcm")
        found += [content, bytes_of(_loosened(pydicom.dcmread(io.BytesIO(content))))]
    return found


def cohorts() -> list[bytes]:
    """Cohort tables, of images that `place_scans` puts beside them."""
    columns = ("patient_id", "scan_id", "image", "stage", "age", "sex", "ct_date", "histology_date", "phase",
               "liver_mask", "platelets", "exclude", "reference")  # fmt: skip
    rows = (
        ("p0", "s0", "ct0.nii.gz", "F3", "61", "M", "2015-03-31", "2015-02-01", "portal", "liver.nii.gz", "90", "", ""),
        ("p1", "s1", "ct1.nii.gz", "F2|F3", "47.5", "F", "2016-04-01", "", "", "", "210.5", "", "histology"),
        ("p2", "s2", "", "", "", "", "", "", "", "", "", "no biopsy", ""),
    )  # fmt: skip
    return [_table(columns, rows), _table(columns[:4], [row[:4] for row in rows[:2]])]


def lists() -> list[bytes]:
    """Lists of CTs: a text with a path per line, and a table."""
    rows = (("a/ct0.nii.gz", "s0"), ("b, c.nii", "s1"), ("ct2", ""))
    return [_table(("image", "scan_id"), rows), b"# scans\nct0.nii.gz\n\n/data/ct1\nct2.zip\n"]


def manifests(run: dict[str, Any]) -> list[bytes]:
    """The manifest of a complete folder of `run`."""
    known = {"schema_version": 1, "fibrolens": "0.1.0", "files": {"result.json": "0" * 64}, "timings_s": {"read": 0.1}}
    return [as_json(known | {"run": run, "created": "2026-01-01T00:00:00+00:00"})]


def place_scans(folder: Path) -> None:
    """What the rows of `cohorts` name."""
    for number in range(2):
        write_nifti(ct(number), folder / f"ct{number}.nii.gz")
    write_nifti(mask(), folder / "liver.nii.gz")


def bytes_of(file: FileDataset) -> bytes:
    """A dataset as a file."""
    stream = io.BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def transcoded(content: bytes, syntax: str) -> bytes:
    """The file with its pixels in a syntax that only gdcm writes."""
    import gdcm  # noqa: PLC0415 - an extra

    return _written(
        lambda path: (path.write_bytes(content), transcode(gdcm, path, getattr(gdcm.TransferSyntax, syntax))), "ct.dcm"
    )


def _has_gdcm() -> bool:
    return importlib.util.find_spec("gdcm") is not None


def _slice(**tags: object) -> FileDataset:
    return ct_series(HU, **tags)[1] if "PixelPaddingValue" not in tags else _padded(tags)


def _padded(tags: dict[str, object]) -> FileDataset:
    value = tags.pop("PixelPaddingValue")
    file = ct_series(HU, **tags)[1]
    file.add_new("PixelPaddingValue", "US", value)
    return file


def _loosened(file: FileDataset) -> FileDataset:
    """Sequences that end with a mark, so that a changed length inside leaves what lies around it sound."""
    for element in file.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
    file.file_meta.TransferSyntaxUID = UID(file.file_meta.TransferSyntaxUID)
    return file


def _written(write: Callable[[Path], object], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([columns, *rows])
    return stream.getvalue().encode()


def as_json(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()
