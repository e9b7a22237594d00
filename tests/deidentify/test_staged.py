"""A CT that is staged without its patient leaves the objects that its export would, and nothing of the headers."""

import csv
import json
import zipfile

import pytest
from pydicom import dcmread
from tests.deidentify.conftest import KEY, contents, stage_into
from tests.dicom_objects import complaints
from tests.planted import DAY, FILE_NAME, UIDS, WORD

from fibrolens import stage_batch as module
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.staged import UnnamedInput, without_patient
from fibrolens.errors import UsageError
from fibrolens.io import write_nifti
from fibrolens.masks import OwnMasks
from fibrolens.pipeline import StageOptions, StagingInput


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory, case, rendering):
    """Where the planted CT was staged without its patient, as a file whose name tells."""
    home = tmp_path_factory.mktemp("unnamed")
    source = home / f"{FILE_NAME}.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for path in sorted(case.source.iterdir()):
            archive.write(path, path.name)
    stage_into(home / "out", source, rendering.labels, KEY, all_maps=True)
    return home / "out"


def told(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def same_bytes(one, other):
    return one.read_bytes() == other.read_bytes()


def rows(out):
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_nothing_planted_is_in_any_byte_or_name(case, unnamed):
    old = told(case.results)
    secrets = [*case.uids, DAY, "Planted", FILE_NAME, str(unnamed.parent), old["input"]["sha256"], old["scan_id"]]
    secrets += [entry["sop_instance_uid"] for entry in old["dicom"].values()]
    files = dict(contents(unnamed))
    assert len(files) == 21
    for name, content in files.items():
        assert not WORD.search(name.encode()), name
        assert (found := WORD.search(content)) is None, (name, found)
        assert UIDS.search(content) is None, name
        assert [secret for secret in secrets if secret.encode() in content] == [], name


@pytest.mark.slow
def test_objects_and_names_are_those_of_the_export_with_the_same_key(case, unnamed):
    (folder,) = (path.parent for path in unnamed.glob("*/manifest.json"))
    assert folder.name == told(folder)["scan_id"] == told(case.export)["scan_id"]
    objects = sorted(path.name for path in (folder / "dicom").iterdir())
    assert objects == ["map.dcm", "map_recommended.dcm", "overlay.dcm", "report.dcm", "seg.dcm"]
    other = [name for name in objects if not same_bytes(folder / "dicom" / name, case.export / "dicom" / name)]
    assert other == []
    new, exported = told(folder), told(case.export)
    assert new["dicom"] == exported["dicom"]
    assert new["input"]["series_uid"] == exported["input"]["series_uid"]
    for part in ("stage", "attention", "attention_recommended", "markers", "quality", "model", "warnings"):
        assert new[part] == exported[part]


@pytest.mark.slow
def test_every_object_is_valid_and_says_that_the_patient_was_taken_out(unnamed):
    for path in unnamed.glob("*/dicom/*.dcm"):
        assert complaints(path) == []
        data = dcmread(path, stop_before_pixels=True)
        assert data.PatientIdentityRemoved == "YES"
        assert [item.CodeValue for item in data.DeidentificationMethodCodeSequence] == ["113100", "113104", "113105"]
        assert str(data.PatientName) == data.PatientID == KEY.pseudonym("Q00100021X", "Q00100020X")


@pytest.mark.slow
def test_the_same_key_finds_its_folder_again_and_another_makes_another(unnamed, rendering, capsys):
    (source,) = unnamed.parent.glob("*.zip")
    folder = stage_into(unnamed, source, rendering.labels, KEY, all_maps=True)
    assert f"{source} is {folder.name}: already staged" in capsys.readouterr().out
    assert len(rows(unnamed)) == 1
    scan = StagingInput.read(source, StageOptions())
    one, other = UnnamedInput.of(scan, KEY), UnnamedInput.of(scan, Key.fresh())
    assert one.scan_id == folder.name != other.scan_id
    assert one.fingerprint["input"] != other.fingerprint["input"]


def test_a_nifti_file_loses_the_names_of_file_and_masks(rendering, tmp_path):
    source, mask = tmp_path / "QAAAAAAAAX_Wernicke.nii.gz", tmp_path / "QBBBBBBBBX.nii.gz"
    write_nifti(rendering.hu, source)
    write_nifti(rendering.hu.with_array((rendering.hu.array > 50).astype("uint8")), mask)
    masks, skip = OwnMasks(mask, None, None, None), frozenset(("report",))
    folder = stage_into(tmp_path / "out", source, rendering.labels, KEY, masks=masks, skip=skip, force=True)
    assert folder.name == rows(tmp_path / "out")[0]["scan_id"] == told(folder)["scan_id"]
    assert folder.name.startswith("case-")
    for name, content in contents(tmp_path / "out"):
        assert (found := WORD.search(name.encode() + content)) is None, (name, found)
        assert b"Wernicke" not in content
    assert told(folder)["masks"]["liver"]["name"] == "own liver mask"


@pytest.mark.slow
def test_words_in_the_pixels_are_refused_and_the_table_does_not_say_whose(case, rendering, tmp_path, capsys):
    source = tmp_path / "QCCCCCCCCX"
    source.mkdir()
    for path in sorted(case.source.iterdir())[:9]:
        data = dcmread(path)
        data.BurnedInAnnotation = "YES"
        data.save_as(source / path.name)
    with pytest.raises(AssertionError, match="assert 3 == 0"):
        stage_into(tmp_path / "out", source, rendering.labels, KEY)
    assert "burned into its pixels" in capsys.readouterr().err
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["input"]) == ("refused", KEY.input_name(str(source)))
    assert row["reason"] == "InputError; what was said of it may name the patient."
    assert not WORD.search((tmp_path / "out" / "summary.csv").read_bytes())


def test_reports_cannot_name_a_patient_who_is_taken_out(tmp_path):
    with pytest.raises(UsageError, match="give one of them"):
        module.stage_batch([tmp_path], StageOptions(identified=True), module.Place(tmp_path / "o"), key=KEY)


def test_the_manifest_names_no_series():
    run = without_patient({"options": {"series_uid": "1.2.3.4.5.6", "layer": "conv4"}, "models": {}}, KEY)
    assert run["options"] == {"series_uid": KEY.uid("1.2.3.4.5.6"), "layer": "conv4", "deidentify": True}
    assert without_patient({"options": {"series_uid": None}}, KEY)["options"]["series_uid"] is None
