"""Descriptions are shown without the patient's name, and judged with every word."""

import pytest
from pydicom import Dataset
from tests.study_files import PORTAL_THICK, Scan, write_scan

from fibrolens.io.dicom.choose import SeriesChoice, choose_series
from fibrolens.io.dicom.files import instances
from fibrolens.io.dicom.telling import description_of, telling_words


def header(description="", **tags):
    data = Dataset()
    data.SeriesDescription = description
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    return data


@pytest.mark.parametrize(
    ("description", "tags", "shown"),
    [
        ("Smithson portal", {"PatientName": "Smith^Smithson"}, "*** portal"),
        ("LEE_KIM portal venous", {"PatientName": "Lee^Kim"}, "***_*** portal venous"),
        ("Li, liver portal", {"PatientName": "Li^Bo"}, "***, liver portal"),
        ("Müller Oberbauch pv", {"PatientName": "MÜLLER^A", "SpecificCharacterSet": "ISO_IR 192"}, "*** Oberbauch pv"),
        ("ID12345 pv 3 mm", {"PatientID": "12345", "PatientName": "3"}, "ID*** pv 3 mm"),
        ("Portal Mercy A77-31", {"InstitutionName": "Mercy", "AccessionNumber": "A77-31"}, "Portal *** ***"),
        ("WANG portal", {"PatientName": "Wang^XiaoDong=王^小东", "SpecificCharacterSet": "ISO_IR 192"}, "*** portal"),
        ("Abd portal 3.0", {}, "Abd portal 3.0"),
    ],
)
def test_what_repeats_the_patient_is_hidden(description, tags, shown):
    assert description_of(header(description, **tags)) == shown


def test_a_header_that_names_nobody_any_more_hides_nothing():
    data = header("CASE1234 portal", PatientName="CASE1234", PatientIdentityRemoved="YES")
    assert description_of(data) == "CASE1234 portal"
    assert telling_words(data) == frozenset()


def chosen(folder, name):
    """The selection between two series of a patient of this name."""
    write_scan(PORTAL_THICK, folder, PatientName=name)
    write_scan(Scan(7, "Abdomen arterial 3.0", 60, 3.0), folder, PatientName=name)
    with instances(folder) as found:
        _, selection = choose_series(found, "study", SeriesChoice(), lambda one: None)
    return selection


def test_the_choice_does_not_depend_on_the_patients_name(tmp_path):
    plain = chosen(tmp_path / "plain", "Roe")
    named = chosen(tmp_path / "named", "Arte^Abdo^Portal")
    assert [(r.uid, r.verdict, r.score, r.phase) for r in named.rows] == [
        (r.uid, r.verdict, r.score, r.phase) for r in plain.rows
    ]
    assert "Portal" in "".join(r.description for r in plain.rows).title()
    shown = " ".join(row.description for row in named.rows).lower()
    assert not any(word in shown for word in ("abdo", "portal", "arte"))
