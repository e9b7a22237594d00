"""The web application of the service: the gate, and behind it the routes."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from fibrolens import __version__
from fibrolens.result import INTENDED_USE
from fibrolens.serve.answers import DEFECT, NOTHING_HERE, RefusedError
from fibrolens.serve.gate import Gate
from fibrolens.serve.logs import complain
from fibrolens.serve.models import Answers, ErrorAnswer
from fibrolens.serve.routes import export, fetch, jobs, results
from fibrolens.serve.routes.pages import pages_router, viewer_files
from fibrolens.serve.routes.reading import reading_router
from fibrolens.serve.service import Service

API = "/api/v1"
#: What any route may answer, from the gate.
EVERYWHERE: Answers = {
    401: {"model": ErrorAnswer, "description": "No token, or a wrong one."},
    403: {"model": ErrorAnswer, "description": "The request comes from another page."},
    421: {"model": ErrorAnswer, "description": "The request is meant for another host."},
    422: {"model": ErrorAnswer, "description": "A parameter cannot be used."},
    429: {"model": ErrorAnswer, "description": "Too many wrong tokens from this address."},
    503: {"model": ErrorAnswer, "description": "The database does not answer."},
}


def api(service: Service) -> FastAPI:
    """The application without its gate.

    Args:
        service: what it serves.
    """
    app = FastAPI(
        title="fibrolens",
        version=__version__,
        summary="Stage liver fibrosis from CT, with location maps.",
        description=f"{INTENDED_USE} Every request needs `Authorization: Bearer TOKEN` or the viewer's session.",
        openapi_url=f"{API}/openapi.json",
        # These pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses=EVERYWHERE,
    )
    app.state.service = service
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SQLAlchemyError, _no_database)
    app.add_exception_handler(Exception, _defect)
    for router in (jobs.router, results.router, export.router, fetch.router):
        app.include_router(router, prefix=API)
    if service.reader_study is not None:
        app.include_router(reading_router(service.reader_study))
    app.include_router(pages_router(viewer_files()))
    return app


def application(service: Service) -> Gate:
    """The whole application.

    Args:
        service: what it serves.
    """
    return Gate(api(service), service.access, service.cookie, service.loopback)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RefusedError):
        raise error
    return JSONResponse({"error": error.reason}, error.status, {"Connection": "close"})


def _not_valid(_request: Request, error: Exception) -> JSONResponse:
    """The first parameter that cannot be used; its value is not repeated."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    sentence = f"{'.'.join(str(part) for part in first['loc'])} cannot be used: {first['msg']}."
    return JSONResponse({"error": sentence}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _no_database(_request: Request, error: Exception) -> JSONResponse:
    complain("database does not answer", error)
    sentence = "The database of this service does not answer; try again in a while."
    return JSONResponse({"error": sentence}, HTTPStatus.SERVICE_UNAVAILABLE, {"Connection": "close"})


def _defect(_request: Request, _error: Exception) -> JSONResponse:
    """The framework raises the error again after this answer, and the gate logs it."""
    return JSONResponse({"error": DEFECT}, HTTPStatus.INTERNAL_SERVER_ERROR, {"Connection": "close"})


def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    sentence = NOTHING_HERE if error.status_code == HTTPStatus.NOT_FOUND else f"{error.detail}."
    return JSONResponse({"error": sentence}, error.status_code, error.headers)
