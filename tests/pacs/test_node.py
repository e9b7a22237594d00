"""The node does by itself what its parts can, goes on after a failure, and ends at once."""

import threading
import time

import pytest
from tests.pacs.kit import ct, send, settings

from fibrolens.errors import OutputError
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.node import Node
from fibrolens.pacs.peers import Limits, Peer, Sending


def test_a_study_becomes_a_job_although_the_disk_was_full_for_a_while(kit, monkeypatch):
    tried, submit = [], Inbox.submit

    def full_at_first(self, study):
        tried.append(study)
        if len(tried) < 3:
            raise OSError(28, "No space left on device")
        submit(self, study)

    monkeypatch.setattr(Inbox, "submit", full_at_first)
    limits = Limits(free_bytes=0)
    with Node(settings(limits=limits, send=Sending(Peer("GONE", "127.0.0.1", 1))), kit.intake) as node:
        assert send(ct(2), node.port) == [0, 0]
        until = time.monotonic() + 60
        while not kit.jobs.all():
            assert time.monotonic() < until
            time.sleep(0.05)
        before = time.monotonic()
    assert time.monotonic() - before < 15
    assert len(tried) >= 3


def test_a_node_that_cannot_begin_leaves_nothing_running(kit):
    threads = threading.active_count()
    with Node(settings(limits=Limits(free_bytes=0)), kit.intake) as node:
        port, second = node.port, Node(settings(port=node.port), kit.intake)
        with pytest.raises(OutputError, match=str(port)):
            second.__enter__()
    until = time.monotonic() + 20
    while threading.active_count() > threads:
        assert time.monotonic() < until
        time.sleep(0.05)
