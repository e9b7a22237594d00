"""What a bundle's ``configs/inference.json`` names: our way to the network grid as MONAI transform and inferer.

MONAI reads the files. To the network grid leads our own resampling, which widens its kernel to the new voxel as MONAI's
``Spacingd`` does not, and the crop around the body: with them a bundle gives the probabilities of ``fibrolens stage``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import Inferer
from monai.transforms.transform import MapTransform
from monai.utils.type_conversion import convert_to_tensor
from torch import Tensor

from fibrolens.errors import InputError
from fibrolens.io.nifti import LPS_TO_RAS
from fibrolens.plan import PLAN, Plan, read_plan
from fibrolens.regions import LIVER
from fibrolens.result import INTENDED_USE, StageEstimate
from fibrolens.staging.data import liver_range
from fibrolens.staging.network import LFSNetwork, fast
from fibrolens.transforms import ToNetworkGrid
from fibrolens.transforms.slabs import Slabs
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import load_model_folder

#: Where MONAI keeps the name of the file.
SOURCE = "filename_or_obj"
ENDINGS = (".nii", ".nii.gz")


def scans(folder: str) -> list[dict[str, str]]:
    """The CTs in ``images`` of a folder, each with the labels of the same name in ``labels``.

    Raises:
        InputError: there is no CT, or one has no labels.
    """
    images = sorted(path for path in (Path(folder) / "images").glob("*") if path.name.endswith(ENDINGS))
    if not images:
        raise InputError(f"{folder} holds no images/NAME.nii.gz; put CTs there, and their labels in labels/.")
    for path in images:
        if not (Path(folder) / "labels" / path.name).is_file():
            raise InputError(f"{path} has no labels/{path.name}; give a mask of the liver (1) under that name.")
    return [{"image": str(path), "labels": str(Path(folder) / "labels" / path.name)} for path in images]


def plan_of(models: str) -> Plan:
    """The plan in a bundle's folder ``models``.

    Raises:
        ModelError: it cannot be read.
    """
    return read_plan(Path(models) / PLAN, Plan)


def with_weights(network: LFSNetwork, models: str) -> LFSNetwork:
    """The network with the weights of a bundle's folder ``models``, in evaluation mode.

    Raises:
        ModelError: the folder is incomplete or damaged, or its weights do not fit.
    """
    load_model_folder(Path(models)).fill(network)
    return fast(network)


def as_volume(image: MetaTensor) -> Volume:
    """An image that MONAI has read, channel first, as a `Volume`.

    Raises:
        GeometryError: its axes are not at right angles.
    """
    array = image.as_tensor()[0].numpy().transpose()
    affine = LPS_TO_RAS @ np.asarray(image.affine, dtype=float)[:, [2, 1, 0, 3]]
    slices, rows, columns = array.shape
    geometry = Geometry.from_affine((slices, rows, columns), affine)
    return Volume(array, geometry, Path(str(image.meta.get(SOURCE, "memory"))).name)


class LiverSlabsd(MapTransform):
    """A CT and its organs to the slabs that the network sees, ``n s h w`` in [0, 1] under the CT's key.

    Args:
        keys: of the CT in Hounsfield units and of its labels (1 liver), as MONAI reads them, channel first.
        plan: grid and slabs.
    """

    def __init__(self, keys: KeysCollection, plan: Plan) -> None:
        super().__init__(keys)
        self.plan = plan

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The scan without its labels.

        Raises:
            CoverageError: there is no liver.
            GeometryError: the labels are not on the CT's grid.
        """
        image, labels = self.keys
        known = {key: value for key, value in data.items() if key != labels}
        ct, organs = as_volume(data[image]), as_volume(data[labels])
        ct.require_grid(organs)
        way = ToNetworkGrid.fit(ct, self.plan.grid)
        seen = way.forward_labels(organs).array == LIVER
        slabs = Slabs.over(*liver_range(seen, ct.source), len(seen), self.plan.slab)
        windows = slabs.extract(torch.from_numpy(np.ascontiguousarray(way.forward(ct).array)))
        return {**known, image: MetaTensor(windows, meta={SOURCE: ct.source})}


class SlabInferer(Inferer):
    """Probability of F0 to F4: mean softmax of a scan's slabs, one in memory at a time."""

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Probabilities ``b 5`` of scans ``b n s h w``."""
        scans = [torch.cat([network(slab[None, None]) for slab in scan]) for scan in convert_to_tensor(inputs)]
        return torch.stack([logits.double().softmax(1).mean(0) for logits in scans]).float()


class SaveStaged(MapTransform):
    """Write each scan's stage as JSON, named after its CT.

    Args:
        keys: of the probabilities.
        image: key of the slabs, which know the CT's name.
        output_dir: where to.
    """

    def __init__(self, keys: KeysCollection, image: str, output_dir: str) -> None:
        super().__init__(keys)
        self.image, self.folder = image, Path(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The same; ``NAME.json`` is written."""
        name = Path(str(data[self.image].meta[SOURCE])).name.partition(".")[0]
        for key in self.keys:
            f0, f1, f2, f3, f4 = data[key].tolist()
            told = {"stage": StageEstimate((f0, f1, f2, f3, f4)).to_dict(), "intended_use": INTENDED_USE}
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        return dict(data)
