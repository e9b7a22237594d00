"""The job of `fibrolens stage --maps all` as a MONAI user writes it: a script, to be measured against.

Reads a CT and a mask of the liver, brings them to the network's grid, makes Grad-CAM at the last convolution for each
of the five stages over the same runs of 32 slices, and saves five maps on the CT's own grid. The weights are those
that are shipped, so that both programs do the same work. It makes no DICOM objects, no report, no attention and no
markers.

usage: monai_script.py CT LABELS OUT
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    Invertd,
    LoadImaged,
    Orientationd,
    ResizeWithPadOrCropd,
    SaveImage,
    ScaleIntensityRanged,
    Spacingd,
)
from monai.visualize import GradCAM

from fibrolens.staging.predict import StagingModel
from fibrolens.weights import shipped

STAGES = ("F0", "F1", "F2", "F3", "F4")
BOTH = ["image", "liver"]


def main() -> None:
    """Run the script."""
    ct, labels, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    model = StagingModel.load(shipped("lfs"))
    grid, slab = model.plan.grid, model.plan.slab
    low, high = grid.window_hu
    prepare = Compose(
        [
            LoadImaged(BOTH),
            EnsureChannelFirstd(BOTH),
            Orientationd(BOTH, axcodes="LPS", labels=None),
            Spacingd(BOTH, pixdim=grid.spacing_mm[::-1], mode=("bilinear", "nearest")),
            ScaleIntensityRanged("image", low, high, 0.0, 1.0, clip=True),
            ResizeWithPadOrCropd(BOTH, (*grid.in_plane[::-1], -1)),
        ]
    )
    scan = prepare({"image": ct, "liver": labels})
    # MONAI counts columns, rows, slices; the network slices, rows, columns.
    image = scan["image"].as_tensor()[0].permute(2, 1, 0)
    shown = np.flatnonzero((scan["liver"][0] == 1).any(dim=0).any(dim=0).numpy())
    starts = runs(int(shown[0]), int(shown[-1]), slab.slices, slab.stride)
    with torch.no_grad():
        scores = torch.cat([model.network(image[None, None, at : at + slab.slices]) for at in starts])
    probabilities = torch.softmax(scores, 1).mean(0)
    # The default scales each run's map by itself, which no mean over runs survives.
    cam = GradCAM(model.network, target_layers="conv4", postprocessing=lambda maps: maps)
    back = Invertd("map", prepare, orig_keys="image", nearest_interp=False)
    for number, stage in enumerate(STAGES):
        total, count = torch.zeros(image.shape), torch.zeros(len(image), 1, 1)
        for at in starts:
            total[at : at + slab.slices] += cam(image[None, None, at : at + slab.slices], class_idx=number)[0, 0]
            count[at : at + slab.slices] += 1
        mean = (total / count.clamp(min=1)).permute(2, 1, 0)[None]
        found = MetaTensor(mean, meta=scan["image"].meta, applied_operations=scan["image"].applied_operations)
        located = back({**scan, "map": found})["map"]
        SaveImage(out, output_postfix=stage, output_ext=".nii.gz", separate_folder=False, print_log=False)(located)
    (out / "probabilities.json").write_text(json.dumps(dict(zip(STAGES, probabilities.tolist(), strict=True))))


def runs(first: int, last: int, size: int, stride: int) -> list[int]:
    """First slices of overlapping runs over the liver."""
    final = max(first, last - size + 1)
    return sorted({*range(first, final, stride), final})


if __name__ == "__main__":
    main()
