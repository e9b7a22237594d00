"""A case without its patient, made when it is asked for and kept nowhere."""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from fibrolens.errors import InputError, OutputError, UsageError
from fibrolens.serve.answers import RefusedError, not_found
from fibrolens.serve.archive import ZIP, saved, zipped
from fibrolens.serve.jobs import Job
from fibrolens.serve.models import Answers, ErrorAnswer
from fibrolens.serve.routes.jobs import NOT_FOUND, JobId
from fibrolens.serve.service import Asking, Here, Service

REFUSED: Answers = {
    409: {"model": ErrorAnswer, "description": "The case cannot be de-identified, such as by words in its pixels."},
    501: {"model": ErrorAnswer, "description": "What de-identifies is not installed with this service."},
    507: {"model": ErrorAnswer, "description": "The disk of the service is full."},
}

#: Name of the export in its temporary folder.
CASE = "case"

router = APIRouter(tags=["results"], responses=NOT_FOUND)


@router.get(
    "/jobs/{job_id}/deidentified.zip",
    summary="The CT and its result without the patient, as a zip",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {}}, "description": "The zip."}, **REFUSED},
)
def deidentified(here: Here, asking: Asking, job_id: JobId) -> StreamingResponse:
    """By the basic profile of DICOM PS3.15; the key of the replacements is a new one that nobody keeps.

    Look at the pictures before you pass them on. One export is made at a time.
    """
    job = here.job(job_id, asking)
    place = tempfile.TemporaryDirectory(dir=here.storage.incoming, ignore_cleanup_errors=True)
    try:
        name = f"fibrolens-{_export(here, job, Path(place.name) / CASE)}"
    except BaseException:
        place.cleanup()
        raise
    return _Sent(place, name)


def _export(here: Service, job: Job, out: Path) -> str:
    """Make the export of a job that is done; its scan id."""
    try:
        source, results = here.storage.source(job), here.storage.scan(job)
    except KeyError:
        raise not_found() from None
    from fibrolens.deidentify import deidentify_case  # noqa: PLC0415  (slow to import; no other route needs it)

    try:
        # Each holds a CT in memory.
        with here.exporting:
            return deidentify_case(source, results, out).scan_id
    except UsageError as error:
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, str(error)) from None
    except InputError as error:
        raise RefusedError(HTTPStatus.CONFLICT, str(error)) from None
    except OutputError:
        raise RefusedError(
            HTTPStatus.INSUFFICIENT_STORAGE, "The disk of this service is full; tell who runs it."
        ) from None


class _Sent(StreamingResponse):
    """The zip of a folder, which is removed when all is sent or nobody takes it any more."""

    def __init__(self, place: tempfile.TemporaryDirectory[str], name: str) -> None:
        super().__init__(zipped(Path(place.name) / CASE, name), media_type=ZIP, headers=saved(f"{name}.zip"))
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.cleanup()
