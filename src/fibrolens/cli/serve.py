"""`fibrolens serve`: viewer, REST interface and job queue."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

#: Other users of a machine see the arguments of a program, and with them a URL's password, but not its environment.
DATABASE = "FIBROLENS_DATABASE"


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "serve",
        help="viewer, REST interface and job queue",
        description="Stage CTs that are uploaded, and show them in the browser. Jobs survive the end of the program. "
        "Answers on this machine alone, to who has the printed token, unless told otherwise. Research use only.",
    )
    verb.add_argument("--data", type=Path, metavar="DIR", help="folder of uploads, results and jobs (required)")
    verb.add_argument("--workers", type=int, default=1, metavar="N", help="CTs that are staged at once (default 1)")
    verb.add_argument(
        "--model", type=Path, metavar="DIR", help="folder with staging weights (default: the shipped ones)"
    )
    verb.add_argument(
        "--max-upload-mb", type=int, default=4096, metavar="N", help="MiB of an upload at most (default 4096)"
    )
    verb.add_argument(
        "--database",
        metavar="URL",
        help=f"postgresql+pg8000://... (default: the environment's {DATABASE}, else SQLite in --data)",
    )
    verb.add_argument("--reader-study", type=Path, metavar="DIR", help="also serve the form of a reader study")
    verb.add_argument("--pacs", type=Path, metavar="FILE", help="also be a DICOM node, as FILE says (docs/pacs.md)")
    _add_network(verb.add_argument_group("network"))
    _add_users(verb.add_argument_group("users"))
    return verb


def _add_network(group: Any) -> None:
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    group.add_argument("--port", type=int, default=8642, help="0 takes a free one (default 8642)")
    group.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate, PEM")
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    group.add_argument(
        "--behind-proxy", action="store_true", help="a proxy in front does TLS and sends X-Forwarded-For"
    )


def _add_users(group: Any) -> None:
    group.add_argument(
        "--tokens", type=Path, metavar="FILE", help="users with their tokens (default: one printed token)"
    )
    group.add_argument("--add-user", metavar="NAME", help="add a user to --tokens, print the token, and end")
    group.add_argument("--admin", action="store_true", help="with --add-user: sees the jobs of everybody")


def run(options: argparse.Namespace) -> int:
    """Serve, or add a user."""
    from fibrolens.errors import UsageError

    if options.add_user is not None:
        return _add_user(options)
    if options.data is None:
        raise UsageError("--data DIR is missing: the folder that uploads and results are kept in.")
    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError("--tls-cert and --tls-key belong together; give both.")
    if options.workers < 1 or options.max_upload_mb < 1:
        raise UsageError("--workers and --max-upload-mb must be 1 or more.")
    try:
        from fibrolens.serve.server import ServeOptions, run_service
        from fibrolens.serve.service import MIB
    except ModuleNotFoundError as error:
        raise UsageError(f"The service needs {error.name}; install it by: pip install 'fibrolens[serve]'.") from None

    run_service(
        ServeOptions(
            data=options.data,
            host=options.host,
            port=options.port,
            database=options.database or os.environ.get(DATABASE),
            tokens=options.tokens,
            tls=None if options.tls_cert is None else (options.tls_cert, options.tls_key),
            behind_proxy=options.behind_proxy,
            workers=options.workers,
            limit=options.max_upload_mb * MIB,
            model=options.model,
            reader_study=options.reader_study,
            pacs=options.pacs,
        ),
        _tell,
    )
    return 0


def _add_user(options: argparse.Namespace) -> int:
    from fibrolens.errors import UsageError
    from fibrolens.serve.auth import add_user

    if options.tokens is None:
        raise UsageError("--add-user needs --tokens FILE, the file to add the user to.")
    token = add_user(options.tokens, options.add_user, options.admin)
    _tell(f"Token of {options.add_user}, which is stored nowhere: {token}")
    return 0


def _tell(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
