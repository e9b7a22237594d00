"""Who may call the listener, what it keeps, and how it says what it cannot keep."""

import logging
import os
import socket
import time

import pytest
from pydicom.uid import (
    ComprehensiveSRStorage,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE
from pynetdicom.sop_class import Verification
from tests.dicom_files import ct_array, enhanced_ct
from tests.pacs.kit import OURS, THEIRS, ct, send, settings

from fibrolens.errors import OutputError
from fibrolens.io import read_volume
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.listener import Listener, calls_from
from fibrolens.pacs.peers import Limits, Peer

ROOMY = Limits(free_bytes=0)


@pytest.fixture
def listening(kit):
    """Start a listener with settings of a test's own."""
    running = []

    def start(**changes):
        pacs = settings(**{"limits": ROOMY, **changes})
        inbox = Inbox(kit.storage, kit.intake, kit.jobs, pacs.limits, 0.0)
        running.append(Listener(pacs, inbox).__enter__())
        return running[-1]

    yield start
    for listener in running:
        listener.__exit__()


def received(kit):
    return sorted((kit.storage.root / "pacs" / "received").rglob("*.dcm"))


def test_it_answers_an_echo(listening):
    ae = AE(THEIRS)
    ae.add_requested_context(Verification)
    association = ae.associate("127.0.0.1", listening().port, ae_title=OURS)
    assert association.send_c_echo().Status == 0
    association.release()


@pytest.mark.parametrize(("caller", "called"), [("STRANGER", OURS), (THEIRS, "OTHER")])
def test_only_known_titles_are_let_in(listening, kit, caller, called):
    assert send(ct(), listening().port, caller, called) is None
    assert received(kit) == []


def test_a_known_title_from_another_host_is_turned_away(listening, kit):
    port = listening(peers=(Peer(THEIRS, "192.0.2.1"),)).port
    assert send(ct(), port) is None
    assert received(kit) == []


def test_a_peer_without_a_host_may_call_from_anywhere(listening, kit):
    assert send(ct(), listening(peers=(Peer(THEIRS),)).port) == [0, 0, 0]


@pytest.mark.parametrize(
    ("host", "address", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("no-such-host.invalid", "127.0.0.1", False),
        (None, "10.1.2.3", True),
    ],
)
def test_a_host_is_compared_by_its_addresses(host, address, expected):
    assert calls_from(Peer(THEIRS, host), address) is expected


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_what_is_kept_is_what_was_sent(listening, kit, syntax):
    hu, files = ct_array(4), ct(4)
    for file in files:
        file.file_meta.TransferSyntaxUID = syntax or file.file_meta.TransferSyntaxUID
    assert send(files, listening().port) == [0] * 4
    kept = received(kit)
    assert len(kept) == 4
    assert (read_volume(kept[0].parent).array == hu).all()


def test_an_enhanced_ct_is_kept(listening, kit):
    assert send([enhanced_ct(ct_array(4), range(4))], listening().port) == [0]
    assert len(received(kit)) == 1


def test_what_is_no_ct_is_accepted_and_not_kept(listening, kit):
    files = ct(3)
    for file, kind in zip(files, (SecondaryCaptureImageStorage, ComprehensiveSRStorage), strict=False):
        file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = kind
    assert send(files, listening().port) == [0, 0, 0]
    assert len(received(kit)) == 1


def test_a_full_disk_and_a_broken_instance_are_told_by_their_status(listening, kit, monkeypatch):
    assert send(ct(1), listening(limits=Limits(free_bytes=2**60)).port) == [0xA700]
    listener = listening()
    assert send(ct(1, StudyInstanceUID=None), listener.port) == [0xA900]

    def no_space(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        assert send(ct(1), listener.port) == [0xA700]
    with monkeypatch.context() as patched:
        patched.setattr("fibrolens.pacs.inbox.dcmread", lambda *_, **__: 1 / 0)
        assert send(ct(1), listener.port) == [0xC000]
    assert received(kit) == []
    assert not list((kit.storage.root / "pacs" / "arriving").iterdir())
    assert send(ct(1), listener.port) == [0]


def test_a_study_beyond_its_limit_is_refused(listening, kit):
    limits = Limits(free_bytes=0, study_bytes=3000)
    statuses = send(ct(10), listening(limits=limits).port)
    assert statuses[0] == 0
    assert statuses[-1] == 0xA700


def test_an_instance_that_would_fill_the_memory_ends_the_association_alone(listening, kit):
    limits = Limits(free_bytes=0, instance_bytes=20_000)
    port = listening(limits=limits).port
    large = ct(1)
    large[0].PixelData = bytes(2_000_000)
    assert send(large, port) == [None]
    assert received(kit) == []
    assert send(ct(2), port) == [0, 0]
    many = ct(40)  # together larger than the limit
    assert send(many, port) == [0] * 40


def test_more_associations_than_allowed_are_refused_and_later_ones_are_not(listening):
    port = listening(limits=Limits(associations=2, free_bytes=0)).port
    ae = AE(THEIRS)
    ae.add_requested_context(Verification)
    held = [ae.associate("127.0.0.1", port, ae_title=OURS) for _ in range(3)]
    assert [one.is_established for one in held] == [True, True, False]
    for one in held[:2]:
        one.release()
    time.sleep(0.2)
    again = ae.associate("127.0.0.1", port, ae_title=OURS)
    assert again.is_established
    again.release()


def test_noise_on_the_port_ends_nothing(listening):
    port = listening().port
    for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(1000), b"\x01\x00\xff\xff\xff\xff" + bytes(200)):
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(noise)
    assert send(ct(1), port) == [0]


def test_a_port_that_is_taken_is_told_in_a_sentence(listening):
    with pytest.raises(OutputError, match=r"cannot use 127\.0\.0\.1 port"):
        listening(port=listening().port)


def test_the_log_tells_no_patient(listening, kit, caplog):
    logging.getLogger("fibrolens.serve").propagate = True
    with caplog.at_level(logging.INFO):
        listener = listening()
        send(ct(1), listener.port)
        send(ct(1), listener.port, "STRANGER")
        send(ct(1, StudyInstanceUID=None), listener.port)
        listener.inbox.submit_quiet()
    ours = [record for record in caplog.records if record.name == "fibrolens.serve"]
    assert {record.getMessage() for record in ours} >= {"DICOM listener ready", "instance refused", "study complete"}
    assert not any(word in str(vars(record)) for record in ours for word in ("Doe", "SECRET", "1.2.826"))
