"""What the files of a cohort hold: CTs that can be read, masks that fit them, no scan twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from fibrolens.cohort.columns import CT
from fibrolens.cohort.problems import Problem
from fibrolens.cohort.table import Record
from fibrolens.errors import InputError
from fibrolens.io import read_mask, read_volume
from fibrolens.quality import require_ct
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

#: Letters of array order: column, row and slice index grow toward left, posterior and superior.
ARRAY_ORDER = "LPS"
#: Hounsfield units that the values of any CT of the abdomen span, see `require_ct`.
CT_RANGE = 300.0


class ScanContents:
    """Reads the files of one row after another, and remembers what it has seen."""

    def __init__(self) -> None:
        self._seen: dict[str, Record] = {}

    def problems(self, record: Record, files: Mapping[str, Path]) -> list[Problem]:
        """What is wrong with the image of a row, its masks, or both together.

        Args:
            record: the row.
            files: its files that exist, by column; masks are read against the image.
        """
        if "image" not in files:
            return []
        try:
            ct = _read_image(files["image"], record)
        except (InputError, OSError) as error:
            return [Problem(record.line, f"image {record['image']}: {_sentence(error)}")]
        texts = [*self._seen_before(ct, record), *_mask_problems(ct, record, files)]
        return [Problem(record.line, text) for text in texts]

    def _seen_before(self, ct: Volume, record: Record) -> Iterator[str]:
        known = self._seen.setdefault(content_hash(ct), record)
        # The same file in two rows is told by the table.
        if known is not record and known["image"] != record["image"]:
            yield (
                f"image {record['image']} holds the same voxels as {known['image']} in line {known.line}; "
                "keep one of the two rows, or exclude one"
            )


def content_hash(ct: Volume) -> str:
    """Hash of the Hounsfield units in whole numbers and array order: the same for every copy of a scan.

    File name, format, compression and the order in which a format stores its axes make no difference. Values of a
    range that no CT has, such as those of an MR from 0 to 1, are not rounded.
    """
    if ct.geometry.orientation != ARRAY_ORDER:
        ct = Orient.fit(ct.geometry).forward(ct)
    is_ct = float(ct.array.max()) - float(ct.array.min()) >= CT_RANGE
    values = np.clip(np.rint(ct.array), -32768, 32767).astype("<i2") if is_ct else ct.array.astype("<f4")
    return hashlib.sha256(str(values.shape).encode() + values.tobytes()).hexdigest()


def _read_image(path: Path, record: Record) -> Volume:
    """The image; raises InputError where it cannot be read, or is no CT although the row does not say MR."""
    volume = read_volume(path)
    if record["modality"] in ("", CT):
        require_ct(volume)
    return volume


def _mask_problems(ct: Volume, record: Record, files: Mapping[str, Path]) -> Iterator[str]:
    masks: dict[str, Bool[np.ndarray, "d h w"]] = {}
    for organ in ("liver", "spleen"):
        column = f"{organ}_mask"
        if column not in files:
            continue
        try:
            masks[organ] = read_mask(files[column], ct, organ)
        except (InputError, OSError) as error:
            yield f"{column} {record[column]}: {_sentence(error)}"
    # A spleen may have been taken out.
    if "liver" in masks and not masks["liver"].any():
        yield f"liver_mask {record['liver_mask']} is empty; outline the liver, or leave the cell empty"
    if len(masks) > 1 and masks["liver"].any() and np.array_equal(masks["liver"], masks["spleen"]):
        yield f"liver_mask {record['liver_mask']} and spleen_mask {record['spleen_mask']} hold the same voxels"


def _sentence(error: Exception) -> str:
    """The message of an error without its full stop, to stand in a list."""
    text = str(error) if isinstance(error, InputError) else f"it cannot be read ({error})"
    return text.removesuffix(".")
