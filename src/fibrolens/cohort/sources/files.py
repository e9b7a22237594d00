"""Image files of a download: NIfTI by name, without the shadows that macOS leaves in archives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibrolens.cohort.sources.tabular import SHADOW
from fibrolens.errors import InputError

NIFTI = (".nii", ".nii.gz")
#: What macOS packs beside the data.
RUBBISH = ("__MACOSX",)


@dataclass(frozen=True)
class Pair:
    """A case of a segmentation set: its image, and its label file where it has one."""

    image: Path
    label: Path | None


@dataclass(frozen=True)
class Layout:
    """How a segmentation set names its files.

    Args:
        image: pattern of an image's ``folder/name`` with a group ``case``.
        label: pattern of its label file, whose group ``case`` is the same.
        looks_like: for a person, such as ``imagesTr/liver_N.nii.gz``.
    """

    image: re.Pattern[str]
    label: re.Pattern[str]
    looks_like: str

    @classmethod
    def of(cls, image: str, label: str, looks_like: str) -> Layout:
        """A layout from two regular expressions, to which ``.nii`` or ``.nii.gz`` is added."""
        end = r"\.nii(\.gz)?"
        return cls(re.compile(image + end), re.compile(label + end), looks_like)


def nifti_files(folder: Path) -> Iterator[Path]:
    """NIfTI files under a folder in order of their paths; shadows (``._name``) and rubbish are passed over."""
    for path in sorted(folder.rglob("*")):
        name = path.name
        if name.startswith(SHADOW) or any(part in RUBBISH for part in path.parts):
            continue
        if name.lower().endswith(NIFTI) and path.is_file():
            yield path


def pairs(folder: Path, layout: Layout, source: str) -> dict[str, Pair]:
    """Images and their label files by case, in the order of the case's name.

    Raises:
        InputError: no image has a name of that layout, or two images are the same case.
    """
    images: dict[str, Path] = {}
    labels: dict[str, Path] = {}
    for path in nifti_files(folder):
        place = f"{path.parent.name}/{path.name}"
        if match := layout.image.fullmatch(place):
            first = images.setdefault(match["case"], path)
            if first != path:
                raise InputError(f"{first} and {path} are the same case of {source}; keep one of them.")
        elif match := layout.label.fullmatch(place):
            labels.setdefault(match["case"], path)
    if not images:
        raise InputError(f"{folder} holds no {layout.looks_like}; give the unpacked folder of {source} with --from.")
    return {case: Pair(images[case], labels.get(case)) for case in natural(list(images))}


def natural(names: Sequence[str]) -> list[str]:
    """Names in the order that a person expects: ``2`` before ``10``."""
    return sorted(names, key=lambda name: [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
                                           for part in re.findall(r"\d+|\D+", name)])  # fmt: skip
