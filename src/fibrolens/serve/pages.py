"""The pages that the service makes itself: one that asks for the token, one that says how to build the viewer."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files

from starlette.responses import HTMLResponse


def login_page(said: str = "", status: HTTPStatus = HTTPStatus.UNAUTHORIZED) -> HTMLResponse:
    """Ask for the token; `said` is a sentence of ours above the field."""
    return HTMLResponse(_text("login.html").replace("<!-- said -->", said), status)


def no_viewer_page() -> HTMLResponse:
    """The viewer was not built."""
    return HTMLResponse(_text("no_viewer.html"), HTTPStatus.SERVICE_UNAVAILABLE)


def _text(name: str) -> str:
    return files("fibrolens").joinpath("serve", "templates", name).read_text(encoding="utf-8")
