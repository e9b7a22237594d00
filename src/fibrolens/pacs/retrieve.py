"""Brings the CT series of a study from a PACS into the inbox: C-MOVE to our own listener, or WADO-RS.

What is being fetched is written down, so that a server that was ended begins it again::

    DATA/pacs/fetching/<study>.json   {"uid": "1.2.3", "series": ["1.2.3.4"], "instances": 120}
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from pydicom import Dataset
from pynetdicom import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove  # type: ignore[attr-defined]

from fibrolens.io.dicom.series import CT_CLASSES
from fibrolens.pacs.calling import Caller, RemoteError, status_word
from fibrolens.pacs.find import Asked, FoundStudy, find
from fibrolens.pacs.inbox import SHORT, FullError, Inbox, MismatchError, hashed
from fibrolens.pacs.peers import Peer, Remote, WebServer, told
from fibrolens.pacs.web import web_client
from fibrolens.serve.logs import complain, say

FETCHING = Path("pacs", "fetching")
#: Statuses of C-MOVE (PS3.4 C.4.2.1.5).
PENDING, DONE, UNKNOWN_DESTINATION = (0xFF00, 0xFF01), 0x0000, 0xA801
#: Seconds for a transfer to end when the server is ended; it is begun again at the next start.
GRACE_S = 5.0
#: Any transfer syntax: as the archive has it, without a conversion there.
AS_STORED = (("application/dicom", "*"),)


@dataclass(frozen=True)
class Fetch:
    """What a person is told of a study that was asked for.

    Args:
        study: short hash of its UID, as in the names of jobs.
        series: how many CT series it has.
        state: ``on its way``, or ``here`` where its job has every instance that the PACS tells of.
        job: id of its job; None where there is none yet.
        reason: why it did not come when it was asked for before; None where that went well.
    """

    study: str
    series: int
    state: Literal["on its way", "here"]
    job: str | None
    reason: str | None


@dataclass
class Fetcher:
    """Fetches in a thread of its own, inside a ``with`` block.

    Args:
        remote: from where.
        caller: who calls.
        inbox: where instances go.
    """

    remote: Remote
    caller: Caller
    inbox: Inbox
    _queue: queue.Queue[FoundStudy | None] = field(default_factory=queue.Queue)
    _under_way: set[str] = field(default_factory=set)
    _failed: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _abort: Callable[[], None] = field(default=lambda: None)

    def __enter__(self) -> Fetcher:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            self._begin(FoundStudy(content["uid"], tuple(content["series"]), content["instances"]))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._queue.put(None)
        self._abort()
        self._thread.join(GRACE_S)

    @property
    def folder(self) -> Path:
        """Of what is being fetched."""
        return self.inbox.storage.root / FETCHING

    def fetch(self, asked: Asked) -> list[Fetch]:
        """Begin to fetch every CT study of an accession number or UID; empty where the PACS knows none.

        Raises:
            RemoteError: the PACS cannot be asked.
        """
        return [self._tell(study) for study in find(asked, self.remote, self.caller)]

    def _tell(self, study: FoundStudy) -> Fetch:
        job = self.inbox.job(study.uid)
        complete = job is not None and study.instances is not None and self.inbox.count(study.uid) >= study.instances
        name = hashed(study.uid)
        with self._lock:
            reason = self._failed.pop(name, None)
            under_way = name in self._under_way
        if not complete and not under_way:
            self._begin(study)
        state: Literal["on its way", "here"] = "here" if complete and not under_way else "on its way"
        return Fetch(name[:SHORT], len(study.series), state, None if job is None else job.id, reason)

    def _begin(self, study: FoundStudy) -> None:
        name = hashed(study.uid)
        aside = self.folder / f"{name}.partial"
        aside.write_text(json.dumps(asdict(study)), encoding="utf-8")
        aside.replace(self.folder / f"{name}.json")
        with self._lock:
            self._under_way.add(name)
        self._queue.put(study)

    def _run(self) -> None:
        while (study := self._queue.get()) is not None and not self._stop.is_set():
            name, reason = hashed(study.uid), None
            try:
                with self.inbox.holding(study.uid):
                    self._bring(study)
            except (RemoteError, FullError) as error:
                reason = str(error) or "There is no room for the study."
            except Exception as error:  # noqa: BLE001  (one study must not end the fetching)
                complain("fetching hit a defect", error)
                reason = "Fetching hit a defect of fibrolens; see its log."
            if self._stop.is_set() and reason is not None:
                return
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            with self._lock:
                self._under_way.discard(name)
                if reason is not None:
                    self._failed[name] = reason
            say("study fetched" if reason is None else "study not fetched", study=name[:SHORT], reason=reason)

    def _bring(self, study: FoundStudy) -> None:
        if isinstance(self.remote, WebServer):
            self._by_web(study, self.remote)
        else:
            self._by_network(study, self.remote)

    def _by_network(self, study: FoundStudy, peer: Peer) -> None:
        with self.caller.association(peer, [build_context(StudyRootQueryRetrieveInformationModelMove)]) as association:
            self._abort = association.abort
            for uid in study.series:
                asked = Dataset()
                asked.QueryRetrieveLevel = "SERIES"
                asked.StudyInstanceUID, asked.SeriesInstanceUID = study.uid, uid
                own = self.caller.pacs.ae_title
                answers: Iterable[Any] = association.send_c_move(asked, own, StudyRootQueryRetrieveInformationModelMove)
                self._follow(answers, peer)

    def _follow(self, answers: Iterable[Any], peer: Peer) -> None:
        """Wait for the end of one C-MOVE."""
        status: Any = None
        for status, _ in answers:
            if getattr(status, "Status", None) not in PENDING:
                break
        code = getattr(status, "Status", None)
        if code == UNKNOWN_DESTINATION:
            raise RemoteError(
                f"{peer.ae_title} does not know {self.caller.pacs.ae_title} as a destination; enter our AE title, host "
                "and port there."
            )
        if code != DONE:
            raise RemoteError(f"{peer.ae_title} did not send everything ({status_word(status)}).")

    def _by_web(self, study: FoundStudy, server: WebServer) -> None:
        with web_client(server) as client:
            for uid in study.series:
                for data in client.iter_series(study.uid, uid, media_types=AS_STORED):
                    if self._stop.is_set():
                        raise RemoteError("The server was ended.")
                    self._keep(data, server)

    def _keep(self, data: Dataset, server: WebServer) -> None:
        if str(data.get("SOPClassUID", "")) not in CT_CLASSES:
            return

        def write(file: IO[bytes]) -> None:
            data.save_as(file, enforce_file_format=True)

        try:
            self.inbox.take(write, len(data.get("PixelData") or b""), str(data.get("SOPInstanceUID", "")))
        except MismatchError:
            raise RemoteError(f"{told(server)} sent an instance without UIDs.") from None
