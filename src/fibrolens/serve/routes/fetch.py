"""Fetch studies from the PACS by accession number or UID."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from fibrolens.errors import UsageError
from fibrolens.pacs.calling import RemoteError
from fibrolens.pacs.find import Asked
from fibrolens.serve.answers import RefusedError
from fibrolens.serve.models import Answers, ErrorAnswer, FetchAnswer, FetchedAnswer, FetchRequest
from fibrolens.serve.service import Asking, Here
from fibrolens.serve.uploads import DICOM_USER

REFUSED: Answers = {
    403: {"model": ErrorAnswer, "description": "The user may not see what comes from the PACS."},
    404: {"model": ErrorAnswer, "description": "The PACS has no such CT, or this service knows no PACS."},
    502: {"model": ErrorAnswer, "description": "The PACS cannot be asked."},
}

router = APIRouter(tags=["PACS"])


@router.post(
    "/fetch",
    summary="Fetch the CT of an examination from the PACS",
    status_code=HTTPStatus.ACCEPTED,
    responses=REFUSED,
)
def fetch(here: Here, asking: Asking, asked: FetchRequest) -> FetchAnswer:
    """Every CT study of the accession number becomes a job. Ask again for the ids of the jobs."""
    if here.fetcher is None:
        raise RefusedError(
            HTTPStatus.NOT_FOUND, "This service fetches from no PACS; start it by --pacs FILE with a table [fetch]."
        )
    if not (asking.user.admin or asking.user.name == DICOM_USER):
        raise RefusedError(
            HTTPStatus.FORBIDDEN, f"What comes from the PACS is for administrators and the user {DICOM_USER}."
        )
    try:
        found = here.fetcher.fetch(Asked.checked(asked.accession_number, asked.study_uid))
    except UsageError as error:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except RemoteError as error:
        raise RefusedError(HTTPStatus.BAD_GATEWAY, str(error)) from None
    if not found:
        raise RefusedError(HTTPStatus.NOT_FOUND, "The PACS has no CT study of this number; check it.")
    return FetchAnswer(studies=[FetchedAnswer.model_validate(vars(study)) for study in found])
