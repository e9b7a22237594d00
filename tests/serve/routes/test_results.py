"""What a result is asked for; names lead to its own files and nowhere else."""

import io
import json
import zipfile
from urllib.parse import quote

import pytest
from tests.serve.kit import staged, submitted, upload_of

JOBS = "/api/v1/jobs"
PARTS = ("result", "files", "files/result.json", "archive.zip", "view", "volumes/ct.nii.gz")
ELSEWHERE = [
    "../view/view.json", "..%2fview%2fview.json", "%2e%2e/view/view.json", "..%5cview%5cview.json", "..%5c..%5cname",
    "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "result.json%00", "result.json%00.html", "./result.json",
    "dicom/../result.json", "dicom", "dicom/", "", "RESULT.JSON", "result.json/", "%EF%BC%8E%EF%BC%8E/view/view.json",
    "..%c0%af..%c0%afname", "~/result.json", "file:///etc/passwd", "*", "%ff", "a" * 5000, ".result.json.partial",
]  # fmt: skip


@pytest.fixture
def job(service):
    """A job that is done."""
    return staged(service)


def test_the_result_is_the_file_of_that_name(ada, service, job):
    reply = ada.get(f"{JOBS}/{job.id}/result")
    assert reply.json == json.loads((service.storage.scan(job) / "result.json").read_text())
    assert reply.headers["content-type"] == "application/json"


def test_every_file_can_be_had_by_its_name(ada, service, job):
    listed = ada.get(f"{JOBS}/{job.id}/files").json["files"]
    assert {file["name"] for file in listed} == {"result.json", "report.html", "dicom/seg.dcm", "manifest.json"}
    kinds = {file["name"]: file["type"] for file in listed}
    assert (kinds["dicom/seg.dcm"], kinds["report.html"]) == ("application/dicom", "text/html")
    for file in listed:
        reply = ada.get(f"{JOBS}/{job.id}/files/{quote(file['name'])}")
        assert reply.content == (service.storage.scan(job) / file["name"]).read_bytes()
        assert len(reply.content) == file["bytes"]
        saved = reply.headers.get("content-disposition", "").startswith("attachment")
        assert saved == (not file["name"].endswith(".html"))


def test_a_report_is_shown_in_a_box_that_can_do_nothing(ada, job):
    policy = ada.get(f"{JOBS}/{job.id}/files/report.html").headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "allow-" not in policy


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_is_not_listed_leads_nowhere(ada, job, name):
    for place in ("files", "volumes"):
        reply = ada.get(f"{JOBS}/{job.id}/{place}/{name}")
        assert reply.status == 404
        assert b"root:" not in reply.content
    for page in (f"read/{name}", f"assets/{name}", *([name] if name else [])):
        assert ada.get(f"/{page}").status == 404


def test_the_archive_holds_the_folder_byte_for_byte_and_is_always_the_same(ada, service, job):
    reply = ada.get(f"{JOBS}/{job.id}/archive.zip")
    assert reply.headers["content-type"] == "application/zip"
    assert reply.headers["content-disposition"] == f'attachment; filename="fibrolens-{job.scan_id}.zip"'
    folder = service.storage.scan(job)
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        packed = {name: archive.read(name) for name in archive.namelist()}
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert packed == {f"fibrolens-{job.scan_id}/{name}": content for name, content in files.items()}
    assert ada.get(f"{JOBS}/{job.id}/archive.zip").content == reply.content


def test_the_view_names_volumes_with_addresses_that_work(ada, service, job):
    view = ada.get(f"{JOBS}/{job.id}/view").json
    assert view["display"]["window"] == [-125, 225]
    (volume,) = view["volumes"]
    assert volume["url"] == f"{JOBS}/{job.id}/volumes/ct.nii.gz"
    reply = ada.get(volume["url"])
    assert reply.content == (service.storage.view(job) / "ct.nii.gz").read_bytes()
    assert reply.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in reply.headers


def test_a_volume_is_sent_once(ada, job):
    address = f"{JOBS}/{job.id}/volumes/ct.nii.gz"
    first = ada.get(address)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    tag = first.headers["etag"]
    assert (tag[0], tag[-1], len(tag)) == ('"', '"', 66)
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        again = ada.get(address, if_none_match=known)
        assert (again.status, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert ada.get(address, if_none_match='"other"').status == 200


def test_the_index_of_the_volumes_is_no_volume(ada, job):
    for name in ("view.json", "manifest.json"):
        assert ada.get(f"{JOBS}/{job.id}/volumes/{name}").status == 404


@pytest.mark.parametrize("words", [None, "refuse"])
def test_what_is_not_done_has_no_result(ada, service, words):
    job = submitted(service) if words is None else staged(service, upload_of(words))
    for part in PARTS:
        assert ada.get(f"{JOBS}/{job.id}/{part}").status == 404


def test_a_part_of_a_file_can_be_had(ada, service, job):
    reply = ada.get(f"{JOBS}/{job.id}/volumes/ct.nii.gz", Range="bytes=0-1")
    assert (reply.status, reply.content) == (206, b"\x1f\x8b")
