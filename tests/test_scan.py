"""How a verb reads a CT, and finds the series to take."""

import pytest
from tests.staged import simulated, untrained_models
from tests.study_files import write_phantom_study

from fibrolens.io.dicom.select import NO_LIVER
from fibrolens.scan import phase_by_organs, read_scan, series_choice
from fibrolens.segment.segmenters import load_segmenter


@pytest.mark.slow
def test_the_networks_find_the_portal_venous_series_where_no_header_tells_it(tmp_path):
    nothing = {"SeriesDescription": "", "AcquisitionTime": None, "ContrastBolusStartTime": None}
    rendering = write_phantom_study(tmp_path, ("portal", "arterial"), **nothing)
    scan = read_scan(tmp_path, series_choice(None, explain=False, segmenter=load_segmenter()))
    selection = scan.ct.get("selection")
    assert selection.chosen.number == 1
    assert selection.rows[1].verdict == "not chosen: arterial by organ HU"
    assert scan.ct.geometry.same_grid(rendering.hu.geometry)


def test_a_ct_without_a_liver_is_told_as_such():
    rendering = simulated()
    segmenter = untrained_models(rendering.labels.with_array(rendering.labels.array * 0)).segmenter
    assert phase_by_organs(segmenter)(rendering.hu) == NO_LIVER
    assert phase_by_organs(untrained_models(rendering.labels).segmenter)(rendering.hu) == "portal"


def test_a_table_is_printed_where_it_was_asked_for(tmp_path, capsys):
    write_phantom_study(tmp_path, ("native", "portal"))
    read_scan(tmp_path, series_choice(None, explain=False, segmenter=None))
    assert capsys.readouterr().out == ""
    read_scan(tmp_path, series_choice(None, explain=True, segmenter=None))
    table = capsys.readouterr().out
    assert table.startswith("no.")
    assert "not chosen: native by name" in table
