"""Who the patient is stands in no message and in no file but where it belongs, whatever a header holds."""

import base64
import io
import json
import zipfile

import pytest
from pydicom import dcmread
from tests.marks import marks, marks_of, readable
from tests.planted import FILE_NAME, planted_series, word
from tests.staged import simulated, untrained_models

from fibrolens import cli, stage_batch
from fibrolens.phantom.labels import Organ

#: Shown on purpose: a person chooses a series by its description, and the file that is damaged by its name.
SHOWN = {word(0x0008103E), FILE_NAME}


@pytest.fixture(scope="module")
def rendering():
    return simulated()


@pytest.fixture(scope="module")
def study(tmp_path_factory, rendering):
    folder = tmp_path_factory.mktemp("planted")
    planted_series(folder, rendering)
    return folder / "study"


@pytest.fixture
def stage(monkeypatch, tmp_path, rendering, capsys, caplog, recwarn):
    """A function that stages and returns status and all that was said."""
    monkeypatch.setattr(
        stage_batch.Models, "load", classmethod(lambda cls, *folders: untrained_models(rendering.labels))
    )

    def run(*arguments):
        status = cli.main(["stage", *map(str, arguments), "--out", str(tmp_path / "out")])
        said = capsys.readouterr()
        warned = " ".join(str(w.message) for w in recwarn.list)
        return status, "\n".join((said.out, said.err, caplog.text, warned))

    return run


def copied(study, folder, change, count=None):
    """The series again, with each header changed."""
    folder.mkdir()
    for number, path in enumerate(sorted(study.iterdir())[:count]):
        data = dcmread(path)
        change(data, number)
        data.save_as(folder / path.name)
    return folder


def test_what_a_page_embeds_is_searched_and_not_the_letters_that_it_is_embedded_as(tmp_path):
    letters, hidden = b"QBBBBAAAFXAA", base64.b64encode(b"Planted^QAFFEAFFEX")
    page = tmp_path / "page.html"
    page.write_bytes(b'<img src="data:image/png;base64,%s"><p>QFEEDBEEFX' % letters)
    assert marks_of(page) == {FILE_NAME}
    page.write_bytes(b'<img src="data:image/svg+xml;base64,%s">' % hidden)
    assert marks_of(page) == {"Planted", "QAFFEAFFEX"}


@pytest.mark.slow
def test_a_staged_scan_names_nobody_but_in_its_dicom_objects(stage, study, tmp_path):
    status, said = stage(study)
    assert status == 0
    assert marks(said) == set()
    files = [p for p in (tmp_path / "out").rglob("*") if p.suffix in (".json", ".html", ".pdf", ".csv")]
    assert {p.name for p in files} == {"result.json", "manifest.json", "report.html", "report.pdf", "summary.csv"}
    for path in files:
        assert marks_of(path) == set(), path.name
    (report,) = (tmp_path / "out").rglob("report.dcm")
    assert str(dcmread(report).PatientName) == "Planted^QAFFEAFFEX"  # a PACS files it by this


