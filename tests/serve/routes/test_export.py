"""When an export cannot be made, or nobody takes it: a sentence, and nothing left; real ones are in `test_life.py`."""

from dataclasses import dataclass, replace

import pytest
from tests.serve.kit import staged, submitted

from fibrolens import deidentify
from fibrolens.errors import InputError, OutputError, UsageError
from fibrolens.serve.archive import CHUNK

JOBS = "/api/v1/jobs"


@dataclass(frozen=True)
class Exported:
    """What an export says."""

    scan_id: str = "anon"


@pytest.fixture
def made(monkeypatch):
    """Exports that are made at once, and what each was given."""
    given = []

    def make(source, results, out):
        given.append((source, results))
        (out / "ct").mkdir(parents=True)
        (out / "ct" / "0.dcm").write_bytes(bytes(3 * CHUNK))
        return Exported()

    monkeypatch.setattr(deidentify, "deidentify_case", make)
    return given


def test_it_is_made_of_the_upload_and_its_result_with_a_key_that_nobody_keeps(ada, service, made):
    job = staged(service)
    reply = ada.get(f"{JOBS}/{job.id}/deidentified.zip")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert reply.headers["content-disposition"] == 'attachment; filename="fibrolens-anon.zip"'
    assert made == [(service.storage.source(job), service.storage.scan(job))]
    assert list(service.storage.incoming.iterdir()) == []


def test_what_is_not_done_or_somebody_elses_is_not_exported(ada, ben, service, made):
    assert ben.get(f"{JOBS}/{staged(service).id}/deidentified.zip").status == 404
    waiting = submitted(service, b"PK waiting")
    assert ada.get(f"{JOBS}/{waiting.id}/deidentified.zip").status == 404
    assert made == []


@pytest.mark.parametrize(("error", "status"), [
    (UsageError("De-identification needs dicom-anonymizer; install it by: pip install 'fibrolens[deidentify]'."), 501),
    (InputError("Words are burned into the pixels of this CT."), 409), (OutputError("No space left."), 507),
])  # fmt: skip
def test_what_cannot_be_exported_is_told_and_leaves_nothing(ada, service, monkeypatch, error, status):
    def fail(_source, _results, out):
        out.mkdir()
        raise error

    monkeypatch.setattr(deidentify, "deidentify_case", fail)
    reply = ada.get(f"{JOBS}/{staged(service).id}/deidentified.zip")
    assert reply.status == status
    if status != 507:
        assert reply.error == str(error)
    assert list(service.storage.incoming.iterdir()) == []


@pytest.mark.usefixtures("made")
def test_an_export_whose_reader_hangs_up_leaves_nothing(ada, service):
    job, sent = staged(service), []

    async def hanging_up(scope, receive, _send):
        async def broken(message):
            sent.append(message)
            if len(sent) > 2:
                raise OSError

        await ada.app(scope, receive, broken)

    replace(ada, app=hanging_up).get(f"{JOBS}/{job.id}/deidentified.zip")
    assert len(sent) > 2
    assert list(service.storage.incoming.iterdir()) == []
