"""DICOM over TLS: both sides show a certificate of the same authority, or there is no association."""

import shutil
import socket
import ssl
import subprocess

import pytest
from pynetdicom import build_context
from tests.pacs.kit import OURS, THEIRS, ct, send, settings

from fibrolens.errors import UsageError
from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.listener import Listener
from fibrolens.pacs.peers import Limits, Peer, Tls
from fibrolens.pacs.tls import client_context, server_context

ECHO = "1.2.840.10008.1.1"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Makes key and certificate for 127.0.0.1, signed by an authority of the tests; or by another one."""
    if not shutil.which("openssl"):
        pytest.skip("the program openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")

    def made(name, ca="ca"):
        own, signer = folder / f"{name}-{ca}", folder / ca
        if not signer.with_suffix(".pem").exists():
            files = ("-keyout", signer.with_suffix(".key"), "-out", signer.with_suffix(".pem"))
            openssl("req", "-x509", *key, "-subj", f"/CN={ca}", *files)
        signing = ("-CA", signer.with_suffix(".pem"), "-CAkey", signer.with_suffix(".key"))
        files = ("-keyout", own.with_suffix(".key"), "-out", own.with_suffix(".pem"))
        openssl(
            "req", "-x509", *key, *signing, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", *files
        )
        return Tls(own.with_suffix(".pem"), own.with_suffix(".key"), folder / "ca.pem")

    return made


@pytest.fixture
def listening(kit, authority):
    """A listener that asks for TLS."""
    limits = Limits(free_bytes=0)
    inbox = Inbox(kit.storage, kit.intake, kit.jobs, limits, 0.0)
    with Listener(settings(tls=authority("node"), limits=limits), inbox) as one:
        yield one


def test_a_peer_with_a_certificate_of_the_authority_is_heard(listening, authority):
    tls = (client_context(authority("scanner")), "127.0.0.1")
    assert send(ct(2), listening.port, tls=tls) == [0, 0]


def test_a_caller_that_says_nothing_keeps_nobody_waiting(listening, authority):
    tls = (client_context(authority("scanner")), "127.0.0.1")
    with socket.create_connection(("127.0.0.1", listening.port)):
        assert send(ct(1), listening.port, tls=tls) == [0]


def test_our_calls_show_ours(listening, authority):
    caller = Caller(settings(ae_title=THEIRS, tls=authority("scanner")))
    peer = Peer(OURS, "127.0.0.1", listening.port, tls=True)
    with caller.association(peer, [build_context(ECHO)]) as association:
        assert association.send_c_echo().Status == 0


# pynetdicom leaves the sockets of associations that came to nothing to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <s:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("who", ["no TLS", "no certificate", "another authority"])
def test_others_are_not_heard(listening, authority, who):
    ca = authority("scanner").ca
    contexts = {
        "no TLS": None,
        "no certificate": ssl.create_default_context(cafile=ca),
        "another authority": client_context(authority("scanner", "other")),
    }
    context = contexts[who]
    assert not send(ct(1), listening.port, tls=None if context is None else (context, "127.0.0.1"))
    assert not list(listening.inbox.folder.iterdir())


@pytest.mark.filterwarnings("ignore:Exception ignored in. <s:pytest.PytestUnraisableExceptionWarning")
def test_a_listener_of_another_authority_is_not_called(listening, authority):
    strange = Tls(authority("scanner").certificate, authority("scanner").key, authority("x", "other").certificate)
    peer = Peer(OURS, "127.0.0.1", listening.port, tls=True)
    with (
        pytest.raises(RemoteError, match="cannot be reached; check that it runs, its address, and TLS"),
        Caller(settings(ae_title=THEIRS, tls=strange)).association(peer, [build_context(ECHO)]),
    ):
        pass


def test_files_that_cannot_be_used_are_named(tmp_path):
    for name in ("own.pem", "own.key", "ca.pem"):
        (tmp_path / name).write_text("no certificate")
    with pytest.raises(UsageError, match=r"own\.pem, own\.key, ca\.pem"):
        server_context(Tls(*(tmp_path / name for name in ("own.pem", "own.key", "ca.pem"))))
