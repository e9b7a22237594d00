"""The structured report, read back by highdicom: every figure of ``result.json``, coded, with its segment."""

import highdicom as hd
import pytest
from tests.dicom_objects import MAKER, MASKS, complaints, map_of, opened, organs_of, oriented_series, written
from tests.staged import simulated, untrained_models

from fibrolens.io import write_nifti
from fibrolens.io.dicom.objects import codes
from fibrolens.io.dicom.objects.measurements import MARKERS
from fibrolens.io.dicom.objects.parametric_map import MapWords, parametric_map
from fibrolens.io.dicom.objects.report import structured_report
from fibrolens.io.dicom.objects.segmentation import segmentation
from fibrolens.io.dicom.read import quiet_pydicom
from fibrolens.markers.catalogue import CATALOGUE
from fibrolens.pipeline import stage

HELD = {
    "stages": ["F2", "F3"],
    "claim": 0.9,
    "calibrated_on": "60 toys",
    "valid": False,
    "reason": "not valid here: forced",
}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    rendering = simulated()
    path = tmp_path_factory.mktemp("ct") / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    told = stage(path, models=untrained_models(rendering.labels)).to_dict()
    return told | {
        "masks": MASKS,
        "stage": told["stage"] | {"conformal_set": HELD},
        "warnings": ["Liver ≥ 10 cm³ ± 2 is odd.", "FORCED: this scan failed."],
    }


def reported(folder, content, organs=(1, 2)):
    """The report of `content` as a file, and the segmentation that it names."""
    ct, source = opened(oriented_series(folder / "ct"))
    labels = organs_of(ct).array
    labels[~(labels[..., None] == organs).any(-1)] = 0
    with quiet_pydicom():
        seg = segmentation(source, labels, content["masks"], MAKER)
        shown = parametric_map(source, map_of(ct).array, MapWords("F4", "gradcam", "conv4", "mean1"), MAKER)
        report = structured_report(source, content, {"seg": seg, "map": shown}, MAKER)
    return written(report, folder / "report.dcm"), seg


@pytest.fixture(scope="module")
def path(tmp_path_factory, content):
    return reported(tmp_path_factory.mktemp("report"), content)[0]


@pytest.fixture(scope="module")
def groups(path):
    """Measurement groups by their tracking identifier."""
    report = hd.sr.srread(path).content
    every = [
        *report.get_volumetric_roi_measurement_groups(),
        *report.get_image_measurement_groups(),
    ]
    return {group.tracking_identifier: group for group in every}


def figures(group):
    """Measurements of a group as (code, value, unit, site, part of the site)."""
    found = []
    for item in group.get_measurements():
        (site,) = item.finding_sites or [None]
        part = site.topographical_modifier.value if site is not None and site.topographical_modifier else None
        where = None if site is None else site.value.value
        found.append((item.name.value, item.value, item.unit.value, where, part))
    return found


def answers(group):
    found = [(item[0].name.value, item[0].value.value) for item in group.get_qualitative_evaluations()]
    return [answer for answer in found if answer[0] != "111000"]  # the family of the algorithm is no answer


def comments(container):
    items = container.ContentSequence
    return [i.TextValue for i in items if i.ValueType == "TEXT" and i.ConceptNameCodeSequence[0].CodeValue == "121106"]


def test_it_is_valid(path):
    assert complaints(path) == []


def test_stage_and_probabilities(groups, content):
    told = content["stage"]
    group = groups["Fibrosis stage"]
    found = {name: value for name, value, *_ in figures(group)}
    expected = {f"p_{stage.lower()}": p for stage, p in told["probabilities"].items()}
    expected |= {f"at_least_{stage.lower()}": p for stage, p in told["at_least"].items()}
    assert found == expected | {"expected": told["expected"], "set_claim": 0.9}
    assert answers(group) == [
        ("stage", f"stage_{told['predicted'].lower()}"),
        ("set_stage", "stage_f2"),
        ("set_stage", "stage_f3"),
        ("set_valid", "373067005"),
    ]
    assert "Conformal set calibrated on 60 toys. not valid here: forced" in comments(group[0])


