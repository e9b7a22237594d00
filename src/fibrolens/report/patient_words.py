"""What the reports of one patient, as a page and as a PDF, call their parts and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REGION_TITLES = {
    "liver": "Liver",
    "liver_surface": "Liver surface (0 to 10 mm deep)",
    "liver_core": "Liver core",
    "spleen": "Spleen",
    "elsewhere": "Elsewhere in the body",
}
METHOD_TITLES = {
    "gradcam": "3D Grad-CAM",
    "gradcam++": "3D Grad-CAM++",
    "hirescam": "3D HiResCAM",
    "layercam": "3D LayerCAM",
    "integrated": "Layer integrated gradients",
    "contrast": "Layer integrated gradients against the far stage",
}
STAGE_TITLES = {
    "F0": "no fibrosis",
    "F1": "portal fibrosis without septa",
    "F2": "portal fibrosis with few septa",
    "F3": "septal fibrosis without cirrhosis",
    "F4": "cirrhosis",
}
#: Of the map that was asked for, and of the recommended one where that is another.
MAP_TITLES = ("Location map", "Location map by the recommended method")
NOT_MEASURABLE = "not measurable"


def marker_row(marker: Mapping[str, Any]) -> dict[str, str]:
    """What a table says of a marker: title, value with unit, reference range, and the rest to read.

    Args:
        marker: one of the `marker_details` of ``result.json``.
    """
    # A unit that is a number itself, such as 0.1 mm, is a factor.
    unit = f" {'× ' if marker['unit'][:1].isdigit() else ''}{marker['unit']}" if marker["unit"] else ""
    value = None if marker["value"] is None else f"{marker['value']:.{marker['decimals']}f}{unit}"
    reference = marker["reference"]
    return {
        "title": marker["title"],
        "value": value or NOT_MEASURABLE,
        "range": "" if reference is None else _range(reference, unit),
        "meaning": "" if reference is None else reference["meaning"],
        "remark": marker["not_measurable"] or marker["note"] or "",
        "mask": marker["mask_source"] or "",
        "formula": f"{marker['formula']} ({marker['source']})",
    }


def _range(reference: Mapping[str, Any], unit: str) -> str:
    low, high = reference["low"], reference["high"]
    if low is None:
        return f"up to {high:g}{unit}"
    return f"from {low:g}{unit}" if high is None else f"{low:g} to {high:g}{unit}"
