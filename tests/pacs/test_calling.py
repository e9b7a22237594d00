"""What is told of a peer that does not answer as it should."""

import socket
from contextlib import contextmanager
from threading import Thread

import pytest
from pynetdicom import build_context
from pynetdicom.sop_class import Verification
from tests.pacs.kit import settings

from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.peers import Peer

#: A-ASSOCIATE-RJ (PS3.8 9.3.4): permanent, by the service user, called AE title not recognised.
REJECTION = bytes((3, 0, 0, 0, 0, 4, 0, 1, 1, 7))


@contextmanager
def peer_that_says(*answers):
    """A peer whose connections end with these answers, one after the other; one may say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        thread = Thread(target=answer, args=(server, answers))
        thread.start()
        yield Peer("OTHER", "127.0.0.1", server.getsockname()[1])
        thread.join()


def answer(server, answers):
    for said in answers:
        connection, _ = server.accept()
        connection.recv(4096)
        if said:
            connection.sendall(said)
            connection.recv(4096)
        connection.close()


@pytest.mark.parametrize("answers", [(REJECTION,), (b"", REJECTION)])
def test_a_refusal_is_told_though_its_first_answer_was_lost(answers):
    with peer_that_says(*answers) as peer, pytest.raises(RemoteError, match="it does not call itself OTHER"):
        call(peer)


def test_a_peer_that_hangs_up_twice_cannot_be_reached():
    with peer_that_says(b"", b"") as peer, pytest.raises(RemoteError, match="cannot be reached; check that it runs"):
        call(peer)


def call(peer):
    with Caller(settings()).association(peer, [build_context(Verification)]):
        pass
