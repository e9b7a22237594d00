"""The smallest model folders that can be read, and their files; torch comes with them, and other seeds need none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save
from tests.fuzz.mutate.bundles import repacked
from tests.fuzz.seeds import as_json
from tests.fuzz.valid import put, require
from tests.segment.cascades import SMALL as SEGMENTATION

from fibrolens.plan import PLAN as PLAN_FILE
from fibrolens.plan import NetworkPlan, Plan, SegmentationPlan, read_plan
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import LFSNetwork, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import StagingModel
from fibrolens.transport.bundle import verify_bundle, write_bundle
from fibrolens.weights import CARD as CARD_FILE
from fibrolens.weights import PINS, WEIGHTS, load_model_folder, save_model_folder

CARD = {"name": "tiny", "trained_on": "nothing", "intended_use": "tests", "figures": {"auc": 0.5}, "seed": 0}
PLAN: Plan = replace(
    small_plan(), network=NetworkPlan(channels=(2, 2, 2, 2), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4)
)


def network() -> LFSNetwork:
    """The untrained network of `PLAN`."""
    return new_network(PLAN.network, 0)


def staging_folder(folder: Path) -> Path:
    """A model folder of `PLAN`."""
    save_model_folder(folder, network().state_dict(), PLAN, CARD)
    return folder


def segmentation_folder(folder: Path) -> Path:
    """A model folder of `SEGMENTATION`."""
    save_model_folder(folder, Cascade(SEGMENTATION).state_dict(), SEGMENTATION, CARD)
    return folder


def plans() -> list[bytes]:
    """The plan of a small network, and the default one of a segmenter."""
    return [as_json(asdict(PLAN)), as_json(asdict(SEGMENTATION))]


def weights() -> list[bytes]:
    """Weights of the network of `PLAN`, as float32 and with kernels as float16."""
    tensors = {name: tensor.contiguous() for name, tensor in network().state_dict().items()}
    half = {name: t.half() if t.ndim > 1 else t for name, t in tensors.items()}
    return [save(tensors), save(half)]


def cards() -> list[bytes]:
    """The card that stands beside them."""
    with TemporaryDirectory() as folder:
        return [(staging_folder(Path(folder) / "model") / CARD_FILE).read_bytes()]


def plan_reader(folder: Path) -> Callable[[bytes], None]:
    """Reads a plan alone, then as that of a folder of weights whose card pins no plan, as those of earlier versions."""
    staging, segmentation = staging_folder(folder / "a"), segmentation_folder(folder / "b")
    for place in (staging, segmentation):
        card = json.loads((place / CARD_FILE).read_text(encoding="utf-8"))
        put(place / CARD_FILE, as_json({key: value for key, value in card.items() if key != PINS[PLAN_FILE]}))

    def read(content: bytes) -> None:
        is_staging = b"coarse" not in content
        place, kind = (staging, Plan) if is_staging else (segmentation, SegmentationPlan)
        require(isinstance(read_plan(put(place / PLAN_FILE, content), kind), kind), "another kind of plan")
        if is_staging:
            StagingModel.load(place)
        else:
            Segmenter.load(place)

    return read


def weights_reader(folder: Path) -> Callable[[bytes], None]:
    """Reads the weights of a folder whose card pins them, whatever they are."""
    place = staging_folder(folder / "model")

    def read(content: bytes) -> None:
        put(place / WEIGHTS, content)
        put(place / CARD_FILE, as_json(CARD | {PINS[WEIGHTS]: hashlib.sha256(content).hexdigest()}))
        model = StagingModel.load(place)
        require(all(bool(t.isfinite().all()) for t in model.network.state_dict().values()), "not finite")

    return read


def card_reader(folder: Path) -> Callable[[bytes], None]:
    """Reads the card of a folder."""
    place = staging_folder(folder / "model")

    def read(content: bytes) -> None:
        put(place / CARD_FILE, content)
        require(set(CARD) <= load_model_folder(place).card.keys(), "a key is missing")

    return read


def bundles() -> list[bytes]:
    """A folder of weights as a bundle, plain and deflated."""
    with TemporaryDirectory() as place:
        path = Path(place) / "sent.zip"
        write_bundle([staging_folder(Path(place) / "model")], path)
        plain = path.read_bytes()
    return [plain, repacked(plain, {})]


def bundle_reader(folder: Path) -> Callable[[bytes], None]:
    """Verifies a bundle."""

    def read(content: bytes) -> None:
        require(verify_bundle(put(folder / "sent.zip", content)) != [], "a bundle of nothing")

    return read
