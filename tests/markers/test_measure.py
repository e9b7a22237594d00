import json
from dataclasses import replace

import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.markers.catalogue import CATALOGUE, LIVER_VOLUME
from fibrolens.markers.marker import Marker
from fibrolens.markers.measure import MarkedScan, MaskNames, measure
from fibrolens.markers.serum import Laboratory
from fibrolens.quality import OrganHU
from fibrolens.volume import Geometry, Volume

GRID = Geometry((24, 140, 200), (4.0, 1.5, 1.5))
NAMES = MaskNames("V-Net", "spleen.nii.gz", "V-Net", "parts.nii.gz", "vein.nii.gz")


def organs():
    """A liver with a cleft, and a spleen."""
    labels = np.zeros(GRID.shape, np.uint8)
    labels[3:21, 20:120, 10:130] = 1
    labels[3:16, 20:60, 80:83] = 0
    labels[6:18, 60:120, 150:190] = 2
    return labels


def scan(labels=None, **options):
    labels = organs() if labels is None else labels
    noise = np.random.default_rng(0).normal(0, 8, GRID.shape)
    hu = np.select([labels == 1, labels == 2], [100.0, 112.0], -100.0) + noise
    marked = MarkedScan(
        Volume(hu.astype(np.float32), GRID), Volume(labels, GRID), NAMES, OrganHU(100.0, 112.0, 150.0), "portal"
    )
    return replace(marked, **options)


def measured(marked):
    return {marker.name: marker for marker in measure(marked)}


def refused(marked, name):
    marker = measured(marked)[name]
    assert marker.value is None
    return marker.not_measurable


@pytest.fixture(scope="module")
def plain():
    return measured(scan())


def test_every_marker_of_the_catalogue_is_there_in_order(plain):
    assert list(plain) == [definition.name for definition in CATALOGUE]


def test_each_has_a_value_or_a_reason_and_can_be_written_down(plain):
    for marker in plain.values():
        assert (marker.value is None) == bool(marker.not_measurable)
        content = json.loads(json.dumps(marker.to_dict(), allow_nan=False))
        assert content["formula"]
        assert content["source"]
        assert set(content) >= {"name", "value", "unit", "reference", "mask_source", "not_measurable", "note"}
    with pytest.raises(ValueError, match="either a value or a reason"):
        Marker(LIVER_VOLUME, None)


def test_sizes_are_those_of_the_masks(plain):
    labels = organs()
    liver, spleen = ((labels == k).sum() * GRID.voxel_ml for k in (1, 2))
    assert plain["liver_volume_ml"].value == pytest.approx(liver)
    assert plain["spleen_volume_ml"].value == pytest.approx(spleen)
    assert plain["liver_spleen_ratio"].value == pytest.approx(liver / spleen)
    assert plain["splenic_index_cm3"].value == pytest.approx(48 * np.hypot(90, 60) * 60 / 1000, rel=0.03)


def test_attenuation_and_medians(plain):
    assert plain["liver_minus_spleen_hu"].value == pytest.approx(-12, abs=0.5)
    assert plain["liver_minus_spleen_hu"].note == "portal phase"
    assert (plain["liver_hu"].value, plain["aorta_hu"].value) == (100, 150)


def test_the_source_of_the_masks_stands_beside_the_figure(plain):
    assert plain["liver_volume_ml"].mask_source == "V-Net"
    assert plain["spleen_volume_ml"].mask_source == "spleen.nii.gz"
    assert plain["liver_spleen_ratio"].mask_source == "liver: V-Net; spleen: spleen.nii.gz"


def test_the_lobe_ratio_is_approximate_from_the_mask_and_exact_from_parts(plain):
    assert plain["lsvr"].note.startswith("approximate")
    labels = organs()
    parts = np.where(labels == 1, 5, 0).astype(np.uint8)
    parts[(labels == 1) & (np.arange(200) > 100)] = 2
    exact = measured(scan(segments=Volume(parts, GRID)))["lsvr"]
    assert exact.value == pytest.approx((parts == 2).sum() / (parts == 5).sum(), rel=1e-9)
    assert exact.note.startswith("exact")
    assert exact.mask_source == "parts.nii.gz"
    only_left = Volume(np.where(labels == 1, 2, 0).astype(np.uint8), GRID)
    assert "IV to VIII" in refused(scan(segments=only_left), "lsvr")


def test_wide_pixels_refuse_nodularity(plain):
    assert "1.50 mm are wider than 1 mm" in plain["lsn"].not_measurable


