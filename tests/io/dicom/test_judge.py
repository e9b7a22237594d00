"""What speaks for and against one series."""

from dataclasses import replace

import pytest

from fibrolens.io.dicom.judge import judge
from fibrolens.io.dicom.phase_evidence import PhaseEvidence
from fibrolens.io.dicom.record import SeriesRecord

GOOD = SeriesRecord(
    "1", 4, "Portal 3.0 B40f", 70, body_part="ABDOMEN", image_type=("ORIGINAL", "PRIMARY", "AXIAL"), kernel="B40f",
    plane="axial", thickness_mm=3.0, spacing_mm=3.0, coverage_mm=210.0, contrast=True,
)  # fmt: skip
PORTAL = PhaseEvidence("portal", "name")


def score(**changes):
    return judge(replace(GOOD, **changes), PORTAL).score


def test_the_scan_that_the_pipeline_wants_has_all_points():
    assert judge(GOOD, PORTAL).score == 110
    assert judge(GOOD, PORTAL).against == ""


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "a localizer"),
        ({"image_type": ("DERIVED", "SECONDARY", "MIP")}, "a projection"),
        ({"image_type": ("DERIVED", "SECONDARY", "SCREEN SAVE")}, "a screen save"),
        ({"plane": "coronal"}, "coronal, not axial"),
        ({"plane": "oblique"}, "oblique, not axial"),
        ({"description": "Monitoring"}, "places, times or reports the scan"),
        ({"study": "CT BIOPSY LIVER"}, "of a study for a needle, a treatment or a PET"),
        ({"images": 1, "coverage_mm": None}, "1 image only"),
        ({"images": 12, "coverage_mm": 60.0}, "12 images only"),
        ({"coverage_mm": 90.0}, "covers 90 mm only"),
        ({"thickness_mm": 12.0}, "slices of 12 mm"),
        ({"flaw": "has gaps"}, "cannot be read: has gaps"),
    ],
)
def test_what_rules_a_series_out(changes, against):
    assert judge(replace(GOOD, **changes), PORTAL).against == against


@pytest.mark.parametrize("phase", ["native", "arterial", "delayed"])
def test_another_phase_rules_it_out_unless_any_will_do_or_it_is_a_guess(phase):
    assert judge(GOOD, PhaseEvidence(phase, "name")).against == f"{phase} by name"
    assert judge(GOOD, PhaseEvidence(phase, "name"), any_phase=True).against == ""
    assert judge(GOOD, PhaseEvidence(phase, "scan order")).against == ""


def test_slices_of_two_to_three_and_a_half_millimetres_are_best():
    best = score()
    assert [best - score(thickness_mm=mm) for mm in (0.6, 1.0, 1.5, 2.0, 3.5, 5.0, 7.0, 10.0)] == [
        *(12, 7, 3, 0, 0, 2, 10, 16)
    ]


def test_few_thick_slices_that_cover_the_liver_are_a_scan():
    assert judge(replace(GOOD, images=19, thickness_mm=8.0, coverage_mm=152.0), PORTAL).against == ""


def test_each_doubt_costs_points():
    best = score()
    assert score(kernel="B70f") == best - 15
    assert score(description="Portal lung") == best - 15
    assert score(image_type=("DERIVED", "PRIMARY", "AXIAL")) == best - 7
    assert score(coverage_mm=160.0) == best - 3
    assert score(contrast=False) == best - 5
    assert score(description="Portal 50keV") == best - 10
    assert score(body_part="CHEST") == best - 10
    assert score(body_part="CHEST", description="Portal Abd") == best


def test_the_axial_header_of_a_series_is_believed_before_its_name():
    assert judge(replace(GOOD, description="Portal after coronal"), PORTAL).against == ""
