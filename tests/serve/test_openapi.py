"""The interface does what its OpenAPI document says: requests made up from it get no answer that it does not name."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.serve.kit import ADMIN, HOST, new_service, staged

from fibrolens.serve.app import API, application

DOCUMENT = f"{API}/openapi.json"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}", "Host": HOST}

QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# Schemathesis asks by Starlette's client, which would rather have another library below it.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx`")


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[tuple[schemathesis.BaseSchema, str]]:
    """The document as the service gives it, and the id of a job that is done."""
    service = new_service(tmp_path_factory.mktemp("openapi") / "data")
    job = staged(service)
    schema = schemathesis.openapi.from_asgi(DOCUMENT, application(service), headers=AS_ADMIN)
    yield schema, job.id
    service.jobs.engine.dispose()


def test_every_answer_is_one_that_the_document_names(running):
    schema, done = running
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    for operation in operations:

        @given(case=operation.as_strategy(), known=st.booleans())
        @QUICK
        def answers(case, known):
            # Ids cannot be guessed: without this every job would be unknown.
            if known and "job_id" in case.path_parameters and case.method != "DELETE":
                case.path_parameters["job_id"] = done
            case.call_and_validate(headers=AS_ADMIN)

        answers()


def test_every_route_says_what_it_is_for_and_what_it_may_refuse(stranger):
    document = stranger.as_bearer(ADMIN).get(DOCUMENT).json
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert told["summary"], (path, method)
            assert told["description"], (path, method)
            assert {"401", "403", "421", "422", "429"} <= set(told["responses"]), (path, method)


def test_the_document_needs_a_token_like_everything(stranger):
    assert stranger.get(DOCUMENT).status == 401