def test_a_portal_vein_is_measured_where_it_is_given(plain):
    assert "no mask" in plain["portal_vein_mm"].not_measurable
    vein = np.zeros(GRID.shape, np.uint8)
    vein[8:14, 64:74, 60:120] = 1
    found = measured(scan(portal_vein=Volume(vein, GRID)))["portal_vein_mm"]
    assert found.value == pytest.approx(15, abs=1.5)
    assert found.mask_source == "vein.nii.gz"


def test_blood_scores_need_laboratory_values(plain):
    assert "not given" in plain["fib4"].not_measurable
    blood = measured(scan(laboratory=Laboratory(60.0, 80.0, 64.0, None, 120.0)))
    assert blood["fib4"].value == pytest.approx(5)
    assert "upper limit" in blood["apri"].not_measurable


@pytest.mark.parametrize("turned", [False, True])
def test_a_cut_organ_has_no_size_but_what_is_seen_of_it(turned):
    labels = organs()
    labels[:6, 60:120, 150:190] = 2
    marked = scan(labels)
    if turned:
        down = Geometry(GRID.shape, GRID.spacing, direction=((0.0, 0.0, -1.0), *GRID.direction[1:]))
        marked = replace(marked, ct=Volume(marked.ct.array, down), labels=Volume(labels, down))
    assert f"cut off at the edge of the scan; what is seen of it has {(labels == 2).sum() * 0.009:.0f} mL" in refused(
        marked, "spleen_volume_ml"
    )
    for name in ("liver_spleen_ratio", "splenic_index_cm3"):
        assert "spleen is cut off" in refused(marked, name)
    assert measured(marked)["liver_volume_ml"].value > 0


def test_a_cut_liver_has_no_lobe_ratio():
    labels = organs()
    labels[:, 40:100, 10:60] = 1
    for name in ("liver_volume_ml", "liver_spleen_ratio", "lsvr"):
        assert "liver is cut off" in refused(scan(labels), name)


def test_without_a_spleen_its_figures_have_reasons():
    labels = np.where(organs() == 1, 1, 0).astype(np.uint8)
    found = measured(scan(labels, organ_hu=OrganHU(100.0, None, 150.0)))
    for name in ("spleen_volume_ml", "liver_spleen_ratio", "splenic_index_cm3", "spleen_hu"):
        assert "no spleen was found" in found[name].not_measurable
    assert "too little of the spleen" in found["liver_minus_spleen_hu"].not_measurable
    assert found["texture_sd_hu"].note.startswith("noise is in it")
    assert found["liver_volume_ml"].value > 0


def test_empty_masks_leave_reasons_everywhere():
    found = measured(scan(np.zeros(GRID.shape, np.uint8), organ_hu=OrganHU(None, None, None)))
    assert all(marker.value is None and marker.not_measurable for marker in found.values())


@pytest.mark.parametrize(("phase", "reason"), [("arterial", "unevenly"), ("unknown", "not known")])
def test_phases_without_a_difference_of_liver_and_spleen(phase, reason):
    assert reason in refused(scan(phase=phase), "liver_minus_spleen_hu")


def test_a_native_scan_has_the_difference_but_no_range():
    found = measured(scan(phase="native"))["liver_minus_spleen_hu"]
    assert found.value == pytest.approx(-12, abs=0.5)
    assert found.definition.reference is None
    assert "does not apply" in found.note


def test_other_grids_are_refused():
    other = Volume(np.ones((2, 4, 4), np.uint8), Geometry((2, 4, 4), (4.0, 1.0, 1.0)))
    for options in ({"labels": other}, {"segments": other}, {"portal_vein": other}):
        with pytest.raises(GeometryError):
            measure(replace(scan(), **options))


def test_on_an_mr_sizes_are_measured_and_what_needs_hounsfield_units_says_so(plain):
    found = measured(scan(modality="MR"))
    assert list(found) == [*(definition.name for definition in CATALOGUE), "liver_spleen_signal"]
    for name in ("liver_volume_ml", "spleen_volume_ml", "liver_spleen_ratio", "splenic_index_cm3", "lsvr"):
        assert found[name].value == plain[name].value
    for name in ("lsn", "nodularity_mm", "texture_sd_hu", "texture_entropy", "liver_minus_spleen_hu", "aorta_hu"):
        assert "the scan is an MR" in found[name].not_measurable


def test_on_an_mr_the_signals_of_liver_and_spleen_are_compared():
    ratio = measured(scan(modality="MR"))["liver_spleen_signal"]
    assert ratio.value == pytest.approx(100 / 112, abs=0.01)
    small = organs()
    small[small == 2] = 0
    assert "too little of the liver or of the spleen" in refused(scan(small, modality="MR"), "liver_spleen_signal")
