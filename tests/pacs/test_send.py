"""Results reach the PACS once, in order, whatever stands in the way, and a person can see when they do not."""

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom import dcmread
from pynetdicom import AE, AllStoragePresentationContexts, evt
from tests.dicom_files import STUDY_UID
from tests.pacs.kit import OURS, Kit, ct, settings
from tests.pacs.orthanc import AE_TITLE

from fibrolens.pacs.calling import Caller
from fibrolens.pacs.peers import Peer, Sending, WebServer
from fibrolens.pacs.send import Sender
from fibrolens.serve.jobs import Submission, new_id

YEAR_S = 365 * 86400
#: Names of objects and of their classes, which differ as those of real objects do.
KINDS = {
    "seg": "1.2.840.10008.5.1.4.1.1.66.4",
    "map": "1.2.840.10008.5.1.4.1.1.30",
    "report": "1.2.840.10008.5.1.4.1.1.88.34",
}


@pytest.fixture
def result(tmp_path) -> Path:
    """A result folder with three objects; their content does not matter to who sends them."""
    folder = tmp_path / "result"
    (folder / "dicom").mkdir(parents=True)
    record = {}
    for number, (name, kind) in enumerate(KINDS.items()):
        (file,) = ct(1)
        file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = kind
        file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        file.SeriesInstanceUID, file.Modality = f"1.2.4.{number}", name.upper()
        file.save_as(folder / "dicom" / f"{name}.dcm", enforce_file_format=True)
        record[name] = {"file": f"dicom/{name}.dcm", "sop_instance_uid": f"1.2.3.{number}"}
    (folder / "result.json").write_text(json.dumps({"dicom": record}))
    return folder


def finished(kit, result, origin="dicom"):
    """A job that is done."""
    kit.jobs.submit(Submission(new_id(), new_id(), "dicom", "CT study", origin, "study"))
    return kit.finish(result)


def sender(kit, to, **changes):
    sending = Sending(to, **{"first_pause_s": 0.05, **changes})
    return Sender(sending, Caller(settings()), kit.storage, kit.jobs)


def send(one):
    one.send_due(threading.Event())


@pytest.fixture
def archive():
    """A peer that keeps what it is sent, with what it should answer."""

    class Archive:
        answers: list = []  # noqa: RUF012  (one per test)
        got: list = []  # noqa: RUF012

        def store(self, event):
            status = self.answers.pop(0) if self.answers else 0
            if status in (0, 0xB000):
                self.got.append(str(event.request.AffectedSOPInstanceUID))
            return status

    kept = Archive()
    kept.answers, kept.got = [], []
    ae = AE("ARCHIVE")
    ae.supported_contexts = AllStoragePresentationContexts
    ae.require_calling_aet = [OURS]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, kept.store)])
    kept.ae, kept.peer = ae, Peer("ARCHIVE", "127.0.0.1", server.server_address[1])
    yield kept
    server.shutdown()
    ae.shutdown()


def test_objects_arrive_in_order_and_once(kit, result, archive):
    job = finished(kit, result)
    one = sender(kit, archive.peer)
    for _ in range(3):
        send(one)
    send(sender(kit, archive.peer))  # a server that was started again
    assert archive.got == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    assert kit.jobs.get(job.id).step == "in the PACS"
    assert kit.jobs.get(job.id).reason is None


def test_only_what_is_asked_for_is_sent_and_only_what_came_by_dicom(kit, result, archive):
    finished(kit, result, origin="upload")
    finished(kit, result)
    send(sender(kit, archive.peer, objects=("report",)))
    assert archive.got == ["1.2.3.2"]


def test_what_was_refused_is_tried_again_and_the_rest_is_not(kit, result, archive):
    archive.answers = [0, 0xA700, 0xB000]
    job = finished(kit, result)
    one = sender(kit, archive.peer)
    send(one)
    assert kit.jobs.get(job.id).step == "on its way to the PACS"
    told = kit.jobs.get(job.id).reason
    assert told == "ARCHIVE did not store everything (map: status A700). It is tried again."
    send(one)  # too early
    assert archive.got == ["1.2.3.0", "1.2.3.2"]
    time.sleep(0.06)
    send(one)
    assert archive.got == ["1.2.3.0", "1.2.3.2", "1.2.3.1"]
    assert kit.jobs.get(job.id).reason is None


def test_a_server_that_was_ended_goes_on_where_it_stopped(kit, result, archive):
    archive.answers = [0, 0xA700, 0xA700]
    finished(kit, result)
    send(sender(kit, archive.peer))
    time.sleep(0.06)
    again = Kit.open(kit.storage.root)
    send(sender(again, archive.peer))
    assert archive.got == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    again.engine.dispose()


