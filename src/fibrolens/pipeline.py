"""The way of one CT: read, find the organs, check, stage, explain, measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fibrolens.attend import attend, oddities, recommended_map
from fibrolens.clock import Clock, timeless_mark
from fibrolens.engine import one_blas_thread
from fibrolens.errors import ModelError
from fibrolens.explain.recipe import RECOMMENDED, Recipe, recipe
from fibrolens.markers.marker import Marker
from fibrolens.markers.measure import MarkedScan, MaskNames, measure
from fibrolens.masks import FoundOrgans, OwnMasks, find_organs
from fibrolens.plan import STAGES
from fibrolens.quality import Quality, assess
from fibrolens.result import ConformalSet, ModelRecord, StageEstimate, StagingResult, selection_warnings
from fibrolens.scan import ScanInput, read_scan, series_choice
from fibrolens.segment.flags import doubts
from fibrolens.segment.predict import OrganSegmenter, fingerprint_of
from fibrolens.segment.segmenters import SegmenterName, load_segmenter
from fibrolens.segment.sources import MaskSource
from fibrolens.staging.calibration import StageCalibration
from fibrolens.staging.device import Device
from fibrolens.staging.predict import Prediction, StagingModel, predict
from fibrolens.view import NetworkView, scaled_map
from fibrolens.volume import Volume
from fibrolens.weights import shipped


@dataclass(frozen=True)
class StageOptions:
    """What may be chosen when a CT is staged.

    Args:
        model: folder of the staging weights; segmentation_model: of the segmentation weights. None takes those that
            come with the package.
        segmenter: ``fibrolens``, or ``totalsegmentator`` where the user has installed it.
        method: that makes the map, see `explain.recipe`; layer: ``conv2``, ``conv3``, ``conv4`` or ``mean``.
        all_maps: location maps of all five stages, not of the predicted one alone.
        skip: what is not written: ``dicom``, ``report``.
        native_slices: the network sees the CT's own slices instead of the plan's spacing.
        series_uid: which DICOM series, where an input holds several; None takes the best by stated rules.
        explain_selection: print what was found of each series, and why it was taken or not.
        masks: own organ masks.
        force: stage what the quality gate refuses.
        identified: the reports name the patient, from the DICOM headers; ``result.json`` never does.
        device: where the staging network runs, one of `staging.device.DEVICES`.
    """

    model: Path | None = None
    segmentation_model: Path | None = None
    segmenter: SegmenterName = "fibrolens"
    method: str = "gradcam"
    layer: str = "conv4"
    all_maps: bool = False
    skip: frozenset[str] = frozenset()
    native_slices: bool = False
    series_uid: str | None = None
    explain_selection: bool = False
    masks: OwnMasks = field(default_factory=OwnMasks)
    force: bool = False
    identified: bool = False
    device: str = "cpu"

    @property
    def weights(self) -> tuple[Path | None, Path | None, SegmenterName, str]:
        """What `Models.load` takes."""
        return self.model, self.segmentation_model, self.segmenter, self.device

    @property
    def recipe(self) -> Recipe:
        """How the map is made."""
        return recipe(self.method, self.layer)

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What the result depends on, for the manifest."""
        chosen = ("method", "layer", "all_maps", "native_slices", "series_uid", "force")
        named: dict[str, Any] = {"label_map": self.masks.label_map} if self.masks.label_map else {}
        named |= {"identified": True} if self.identified else {}
        named |= {"skip": sorted(self.skip)} if self.skip else {}
        named |= {"device": self.device} if self.device != "cpu" else {}
        return {"options": {name: getattr(self, name) for name in chosen} | named | timeless_mark()}


@dataclass(frozen=True)
class Models:
    """The networks, loaded once for many CTs."""

    staging: StagingModel
    segmenter: OrganSegmenter

    @classmethod
    def load(
        cls,
        staging: Path | None = None,
        segmentation: Path | None = None,
        segmenter: SegmenterName = "fibrolens",
        device: str = "cpu",
    ) -> Models:
        """The weights of both folders, the shipped ones where None; or another segmenter by name.

        Raises:
            UsageError: a folder for a segmenter that has its own weights.
            ModelError: a folder is missing, damaged, of MR or not what it should be; the segmenter is not installed; or
                torch sees no such device.
        """
        model = StagingModel.load(staging or shipped("lfs"), Device.choose(device))
        if model.plan.grid.intensity != "hu":
            raise ModelError(f"{staging} was trained on MR, and a CT is staged; give weights that were trained on CT.")
        return cls(model, load_segmenter(segmenter, segmentation))

    @property
    def fingerprint(self) -> dict[str, str]:
        """SHA-256 of what each network was read from; of another segmenter its name."""
        staging = self.staging.files_sha256 or self.staging.sha256
        return {"staging": staging, "segmentation": fingerprint_of(self.segmenter)}


