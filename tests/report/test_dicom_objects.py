"""The ``dicom`` folder of a staged scan agrees with the other files of its folder, and never costs the result."""

import csv
import json
from dataclasses import replace

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
from tests.dicom_objects import array_at, complaints
from tests.staged import simulated, untrained_models

from fibrolens import stage_batch as module
from fibrolens.batch import Place
from fibrolens.io import read_volume, write_nifti
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.pipeline import StageOptions, stage
from fibrolens.report import dicom_objects
from fibrolens.report.patient import write_result
from fibrolens.stage_batch import stage_batch

NAMES = ["map", "map_recommended", "overlay", "report", "seg"]


@pytest.fixture(scope="module")
def rendering():
    return simulated()


@pytest.fixture(scope="module")
def ct_folder(tmp_path_factory, rendering):
    folder = tmp_path_factory.mktemp("source") / "ct"
    write_dicom_series(rendering.hu, folder, sample_patient(np.random.default_rng(4), 4, "SECRETNAME"))
    return folder


@pytest.fixture(scope="module")
def result(ct_folder, rendering):
    return stage(ct_folder, models=untrained_models(rendering.labels))


@pytest.fixture(scope="module")
def scan(tmp_path_factory, result):
    folder = tmp_path_factory.mktemp("scan")
    write_result(result, folder)
    return folder


def told(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def nifti(path):
    """Array ``[slice, row, column]`` of a NIfTI file of ours."""
    return np.asarray(nib.load(path).dataobj).transpose(2, 1, 0)


def test_every_object_is_valid_and_named_in_the_result(scan):
    record = told(scan)["dicom"]
    assert sorted(record) == NAMES
    for entry in record.values():
        read = pydicom.dcmread(scan / entry["file"])
        assert entry["sop_instance_uid"] == read.SOPInstanceUID == read.file_meta.MediaStorageSOPInstanceUID
        assert entry["series_uid"] == read.SeriesInstanceUID
        assert complaints(scan / entry["file"]) == []
    assert {p.stem for p in (scan / "dicom").iterdir()} == set(record)


def test_all_objects_belong_to_the_study_of_the_source_in_series_of_their_own(scan, ct_folder):
    source = pydicom.dcmread(next(ct_folder.iterdir()))
    read = [pydicom.dcmread(p, stop_before_pixels=True) for p in (scan / "dicom").iterdir()]
    assert {d.StudyInstanceUID for d in read} == {source.StudyInstanceUID}
    assert {str(d.PatientName) for d in read} == {str(source.PatientName)}
    assert {d.get("FrameOfReferenceUID", source.FrameOfReferenceUID) for d in read} == {source.FrameOfReferenceUID}
    assert len({d.SeriesInstanceUID for d in read}) == len({d.SeriesNumber for d in read}) == len(NAMES)
    assert all("research" in d.SeriesDescription for d in read)


def test_organs_and_maps_are_those_of_the_nifti_files(scan, result):
    labels = nifti(scan / "labels.nii.gz")
    seg = hd.seg.segread(scan / "dicom" / "seg.dcm")
    for number in (1, 2):
        volume = seg.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
        assert (np.nan_to_num(array_at(volume, result.ct)) == (labels == number)).all()
    for name in ("map", "map_recommended"):
        stored = array_at(hd.imread(scan / "dicom" / f"{name}.dcm").get_volume(), result.ct)
        assert (np.nan_to_num(stored) == nifti(scan / f"{name}.nii.gz")).all()


def test_the_report_tells_what_the_result_tells(scan):
    content = told(scan)
    groups = hd.sr.srread(scan / "dicom" / "report.dcm").content
    stage_group = groups.get_image_measurement_groups()[0]
    found = {item.name.value: item.value for item in stage_group.get_measurements()}
    for name, probability in content["stage"]["probabilities"].items():
        assert found[f"p_{name.lower()}"] == probability
    organs = {g.tracking_identifier: g for g in groups.get_volumetric_roi_measurement_groups()}
    for organ in ("liver", "spleen"):
        values = [m.value for m in organs[organ].get_measurements() if m.unit.value == "mL"]
        assert values == [content["markers"][f"{organ}_volume_ml"]]
        item = organs[organ].referenced_segment[0].ReferencedSOPSequence[0]
        assert item.ReferencedSOPInstanceUID == content["dicom"]["seg"]["sop_instance_uid"]


def test_nothing_else_tells_the_patient(scan):
    for path in ("result.json", "report.html"):
        assert "SECRETNAME" not in (scan / path).read_text(encoding="utf-8")
    assert b"SECRETNAME" in (scan / "dicom" / "seg.dcm").read_bytes()


@pytest.mark.slow
def test_the_same_result_has_the_same_uids_and_another_has_others(tmp_path, scan, result, ct_folder, rendering):
    again, other = tmp_path / "again", tmp_path / "other"
    changed = stage(ct_folder, StageOptions(layer="conv3"), untrained_models(rendering.labels))
    for folder, staged in ((again, replace(result, scan_id="renamed")), (other, changed)):
        folder.mkdir()
        write_result(staged, folder)
    assert told(again)["dicom"] == told(scan)["dicom"]
    for name, entry in told(other)["dicom"].items():
        assert entry["sop_instance_uid"] != told(scan)["dicom"][name]["sop_instance_uid"]


def test_a_scan_that_is_no_dicom_has_no_objects(tmp_path, rendering):
    write_nifti(rendering.hu, tmp_path / "patient.nii.gz")
    staged = stage(tmp_path / "patient.nii.gz", models=untrained_models(rendering.labels))
    (tmp_path / "scan").mkdir()
    write_result(staged, tmp_path / "scan")
    assert told(tmp_path / "scan")["dicom"] is None
    assert not (tmp_path / "scan" / "dicom").exists()


def test_a_source_that_is_gone_costs_the_objects_and_not_the_result(tmp_path, result):
    write_result(replace(result, path=str(tmp_path / "gone")), tmp_path)
    content = told(tmp_path)
    assert content["dicom"] is None
    assert content["warnings"][:-1] == list(result.warnings)
    assert content["warnings"][-1].startswith("DICOM objects were not written: gone is no longer there")
    assert (tmp_path / "map.nii.gz").exists()
    assert "gone is no longer there" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "dicom").exists()


