"""Who the patient is, for reports that were asked to say so."""

import pytest
from tests.dicom_files import SERIES_UID, ct_array, ct_series, save

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.patient import read_identity


def identity(folder, **tags):
    return read_identity(save(ct_series(ct_array(2), **tags), folder), SERIES_UID)


def test_the_header_is_told_in_words(tmp_path):
    told = identity(tmp_path, PatientName="Doe^Jane^Mary^Dr.", PatientSex="F", StudyDate="20260102")
    assert told == {
        "Name": "Doe, Jane Mary, Dr.",
        "Patient ID": "SECRET-1",
        "Birth date": "1960-01-01",
        "Sex": "F",
        "Study date": "2026-01-02",
        "Accession": "SECRET-2",
    }


def test_what_is_absent_or_odd_is_empty_or_as_it_is(tmp_path):
    told = identity(tmp_path, PatientName="", PatientID=None, PatientBirthDate="")
    assert (told["Name"], told["Patient ID"], told["Birth date"], told["Sex"]) == ("", "", "", "")


@pytest.mark.parametrize(
    ("charset", "written", "told"),
    [
        ("ISO_IR 100", "Müller^Jörg", "Müller, Jörg"),
        ("ISO_IR 144", "Люкceмбypг", "Люкceмбypг"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东", "Wang, XiaoDong = 王, 小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎", "Yamada, Tarou = 山田, 太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong = 洪, 吉洞 = 홍, 길동"),
    ],
)
def test_names_in_every_writing(tmp_path, charset, written, told):
    assert identity(tmp_path, SpecificCharacterSet=charset, PatientName=written)["Name"] == told


def test_another_series_is_not_taken(tmp_path):
    save(ct_series(ct_array(2)), tmp_path)
    with pytest.raises(SeriesError, match=r"no CT series 1\.2\.3"):
        read_identity(tmp_path, "1.2.3")
