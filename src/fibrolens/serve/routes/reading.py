"""The form of a reader study under ``/read/``: its rules and its storage are those of `fibrolens.readers`."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import FileResponse, RedirectResponse, Response

from fibrolens.errors import InputError
from fibrolens.readers.messages import reading_of, state
from fibrolens.serve.answers import RefusedError, not_found
from fibrolens.serve.auth import MOST_SESSIONS, Caller, User
from fibrolens.serve.service import Asking, ReaderStudy

STATIC = {
    "": ("page.html", "text/html; charset=utf-8"),
    "form.css": ("form.css", "text/css; charset=utf-8"),
    "form.js": ("form.js", "text/javascript; charset=utf-8"),
}
Content = Annotated[dict[str, Any], Body()]


class Chosen:
    """Which reader each session reads as."""

    def __init__(self) -> None:
        self._readers: dict[bytes, str] = {}
        self._lock = Lock()

    def reader(self, session: bytes) -> str | None:
        """The reader of a session; None before one is chosen."""
        return self._readers.get(session)

    def choose(self, session: bytes, reader: str | None) -> None:
        """Remember the reader of a session, or forget it."""
        with self._lock:
            self._readers.pop(session, None)
            if reader is not None:
                while len(self._readers) >= MOST_SESSIONS:
                    self._readers.pop(next(iter(self._readers)))
                self._readers[session] = reader


def reading_router(study: ReaderStudy) -> APIRouter:
    """Routes of the form.

    Args:
        study: the set that is read.
    """
    router, chosen = APIRouter(prefix="/read", include_in_schema=False), Chosen()
    _add_readers(router, study, chosen)
    _add_readings(router, study, chosen)
    _add_page(router)
    return router


def _add_readers(router: APIRouter, study: ReaderStudy, chosen: Chosen) -> None:
    def told_to(asking: Caller) -> dict[str, Any]:
        return state(study.store, chosen.reader(asking.session)) | {"readers": _may_be(study, asking.user)}

    @router.get("/state")
    def told(asking: Asking) -> dict[str, Any]:
        return told_to(asking)

    @router.post("/login")
    def login(asking: Asking, content: Content) -> dict[str, Any]:
        reader = content.get("reader")
        if not isinstance(reader, str) or reader not in _may_be(study, asking.user):
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such reader in this study.")
        chosen.choose(asking.session, reader)
        return told_to(asking)

    @router.post("/logout")
    def logout(asking: Asking) -> dict[str, Any]:
        chosen.choose(asking.session, None)
        return {"reader": None}


def _may_be(study: ReaderStudy, user: User) -> list[str]:
    """The readers whom a user may be: who has a token of their own only themselves."""
    return [reader for reader in study.store.readers() if user.admin or reader == user.name]


def _add_readings(router: APIRouter, study: ReaderStudy, chosen: Chosen) -> None:
    def reader_of(asking: Caller) -> str:
        reader = chosen.reader(asking.session)
        if reader is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, "Choose who reads first.")
        return reader

    @router.post("/readings")
    def save(asking: Asking, content: Content) -> dict[str, Any]:
        try:
            study.store.add([reading_of(reader_of(asking), content)])
        except InputError as error:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        # Only now is it on the disk.
        return {"saved": True}

    @router.get("/pictures/{item}.png")
    def picture(asking: Asking, item: str) -> Response:
        if item not in study.store.order(reader_of(asking)):
            raise not_found()
        return FileResponse(study.pictures / f"{item}.png")


def _add_page(router: APIRouter) -> None:
    @router.get("")
    def to_the_form() -> Response:
        return RedirectResponse("/read/", HTTPStatus.SEE_OTHER)

    @router.get("/")
    def page() -> Response:
        return _static("")

    @router.get("/{name}")
    def part(name: str) -> Response:
        return _static(name)


def _static(name: str) -> Response:
    if name not in STATIC:
        raise not_found()
    file, kind = STATIC[name]
    return Response(files("fibrolens").joinpath("readers", "form", file).read_bytes(), media_type=kind)
