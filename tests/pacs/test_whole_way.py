"""The whole way: a study goes from Orthanc to our node, is staged, and comes back as objects; and nothing gets lost."""

import json
import time

import highdicom as hd
import nibabel as nib
import numpy as np
import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from tests.dicom_objects import array_at
from tests.pacs.kit import THEIRS, ct, send
from tests.pacs.orthanc import AE_TITLE, OURS
from tests.pacs.process import FAST, serving
from tests.staged import simulated

from fibrolens.io import read_volume
from fibrolens.pacs.calling import Caller
from fibrolens.pacs.deliver import deliver
from fibrolens.pacs.peers import Pacs, WebServer
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient

pytestmark = pytest.mark.slow  # a PACS, a service and its workers

NAME, ACCESSION = "SECRETNAME", "SECRET17"
SETTINGS = """
ae_title = "FIBROLENS"
port = 0
quiet_seconds = {quiet}
keep_free_gb = 0.1

[[peers]]
ae_title = "ORTHANC"
host = "127.0.0.1"
port = {port}

[[peers]]
ae_title = "SCANNER"
host = "127.0.0.1"
"""
GOES_BACK = """
[send]
to = "ORTHANC"

[fetch]
from = "ORTHANC"
"""


@pytest.fixture
def study(tmp_path):
    """A simulated patient as a DICOM series."""
    folder = tmp_path / "ct"
    write_dicom_series(simulated().hu, folder, sample_patient(np.random.default_rng(4), 4, NAME))
    for path in folder.iterdir():
        file = dcmread(path)
        file.AccessionNumber = ACCESSION
        file.save_as(path)
    return folder


def test_a_study_comes_back_into_orthanc_as_objects_that_say_what_the_result_says(tmp_path, orthanc, study):
    settings = SETTINGS.format(quiet=1, port=orthanc.dicom) + GOES_BACK
    with serving(tmp_path / "service", settings) as server:
        orthanc.know(server.dicom)
        files = [dcmread(path) for path in sorted(study.iterdir())]
        assert send(files, orthanc.dicom, THEIRS, AE_TITLE) == [0] * len(files)
        (orthanc_id,) = orthanc.studies()
        orthanc.forward(orthanc_id)
        (job,) = server.wait(lambda jobs: jobs and jobs[0]["step"] == "in the PACS", 400)
        assert (job["state"], job["origin"], job["reason"]) == ("done", "dicom", None)
        result = server.json("GET", f"jobs/{job['id']}/result")
        (tmp_path / "map.nii.gz").write_bytes(server.ask("GET", f"jobs/{job['id']}/files/map.nii.gz"))

        check_objects(orthanc, study, result, tmp_path)
        check_that_it_ends_here(orthanc, orthanc_id, server, job)
        check_stow(orthanc, orthanc_id, tmp_path / "service" / "data" / "results" / job["id"])
    check_that_nobody_is_named(tmp_path / "service")


def check_objects(orthanc, study, result, tmp_path):
    """What highdicom opens of what DICOMweb gives, against the files of the result."""
    source_header = dcmread(next(study.iterdir()))
    got = retrieved(orthanc, str(source_header.StudyInstanceUID))
    assert set(got) == {entry["sop_instance_uid"] for entry in result["dicom"].values()}
    by_name = {name: got[entry["sop_instance_uid"]] for name, entry in result["dicom"].items()}
    for name, data in by_name.items():
        assert data.PatientID == source_header.PatientID
        assert data.PatientName == source_header.PatientName == f"Simulated^{NAME}"
        data.save_as(tmp_path / f"{name}.dcm", enforce_file_format=True)
    source = read_volume(study)

    seg = hd.seg.segread(tmp_path / "seg.dcm")
    for number, organ in ((1, "liver"), (2, "spleen")):
        organ_volume = seg.get_volume(segment_numbers=[number], combine_segments=True)
        voxel_ml = np.prod(organ_volume.spacing) / 1000
        volume_ml = np.count_nonzero(organ_volume.array) * voxel_ml
        assert volume_ml == pytest.approx(result["markers"][f"{organ}_volume_ml"], rel=1e-6)

    values = np.asarray(nib.load(tmp_path / "map.nii.gz").dataobj).transpose(2, 1, 0)
    stored = array_at(hd.imread(tmp_path / "map.dcm").get_volume(), source)
    assert (np.nan_to_num(stored) == values).all()
    assert values.max() > 0

    groups = hd.sr.srread(tmp_path / "report.dcm").content
    told = {item.name.value: item.value for item in groups.get_image_measurement_groups()[0].get_measurements()}
    for stage, probability in result["stage"]["probabilities"].items():
        assert told[f"p_{stage.lower()}"] == probability


