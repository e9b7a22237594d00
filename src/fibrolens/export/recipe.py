"""How to use an exported network, in words and numbers: what goes in, what comes out, how a map gets onto the CT."""

from __future__ import annotations

from typing import Any

from fibrolens.plan import STAGES, Plan, SegmentationPlan
from fibrolens.segment.inputs import coarse_size
from fibrolens.segment.predict import CERTAIN, OVERLAP_SLICES, PASS_SLICES
from fibrolens.staging.network import cell_of

SCHEMA_VERSION = 1
MAP_LAYERS = ("conv3", "conv4")
ORDER = "slices toward the head, rows toward the back, columns toward the patient's left"


def slab_shape(plan: Plan) -> tuple[int, int, int]:
    """Slices, rows and columns of what a plan's network sees at once."""
    if not plan.patch_mm:
        return (plan.slab.slices, *plan.grid.in_plane)
    rows, columns = (max(1, round(plan.patch_mm / step)) for step in plan.grid.spacing_mm[1:])
    return plan.slab.slices, rows, columns


def staging_recipe(plan: Plan) -> dict[str, Any]:
    """Of the LFS network of a plan, ready for JSON."""
    slices = "the liver's first to its last slice; a shorter run is widened evenly, a shorter scan padded with air (0)"
    return {
        "schema_version": SCHEMA_VERSION,
        "input": {
            "order": ORDER,
            "shape": list(slab_shape(plan)),
            "spacing_mm": list(plan.grid.spacing_mm),
            "resampling": "linear, widened to the new voxel (antialiased); values below air_hu are raised to it first",
            "in_plane": "cropped or padded with air around the middle of the body's bounding box",
            "intensity": _intensity(plan),
            "region": plan.region,
        },
        "slabs": {"over": slices, "stride": plan.slab.stride, "stages": list(STAGES)},
        "probabilities": "mean of the softmax of all slabs",
        "maps": {
            "method": "Grad-CAM of each stage's score before the softmax (Selvaraju 2017, eq. 1): "
            "ReLU of the sum over channels of activation times mean derivative",
            "layers": {layer: _placed(plan, layer) for layer in MAP_LAYERS},
            "on_the_slab": "enlarge each axis by its cell (linear, both grids filling the same extent, edges "
            "repeated), then take the value `shift` voxels further along each axis (linear between two voxels, the "
            "last repeated)",
            "on_the_scan": "mean of the slabs where they overlap, 0 on slices that no slab covered",
            "scale": "mean1: divided by the mean inside the body on covered slices, so that 1.0 is an even share",
            "mean": "the layer called mean: the mean of the mean1 maps of conv3 and conv4, itself divided by its mean",
            "on_the_ct": "linear interpolation at the CT's own voxels, edges repeated; 0 beyond the network's plane",
            "not_here": "the contrast at conv2, which fibrolens recommends, needs derivatives: use fibrolens for it",
        },
    }


def _intensity(plan: Plan) -> dict[str, Any]:
    if plan.grid.intensity == "mr":
        low, high = plan.grid.mr_percentiles
        return {"kind": "mr", "zero_at_percentile": low, "one_at_percentile": high, "of": "the values inside the body"}
    low, high = plan.grid.window_hu
    return {"kind": "hu", "zero_at_hu": low, "one_at_hu": high, "air_hu": plan.grid.air_hu, "beyond": "clipped"}


def _placed(plan: Plan, layer: str) -> dict[str, Any]:
    shift = [(step - 1) / 2 for step in plan.network.stride]
    return {"cell": list(cell_of(plan.network, layer)), "shift": shift}


def segmentation_recipe(plan: SegmentationPlan) -> dict[str, Any]:
    """Of the two V-Nets of a plan, ready for JSON."""
    told = ", ".join(plan.fine.classes[1:])
    return {
        "schema_version": SCHEMA_VERSION,
        "order": ORDER,
        "channels": [f"{low:g} to {high:g} HU as 0 to 1, clipped" for low, high in plan.windows_hu],
        "coarse": {
            "spacing_mm": list(plan.coarse.spacing_mm),
            "in_plane": list(plan.in_plane),
            "classes": list(plan.coarse.classes),
            "least_size": list(coarse_size(plan)),
            "passes": f"at most {PASS_SLICES} slices, {OVERLAP_SLICES} of which overlap; the mean of the scores, "
            "weighted toward the middle of each pass",
        },
        "fine": {
            "spacing_mm": list(plan.fine.spacing_mm),
            "classes": list(plan.fine.classes),
            "least_size": list(plan.crops[0]),
            "box": f"liver and spleen of the coarse network with {plan.margin_mm:g} mm around them",
            "further_channels": f"probability of {told}: first the coarse network's, then its own of the first pass",
        },
        "smaller": "what is smaller than least_size is surrounded by air (0), as in training",
        "scores": f"limited to {2 * CERTAIN:g} below the best class; each organ is its largest piece, holes filled; "
        "then interpolated linearly to the CT's voxels, where the class is chosen",
    }
