"""The networks as ONNX files that say what they are, each checked in ONNX Runtime against torch in double precision."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from fibrolens import __version__
from fibrolens.aside import appearing
from fibrolens.errors import ModelError, OutputError, UsageError
from fibrolens.export.graph import OUTPUTS, StagingGraph
from fibrolens.export.recipe import MAP_LAYERS, segmentation_recipe, slab_shape, staging_recipe
from fibrolens.plan import STAGES, Plan, SegmentationPlan
from fibrolens.segment.vnet import Cascade, VNet
from fibrolens.staging.network import LFSNetwork
from fibrolens.weights import ModelFolder, load_model_folder

#: The newest that every ONNX Runtime of the extra knows and the exporter writes.
OPSET = 17
#: Largest difference from torch in double precision.
TOLERANCE = 1e-4
#: Outputs whose difference counts as a share of their largest value: maps have no unit, and a V-Net's scores are many
#: and large.
SHARES = ("map_conv3", "map_conv4", "scores")
INSTALL = "pip install 'fibrolens[export]'"


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Args:
        path: where it is.
        differences: by output, the largest difference from torch in double precision (of `SHARES`, as a share of the
            largest value); None where ONNX Runtime is not installed.
        unchanged: the same file stood there before.
    """

    path: Path
    differences: Mapping[str, float] | None
    unchanged: bool


@dataclass(frozen=True)
class Graph:
    """What becomes an ONNX file.

    Args:
        network: in evaluation mode.
        source: its name.
        outputs: their names.
        dynamic: axes of the input, and of every output, that may have any size, by their names.
        batches: inputs for the check, of sizes that differ; the first one is what the graph is traced with.
        expected: the outputs of a batch in double precision, those that are checked.
    """

    network: nn.Module
    source: str
    outputs: Sequence[str]
    dynamic: Mapping[int, str]
    batches: Sequence[Tensor]
    expected: Callable[[Tensor], Mapping[str, Tensor]]


def export_staging(folder: Path, out: Path, overwrite: bool = False) -> Exported:
    """Write the staging network of a model folder, with the Grad-CAM maps of all stages among its outputs.

    Args:
        folder: the model folder.
        out: the file.
        overwrite: another file may be replaced.

    Raises:
        UsageError: the package onnx is not installed, or `out` is another file.
        ModelError: the folder cannot be used, or the file would not compute what the network computes.
        OutputError: the file cannot be written.
    """
    _require_onnx()
    files = load_model_folder(folder)
    plan = files.plan(Plan)
    if plan.network.covariates or plan.network.head != "softmax":
        raise ModelError(
            f"{folder} knows more than the image, or has another head than the softmax; such networks are not exported."
        )
    network = LFSNetwork(plan.network)
    files.fill(network)
    shape = slab_shape(plan)
    generator = torch.Generator().manual_seed(0)
    batches = [torch.rand(n, 1, *shape, generator=generator) for n in (2, 1)]
    doubled = LFSNetwork(plan.network)
    files.fill(doubled)
    doubled.double()

    def expected(slabs: Tensor) -> dict[str, Tensor]:
        found = doubled.grad_cam(slabs.double(), range(len(STAGES)), MAP_LAYERS)
        maps = {f"map_{layer}": found.raw[layer].transpose(0, 1) for layer in MAP_LAYERS}
        return {"logits": found.logits, "probabilities": found.logits.softmax(1), **maps}

    graph = Graph(StagingGraph(network, shape), "slabs", OUTPUTS, {0: "n"}, batches, expected)
    return _write(graph, _facts(files, plan, staging_recipe(plan)), out, overwrite)


def export_segmentation(folder: Path, out: Path, overwrite: bool = False) -> list[Exported]:
    """Write both V-Nets of a model folder, ``NAME_coarse.onnx`` and ``NAME_fine.onnx`` for the `out` ``NAME.onnx``.

    Arguments and errors are those of `export_staging`.
    """
    _require_onnx()
    files = load_model_folder(folder)
    plan = files.plan(SegmentationPlan)
    single, double = Cascade(plan), Cascade(plan)
    for cascade in (single, double):
        files.fill(cascade)
    double.double()
    facts = _facts(files, plan, segmentation_recipe(plan))
    networks = {"coarse": (single.coarse, double.coarse), "fine": (single.fine, double.fine)}
    return [
        _write(_vnet_graph(*pair), facts | {"network": name}, out.with_stem(f"{out.stem}_{name}"), overwrite)
        for name, pair in networks.items()
    ]