def of_two_series(study, path):
    """A zip with the series and a short arterial one of another name beside it."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, file in enumerate(sorted(study.iterdir())):
            archive.write(file, f"portal/{file.name}")
            if number > 5:
                continue
            data, other = dcmread(file), io.BytesIO()
            data.SeriesInstanceUID, data.SOPInstanceUID = "1.2.840.99.1", f"{data.SOPInstanceUID}.1"
            data.SeriesDescription, data.PatientName = "Abdomen arterial", "Somebody^Else"
            data.AcquisitionTime, data.AcquisitionDateTime = "101030", ""
            data.save_as(other)
            archive.writestr(f"arterial/{file.name}", other.getvalue())
    return path


@pytest.mark.slow
def test_identified_names_the_patient_in_both_reports_alone(stage, study, tmp_path):
    study = of_two_series(study, tmp_path / "study.zip")
    status, said = stage(study, "--identified", "--explain-selection")
    assert status == 0, said
    assert "Abdomen arterial" in said
    assert marks(said) <= SHOWN
    assert "Somebody" not in said
    for path in (tmp_path / "out").rglob("*"):
        if path.suffix in (".html", ".pdf"):
            text = readable(path.name, path.read_bytes())
            for value in ("Planted, QAFFEAFFEX", word(0x00100020), "1947-05-13", word(0x00080050)):
                assert value.encode() in text, (path.name, value)
            assert b"Somebody" not in text
        elif path.suffix in (".json", ".csv"):
            assert marks_of(path) <= SHOWN, path.name
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert json.loads(manifest.read_text())["run"]["options"]["identified"] is True
    status, said = stage(study)
    assert (status, "other inputs or options" in said) == (2, True)


def test_identified_is_wrong_use_for_a_file_that_names_nobody(stage, tmp_path, rendering):
    from fibrolens.io import write_nifti  # noqa: PLC0415

    write_nifti(rendering.hu, tmp_path / "ct.nii.gz")
    status, said = stage(tmp_path / "ct.nii.gz", "--identified")
    assert status == 2
    assert "leave --identified out" in said
    assert not (tmp_path / "out" / "ct").exists()


def native(rendering):
    hu = rendering.hu.array.copy()
    for organ, value in ((Organ.AORTA, 42), (Organ.SPLEEN, 45), (Organ.LIVER, 55)):
        hu[rendering.labels.array == organ] = value
    return hu


def _pixels(rendering):
    hu = native(rendering)

    def change(data, number):
        data.PixelData = (hu[number] - int(data.RescaleIntercept)).astype("<i2").tobytes()

    return change


def _gap(data, number):
    if number > 3:
        data.ImagePositionPatient[2] += 60


def _uneven(data, number):
    data.ImagePositionPatient[0] += 3 * number


def _other_units(data, number):
    data.RescaleType = "Q7777777AX"


def _truncated(data, number):
    data.PixelData = data.PixelData[:100]


def _no_ct(data, number):
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"


def _two_series(data, number):
    data.SeriesInstanceUID = f"1.2.840.99.{number % 2}"


def _no_position(data, number):
    del data.ImagePositionPatient


def _bad_numbers(data, number):
    data.add_new(0x00200037, "LO", "Q7777777BX")
    data.add_new(0x00280030, "LO", "Q7777777CX")


@pytest.mark.parametrize(
    "change",
    [_gap, _uneven, _other_units, _truncated, _no_ct, _two_series, _no_position, _bad_numbers],
    ids=lambda change: change.__name__,
)
def test_a_refusal_names_nobody(stage, study, tmp_path, change):
    status, said = stage(copied(study, tmp_path / "ct", change, count=9), "--explain-selection")
    assert status == 3
    assert marks(said) <= SHOWN
    assert marks((tmp_path / "out" / "summary.csv").read_bytes()) <= SHOWN
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_refusal_of_the_quality_gate_and_a_forced_result_name_nobody(stage, study, tmp_path, rendering):
    source = copied(study, tmp_path / "ct", _pixels(rendering))
    status, said = stage(source)
    assert (status, "native phase" in said) == (3, True)
    assert marks(said) == set()
    status, said = stage(source, "--force")
    assert status == 0
    assert marks(said) == set()
    for path in (tmp_path / "out").rglob("*"):
        if path.suffix in (".json", ".html", ".pdf", ".csv"):
            assert marks_of(path) == set(), path.name


def test_a_file_that_breaks_off_names_nobody(stage, study, tmp_path):
    folder = copied(study, tmp_path / "ct", lambda data, number: None, count=4)
    first = sorted(folder.iterdir())[0]
    for length in (300, 2000, 20000):
        first.write_bytes(first.read_bytes()[:length])
        status, said = stage(folder)
        assert status == 3
        assert marks(said) <= SHOWN


def test_a_description_that_repeats_the_patient_is_hidden(stage, study, tmp_path):
    def change(data, number):
        _gap(data, number)
        data.SeriesDescription = "PLANTED qaffeaffex portal venous"

    status, said = stage(copied(study, tmp_path / "ct", change, count=9))
    assert status == 3
    assert "*** *** portal venous" in said
    assert "planted " not in said.lower()


def test_a_defect_is_told_without_the_words_of_the_error(stage, study, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("Planted^QAFFEAFFEX is no number")

    monkeypatch.setattr(stage_batch, "write_result", fail)
    status, said = stage(study)
    assert status == 1
    assert "ValueError in test_privacy.py" in said
    assert marks(said) == set()
