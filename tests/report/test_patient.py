"""The table of measurements in the report of one patient."""

import pytest

from fibrolens.report.patient_pages import render_report
from fibrolens.report.patient_words import marker_row


@pytest.fixture(scope="module")
def content(staged):
    return staged.to_dict()


def test_every_marker_is_a_row_with_value_or_reason_range_and_formula(content):
    page = render_report(content, [b"", b""])
    assert content["marker_details"]
    for marker in content["marker_details"]:
        row = marker_row(marker)
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
    row = marker_row(marker)
    assert row["value"] == "2.35 × 0.1 mm"
    assert row["range"] == "up to 3.14 × 0.1 mm"
    assert marker_row(marker | {"unit": "", "reference": None})["value"] == "2.35"
    assert marker_row(marker | {"value": None, "not_measurable": "no liver"})["remark"] == "no liver"


def test_the_stage_set_is_told_with_its_claim_and_why_it_is_not_valid(content):
    held = {"stages": ["F2", "F3"], "claim": 0.9, "calibrated_on": "60 <toys>", "valid": True, "reason": None}

    def page(conformal):
        return render_report(content | {"stage": content["stage"] | {"conformal_set": conformal}}, [b"", b""])

    assert "the weights come without a calibration" in page(None)
    valid = page(held)
    assert "F2, F3" in valid
    assert "at least 90 %" in valid
    assert "60 &lt;toys&gt;" in valid
    assert "not valid here" not in valid
    assert "not valid here: forced" in page(held | {"valid": False, "reason": "not valid here: forced"})


def banded(content, inside):
    """The content of a result whose weights know the null band of the liver."""
    liver = content["attention"]["liver"] | {"null": {"low": 0.7, "median": 1.0, "high": 1.2}, "inside_null": inside}
    return content | {"attention": content["attention"] | {"liver": liver}}


def test_both_maps_are_shown_with_method_and_layer(content):
    page = render_report(content, [b"first", b"second"])
    assert "Location map: 3D Grad-CAM at conv4" in page
    assert "Location map by the recommended method: Layer integrated gradients against the far stage at conv2" in page
    assert page.count('<section class="look">') == 2
    assert render_report(content, [b"first"]).count('<section class="look">') == 1


@pytest.mark.parametrize(("inside", "word"), [(True, "inside"), (False, "outside")])
def test_a_figure_stands_against_its_null_band_and_can_be_hidden(content, inside, word):
    page = render_report(banded(content, inside), [b""])
    assert f"<td>0.7 to 1.2, {word}</td>" in page
    assert ('<tr class="inside"><td>Liver</td>' in page) == inside
    assert 'id="hide-null"' in page
    assert "<script" not in page


def test_weights_without_a_null_band_say_so(content):
    assert "<td>not known</td>" in render_report(content, [b""])
    assert content["attention"]["liver"]["null"] is None


def test_the_report_says_whether_the_map_shows_the_papers_pattern(content):
    fits = {"expected": "core", "agrees": False, "frequency": 0.25, "of": 40, "unusual": False}
    page = render_report(content | {"attention": content["attention"] | {"agreement": fits}}, [b""])
    assert "does not show the paper&#39;s pattern" in page or "does not show the paper's pattern" in page
    assert "25 % of 40 maps" in page


def test_a_hash_that_is_not_known_is_said(content):
    page = render_report(content | {"input": content["input"] | {"sha256": None}}, [b"", b""])
    assert "<code>not known</code>" in page
    assert "None" not in page
