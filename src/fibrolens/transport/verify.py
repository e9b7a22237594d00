"""Whether a model folder is what its card says: hashes, tensors, and the network that the plan describes."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

from fibrolens.errors import ModelError
from fibrolens.output import file_sha256
from fibrolens.plan import Plan, SegmentationPlan
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import LFSNetwork
from fibrolens.weights import PAGE, PINS, WEIGHTS, ModelFolder, load_model_folder

#: How a card for people tells a hash.
TOLD = re.compile(r"SHA-256 of `([\w.]+)`: `([0-9a-f]{64})`")


def network_of(files: ModelFolder) -> nn.Module:
    """The network that the plan of a model folder describes, with the folder's weights.

    Raises:
        ModelError: the plan cannot be used, or the weights are not of its network.
    """
    if files.segments:
        segmentation = files.plan(SegmentationPlan)
        return files.filled(lambda: Cascade(segmentation))
    staging = files.plan(Plan)
    return files.filled(lambda: LFSNetwork(staging.network))


def verify(path: Path) -> dict[str, str]:
    """Check every file of a model folder that is pinned, and that the weights fit the plan.

    Args:
        path: the folder, or its file of weights.

    Returns:
        SHA-256 by the name of the file.

    Raises:
        ModelError: a file is missing, damaged or another one than the card pins.
    """
    folder = path.parent if path.name == WEIGHTS else path
    files = load_model_folder(folder)
    network_of(files)
    found = {name: file_sha256(folder / name) for name in PINS if (folder / name).is_file()}
    _check_page(folder / PAGE, found)
    return found


def _check_page(page: Path, found: dict[str, str]) -> None:
    """The card for people, where there is one, must tell the same hashes."""
    if not page.is_file():
        return
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(f"{page} cannot be read as text ({error}); restore the folder.") from None
    for name, told in TOLD.findall(text):
        if found.get(name) != told:
            raise ModelError(
                f"{page} tells another SHA-256 of {name} than it has ({told[:12]}...); restore the folder."
            )
