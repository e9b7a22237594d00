"""The viewer's page and what it is made of; signing in and out."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from fibrolens.serve.answers import not_found
from fibrolens.serve.auth import SESSION_S, User
from fibrolens.serve.pages import login_page, no_viewer_page
from fibrolens.serve.service import Asking, Here, Service

INDEX = "index.html"
#: Built files have a hash in their names.
FOREVER = "private, max-age=31536000, immutable"
WRONG = "This token is not valid; use the newest one."


def viewer_files() -> dict[str, Path]:
    """The built viewer, each file by its address; empty where it was not built."""
    folder = Path(str(files("fibrolens").joinpath("serve", "viewer")))
    if not (folder / INDEX).is_file():
        return {}
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def pages_router(viewer: Mapping[str, Path]) -> APIRouter:
    """Routes of the pages.

    Args:
        viewer: see `viewer_files`.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def page(here: Here, request: Request, token: str | None = None) -> Response:
        """The viewer; a token in the address is changed for a cookie, so that it does not stay there."""
        if token is not None:
            user = here.access.enter(token, _address(request))
            return login_page(WRONG, HTTPStatus.FORBIDDEN) if user is None else _signed_in(here, user)
        return FileResponse(viewer[INDEX]) if viewer else no_viewer_page()

    @router.post("/login")
    async def login(here: Here, request: Request) -> Response:
        user = here.access.enter(await _token(request), _address(request))
        return login_page(WRONG, HTTPStatus.FORBIDDEN) if user is None else _signed_in(here, user)

    @router.post("/logout")
    def logout(here: Here, asking: Asking) -> Response:
        here.access.sessions.close(asking.session)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(here.cookie)
        return answer

    @router.get("/{name:path}")
    def part(name: str) -> Response:
        path = viewer.get(name)
        if path is None or name == INDEX:
            raise not_found()
        hashed = {"Cache-Control": FOREVER} if name.startswith("assets/") else {}
        return FileResponse(path, headers=hashed)

    return router


async def _token(request: Request) -> str:
    return parse_qs((await request.body()).decode("latin-1")).get("token", [""])[0]


def _signed_in(here: Service, user: User) -> Response:
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        here.cookie,
        here.access.sessions.open(user),
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=here.secure,
    )
    return answer


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
