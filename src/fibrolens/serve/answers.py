"""Refusals of the HTTP interface: a status, and a sentence as ``{"error": "..."}``."""

from __future__ import annotations

from http import HTTPStatus

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self' blob:; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then hide the origin of the login form, and it could not be told from another's.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
DEFECT = "This is a defect of fibrolens; who runs this service finds it in the log."
NOTHING_HERE = "There is nothing here."


class RefusedError(Exception):
    """A request that is not done, with the status that says so."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def not_found() -> RefusedError:
    """There is none, or it is somebody else's: both look the same."""
    return RefusedError(HTTPStatus.NOT_FOUND, NOTHING_HERE)
