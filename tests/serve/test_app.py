"""The OpenAPI document says what the service does, and the service does what the document says."""

import warnings

import pytest
from tests.serve.kit import ADMIN, HOST, client_of, staged, submitted, upload_of

with warnings.catch_warnings():
    # jsonschema announces a change of its own names to schemathesis.
    warnings.simplefilter("ignore", DeprecationWarning)
    import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fibrolens import deidentify
from fibrolens.errors import InputError

DOCUMENT = "/api/v1/openapi.json"
ROUTES = {
    ("get", "/health"), ("post", "/jobs"), ("get", "/jobs"), ("get", "/jobs/{job_id}"), ("delete", "/jobs/{job_id}"),
    ("get", "/jobs/{job_id}/result"), ("get", "/jobs/{job_id}/files"), ("get", "/jobs/{job_id}/files/{name}"),
    ("get", "/jobs/{job_id}/archive.zip"), ("get", "/jobs/{job_id}/view"), ("get", "/jobs/{job_id}/deidentified.zip"),
    ("get", "/jobs/{job_id}/volumes/{file}"), ("post", "/fetch"),
}  # fmt: skip


@pytest.fixture
def document(admin):
    """The document as it is served."""
    return admin.get(DOCUMENT).json


def operations(document):
    """Path, verb and operation of each."""
    return [(path, verb, one) for path, verbs in document["paths"].items() for verb, one in verbs.items()]


def test_every_route_of_the_interface_is_documented_with_a_summary(document):
    found = {(verb, path.removeprefix("/api/v1")) for path, verb, _ in operations(document)}
    assert found == ROUTES
    for _, _, operation in operations(document):
        assert operation["summary"]
        assert {"401", "403", "422", "429"} <= set(operation["responses"])


def test_it_says_research_use_only_and_how_to_come_in(document):
    assert "Research use only" in document["info"]["description"]
    assert "Bearer" in document["info"]["description"]
    assert document["openapi"].startswith("3.")


def test_no_page_loads_anything_from_elsewhere(admin):
    for path in ("/docs", "/redoc", "/api/v1/docs", "/openapi.json"):
        assert admin.get(path).status == 404
    text = admin.get(DOCUMENT).content
    assert b"http://" not in text
    assert b"https://" not in text


def test_answers_are_as_the_document_says(service, monkeypatch):
    monkeypatch.setattr(deidentify, "deidentify_case", _no_export)
    headers = {"Authorization": f"Bearer {ADMIN}", "Host": HOST}
    app = client_of(service).app
    with warnings.catch_warnings():
        # Starlette's client will be made of another library; schemathesis knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
        schema = schemathesis.openapi.from_asgi(DOCUMENT, app, headers=headers)
        job, refused = staged(service), staged(service, upload_of("refuse"))
        operations = [one.ok() for one in schema.get_all_operations()]
        assert len(operations) == len(ROUTES)
        for operation in operations:
            ask(operation, headers, [job.id, refused.id, submitted(service, upload_of("more")).id])
    assert service.jobs.get(job.id) == job


def _no_export(*_):
    """What becomes of a result that is none; real ones are exported in `tests/serve/test_life.py`."""
    raise InputError("Words are burned into the pixels of this CT; it is not exported.")


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def ask(operation, headers, ids, data):
    """Ask what the document allows, and see that the answer is one that it describes."""
    case = data.draw(operation.as_strategy())
    if "job_id" in case.path_parameters:
        # What is deleted is deleted: the first one is for reading.
        known = ids[2:] if operation.method == "delete" else ids
        case.path_parameters["job_id"] = data.draw(st.sampled_from([*known, "0" * 32, "none"]))
    case.call_and_validate(headers=headers)
