"""The table of measurements in the report of one patient."""

import pytest
from tests.staged import simulated, untrained_models

from fibrolens.io import write_nifti
from fibrolens.pipeline import stage
from fibrolens.report.patient import _marker_row, render_report


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    rendering = simulated()
    path = tmp_path_factory.mktemp("ct") / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    return stage(path, models=untrained_models(rendering.labels)).to_dict()


def test_every_marker_is_a_row_with_value_or_reason_range_and_formula(content):
    page = render_report(content, b"")
    assert content["marker_details"]
    for marker in content["marker_details"]:
        row = _marker_row(marker)
        assert f">{row['title']}</td>" in page
        assert row["value"] in page
        assert (row["value"] == "not measurable") == (marker["value"] is None)
        assert marker["value"] is not None or row["remark"]
    assert "107.2 to 314.5 mL" in page
    assert "laboratory values were not given" in page
    assert "approximate: segments II and III" in page


def test_values_are_written_with_their_unit_and_no_more_places_than_they_deserve():
    marker = {
        "title": "Surface",
        "value": 2.3456,
        "unit": "0.1 mm",
        "decimals": 2,
        "reference": {"low": None, "high": 3.14, "meaning": "healthy"},
        "not_measurable": None,
        "note": None,
        "mask_source": None,
        "formula": "a",
        "source": "b",
    }
    row = _marker_row(marker)
    assert row["value"] == "2.35 × 0.1 mm"
    assert row["range"] == "up to 3.14 × 0.1 mm"
    assert _marker_row(marker | {"unit": "", "reference": None})["value"] == "2.35"
    assert _marker_row(marker | {"value": None, "not_measurable": "no liver"})["remark"] == "no liver"


def test_the_stage_set_is_told_with_its_claim_and_why_it_is_not_valid(content):
    held = {"stages": ["F2", "F3"], "claim": 0.9, "calibrated_on": "60 <toys>", "valid": True, "reason": None}

    def page(conformal):
        return render_report(content | {"stage": content["stage"] | {"conformal_set": conformal}}, b"")

    assert "the weights come without a calibration" in page(None)
    valid = page(held)
    assert "F2, F3" in valid
    assert "at least 90 %" in valid
    assert "60 &lt;toys&gt;" in valid
    assert "not valid here" not in valid
    assert "not valid here: forced" in page(held | {"valid": False, "reason": "not valid here: forced"})
