"""Studies are fetched by accession number from a real Orthanc, by C-MOVE to our listener and by WADO-RS."""

import time
from contextlib import contextmanager
from io import BytesIO

import pytest
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from tests.dicom_files import ct_array
from tests.pacs.kit import KNOWN, Kit, ct, settings
from tests.pacs.orthanc import AE_TITLE

from fibrolens.errors import UsageError
from fibrolens.io import read_volume
from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.find import Asked, find
from fibrolens.pacs.node import Node
from fibrolens.pacs.peers import Limits, Peer, WebServer
from fibrolens.pacs.retrieve import Fetcher

#: Debian's Orthanc does not decode what a URL escapes, so that it finds no number with a space by QIDO.
ACCESSION = {"C-MOVE": "A 17/04", "WADO-RS": "A17-04"}
STUDIES = ("1.2.3.1", "1.2.3.2", "1.2.3.3")
WAYS = list(ACCESSION)


def fill(orthanc, way="C-MOVE"):
    """Two CT studies under one accession number, one with a series of pictures too; and another patient's."""
    capture = ct(1, Modality="OT", SeriesInstanceUID="1.2.9", SOPInstanceUID="1.2.9.1")
    capture[0].SOPClassUID = capture[0].file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    capture[0].file_meta.MediaStorageSOPInstanceUID = "1.2.9.1"
    for number, uid in enumerate(STUDIES):
        accession = ACCESSION[way] if number < 2 else f"{ACCESSION[way]}5"
        for file in [*ct(4, SeriesInstanceUID=f"{uid}.1"), *(capture if number == 0 else [])]:
            file.StudyInstanceUID, file.AccessionNumber, file.PatientID = uid, accession, f"P{number}"
            if file.SOPClassUID != SecondaryCaptureImageStorage:
                file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = f"{uid}.{file.InstanceNumber}"
            put(orthanc, file)


def put(orthanc, file):
    written = BytesIO()
    file.save_as(written, enforce_file_format=True)
    assert orthanc.ask("POST", "/instances", written.getvalue())["Status"] == "Success"


def remote(orthanc, way):
    return Peer(AE_TITLE, "127.0.0.1", orthanc.dicom) if way == "C-MOVE" else WebServer(orthanc.dicomweb)


@contextmanager
def fetching(kit, orthanc, way):
    """A node that fetches; its quiet time is longer than any test."""
    peers = (*KNOWN, Peer(AE_TITLE, "127.0.0.1", orthanc.dicom))
    limits = Limits(free_bytes=0)
    pacs = settings(peers=peers, quiet_seconds=600.0, limits=limits, fetch=remote(orthanc, way))
    with Node(pacs, kit.intake) as node:
        orthanc.know(node.port)
        yield node.fetcher, node.port


def wait(there, seconds=60.0):
    until = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_all_ct_series_of_an_accession_number_come_and_nothing_else(kit, orthanc, way):
    fill(orthanc, way)
    with fetching(kit, orthanc, way) as (fetcher, _):
        asked = Asked.checked(ACCESSION[way], "")
        told = fetcher.fetch(asked)
        assert [(one.series, one.state, one.job, one.reason) for one in told] == [(1, "on its way", None, None)] * 2
        wait(lambda: len(kit.jobs.all()) == 2)
        wait(lambda: not list(fetcher.folder.iterdir()))
        told = fetcher.fetch(asked)
        assert sorted(one.job for one in told) == sorted(job.id for job in kit.jobs.all())
        assert {one.state for one in told} == {"here"}
        assert fetcher.fetch(Asked.checked(ACCESSION[way][:-1], "")) == []
        assert fetcher.fetch(Asked.checked("", "1.2.3.9")) == []
    for job in kit.jobs.all():
        assert len(kit.names(job)) == 4
        assert (read_volume(kit.storage.source(job)).array == ct_array(4)).sum() > 0
        headers = [path.read_bytes() for path in kit.storage.source(job).iterdir()]
        assert not any(f"{ACCESSION[way]}5".encode() in header for header in headers)


