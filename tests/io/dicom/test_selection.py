"""The table of a choice."""

import json

from fibrolens.io.dicom.record import SeriesRecord
from fibrolens.io.dicom.select import select

SCANS = (
    SeriesRecord("1.2.3", 3, "Portal 3.0 B40f", 70),
    SeriesRecord("1.2.4", 4, "Arterial 3.0 B40f with a description that never ends", 70),
    SeriesRecord("1.2.1", None, "", 2),
)


def test_the_columns_of_the_printed_table_are_aligned():
    lines = str(select(SCANS)).splitlines()
    start = lines[0].index("verdict")
    assert [line[start:].split("  ")[0] for line in lines[1:]] == [
        "chosen",
        "not chosen: arterial by name",
        "not chosen: 2 images only",
    ]
    assert lines[1].endswith("1.2.3")
    assert "..." in lines[2]


def test_the_table_is_plain_json():
    content = json.loads(json.dumps(select(SCANS).to_dict()))
    assert content["warning"] is None
    assert content["series"][0] == {
        "uid": "1.2.3",
        "number": 3,
        "description": "Portal 3.0 B40f",
        "images": 70,
        "orientation": "unknown",
        "thickness_mm": 3.0,
        "coverage_mm": 210.0,
        "kernel": "soft",
        "phase": "portal",
        "phase_source": "name",
        "score": 99,
        "verdict": "chosen",
    }
