"""Uploading, listing and deleting; what is no CT, too large or broken off leaves nothing behind."""

from functools import partial

import anyio
import pytest
from tests.serve.kit import ADA, Client, client_of, staged, submitted, upload_of

from fibrolens.serve import uploads

JOBS = "/api/v1/jobs"
NOWHERE = [
    "..%2f..%2fname", "%2e%2e/%2e%2e/name", "..%5c..%5cname", "%2fetc%2fpasswd", "..", "%00", "a%00b", "%c0%ae%c0%ae",
    "%ff", "%E2%80%AE", "0" * 32, "A" * 32, "0" * 10_000, "*", "%25", "'%20OR%201=1--", "%F0%9F%92%A9", ".",
    "%0d%0aX:1", "%EF%BC%8E%EF%BC%8E%2F",
]  # fmt: skip


def left(service):
    """Every file and folder of uploads and results."""
    places = (service.storage.incoming, service.storage.uploads, service.storage.results)
    return [path for place in places for path in place.rglob("*")]


def test_an_upload_becomes_a_job_that_waits(ada, service):
    reply = ada.ask("POST", f"{JOBS}?filename=abdomen.zip", upload_of())
    assert reply.status == 202
    told = reply.json
    assert (told["name"], told["state"], told["progress"], told["attempts"]) == ("abdomen.zip", "queued", 0.0, 0)
    assert (told["origin"], told["forced"], told["reason"], told["predicted"]) == ("upload", False, None, None)
    assert told["created"].endswith("Z")
    assert ada.get(f"{JOBS}/{told['id']}").json == told
    (path,) = [path for path in left(service) if path.is_file()]
    assert path.read_bytes() == upload_of()
    assert path == service.storage.uploads / told["id"] / "upload.zip"


def test_the_same_bytes_and_options_of_one_user_are_one_job(ada, ben):
    first = ada.ask("POST", f"{JOBS}?filename=a.zip", upload_of())
    again = ada.ask("POST", f"{JOBS}?filename=b.zip", [upload_of()[:3], upload_of()[3:]])
    assert (first.status, again.status) == (202, 200)
    assert again.json == first.json
    others = [ada.ask("POST", f"{JOBS}?force=true", upload_of()), ben.ask("POST", JOBS, upload_of())]
    others.append(ada.ask("POST", JOBS, upload_of(number=1)))
    assert [reply.status for reply in others] == [202] * 3
    assert len({first.json["id"], *(reply.json["id"] for reply in others)}) == 4
    assert others[0].json["forced"] is True


def test_a_failed_job_is_tried_again_by_the_same_upload(ada, service):
    staged(service, upload_of("memory"))
    (job,) = ada.get(JOBS).json["jobs"]
    assert (job["state"], "memory" in job["reason"]) == ("failed", True)
    reply = ada.ask("POST", JOBS, upload_of("memory"))
    assert (reply.status, reply.json["id"], reply.json["state"]) == (200, job["id"], "queued")


@pytest.mark.parametrize(("given", "shown"), [
    ("..%2f..%2fetc%2fpasswd", "passwd"), ("C:%5Cscans%5Cct.zip", "ct.zip"),
    ("a%00b%0d%0aSet-Cookie:x", "a_b__Set-Cookie:x"),
    ("%3Cimg%20src=x%3E.zip", "_img src=x_.zip"), ("", "upload"), ("...", "upload"), ("%E2%80%AEpiz.exe", "_piz.exe"),
    ("L" * 1000, "L" * 100), ("%ff%fe", "\ufffd\ufffd"), ("Leber.nii.gz", "Leber.nii.gz"), ("%E8%82%9D.nii", "肝.nii"),
])  # fmt: skip
def test_the_name_of_an_upload_is_for_the_eye_alone(ada, service, given, shown):
    reply = ada.ask("POST", f"{JOBS}?filename={given}", upload_of())
    assert (reply.status, reply.json["name"]) == (202, shown)
    assert {path.name for path in left(service)} == {reply.json["id"], "upload.zip"}