def _vnet_graph(network: VNet, double: VNet) -> Graph:
    generator = torch.Generator().manual_seed(0)
    channels = network.stem.body.get_submodule("0").get_parameter("weight").shape[1]
    # Sizes that the levels do not divide are padded inside.
    sizes = ((1, 32, 40, 48), (2, 27, 33, 38))
    batches = [torch.rand(n, channels, *size, generator=generator) for n, *size in sizes]

    def expected(x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return {"scores": double(x.double())}

    axes = {0: "n", 2: "slices", 3: "rows", 4: "columns"}
    return Graph(network, "image", ("scores",), axes, batches, expected)


def _facts(files: ModelFolder, plan: Any, recipe: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the file beside the graph."""
    card = files.card
    return {
        "fibrolens": __version__,
        "name": str(card["name"]),
        "intended_use": str(card["intended_use"]),
        "trained_on": str(card["trained_on"]),
        "weights_sha256": files.sha256,
        "plan": json.dumps(asdict(plan), sort_keys=True),
        "recipe": json.dumps(recipe, sort_keys=True),
    }


def _write(graph: Graph, facts: Mapping[str, str], out: Path, overwrite: bool) -> Exported:
    """Make the file in memory, check it, and only then put it in place."""
    content = _serialised(graph, facts)
    differences = _check(graph, content, out)
    if out.exists():
        if out.is_file() and out.read_bytes() == content:
            return Exported(out, differences, unchanged=True)
        if not overwrite:
            raise UsageError(f"{out} exists and is another file; choose another --out or use --overwrite.")
    try:
        with appearing(out) as aside:
            aside.write_bytes(content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{out} could not be written: {reason}. Free space or choose another --out.") from None
    return Exported(out, differences, unchanged=False)


def _serialised(graph: Graph, facts: Mapping[str, str]) -> bytes:
    """The file's bytes, the same for the same weights and versions of torch and onnx."""
    import onnx  # noqa: PLC0415  (of an extra)

    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter that follows needs another package and half a minute for the same graph; and what tracing warns
        # of, that shapes are kept as they are, is what the check with other sizes would find.
        warnings.simplefilter("ignore")
        path = Path(folder) / "graph.onnx"
        torch.onnx.export(
            graph.network,
            (graph.batches[0],),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=[graph.source],
            output_names=list(graph.outputs),
            dynamic_axes={name: dict(graph.dynamic) for name in (graph.source, *graph.outputs)},
        )
        model = onnx.load(path)
    model.doc_string = facts["intended_use"]
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _check(graph: Graph, content: bytes, out: Path) -> dict[str, float] | None:
    """The largest difference by output; None without ONNX Runtime.

    Raises:
        ModelError: one is larger than `TOLERANCE`.
    """
    try:
        import onnxruntime  # noqa: PLC0415  (of an extra)
    except ImportError:
        return None
    # Its Windows builds report their use unless they are told not to.
    onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest: dict[str, float] = {}
    for batch in graph.batches:
        for name, wanted in graph.expected(batch).items():
            (found,) = session.run([name], {graph.source: batch.numpy()})
            unit = max(float(wanted.abs().max()), 1e-12) if name in SHARES else 1.0
            difference = float((torch.from_numpy(found).double() - wanted).abs().max()) / unit
            largest[name] = max(largest.get(name, 0.0), difference)
    worst = max(largest, key=lambda name: largest[name])
    if not largest[worst] <= TOLERANCE:
        raise ModelError(
            f"{out} was not written: in ONNX Runtime its {worst} differ by {largest[worst]:.1e} from torch, "
            f"and at most {TOLERANCE:g} is allowed. Update onnxruntime, or report it."
        )
    return largest


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401, PLC0415  (of an extra)
    except ImportError:
        raise UsageError(f"The export to ONNX needs onnx: {INSTALL}.") from None
