"""Liver and spleen as a DICOM Segmentation, BINARY (PS3.3 A.51).

BINARY, not LABELMAP: PACS and viewers in use know the older class, and dciodvfy of 2022 does too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from jaxtyping import Shaped, UInt8
from pydicom.sr.coding import Code

from fibrolens.io.dicom.objects import codes
from fibrolens.io.dicom.objects.maker import NAME, RESEARCH, Maker, finish, plain
from fibrolens.io.dicom.objects.references import name_frames
from fibrolens.io.dicom.objects.source import Source


@dataclass(frozen=True)
class _Organ:
    name: str
    label: int
    code: Code
    rgb: tuple[int, int, int]


#: Label in ``labels.nii.gz``, code, and the colour that viewers are recommended.
ORGANS = (_Organ("liver", 1, codes.LIVER, (86, 180, 233)), _Organ("spleen", 2, codes.SPLEEN, (240, 228, 66)))


def segmentation(
    source: Source, labels: Shaped[np.ndarray, "d h w"], masks: Mapping[str, Mapping[str, Any]], maker: Maker
) -> Segmentation | None:
    """The organs that exist, on the source's slices; slices without an organ have no frame of it.

    Args:
        source: the CT.
        labels: 1 liver, 2 spleen, on its slices.
        masks: per organ `kind` (``segmenter`` or ``file``), `name` and `sha256` of what made its mask.
        maker: who makes the object.

    Returns:
        The object; None where no organ exists.
    """
    organs = segmented(labels)
    if not organs:
        return None
    data = Segmentation(
        source_images=source.slices,
        pixel_array=_numbered(labels, organs),
        segmentation_type="BINARY",
        segment_descriptions=[
            _description(number, organ, masks[organ.name], maker) for number, organ in enumerate(organs, 1)
        ],
        content_label="ORGANS",
        content_description=plain(RESEARCH),
        **maker.identity("seg", source, "fibrolens liver and spleen, research use only"),
        **maker.equipment,
    )
    name_frames(data, source.frames)
    finish(data, maker, "seg", source)
    return data


def segmented(labels: Shaped[np.ndarray, "d h w"]) -> tuple[_Organ, ...]:
    """The organs that exist, in the order of their segment numbers, 1 and up."""
    return tuple(organ for organ in ORGANS if any(bool((plane == organ.label).any()) for plane in labels))


def _numbered(labels: Shaped[np.ndarray, "d h w"], organs: Sequence[_Organ]) -> UInt8[np.ndarray, "d h w"]:
    """The number of each voxel's segment; mostly its label, and then nothing is copied."""
    if labels.dtype == np.uint8 and [organ.label for organ in organs] == list(range(1, int(labels.max()) + 1)):
        return labels
    numbered = np.zeros(labels.shape, np.uint8)
    for number, organ in enumerate(organs, 1):
        numbered[labels == organ.label] = number
    return numbered


def _description(number: int, organ: _Organ, mask: Mapping[str, Any], maker: Maker) -> SegmentDescription:
    """What a segment is and what made it (PS3.3 C.8.20.4); how a user's own file was made is not known."""
    ours = mask["kind"] == "segmenter"
    algorithm = hd.AlgorithmIdentificationSequence(
        name=plain(str(mask["name"])) if ours else "mask given by the user",
        family=codes.ARTIFICIAL_INTELLIGENCE,
        version=maker.version if ours else "not known",
        source=NAME if ours else "not known",
        parameters={"sha256": str(mask["sha256"]) or "not known"},
    )
    return SegmentDescription(
        segment_number=number,
        segment_label=organ.code.meaning,
        segmented_property_category=codes.ANATOMY,
        segmented_property_type=organ.code,
        algorithm_type="AUTOMATIC" if ours else "SEMIAUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=maker.uid("segment", organ.name),
        tracking_id=organ.name,
        display_color=hd.color.CIELabColor.from_rgb(*organ.rgb),
    )