@pytest.fixture
def clock(monkeypatch):
    """The time of day of queue and sender, which goes wrong by ``clock.off`` seconds."""
    told, right = SimpleNamespace(off=0.0), time.time
    monkeypatch.setattr(time, "time", lambda: right() + told.off)
    return told


def test_what_waited_by_a_clock_that_was_ahead_goes_on_when_it_is_put_right(kit, result, archive, clock):
    clock.off = 20 * YEAR_S
    archive.answers = [0xA700]
    job = finished(kit, result)
    send(sender(kit, archive.peer))
    assert kit.jobs.get(job.id).step == "on its way to the PACS"

    clock.off = 0.0
    send(sender(kit, archive.peer))  # a server that was started again
    assert kit.jobs.get(job.id).step == "in the PACS"


def test_what_ends_after_the_clock_was_put_back_is_sent_too(kit, result, archive, clock):
    one = sender(kit, archive.peer, objects=("seg",))
    clock.off = 20 * YEAR_S
    finished(kit, result)
    send(one)

    clock.off = 0.0
    later = finished(kit, result)
    send(one)
    assert kit.jobs.get(later.id).step == "in the PACS"
    assert archive.got == ["1.2.3.0", "1.2.3.0"]


def test_pauses_double_and_after_a_time_it_is_given_up(kit, result, archive):
    archive.answers = [0xA700] * 100
    job = finished(kit, result)
    one = sender(kit, archive.peer, retry_hours=0.5 / 3600)
    begun, tries = time.monotonic(), 0
    while kit.jobs.get(job.id).step != "not in the PACS":
        send(one)
        assert time.monotonic() - begun < 10
        time.sleep(0.02)
    tries = (100 - len(archive.answers)) / 3
    assert 2 <= tries <= 5  # after 0, 0.05, 0.15, 0.35, 0.75 s, and what the tries take
    assert "status A700" in kit.jobs.get(job.id).reason
    assert "again" not in kit.jobs.get(job.id).reason


# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_pacs_that_is_away_or_does_not_know_us_is_told_in_a_sentence(kit, result, archive):
    job = finished(kit, result)
    archive.ae.require_calling_aet = ["ANOTHER"]
    send(sender(kit, archive.peer))
    assert "refuses our call: it does not know our AE title FIBROLENS" in kit.jobs.get(job.id).reason
    second = finished(kit, result)
    send(sender(kit, Peer("GONE", "127.0.0.1", 1)))
    assert "GONE (127.0.0.1 port 1) cannot be reached" in kit.jobs.get(second.id).reason
    third = finished(kit, result)
    send(sender(kit, WebServer("http://127.0.0.1:1/dicom-web")))
    assert "http://127.0.0.1:1/dicom-web cannot be reached" in kit.jobs.get(third.id).reason


def test_a_result_without_objects_says_so(kit, result, archive):
    (result / "result.json").write_text('{"dicom": null}')
    job = finished(kit, result)
    send(sender(kit, archive.peer))
    assert kit.jobs.get(job.id).step == "not in the PACS"
    assert kit.jobs.get(job.id).reason.startswith("There are no DICOM objects to send")


def test_deleted_jobs_are_not_sent_and_leave_no_record(kit, result, archive):
    archive.answers = [0xA700] * 3
    job, another = finished(kit, result), finished(kit, result)
    one = sender(kit, archive.peer)
    send(one)
    for gone in (job, another):
        kit.jobs.remove(gone.id)
        kit.storage.forget(gone.id)
    time.sleep(0.06)
    send(one)
    one.tidy()
    assert len(archive.got) == 3  # those of the second job, while it was there
    assert not list(one.folder.iterdir())


@pytest.mark.parametrize("way", ["C-STORE", "STOW-RS"])
def test_orthanc_has_what_was_sent_byte_for_byte(kit, result, orthanc, way):
    job = finished(kit, result)
    peer = Peer(AE_TITLE, "127.0.0.1", orthanc.dicom)
    send(sender(kit, peer if way == "C-STORE" else WebServer(orthanc.dicomweb)))
    assert kit.jobs.get(job.id).reason is None
    (study,) = orthanc.studies()
    assert orthanc.ask("GET", f"/studies/{study}")["MainDicomTags"]["StudyInstanceUID"] == STUDY_UID
    assert orthanc.modalities(study) == ["MAP", "REPORT", "SEG"]
    for series in orthanc.ask("GET", f"/studies/{study}/series"):
        (instance,) = series["Instances"]
        name = series["MainDicomTags"]["Modality"].lower()
        stored = orthanc.ask("GET", f"/instances/{instance}/file")
        (result / "back.dcm").write_bytes(stored)
        assert dcmread(result / "back.dcm") == dcmread(result / "dicom" / f"{name}.dcm")
