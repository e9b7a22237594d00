"""`fibrolens stage`: one or many CTs to stage, location maps, attention and report."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fibrolens.cli.engines import ray_address
from fibrolens.cli.keys import add_key, given_key
from fibrolens.cli.scans import add_scans, given_engine, given_inputs
from fibrolens.errors import UsageError
from fibrolens.labelmaps import LABEL_MAPS
from fibrolens.workers import threads_asked

if TYPE_CHECKING:
    from fibrolens.deidentify.key import Key
    from fibrolens.report.artist import Artist


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "stage",
        help="a portal-venous CT to a fibrosis stage, location maps and a report",
        description="Stage one or many portal-venous CTs (DICOM folder, zip or multi-frame file, NIfTI, NRRD, MHA). "
        "Writes one folder per scan and summary.csv. Research use only.",
    )
    add_scans(verb)
    verb.add_argument(
        "--model", type=Path, metavar="DIR", help="folder with staging weights (default: the shipped ones)"
    )
    verb.add_argument(
        "--method",
        choices=("gradcam", "gradcam++", "hirescam", "layercam", "integrated", "contrast"),
        default="gradcam",
        help="of the location map (default: the paper's Grad-CAM; what each is worth: fibrolens audit)",
    )
    verb.add_argument(
        "--layer", choices=("conv2", "conv3", "conv4", "mean"), default="conv4", help="layer of the location map"
    )
    verb.add_argument(
        "--maps", choices=("predicted", "all"), default="predicted", help="also write the maps of all five stages"
    )
    verb.add_argument(
        "--skip",
        choices=("dicom", "report"),
        action="append",
        default=[],
        help="leave out the DICOM objects, or the report with its pictures; may be given twice (for thousands of CTs)",
    )
    verb.add_argument(
        "--slices",
        choices=("plan", "native"),
        default="plan",
        help="slice spacing that the network sees: the plan's (5 mm) or the CT's own",
    )
    verb.add_argument(
        "--device",
        choices=("cpu", "cuda", "cuda-bf16", "auto"),
        default="cpu",
        help="where the staging network runs: the processor, a GPU in fp32 or bfloat16, or a GPU if there is one",
    )
    _add_masks(verb.add_argument_group("own masks", "NIfTI, NRRD, MHA or DICOM SEG on the CT's grid (one input only)"))
    verb.add_argument(
        "--force", action="store_true", help="stage a scan that the quality gate refuses; marks every output"
    )
    _add_patient(verb.add_argument_group("the patient"))
    return verb


def _add_patient(group: Any) -> None:
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--identified",
        action="store_true",
        help="report.html and report.pdf name the patient, from the DICOM headers (default: no output but dicom/ does)",
    )
    which.add_argument(
        "--deidentify",
        action="store_true",
        help="nothing that is written leads back to the patient: DICOM objects by the Basic Profile of PS3.15, new "
        "UIDs and scan ids everywhere, no paths; as export case does, but without the CT itself",
    )
    add_key(group, "with --deidentify: ", " and lets a run go on with an earlier one")


def _add_masks(group: Any) -> None:
    group.add_argument("--liver-mask", type=Path, metavar="FILE", help="1 inside, or a DICOM SEG with a liver")
    group.add_argument("--spleen-mask", type=Path, metavar="FILE", help="1 inside, or a DICOM SEG with a spleen")
    group.add_argument("--labels", type=Path, metavar="FILE", help="both: 1 liver, 2 spleen, or as --label-map says")
    group.add_argument(
        "--label-map", choices=tuple(LABEL_MAPS), metavar="NAME", help=f"whose numbers: {', '.join(LABEL_MAPS)}"
    )


def run(options: argparse.Namespace) -> int:
    """Stage every input; 3 if any was refused."""
    key, inputs = _key(options), given_inputs(options)
    artist = _artist(options)
    from fibrolens.batch import Place
    from fibrolens.masks import OwnMasks
    from fibrolens.pipeline import StageOptions
    from fibrolens.stage_batch import stage_batch

    return stage_batch(
        inputs,
        StageOptions(
            model=options.model,
            segmentation_model=options.segmentation_model,
            segmenter=options.segmenter,
            method=options.method,
            layer=options.layer,
            all_maps=options.maps == "all",
            skip=frozenset(options.skip),
            native_slices=options.slices == "native",
            series_uid=options.series,
            explain_selection=options.explain_selection,
            masks=OwnMasks(options.liver_mask, options.spleen_mask, options.labels, options.label_map),
            force=options.force,
            identified=options.identified,
            device=options.device,
        ),
        Place(options.out, options.scan_id, options.overwrite),
        given_engine(options),
        key,
        artist,
    )


def _artist(options: argparse.Namespace) -> Artist | None:
    """Begun before all that takes long, to be ready in time; None where nothing is to be drawn, or there is no core."""
    alone = options.workers in (None, 1) and ray_address(options) is None
    if not alone or {"report", "dicom"} <= set(options.skip) or threads_asked() == 1:
        return None
    from fibrolens.report.artist import Artist

    with suppress(OSError, ValueError):
        return Artist()
    return None


def _key(options: argparse.Namespace) -> Key | None:
    """The key by which patients are taken out; None where they need not be.

    Raises:
        UsageError: options that contradict each other, or of a run that would name its patients anew each time.
    """
    if not options.deidentify:
        if options.key is not None:
            raise UsageError("--key is of --deidentify; give both, or neither.")
        return None
    from fibrolens.deidentify.key import Key

    if options.key is None and options.shard is not None:
        raise UsageError("The shards of a run need one --key FILE, by which all of them call a patient the same.")
    return given_key(options.key, options.out) or Key.fresh()
