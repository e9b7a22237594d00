"""The route that fetches from a PACS: who may, and what is answered; the fetching itself: `tests/pacs`."""

import json
from dataclasses import dataclass, replace

import pytest
from tests.pacs.kit import settings
from tests.serve.kit import ADA, ADMIN, client_of

from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.peers import Limits, Peer
from fibrolens.pacs.retrieve import Fetch, Fetcher

FOUND = {"A1": [Fetch("0123abcd", 2, "on its way", None, None), Fetch("4567cdef", 1, "here", "a" * 32, None)]}


@dataclass
class ToldFetcher(Fetcher):
    """Answers from a table."""

    def fetch(self, asked):
        """What the table holds."""
        if asked.accession_number == "AWAY":
            raise RemoteError("PACS cannot be reached.")
        return FOUND.get(asked.accession_number, [])


@pytest.fixture
def fetching(service):
    """The service with a PACS to ask."""
    inbox = Inbox(service.storage, service.intake, service.jobs, Limits(), 1.0)
    return client_of(replace(service, fetcher=ToldFetcher(Peer("PACS"), Caller(settings()), inbox)))


def ask(client, **body):
    return client.ask("POST", "/api/v1/fetch", json.dumps(body).encode(), content_type="application/json")


def test_all_studies_of_an_accession_number_are_told(fetching):
    reply = ask(fetching.as_bearer(ADMIN), accession_number="A1")
    assert reply.status == 202
    assert reply.json == {"studies": [vars(one) for one in FOUND["A1"]]}


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"accession_number": "A2"}, 404, "The PACS has no CT study of this number"),
        ({"accession_number": "AWAY"}, 502, "PACS cannot be reached"),
        ({"accession_number": "A*"}, 422, "must not hold"),
        ({}, 422, "one of both"),
        ({"accession_number": "A1", "study_uid": "1.2"}, 422, "one of both"),
        ({"accession_number": "A1", "patient": "x"}, 422, "patient"),
        ({"accession_number": 17}, 422, "accession_number"),
    ],
)
def test_a_refusal_is_a_sentence(fetching, body, status, sentence):
    reply = ask(fetching.as_bearer(ADMIN), **body)
    assert reply.status == status
    assert sentence in reply.error


def test_only_who_may_see_the_studies_may_fetch_them(fetching):
    assert ask(fetching, accession_number="A1").status == 401
    assert ask(fetching.as_bearer(ADA), accession_number="A1").status == 403


def test_a_service_without_a_pacs_says_so(admin):
    reply = ask(admin, accession_number="A1")
    assert (reply.status, "start it by --pacs FILE" in reply.error) == (404, True)