@pytest.mark.parametrize("way", WAYS)
def test_what_the_pacs_got_since_is_fetched_too(kit, orthanc, way):
    fill(orthanc)
    with fetching(kit, orthanc, way) as (fetcher, _):
        asked = Asked.checked("", STUDIES[2])
        fetcher.fetch(asked)
        wait(lambda: kit.jobs.all() and not list(fetcher.folder.iterdir()))
        (late,) = ct(5, StudyInstanceUID=STUDIES[2], SeriesInstanceUID=f"{STUDIES[2]}.1", PatientID="P2")[4:]
        late.SOPInstanceUID = late.file_meta.MediaStorageSOPInstanceUID = f"{STUDIES[2]}.5"
        put(orthanc, late)
        (told,) = fetcher.fetch(asked)
        assert (told.state, told.job) == ("on its way", kit.jobs.all()[0].id)
        wait(lambda: len(kit.jobs.all()) == 2)
    assert [len(kit.names(job)) for job in kit.jobs.all()] == [4, 5]


def test_an_archive_that_does_not_know_us_is_told_once_and_can_be_mended(kit, orthanc):
    fill(orthanc)
    with fetching(kit, orthanc, "C-MOVE") as (fetcher, port):
        orthanc.ask("DELETE", "/modalities/FIBROLENS")
        asked = Asked.checked("", STUDIES[0])
        fetcher.fetch(asked)
        wait(lambda: not list(fetcher.folder.iterdir()))
        orthanc.know(port)
        (told,) = fetcher.fetch(asked)
        assert AE_TITLE in told.reason
        assert told.state == "on its way"


def test_a_fetch_that_the_end_of_the_server_interrupts_is_begun_again(kit, orthanc):
    fill(orthanc)
    with fetching(kit, orthanc, "WADO-RS") as (fetcher, _):
        (study,) = find(Asked.checked("", STUDIES[0]), fetcher.remote, fetcher.caller)
    # As it is when the process is killed: written down, and nothing done.
    Fetcher(fetcher.remote, fetcher.caller, fetcher.inbox)._begin(study)
    again = Kit.open(kit.storage.root)
    with fetching(again, orthanc, "WADO-RS"):
        wait(again.jobs.all)
    assert len(again.names(again.jobs.all()[0])) == 4
    again.engine.dispose()


@pytest.mark.parametrize(
    ("accession", "study", "sentence"),
    [
        ("A*", "", "must not hold"),
        ("A?7", "", "must not hold"),
        ("A\\B", "", "must not hold"),
        ("", "", "one of both"),
        ("A", "1.2", "one of both"),
        ("Ä", "", "letters of ASCII"),
        ("A\n", "", "letters of ASCII"),
        (" ", "", "letters of ASCII"),
        ("A" * 65, "", "up to 64"),
        ("", "1.2.*", "digits and dots"),
    ],
)
def test_nothing_is_asked_for_by_a_part_of_its_name(accession, study, sentence):
    with pytest.raises(UsageError, match=sentence):
        Asked.checked(accession, study)


def test_an_archive_that_answers_with_everything_gives_nobody_elses_study():
    ae = AE("LAX")
    ae.add_supported_context(Find)

    def answer(event):
        for number in range(3):
            row = event.identifier
            row.AccessionNumber, row.StudyInstanceUID = f"A{number}", f"1.2.{number}"
            row.SeriesInstanceUID, row.Modality = f"1.2.{number}.1", "CT" if number else "MR"
            yield 0xFF00, row

    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)])
    peer = Peer("LAX", "127.0.0.1", server.server_address[1])
    (found,) = find(Asked.checked("A1", ""), peer, Caller(settings()))
    server.shutdown()
    ae.shutdown()
    assert found.uid == "1.2.1"
    assert "1.2.0.1" not in found.series
    assert found.instances is None


def test_a_pacs_that_cannot_be_asked_is_told(orthanc):
    with pytest.raises(RemoteError, match="refuses our call: it does not call itself OTHER"):
        find(Asked.checked("A1", ""), Peer("OTHER", "127.0.0.1", orthanc.dicom), Caller(settings()))