def test_every_marker_with_a_value_is_there_once_with_unit_and_place(groups, content):
    told = {item["name"]: item for item in content["marker_details"]}
    expected = sorted(
        (code.concept.value, told[name]["value"], codes.UNITS[told[name]["unit"]].value, code.site.value)
        for name, code in MARKERS.items()
        if told[name]["value"] is not None
    )
    assert len(expected) > 8
    found = [row[:4] for name in ("liver", "spleen", "Other markers") for row in figures(groups[name])]
    assert sorted(found) == expected


def test_markers_refer_to_the_segment_that_they_were_measured_in(path, groups, tmp_path, content):
    _, seg = reported(tmp_path, content)
    for number, organ in enumerate(("liver", "spleen"), 1):
        reference = groups[organ].referenced_segment
        item = reference[0].ReferencedSOPSequence[0]
        assert (item.ReferencedSOPInstanceUID, item.ReferencedSegmentNumber) == (seg.SOPInstanceUID, number)
        assert groups[organ].tracking_uid == seg.SegmentSequence[number - 1].TrackingUID
    volume = next(m for m in groups["spleen"].get_measurements() if m.name == codes.VOLUME)
    assert volume.unit.value == "mL"


def test_one_organ_alone_can_be_referred_to(tmp_path, content):
    path, _ = reported(tmp_path, content, organs=(1,))
    assert complaints(path) == []
    (group,) = hd.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    assert group.tracking_identifier == "liver"


def test_attention_per_region_of_both_maps(groups, content):
    places = {
        "liver": ("10200004", None),
        "liver_surface": ("10200004", "surface"),
        "liver_core": ("10200004", "core"),
        "spleen": ("78961009", None),
        "elsewhere": ("818981001", "elsewhere"),
    }
    titles = {"Attention": "attention", "Attention, recommended method": "attention_recommended"}
    for title, key in titles.items():
        look = content[key]
        expected = [
            (f"map_{what}", look[region][what], "1", *place)
            for region, place in places.items()
            for what in ("mean", "share")
        ]
        assert figures(groups[title]) == expected
        assert groups[title].finding_type == codes.CLASS_ACTIVATION
        (how,) = comments(groups[title][0])
        for fact in ("method", "layer", "scale"):
            assert f"{fact}={look[fact]}" in how


def test_warnings_and_intended_use_are_words_in_plain_letters(path):
    said = comments(hd.sr.srread(path))
    assert said[0].startswith("Research use only")
    assert said[1:] == ["Liver >= 10 cm3 +/- 2 is odd.", "FORCED: this scan failed."]


def test_it_says_which_program_and_weights(path, groups):
    report = hd.sr.srread(path)
    assert (report.Manufacturer, report.SoftwareVersions, report.DeviceSerialNumber) == ("fibrolens", "0.1.0", "a" * 16)
    texts = [i.TextValue for i in groups["Fibrosis stage"][0].ContentSequence if i.ValueType == "TEXT"]
    assert f"weights={'a' * 64}" in texts


def test_what_could_not_be_measured_is_said(groups, content):
    missing = [item for item in content["marker_details"] if item["value"] is None]
    said = " ".join(comments(groups["Other markers"][0]) + comments(groups["liver"][0]))
    assert missing
    for item in missing:
        assert f"{item['title']}: not measurable" in said


def test_every_marker_of_the_catalogue_has_a_code_and_a_unit():
    assert set(MARKERS) == {definition.name for definition in CATALOGUE}
    assert {definition.unit for definition in CATALOGUE} <= set(codes.UNITS)
    named = [(code.concept.value, code.site.value, code.segment) for code in MARKERS.values()]
    assert len(set(named)) == len(named)


def test_private_codes_fit_their_element_and_the_documentation_lists_them(request):
    page = (request.config.rootpath / "docs" / "dicom.md").read_text(encoding="utf-8")
    for value, meaning in codes.OWN.items():
        assert len(value) <= 16
        assert len(meaning) <= 64
        assert f"| `{value}` | {meaning} |" in page


def test_our_own_scheme_is_declared_as_ours(path):
    (item,) = hd.sr.srread(path).CodingSchemeIdentificationSequence
    assert item.CodingSchemeDesignator == codes.SCHEME
    assert item.CodingSchemeDesignator.startswith("99")
