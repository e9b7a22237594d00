"""Jobs: upload, list, state, delete."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from fibrolens import __version__
from fibrolens.serve.answers import RefusedError
from fibrolens.serve.models import Answers, ErrorAnswer, HealthAnswer, JobAnswer, JobsAnswer
from fibrolens.serve.service import MIB, Asking, Here, Service
from fibrolens.serve.uploads import Asked, EmptyError, TooLargeError, receive

NOT_FOUND: Answers = {404: {"model": ErrorAnswer, "description": "There is no such job, or it is another user's."}}
REFUSED: Answers = {
    400: {"model": ErrorAnswer, "description": "The upload was broken off."},
    408: {"model": ErrorAnswer, "description": "The upload fell silent."},
    413: {"model": ErrorAnswer, "description": "The upload is larger than this service takes."},
    507: {"model": ErrorAnswer, "description": "The disk of the service is full."},
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "A zip of DICOM files, one DICOM file, NIfTI, NRRD or MetaImage.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}}},
    }
}
#: A job's id as it stands in a path.
JobId = str

router = APIRouter(tags=["jobs"])


@router.get("/health", summary="Whether the service works, and how long the queue is")
def health(here: Here, asking: Asking) -> HealthAnswer:
    """Counts of all users' jobs, and who asks."""
    counts = here.jobs.counts()
    return HealthAnswer(
        version=__version__, queued=counts.get("queued", 0), running=counts.get("running", 0), user=asking.user.name
    )


@router.post(
    "/jobs",
    summary="Upload a CT",
    status_code=HTTPStatus.ACCEPTED,
    response_model=JobAnswer,
    responses={200: {"model": JobAnswer, "description": "The job that the same upload already has."}, **REFUSED},
    openapi_extra=BODY,
)
async def upload(
    here: Here,
    asking: Asking,
    request: Request,
    response: Response,
    filename: Annotated[str, Query(max_length=1000, description="Name to show for it.")] = "upload",
    force: Annotated[bool, Query(description="Stage what the quality gate refuses; marks every output.")] = False,
) -> JobAnswer:
    """Send the file's bytes as the body. The same bytes with the same options are one job."""
    _require_modest(request, here)
    asked = Asked(asking.user.name, filename, force)
    try:
        received = await receive(request.stream(), here.storage.incoming, here.limit)
        job, new = await to_thread.run_sync(here.intake.file, received, asked)
    except TooLargeError:
        raise _too_large(here) from None
    except EmptyError:
        raise RefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The upload is empty; send the bytes of a file as the body."
        ) from None
    except ClientDisconnect:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The upload was broken off; send it again.") from None
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "The upload fell silent; send it again.") from None
    except OSError:
        raise RefusedError(
            HTTPStatus.INSUFFICIENT_STORAGE, "The disk of this service is full; tell who runs it."
        ) from None
    response.status_code = HTTPStatus.ACCEPTED if new else HTTPStatus.OK
    return JobAnswer.of(job)


@router.get("/jobs", summary="Jobs, newest first", responses=NOT_FOUND)
def listed(
    here: Here,
    asking: Asking,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[str | None, Query(max_length=64, description="Go on below the job of this id.")] = None,
) -> JobsAnswer:
    """A user's own jobs; an administrator's are all."""
    if before is not None:
        here.job(before, asking)
    owner = None if asking.user.admin else asking.user.name
    return JobsAnswer(jobs=[JobAnswer.of(job) for job in here.jobs.newest(owner, limit, before)])


@router.get("/jobs/{job_id}", summary="State of a job", responses=NOT_FOUND)
def one(here: Here, asking: Asking, job_id: JobId) -> JobAnswer:
    """Poll this while the job is queued or running."""
    return JobAnswer.of(here.job(job_id, asking))


@router.delete(
    "/jobs/{job_id}", summary="Delete a job with its upload and results", status_code=204, responses=NOT_FOUND
)
def delete(here: Here, asking: Asking, job_id: JobId) -> None:
    """A running job is ended. Nothing of the scan is kept."""
    job = here.job(job_id, asking)
    here.jobs.remove(job.id)
    here.storage.forget(job.id)


def _require_modest(request: Request, here: Service) -> None:
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > here.limit:
        raise _too_large(here)


def _too_large(here: Service) -> RefusedError:
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The upload has more than {here.limit // MIB} MiB; send one study at a time.",
    )