def test_a_name_beyond_all_measure_is_told(ada, service):
    reply = ada.ask("POST", f"{JOBS}?filename={'L' * 1001}", upload_of())
    assert (reply.status, "filename" in reply.error) == (422, True)
    assert left(service) == []


@pytest.mark.parametrize("content", [
    b"%PDF-1.4", b"\0" * 4000, b"--boundary\r\nContent-Disposition: form-data", b"NRRD0004\ndata file: /etc/passwd\n\n",
    b"\x1f\x8bnonsense", b"<html>",
])  # fmt: skip
def test_what_is_no_ct_is_refused_with_a_sentence_and_not_kept(ada, service, content):
    reply = ada.ask("POST", JOBS, content)
    assert (reply.status, reply.json["state"]) == (202, "refused")
    assert reply.json["reason"].endswith(".")
    assert left(service) == []
    assert ada.ask("POST", JOBS, content).json["id"] == reply.json["id"]


def test_an_empty_upload_is_told(ada, service):
    for body in (b"", [b"", b""]):
        reply = ada.ask("POST", JOBS, body)
        assert (reply.status, "empty" in reply.error) == (422, True)
    assert left(service) == []
    assert service.jobs.all() == []


@pytest.mark.parametrize("length", ["11", "99999999999999999999", None, "0", "-1", "x"])
def test_an_upload_beyond_the_limit_is_refused_whatever_it_says_of_its_length(begun, length):
    service = begun(limit=10)
    ada = client_of(service).as_bearer(ADA)
    reply = ada.ask("POST", JOBS, [b"PK345", b"67890", b"1"], content_length=length)
    assert (reply.status, "larger" in reply.error or "more than" in reply.error) == (413, True)
    assert reply.headers["connection"] == "close"
    assert left(service) == []
    assert service.jobs.all() == []
    assert ada.ask("POST", JOBS, b"PK34567890").status == 202


def test_what_says_that_it_is_too_large_is_not_read_at_all(begun):
    ada = client_of(begun(limit=10)).as_bearer(ADA)
    # There is no body to wait for: an answer proves that nobody asked for one.
    assert ada.ask("POST", JOBS, [], content_length="11").status == 413


def test_an_upload_that_is_broken_off_leaves_nothing(ada, service, caplog):
    with caplog.at_level("INFO", logger="fibrolens.serve"):
        ada.ask("POST", JOBS, [upload_of(), None])
    assert left(service) == []
    assert service.jobs.all() == []
    assert "defect" not in caplog.text


def test_an_upload_that_falls_silent_is_ended(ada, service, monkeypatch):
    monkeypatch.setattr(uploads, "SILENCE_S", 0.05)
    reply = Client(partial(_falling_silent, ada.app), ada.headers).ask("POST", JOBS)
    assert (reply.status, "silent" in reply.error) == (408, True)
    assert left(service) == []


async def _falling_silent(app, scope, _receive, send):
    """Send the beginning of a body and then nothing."""
    waiting = [{"type": "http.request", "body": b"PK", "more_body": True}]

    async def receive():
        if not waiting:
            await anyio.sleep_forever()
        return waiting.pop()

    await app(scope, receive, send)


def test_a_full_disk_is_told_and_leaves_nothing(ada, service, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(service.storage), "keep", full)
    reply = ada.ask("POST", JOBS, upload_of())
    assert (reply.status, "full" in reply.error) == (507, True)
    monkeypatch.undo()
    monkeypatch.setattr(anyio, "open_file", full)
    assert ada.ask("POST", JOBS, upload_of()).status == 507
    assert left(service) == []
    assert service.jobs.all() == []


