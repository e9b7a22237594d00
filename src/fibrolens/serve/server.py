"""`run_service`: data folder, queue, workers, DICOM node and web server of one process, begun and ended together."""

from __future__ import annotations

import signal
import socket
import ssl
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from fibrolens.errors import UsageError
from fibrolens.pacs.node import Node
from fibrolens.pacs.retrieve import Fetcher
from fibrolens.pacs.settings import read_pacs
from fibrolens.readers.folder import PICTURES, open_set
from fibrolens.serve.app import application
from fibrolens.serve.auth import Access, Tokens
from fibrolens.serve.database import connect, sqlite_url, upgrade
from fibrolens.serve.jobs import Jobs
from fibrolens.serve.logs import begin_log
from fibrolens.serve.recipe import Recipe
from fibrolens.serve.service import MIB, ReaderStudy, Service
from fibrolens.serve.storage import Storage
from fibrolens.serve.supervisor import Supervisor
from fibrolens.serve.uploads import Intake
from fibrolens.serve.worker import WorkerPlan
from fibrolens.workers import cores

LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Seconds for requests to end when the service is ended.
GRACE_S = 5
MOST_CONNECTIONS = 200


@dataclass(frozen=True)
class ServeOptions:
    """How the service runs.

    Args:
        data: folder of uploads, results and, unless there is another, the database.
        host, port: where it listens; port 0 takes a free one.
        database: URL; None is SQLite in `data`.
        tokens: file of users; None prints one token.
        tls: certificate and key, PEM; None is plain HTTP.
        behind_proxy: TLS ends in front of it.
        workers: processes that stage.
        limit: bytes of an upload at most.
        model: folder of the staging weights; None takes the shipped ones.
        reader_study: folder that ``fibrolens read prepare`` made.
        pacs: settings of the DICOM node, TOML; None: there is no node.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8642
    database: str | None = None
    tokens: Path | None = None
    tls: tuple[Path, Path] | None = None
    behind_proxy: bool = False
    workers: int = 1
    limit: int = 4096 * MIB
    model: Path | None = None
    reader_study: Path | None = None
    pacs: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether other machines cannot reach it."""
        return self.host in LOOPBACK

    def check(self) -> None:
        """Raise UsageError where others could listen in, or everybody would be the one user."""
        if self.tls is not None:
            _require_pair(*self.tls)
        if self.loopback:
            return
        if self.tls is None and not self.behind_proxy:
            raise UsageError(
                f"On {self.host} others could read along; give --tls-cert and --tls-key, or --behind-proxy "
                "where a proxy does TLS."
            )
        if self.tokens is None:
            raise UsageError(f"On {self.host} every user needs a token; make them by --tokens FILE --add-user NAME.")


def _require_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the key is locked"
        raise UsageError(
            f"{certificate} and {key} are no certificate and its key that can be used ({reason}); both must be PEM, "
            "and the key without a password."
        ) from None


def run_service(options: ServeOptions, tell: Callable[[str], None], recipe: Recipe | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM; what was not finished is gone on with by the next start.

    Args:
        options: how.
        tell: told the sentences for who started it.
        recipe: what stages; the pipeline where None.

    Raises:
        UsageError: an option cannot be followed, or the port or the data folder is in use.
        ModelError: the weights cannot be used.
        OutputError: the data folder or the database cannot be written.
    """
    options.check()
    pacs = None if options.pacs is None else read_pacs(options.pacs)
    # A shell lets what it starts in the background ignore Ctrl-C; a service is ended by SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    begin_log()
    # A library's warning may quote a header, and with it a patient's name.
    warnings.simplefilter("ignore")
    stages = recipe or _pipeline(options)
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(options))
        storage = Storage.open(options.data)
        stack.enter_context(storage.lock())
        url = options.database or sqlite_url(storage.root)
        jobs = _queue(url, storage)
        stack.callback(jobs.engine.dispose)
        intake = Intake(storage, jobs, stages.fingerprint)
        tokens, token = Tokens.printed() if options.tokens is None else (Tokens.read(options.tokens), None)
        node = None if pacs is None else stack.enter_context(Node(pacs, intake))
        fetcher = None if node is None else node.fetcher
        service = _service(options, intake, Access(tokens), listening.getsockname()[1], fetcher)
        stack.enter_context(Supervisor(WorkerPlan(url, storage.root, stages), jobs, options.workers))
        tell(_welcome(options, service, listening.getsockname()[1], token))
        if node is not None and pacs is not None:
            tell(f"DICOM node {pacs.ae_title} on {pacs.bind} port {node.port}.")
        try:
            uvicorn.Server(_config(options, service)).run(sockets=[listening])
        except KeyboardInterrupt:
            # The signal that has ended the web server, said once more by it.
            tell("Ended; jobs that wait or were interrupted are done after the next start.")


def _pipeline(options: ServeOptions) -> Recipe:
    from fibrolens.pipeline import StageOptions  # noqa: PLC0415  (slow; not for who brings a recipe)
    from fibrolens.serve.staging import PipelineRecipe  # noqa: PLC0415

    return PipelineRecipe(StageOptions(model=options.model, all_maps=True), max(1, cores() // options.workers))


def _listen(options: ServeOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        raise UsageError(
            f"{options.host} port {options.port} cannot be used ({error.strerror}); choose another by --port."
        ) from None


def _queue(url: str, storage: Storage) -> Jobs:
    """The queue, with what an earlier server left unfinished waiting in it."""
    engine = connect(url)
    upgrade(engine)
    jobs = Jobs(engine)
    jobs.bind(storage.name)
    jobs.recover()
    storage.sweep(jobs.all())
    return jobs


def _service(options: ServeOptions, intake: Intake, access: Access, port: int, fetcher: Fetcher | None) -> Service:
    folder = options.reader_study
    return Service(
        jobs=intake.jobs,
        storage=intake.storage,
        intake=intake,
        access=access,
        cookie=f"fibrolens-{port}",
        secure=options.tls is not None or options.behind_proxy,
        loopback=options.loopback and not options.behind_proxy,
        limit=options.limit,
        reader_study=None if folder is None else ReaderStudy(open_set(folder), folder / PICTURES),
        fetcher=fetcher,
    )


def _config(options: ServeOptions, service: Service) -> uvicorn.Config:
    certificate, key = options.tls or (None, None)
    return uvicorn.Config(
        application(service),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=options.behind_proxy,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
    )


def _welcome(options: ServeOptions, service: Service, port: int, token: str | None) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"{'http' if options.tls is None else 'https'}://{host}:{port}/"
    reading = f"The reader study is at {address}read/\n" if service.reader_study is not None else ""
    opened = f"{address}?token={token}" if token else f"{address} (with a token of {options.tokens})"
    return f"Open {opened}\n{reading}Ctrl-C ends it; nothing is lost. Research use only."
