"""Masks and label maps: from files, by the numbers of whoever made them, onto the grid of the CT."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from fibrolens.errors import GeometryError, InputError, UsageError
from fibrolens.io.reading import FORMATS, enough_memory, file_facts, file_format, read_values, source_name
from fibrolens.io.values import as_labels
from fibrolens.labelmaps import LABEL_MAPS, OWN, label_map
from fibrolens.sparse import sparsely
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

Mask = Bool[np.ndarray, "d h w"]

#: A label file's corners may lie this far from the CT's: other programs round spacing and position in their own way.
SAME_PLACE_MM = 0.1
#: What stands for "inside" where a mask was a picture.
WHITE = 255


def read_labels(path: str | Path, like: Volume | None = None) -> Volume:
    """Read a mask or label map (NIfTI, NRRD or MetaImage) with the numbers that it holds.

    Args:
        path: the label file.
        like: the CT on whose grid the labels must lie; None takes any grid. Labels whose axes are merely flipped or
            swapped against the CT's are turned onto it, which moves no voxel.

    Returns:
        A volume of type uint8.

    Raises:
        InputError: the file cannot be read, or holds values that are no labels.
        GeometryError: the labels lie on another grid than `like`.
    """
    path = Path(path)
    name = source_name(path)
    if not path.is_file() or file_format(path) is None:
        raise InputError(f"{name} is not a label file; give NIfTI, NRRD or MetaImage ({', '.join(FORMATS)}).")
    with enough_memory(name):
        values, geometry = read_values(path, partial(as_labels, name=name))
        labels = Volume(values, geometry, name, file_facts(path))
    return labels if like is None else _onto(labels, like)


def read_organs(path: str | Path, ct: Volume, map_name: str | None = None) -> dict[str, Mask]:
    """Liver and spleen of a label file (NIfTI, NRRD, MetaImage or DICOM SEG) on the grid of its CT.

    Args:
        path: the label file.
        ct: the CT.
        map_name: whose numbers the file has, a key of `LABEL_MAPS`; None takes our own, 1 liver and 2 spleen. A DICOM
            segmentation names its segments itself and takes none.

    Returns:
        Masks of the CT's shape under ``liver`` and ``spleen``; only of organs that the set labels, which may be empty.

    Raises:
        UsageError: there is no such map, or one is given beside a DICOM segmentation.
        InputError: the file cannot be read, or holds numbers that the map does not know.
        GeometryError: it lies on another grid than the CT.
    """
    path = Path(path)
    numbers = label_map(map_name or OWN)
    if _is_dicom(path):
        if map_name is not None:
            raise UsageError(f"{path.name} is DICOM and names its segments itself; leave out --label-map.")
        from fibrolens.io.dicom.segmentation import read_segmentation  # noqa: PLC0415 - rare, and brings decoders

        return read_segmentation(path, ct)
    array = read_labels(path, ct).array
    unknown = sorted(_numbers(array) - numbers.known)
    if unknown:
        raise InputError(_unknown(path.name, unknown, map_name))
    organs = {"liver": numbers.liver, "spleen": numbers.spleen}
    return {organ: _members(array, values) for organ, values in organs.items() if values}


def read_mask(path: str | Path, ct: Volume, organ: str) -> Mask:
    """One organ's own mask: 1 (or 255) inside and 0 outside, or the segment of that organ in a DICOM SEG.

    Raises:
        InputError: the file cannot be read, holds other numbers, or has no segment of `organ`.
        GeometryError: it lies on another grid than the CT.
    """
    path = Path(path)
    if _is_dicom(path):
        found = read_organs(path, ct)
        if organ not in found:
            raise InputError(f"{path.name} has no segment that is the {organ}, only {', '.join(found)}.")
        return found[organ]
    array = read_labels(path, ct).array
    numbers = _numbers(array)
    if numbers - {1} and numbers != {WHITE}:
        raise InputError(f"{path.name} holds the label {max(numbers)}; give a file with 1 inside, 0 outside.")
    return sparsely(array, lambda plane: plane > 0, np.bool_)


def _is_dicom(path: Path) -> bool:
    return path.is_file() and file_format(path) is None


def _numbers(array: UInt8[np.ndarray, "d h w"]) -> set[int]:
    """Every label but 0; slice by slice, and of rows that hold any, for counting makes a copy eight times as large."""
    counts = sum(np.bincount(plane[plane.any(axis=1)].ravel(), minlength=256) for plane in array)
    return set(np.flatnonzero(counts).tolist()) - {0}


def _members(array: UInt8[np.ndarray, "d h w"], values: tuple[int, ...]) -> Mask:
    return sparsely(array, lambda plane: reduce(np.logical_or, (plane == value for value in values)), np.bool_)


def _unknown(name: str, values: list[int], map_name: str | None) -> str:
    held = f"{name} holds the label{'s' * (len(values) > 1)} {', '.join(map(str, values[:5]))}"
    others = ", ".join(known for known in LABEL_MAPS if known != OWN)
    if map_name is None:
        return f"{held}; give 1 liver, 2 spleen, 0 elsewhere, or name the set that it is from: --label-map {others}."
    return (
        f"{held}, which {LABEL_MAPS[map_name].title} does not have; choose the --label-map of the set that it is from."
    )


def _onto(labels: Volume, like: Volume) -> Volume:
    """Labels on the grid of `like`, their axes turned where that is all that differs."""
    if labels.geometry.same_grid(like.geometry, SAME_PLACE_MM):
        return replace(labels, geometry=like.geometry)
    turned, turn = Orient.fit(labels.geometry).forward(labels), Orient.fit(like.geometry)
    if turned.geometry.same_grid(turn.target, SAME_PLACE_MM):
        return turn.inverse(replace(turned, geometry=turn.target))
    ours, theirs = str(labels.geometry), str(like.geometry)
    moved = np.abs(labels.geometry.to_world(np.zeros(3)) - like.geometry.to_world(np.zeros(3))).max()
    apart = f", their first voxels {moved:.1f} mm apart" if ours == theirs else ""
    raise GeometryError(
        f"{labels.source} ({ours}) is not on the grid of {like.source} ({theirs}){apart}; resample it onto that grid "
        "first, each voxel taking the nearest label."
    )
