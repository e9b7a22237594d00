"""The log of the service: JSON lines on stderr, of job ids and routes, never of names, tokens or queries."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("fibrolens.serve")
#: Libraries that quote what they read or are asked, which may be a patient's name or a token.
TALKATIVE = (
    *("pydicom", "pynetdicom", "highdicom", "dicomweb_client", "urllib3"),
    *("nibabel", "uvicorn", "sqlalchemy", "alembic"),
)


class JsonLines(logging.Formatter):
    """A record as JSON: time, level, event and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, "fields", {})
        return json.dumps({"time": when, "level": record.levelname.lower(), "event": record.getMessage(), **fields})


def begin_log() -> None:
    """Write the log of this process to stderr, and silence libraries that quote what they read."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def say(event: str, **fields: Any) -> None:
    """Log an event with its fields."""
    LOGGER.info(event, extra={"fields": fields})


def complain(event: str, error: BaseException, **fields: Any) -> None:
    """Log an error by its kind and the places that it came through; its words may quote what was read."""
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    LOGGER.error(event, extra={"fields": {**fields, "error": type(error).__name__, "trace": places[-8:]}})