def retrieved(orthanc, study_uid):
    """Everything of a study but the CT, by SOPInstanceUID, read over DICOMweb."""
    client = DICOMwebClient(orthanc.dicomweb)
    rows = client.search_for_series(study_uid)
    others = [row["0020000E"]["Value"][0] for row in rows if row["00080060"]["Value"] != ["CT"]]
    found = [data for uid in others for data in client.retrieve_series(study_uid, uid)]
    return {str(data.SOPInstanceUID): data for data in found}


def check_that_it_ends_here(orthanc, orthanc_id, server, job):
    """A PACS that forwards the study again, with our objects in it, or is asked for it, makes no second job."""
    before = len(orthanc.ask("GET", "/instances"))
    assert orthanc.forward(orthanc_id)["FailedInstancesCount"] == 0
    told = server.json("POST", "fetch", {"accession_number": ACCESSION})["studies"]
    assert [(one["job"], one["series"]) for one in told] == [(job["id"], 1)]
    time.sleep(3)
    assert [one["id"] for one in server.jobs()] == [job["id"]]
    assert len(orthanc.ask("GET", "/instances")) == before
    assert server.refusal("POST", "fetch", {"accession_number": "SECRET1"})[0] == 404
    assert server.refusal("POST", "fetch", {"accession_number": "SECRET*"})[0] == 422


def check_stow(orthanc, orthanc_id, results):
    """The same objects, taken away from Orthanc, get there by STOW-RS."""
    there = orthanc.modalities(orthanc_id)
    for series in orthanc.ask("GET", f"/studies/{orthanc_id}/series"):
        if series["MainDicomTags"]["Modality"] != "CT":
            orthanc.ask("DELETE", f"/series/{series['ID']}")
    assert orthanc.modalities(orthanc_id) == ["CT"]
    files = {path.stem: path for path in results.rglob("*.dcm")}
    arrived = []
    deliver(files, WebServer(orthanc.dicomweb), Caller(Pacs(OURS, 0, ())), arrived.append)
    assert arrived == list(files)
    assert orthanc.modalities(orthanc_id) == there


def check_that_nobody_is_named(service):
    """Neither the log nor any name of a file, nor the result, tells the patient."""
    log = (service / "log0").read_text()
    events = {json.loads(line)["event"] for line in log.splitlines()}
    assert events >= {"DICOM listener ready", "study complete", "job ended", "result sent"}
    assert not any(word in log for word in (NAME, ACCESSION))
    assert not any(NAME in str(path) for path in service.rglob("*"))
    for path in service.rglob("*.json"):
        assert NAME not in path.read_text()


def test_a_study_that_was_received_is_staged_after_the_server_was_killed(tmp_path, orthanc):
    files = ct(6)
    send(files, orthanc.dicom, THEIRS, AE_TITLE)
    settings = SETTINGS.format(quiet=2, port=orthanc.dicom)
    with serving(tmp_path / "service", settings, FAST) as server:
        orthanc.know(server.dicom)
        orthanc.forward(orthanc.studies()[0])
        assert server.jobs() == []
        server.kill()
    with serving(tmp_path / "service", settings, FAST) as server:
        (job,) = server.wait(lambda jobs: jobs and jobs[0]["state"] == "done", 120)
        assert job["predicted"] == "n6"
        check_strangers(server)


def check_strangers(server):
    """The running service refuses who is not in its file, and a fetch where that names no archive."""
    assert send(ct(1), server.dicom, "STRANGER") is None
    status, sentence = server.refusal("POST", "fetch", {"accession_number": "A"})
    assert (status, "fetches from no PACS" in sentence) == (404, True)
    assert len(server.jobs()) == 1
