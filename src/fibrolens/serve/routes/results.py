"""Results: figures, files, everything as a zip, and the volumes of the viewer."""

from __future__ import annotations

import json
import mimetypes
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from fibrolens.batch import RESULT
from fibrolens.output import MANIFEST
from fibrolens.serve.answers import not_found
from fibrolens.serve.archive import ZIP, saved, zipped
from fibrolens.serve.auth import Caller
from fibrolens.serve.jobs import Job
from fibrolens.serve.models import FileAnswer, FilesAnswer, ViewAnswer
from fibrolens.serve.routes.jobs import NOT_FOUND, JobId
from fibrolens.serve.service import Asking, Here, Service
from fibrolens.serve.volumes import INDEX, SUFFIX

#: A report is one page of ours that loads nothing; it may not act on behalf of the user who looks at it.
PAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
#: What never changes under its address: a result is made once.
FOREVER = "private, max-age=31536000, immutable"
BINARY = {"content": {"application/octet-stream": {}}, "description": "The bytes."}

router = APIRouter(tags=["results"], responses=NOT_FOUND)


@router.get("/jobs/{job_id}/result", summary="Every figure of a staged CT", response_class=JSONResponse)
def result(here: Here, asking: Asking, job_id: JobId) -> dict[str, Any]:
    """The content of ``result.json``; research use only."""
    return dict(json.loads((_scan(here, asking, job_id) / RESULT).read_text(encoding="utf-8")))


@router.get("/jobs/{job_id}/files", summary="The files of a result")
def files(here: Here, asking: Asking, job_id: JobId) -> FilesAnswer:
    """Names for the next route."""
    folder = _scan(here, asking, job_id)
    found = [
        FileAnswer(name=name, bytes=path.stat().st_size, type=_type(name)) for name, path in _files(folder).items()
    ]
    return FilesAnswer(files=found)


@router.get(
    "/jobs/{job_id}/files/{name:path}",
    summary="One file of a result",
    response_class=FileResponse,
    responses={200: BINARY},
)
def one(here: Here, asking: Asking, job_id: JobId, name: str) -> FileResponse:
    """A page is shown, everything else is saved."""
    path = _files(_scan(here, asking, job_id)).get(name)
    if path is None:
        raise not_found()
    if path.suffix == ".html":
        return FileResponse(path, media_type=_type(name), headers={"Content-Security-Policy": PAGE_POLICY})
    return FileResponse(path, media_type=_type(name), filename=path.name)


@router.get(
    "/jobs/{job_id}/archive.zip",
    summary="Everything of a result as a zip",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {}}, "description": "The zip."}},
)
def archive(here: Here, asking: Asking, job_id: JobId) -> StreamingResponse:
    """Made while it is sent."""
    job, folder = here.job(job_id, asking), _scan(here, asking, job_id)
    name = f"fibrolens-{job.scan_id}"
    return StreamingResponse(zipped(folder, name), media_type=ZIP, headers=saved(f"{name}.zip"))


@router.get("/jobs/{job_id}/view", summary="What the viewer shows")
def view(here: Here, asking: Asking, job_id: JobId) -> ViewAnswer:
    """The volumes with their addresses, and how to show them."""
    job = here.job(job_id, asking)
    content = json.loads((_view(here, job) / INDEX).read_text(encoding="utf-8"))
    for volume in content["volumes"]:
        volume["url"] = f"/api/v1/jobs/{job.id}/volumes/{volume['name']}{SUFFIX}"
    return ViewAnswer.model_validate(content)


@router.get(
    "/jobs/{job_id}/volumes/{file}",
    summary="A volume for the viewer, NIfTI",
    response_class=Response,
    responses={200: BINARY, 304: {"description": "It is known already."}},
)
def volume(here: Here, asking: Asking, request: Request, job_id: JobId, file: str) -> Response:
    """CT as int16 HU, labels as uint8, maps as uint8 with a slope; each is sent once and kept by the browser."""
    folder = _view(here, here.job(job_id, asking))
    known = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    if file not in known or not file.endswith(SUFFIX):
        raise not_found()
    headers = {"ETag": f'"{known[file]}"', "Cache-Control": FOREVER}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return FileResponse(folder / file, media_type="application/gzip", headers=headers)


def _scan(here: Service, asking: Caller, job_id: str) -> Path:
    try:
        return here.storage.scan(here.job(job_id, asking))
    except KeyError:
        raise not_found() from None


def _view(here: Service, job: Job) -> Path:
    try:
        return here.storage.view(job)
    except KeyError:
        raise not_found() from None


def _files(folder: Path) -> dict[str, Path]:
    """Every file by its name in the interface; what is asked for is looked up here and never opened as said."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def _type(name: str) -> str:
    if name.endswith(".dcm"):
        return "application/dicom"
    if name.endswith(".gz"):
        return "application/gzip"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