def test_an_object_that_cannot_be_made_costs_no_other(tmp_path, result, monkeypatch):
    makers = dicom_objects._makers

    def broken(*given):
        for name, make in makers(*given):
            yield name, (lambda: 1 / 0) if name == "seg" else make

    monkeypatch.setattr(dicom_objects, "_makers", broken)
    write_result(result, tmp_path)
    content = told(tmp_path)
    assert sorted(content["dicom"]) == [name for name in NAMES if name != "seg"]
    assert "DICOM object seg could not be written" in content["warnings"][-1]
    assert complaints(tmp_path / "dicom" / "report.dcm") == []


def test_the_summary_of_a_batch_tells_what_its_folders_tell(tmp_path, ct_folder, rendering, monkeypatch):
    models = untrained_models(rendering.labels)
    monkeypatch.setattr(module.Models, "load", classmethod(lambda cls, *folders: models))
    monkeypatch.setattr(dicom_objects, "_makers", lambda *given: [("seg", lambda: 1 / 0)])
    for _ in range(2):
        assert stage_batch([ct_folder], StageOptions(), Place(tmp_path / "out", scan_id="s")) == 0
        with (tmp_path / "out" / "summary.csv").open(newline="") as stream:
            (row,) = csv.DictReader(stream)
        assert row["warnings"] == " ".join(told(tmp_path / "out" / "s")["warnings"])
        assert "DICOM object seg" in row["warnings"]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["ircad01/PATIENT_DICOM", "chaos_ct3/DICOM_anon"])
def test_objects_of_a_real_ct_are_valid(shared_data, tmp_path, folder):
    ct = read_volume(shared_data / folder)
    organs = np.zeros(ct.array.shape, np.uint8)
    d, h, w = organs.shape
    organs[d // 4 : -d // 4, h // 3 : h // 2, w // 5 : w // 2] = Organ.LIVER
    organs[d // 3 : -d // 3, h // 2 : h // 2 + 60, 3 * w // 5 : 3 * w // 4] = Organ.SPLEEN
    staged = stage(shared_data / folder, StageOptions(force=True), untrained_models(ct.with_array(organs)))
    write_result(staged, tmp_path)
    content = told(tmp_path)
    assert sorted(content["dicom"]) == NAMES
    for entry in content["dicom"].values():
        assert complaints(tmp_path / entry["file"]) == []