def test_a_database_that_does_not_answer_is_told_and_the_upload_not_kept(ada, service, monkeypatch):
    service.storage.root.joinpath("jobs.sqlite3").unlink()
    service.jobs.engine.dispose()
    reply = ada.ask("POST", JOBS, upload_of())
    assert (reply.status, "database" in reply.error) == (503, True)
    assert left(service) == []


def test_users_see_their_own_jobs_and_an_administrator_all(ada, ben, admin, service):
    mine, theirs = staged(service, upload_of("1"), "ada"), submitted(service, upload_of("2"), "ben")
    assert [job["id"] for job in ada.get(JOBS).json["jobs"]] == [mine.id]
    assert [job["id"] for job in ben.get(JOBS).json["jobs"]] == [theirs.id]
    assert [job["id"] for job in admin.get(JOBS).json["jobs"]] == [theirs.id, mine.id]
    parts = ["", "/result", "/files", "/files/result.json", "/archive.zip", "/view", "/volumes/ct.nii.gz"]
    for part in parts:
        assert ada.get(f"{JOBS}/{mine.id}{part}").status == 200
        assert admin.get(f"{JOBS}/{mine.id}{part}").status == 200
        assert ben.get(f"{JOBS}/{mine.id}{part}").status == 404
    assert ben.get(f"{JOBS}?before={mine.id}").status == 404
    assert ben.ask("DELETE", f"{JOBS}/{mine.id}").status == 404
    # Somebody else's job looks like none at all.
    assert ben.get(f"{JOBS}/{mine.id}").json == ben.get(f"{JOBS}/{'0' * 32}").json
    assert service.jobs.get(mine.id) == mine


def test_jobs_come_page_by_page_newest_first(ada, service):
    ids = [submitted(service, upload_of(number=n)).id for n in range(5)][::-1]
    assert [job["id"] for job in ada.get(f"{JOBS}?limit=2").json["jobs"]] == ids[:2]
    assert [job["id"] for job in ada.get(f"{JOBS}?limit=9&before={ids[1]}").json["jobs"]] == ids[2:]
    for wrong in ("limit=0", "limit=1001", "limit=x"):
        assert ada.get(f"{JOBS}?{wrong}").status == 422


@pytest.mark.parametrize("job", NOWHERE)
def test_an_id_that_is_none_leads_nowhere(ada, service, job):
    for part in ("", "/result", "/files", "/files/x", "/archive.zip", "/view", "/volumes/ct.nii.gz"):
        assert ada.get(f"{JOBS}/{job}{part}").status == 404
    assert ada.ask("DELETE", f"{JOBS}/{job}").status in (404, 405)


def test_an_id_with_any_letters_is_none_in_postgresql_too(cluster, begun):
    client = client_of(begun(f"{cluster}postgres")).as_bearer(ADA)
    for job in ("%00", "a%00b", "%ff", "%F0%9F%92%A9"):
        assert client.get(f"{JOBS}/{job}").status == 404
        assert client.get(f"{JOBS}?before={job}").status == 404
    assert client.ask("POST", f"{JOBS}?filename=%00%ff%F0%9F%92%A9", upload_of()).status == 202


@pytest.mark.parametrize("done", [True, False])
def test_a_deleted_job_leaves_nothing_on_the_disk(ada, service, done):
    job = (staged if done else submitted)(service)
    assert left(service)
    reply = ada.ask("DELETE", f"{JOBS}/{job.id}")
    assert (reply.status, reply.content) == (204, b"")
    assert left(service) == []
    assert ada.get(f"{JOBS}/{job.id}").status == 404
    assert ada.ask("DELETE", f"{JOBS}/{job.id}").status == 404


def test_health_counts_what_waits_and_says_who_asks(ada, service):
    submitted(service, upload_of("1")), submitted(service, upload_of("2"))
    service.jobs.claim("w")
    told = ada.get("/api/v1/health").json
    assert (told["queued"], told["running"], told["user"]) == (1, 1, "ada")
