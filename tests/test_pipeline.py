"""One CT through the whole pipeline."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.staged import simulated, untrained_models

from fibrolens.errors import CoverageError, GeometryError, InputError, PhaseError
from fibrolens.evaluate.saliency.null_band import Band, NullBand
from fibrolens.evaluate.stage_sets import Threshold
from fibrolens.explain.patterns import PATTERNS
from fibrolens.explain.reference import AttentionReference, PatternCount
from fibrolens.io import write_nifti
from fibrolens.masks import OwnMasks
from fibrolens.phantom.labels import Organ
from fibrolens.pipeline import StageOptions, stage
from fibrolens.plan import STAGES
from fibrolens.staging.calibration import StageCalibration
from fibrolens.staging.domain import DomainModel
from fibrolens.volume import Geometry, Volume


@pytest.fixture(scope="module")
def rendering():
    return simulated()


@pytest.fixture(scope="module")
def models(rendering):
    return untrained_models(rendering.labels)


@pytest.fixture(scope="module")
def ct_file(tmp_path_factory, rendering):
    path = tmp_path_factory.mktemp("ct") / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    return path


@pytest.fixture(scope="module")
def result(ct_file, models):
    return stage(ct_file, models=models)


def test_probabilities_sum_to_one_and_agree_with_every_summary(result):
    estimate = result.stage
    assert sum(estimate.probabilities) == pytest.approx(1)
    assert estimate.at_least["F1"] == pytest.approx(1 - estimate.probabilities[0])
    assert estimate.expected == pytest.approx(sum(estimate.at_least.values()))
    assert estimate.predicted == f"F{int(np.argmax(estimate.probabilities))}"


def test_map_lies_on_the_ct_grid(result, rendering):
    assert result.map.geometry.same_grid(rendering.hu.geometry)
    assert result.map.array.dtype == np.float32
    assert result.map.array.min() >= 0
    assert result.map.array.max() > 0


def test_regions_partition_the_attention(result):
    regions = result.attention.regions
    assert sum(regions[name].share for name in ("liver", "spleen", "elsewhere")) == pytest.approx(1)
    assert regions["liver_surface"].share + regions["liver_core"].share == pytest.approx(regions["liver"].share)


def test_depth_profile_goes_on_where_the_shell_ends(result):
    layers = result.to_dict()["attention"]["depth_profile"]
    assert [layer["from_mm"] for layer in layers] == [5.0 * n for n in range(len(layers))]
    regions = result.attention.regions
    assert sum(layer["voxels"] for layer in layers[:2]) == regions["liver_surface"].voxels
    assert sum(layer["share"] for layer in layers[2:]) == pytest.approx(regions["liver_core"].share)


def test_volumes_are_those_of_the_masks(result, rendering):
    voxels = (rendering.labels.array == Organ.LIVER).sum()
    assert result.markers["liver_volume_ml"] == pytest.approx(voxels * rendering.labels.geometry.voxel_ml)


def test_markers_are_numbers_or_none_with_a_reason_beside_them(result):
    content = result.to_dict()
    details = {marker["name"]: marker for marker in content["marker_details"]}
    assert list(details) == list(content["markers"])
    for name, value in content["markers"].items():
        assert details[name]["value"] == value
        assert (value is None) == bool(details[name]["not_measurable"])
    assert details["spleen_volume_ml"]["mask_source"].startswith("truth")
    assert "3.00 mm are wider" in details["lsn"]["not_measurable"]


def test_result_is_json_with_the_keys_of_the_contract(result):
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(content) >= {
        "schema_version",
        "input",
        "quality",
        "model",
        "stage",
        "attention",
        "pattern",
        "markers",
        "warnings",
    }
    assert content["input"]["shape"] == list(result.ct.geometry.shape[::-1])
    assert content["stage"]["conformal_set"] is None
    assert content["pattern"]["name"] in PATTERNS
    assert "even share" in content["pattern"]["rule"]
    assert set(content["attention"]) >= {
        "scale",
        "layer",
        "target",
        "liver",
        "liver_surface",
        "liver_core",
        "spleen",
        "elsewhere",
    }
    assert any("simulated CT only" in warning for warning in content["warnings"])


def test_same_in_same_out(ct_file, models, result):
    again = stage(ct_file, models=models)
    assert again.to_dict() == result.to_dict()
    assert np.array_equal(again.map.array, result.map.array)


def test_flipped_storage_changes_neither_stage_nor_map(tmp_path, rendering, models, result):
    geometry = rendering.hu.geometry
    corner = tuple(geometry.to_world(np.array([geometry.shape[0] - 1.0, 0, geometry.shape[2] - 1.0])).tolist())
    axes = tuple(tuple(sign * v for v in axis) for sign, axis in zip((-1, 1, -1), geometry.direction, strict=True))
    turned = Geometry(geometry.shape, geometry.spacing, corner, axes)
    path = tmp_path / "flipped.nii.gz"
    write_nifti(Volume(np.ascontiguousarray(rendering.hu.array[::-1, :, ::-1]), turned), path)
    truth = Volume(np.ascontiguousarray(rendering.labels.array[::-1, :, ::-1]), turned)
    flipped = stage(path, models=untrained_models(truth))
    assert flipped.stage.probabilities == pytest.approx(result.stage.probabilities, abs=1e-5)
    np.testing.assert_allclose(flipped.map.array[::-1, :, ::-1], result.map.array, atol=1e-3)


def test_mean_layer_and_all_maps(ct_file, models):
    result = stage(ct_file, StageOptions(layer="mean", all_maps=True), models)
    assert sorted(result.maps) == ["F0", "F1", "F2", "F3", "F4"]
    assert result.attention.layer == "mean"


def test_missing_spleen_is_null_not_zero(ct_file, rendering):
    organs = np.where(rendering.labels.array == Organ.SPLEEN, Organ.FAT, rendering.labels.array).astype(np.uint8)
    result = stage(ct_file, models=untrained_models(rendering.labels.with_array(organs)))
    content = result.to_dict()
    assert content["markers"]["spleen_volume_ml"] is None
    assert content["attention"]["spleen"] is None
    assert any("No spleen" in warning for warning in content["warnings"])


def test_native_phase_is_refused_unless_forced(tmp_path, rendering, models):
    hu = rendering.hu.array.copy()
    for organ, value in ((Organ.AORTA, 42), (Organ.SPLEEN, 45), (Organ.LIVER, 55)):
        hu[rendering.labels.array == organ] = value
    path = tmp_path / "native.nii.gz"
    write_nifti(rendering.hu.with_array(hu), path)
    with pytest.raises(PhaseError, match="native"):
        stage(path, models=models)
    forced = stage(path, StageOptions(force=True), models)
    assert forced.forced
    assert forced.to_dict()["quality"]["acceptable"] is False
    assert forced.warnings[0].startswith("FORCED")


def test_scan_without_liver_is_refused_even_when_forced(ct_file, rendering):
    nothing = rendering.labels.with_array(np.zeros_like(rendering.labels.array))
    with pytest.raises(CoverageError, match="No liver"):
        stage(ct_file, StageOptions(force=True), untrained_models(nothing))


def test_own_masks_replace_the_networks(tmp_path, ct_file, rendering, models, result):
    half = (rendering.labels.array == Organ.LIVER) & (np.arange(rendering.hu.array.shape[1]) < 60)[None, :, None]
    mask = tmp_path / "liver.nii.gz"
    write_nifti(rendering.hu.with_array(half.astype(np.uint8)), mask)
    own = stage(ct_file, StageOptions(masks=OwnMasks(liver=mask)), models)
    assert own.markers["liver_volume_ml"] == pytest.approx(half.sum() * rendering.hu.geometry.voxel_ml)
    assert own.markers["spleen_volume_ml"] == result.markers["spleen_volume_ml"]
    assert "liver.nii.gz" in own.attention.mask_source


def test_mask_on_another_grid_is_refused_naming_both(tmp_path, ct_file, rendering, models):
    geometry = replace(rendering.hu.geometry, spacing=(5.0, 2.0, 2.0))
    mask = tmp_path / "other.nii.gz"
    write_nifti(Volume(np.ones(geometry.shape, np.uint8), geometry), mask)
    with pytest.raises(GeometryError, match=r"other\.nii\.gz.*patient\.nii\.gz"):
        stage(ct_file, StageOptions(masks=OwnMasks(liver=mask)), models)


def test_labels_of_another_convention_need_its_name(tmp_path, ct_file, rendering, models, result):
    organs = rendering.labels.array
    labels = tmp_path / "total.nii.gz"
    write_nifti(
        rendering.hu.with_array(
            np.select([organs == Organ.LIVER, organs == Organ.SPLEEN, organs == Organ.AORTA], [5, 1, 52], 0).astype(
                np.uint8
            )
        ),
        labels,
    )
    with pytest.raises(InputError, match=r"labels 5, 52; .*--label-map totalsegmentator"):
        stage(ct_file, StageOptions(masks=OwnMasks(labels=labels)), models)
    own = stage(ct_file, StageOptions(masks=OwnMasks(labels=labels, label_map="totalsegmentator")), models)
    assert own.markers["liver_volume_ml"] == result.markers["liver_volume_ml"]
    assert own.markers["spleen_volume_ml"] == result.markers["spleen_volume_ml"]
    content = own.to_dict()
    assert content["attention"]["mask_source"] == "total.nii.gz (labels of totalsegmentator)"
    assert content["masks"]["spleen"]["label_map"] == "totalsegmentator"
    assert result.to_dict()["masks"]["liver"] == {
        "kind": "segmenter",
        "name": "truth",
        "sha256": "b" * 64,
        "label_map": None,
    }


def test_weights_without_a_record_of_their_features_leave_the_domain_open(result):
    assert result.to_dict()["quality"]["in_domain"] is None
    assert any("not checked" in warning for warning in result.warnings)


@pytest.fixture(scope="module")
def calibrated(models, result):
    """The same networks with a calibration, and with a domain that holds the scan."""
    sets = StageCalibration(Threshold(0.9, 60, 56, 0.5), "60 toys")
    domain = DomainModel(np.zeros(8), np.eye(8), np.inf)
    return replace(models, staging=replace(models.staging, calibration=sets, domain=domain))


def test_weights_without_a_calibration_give_no_stage_set_and_say_so(result):
    assert result.to_dict()["stage"]["conformal_set"] is None
    assert any("without a calibration" in warning for warning in result.warnings)


def test_weights_with_a_calibration_give_the_set_and_whom_it_was_taken_from(ct_file, calibrated):
    staged = stage(ct_file, models=calibrated)
    held = staged.to_dict()["stage"]["conformal_set"]
    numbers = calibrated.staging.calibration.stages(np.array(staged.stage.probabilities))
    assert held == {
        "stages": [f"F{k}" for k in numbers],
        "claim": 0.9,
        "calibrated_on": "60 toys",
        "valid": True,
        "reason": None,
    }
    assert staged.stage.predicted in held["stages"]
    assert not any("calibration" in warning for warning in staged.warnings)


def test_a_stage_set_is_not_valid_where_the_scan_is_unlike_those_of_the_calibration(ct_file, calibrated):
    def reason(domain, **options):
        models = replace(calibrated, staging=replace(calibrated.staging, domain=domain))
        held = stage(ct_file, StageOptions(**options), models).to_dict()["stage"]["conformal_set"]
        assert held["valid"] == (held["reason"] is None)
        return held["reason"]

    near = calibrated.staging.domain
    assert reason(near) is None
    assert "outside the training domain" in reason(replace(near, threshold=-1.0))
    assert "was not checked" in reason(None)
    assert "own slices" in reason(near, native_slices=True)


def test_a_stage_set_of_a_forced_scan_is_not_valid(tmp_path, rendering, calibrated):
    hu = rendering.hu.array.copy()
    hu[rendering.labels.array == Organ.AORTA] = 42
    hu[rendering.labels.array == Organ.SPLEEN] = 45
    hu[rendering.labels.array == Organ.LIVER] = 55
    path = tmp_path / "native.nii.gz"
    write_nifti(rendering.hu.with_array(hu), path)
    held = stage(path, StageOptions(force=True), calibrated).to_dict()["stage"]["conformal_set"]
    assert held["reason"] == "not valid here: the scan failed the quality gate and was forced"


@pytest.mark.parametrize("network", ["staging", "segmenter"])
def test_another_file_beside_the_same_weights_is_another_result_for_the_manifest(models, network):
    one, other = (
        replace(models, **{network: replace(getattr(models, network), files_sha256=sha256 * 64)}) for sha256 in "bc"
    )
    assert one.fingerprint != other.fingerprint


def test_the_recommended_map_stands_beside_the_one_that_was_asked_for(tmp_path, rendering, models):
    path = tmp_path / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    found = stage(path, models=models)
    assert (found.attention.method, found.attention.layer) == ("gradcam", "conv4")
    assert (found.recommended.method, found.recommended.layer) == ("contrast", "conv2")
    assert found.recommended_map.geometry == found.ct.geometry
    content = found.to_dict()
    assert content["attention"]["method"] == "gradcam"
    assert content["attention_recommended"]["method"] == "contrast"
    assert len(content["attention_recommended"]["centroid_mm"]) == 3
    again = stage(path, StageOptions(method="contrast", layer="conv2"), models)
    assert (again.recommended, again.recommended_map) == (None, None)
    assert again.to_dict()["attention_recommended"] == again.to_dict()["attention"]
    np.testing.assert_array_equal(again.map.array, found.recommended_map.volume.array)


def test_region_figures_stand_against_the_null_band_of_the_weights(tmp_path, rendering, models):
    path = tmp_path / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    bands = (NullBand("gradcam", "conv4", "predicted", 20, 20, (Band("liver", 0.0, 1.0, 99.0),)),)
    patterns = tuple(PatternCount("gradcam", "conv4", s, p, 0, 50) for s in STAGES for p in PATTERNS)
    known = AttentionReference("a" * 64, "tests", bands, patterns)
    found = stage(path, models=replace(models, staging=replace(models.staging, reference=known))).to_dict()
    liver = found["attention"]["liver"]
    assert liver["null"] == {"low": 0.0, "median": 1.0, "high": 99.0}
    assert liver["inside_null"] is (None if liver["mean"] is None else True)
    assert found["attention"]["spleen"]["null"] is None
    assert found["attention_recommended"]["liver"]["null"] is None
    assert found["attention"]["agreement"]["of"] == 50