@dataclass(frozen=True)
class StagingInput(ScanInput):
    """A CT to stage, with the hashes of the user's own masks."""

    masks_sha256: Mapping[str, str]

    @classmethod
    def read(cls, path: Path, options: StageOptions, models: Models | None = None) -> StagingInput:
        """Read a CT; of a study whose headers leave the phase open, `models` find the portal-venous series.

        Raises:
            InputError: it cannot be read, or is no CT volume.
        """
        segmenter = None if models is None else models.segmenter
        scan = read_scan(path, series_choice(options.series_uid, options.explain_selection, segmenter))
        return cls(scan.ct, scan.path, scan.seconds, options.masks.sha256())

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the input, for the manifest."""
        known = super().fingerprint
        return known | {"input": known["input"] | {"masks": dict(self.masks_sha256)}}

    def stage(
        self, models: Models, options: StageOptions, scan_id: str, say: Callable[[str], None] | None = None
    ) -> StagingResult:
        """Stage this CT; see `stage`. `say` is told the name of each step as it begins; what it raises ends all."""
        with one_blas_thread():
            return _stage_volume(self.ct, models, options, _Naming(scan_id, self.path, self.seconds, say))


@dataclass(frozen=True)
class _Naming:
    scan_id: str
    path: str
    read_seconds: float
    say: Callable[[str], None] | None = None


def stage(path: str | Path, options: StageOptions | None = None, models: Models | None = None) -> StagingResult:
    """Stage one portal-venous CT and explain the stage by location maps. Research use only.

    Args:
        path: DICOM folder, zip or multi-frame file, NIfTI, NRRD or MetaImage.
        options: layer, maps, own masks, force; the defaults where None.
        models: networks that were loaded before; the shipped ones where None.

    Raises:
        InputError: what is there cannot be staged: not a CT, not portal venous, liver not wholly shown.
        ModelError: the weights cannot be used.
    """
    options = options or StageOptions()
    models = models or Models.load(*options.weights)
    case = StagingInput.read(Path(path), options, models)
    return case.stage(models, options, case.scan_id)


def _stage_volume(ct: Volume, models: Models, options: StageOptions, naming: _Naming) -> StagingResult:
    """The steps of `stage` on a CT in memory."""
    clock, how = Clock({"read": naming.read_seconds}, naming.say), options.recipe
    with clock("segment"):
        found = find_organs(ct, models.segmenter, options.masks)
    with clock("quality"):
        quality = assess(ct, found.masks.labels, found.masks.aorta)
        _gate(quality, options.force)
        # The aorta has told the phase.
        found = found.without_aorta()
        organs = found.masks
    with clock("network_grid"):
        view = NetworkView.of(ct, organs.labels, models.staging.plan.grid, options.native_slices)
    with clock("predict"):
        targets = tuple(range(len(STAGES))) if options.all_maps else None
        prediction = predict(
            models.staging, view.image.array, view.liver_range, how.layers, targets, explain=how.explain
        )
    with clock("maps"):
        scaled = {
            name: scaled_map(prediction, n, how.layers, view.body)
            for n, name in enumerate(STAGES if options.all_maps else (STAGES[prediction.predicted],))
        }
        maps = {name: view.located(array) for name, array in scaled.items()}
    predicted = STAGES[prediction.predicted]
    with clock("recommended_map"):
        second, second_map = recommended_map(models.staging, view, prediction, how)
    with clock("attention"):
        looked = partial(attend, models.staging, view, prediction.coverage, predicted, organs.source)
        shown = looked(how, scaled[predicted])
        recommended = None if second is None else looked(RECOMMENDED, second)
    with clock("markers"):
        markers = _markers(ct, found, quality, models.segmenter)
    domain = models.staging.domain
    in_domain = None if domain is None else domain.familiar(prediction.features)
    return StagingResult(
        ct=ct,
        labels=organs.labels,
        masks=found.sources,
        maps=maps,
        quality=quality,
        forced=options.force and not quality.acceptable,
        in_domain=in_domain,
        model=_model_record(models.staging),
        stage=_estimate(prediction, models.staging.calibration, _not_valid(options, quality, in_domain)),
        attention=shown,
        measured=markers,
        warnings=(
            *_warnings(models, options, quality, in_domain, bool(scaled[predicted].any())),
            *selection_warnings(ct),
            *oddities(recommended or shown),
            *found.doubts,
            *doubts(ct, organs.labels, found.agreement),
        ),
        scan_id=naming.scan_id,
        path=naming.path,
        recommended=recommended,
        recommended_map=second_map,
        timings=clock.seconds,
    )


def _gate(quality: Quality, force: bool) -> None:
    """Raise what the gate found, every reason in one message; without any liver there is nothing to force."""
    if quality.errors and (not force or quality.liver_coverage == "none"):
        raise type(quality.errors[0])(" ".join(quality.reasons))


def _estimate(prediction: Prediction, calibration: StageCalibration | None, not_valid: str | None) -> StageEstimate:
    f0, f1, f2, f3, f4 = (float(p) for p in prediction.probabilities)
    if calibration is None:
        return StageEstimate((f0, f1, f2, f3, f4))
    stages = tuple(STAGES[k] for k in calibration.stages(prediction.probabilities))
    held = ConformalSet(stages, calibration.threshold.claim, calibration.calibrated_on, not_valid)
    return StageEstimate((f0, f1, f2, f3, f4), held)


def _not_valid(options: StageOptions, quality: Quality, in_domain: bool | None) -> str | None:
    """Why a stage set claims nothing of this scan: it is not one of those that the threshold was taken from."""
    reasons = {
        "the scan failed the quality gate and was forced": not quality.acceptable,
        "the scan lies outside the training domain of the weights": in_domain is False,
        "whether the scan lies within the training domain was not checked": in_domain is None,
        "the network was given the CT's own slices": options.native_slices,
    }
    found = [words for words, applies in reasons.items() if applies]
    return f"not valid here: {'; '.join(found)}" if found else None


def _model_record(model: StagingModel) -> ModelRecord:
    card = model.card
    return ModelRecord(str(card["name"]), model.sha256, str(card["trained_on"]), str(card["intended_use"]))


def _markers(ct: Volume, found: FoundOrgans, quality: Quality, segmenter: OrganSegmenter) -> tuple[Marker, ...]:
    """Every marker that the CT and the masks of its organs allow."""
    aorta = MaskSource("segmenter", segmenter.name, segmenter.sha256)
    names = MaskNames(str(found.sources.liver), str(found.sources.spleen), str(aorta))
    return measure(MarkedScan(ct, found.masks.labels, names, quality.organ_hu, quality.phase))


def _warnings(
    models: Models, options: StageOptions, quality: Quality, in_domain: bool | None, has_map: bool
) -> tuple[str, ...]:
    """What deserves doubt without a refusal."""
    forced = options.force and not quality.acceptable
    simulated = "simulated" in str(models.staging.card["trained_on"]).lower()
    doubts = (
        (forced, "FORCED: this scan failed the quality gate and was staged because --force was given."),
        (
            simulated,
            "The weights were trained on simulated CT only; the stage of a real CT is a demonstration, not a finding.",
        ),
        (
            in_domain is None,
            "These weights come without a record of their training features; whether the scan resembles the training "
            "data was not checked.",
        ),
        (
            in_domain is False,
            "The network's features of this scan are far from those of its training data; do not trust the stage.",
        ),
        (
            models.staging.calibration is None,
            "These weights come without a calibration; there is no set of stages that claims to hold the true one.",
        ),
        (
            models.staging.reference is None,
            "These weights come without an attention reference; what a map shows without training is not known.",
        ),
        (not has_map, "The location map is zero everywhere; there is no attention to measure."),
        (
            options.native_slices,
            "The network was given the CT's own slices, not the slice spacing that it was trained on.",
        ),
    )
    return tuple(sentence for applies, sentence in doubts if applies)
