"""A data folder with its queue, and a caller that sends files, for tests of the DICOM node."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import FileDataset
from pynetdicom import AE
from sqlalchemy import Engine
from tests.dicom_files import ct_array, ct_series

from fibrolens.pacs.peers import Pacs, Peer
from fibrolens.pacs.steady import steady
from fibrolens.serve.database import connect, sqlite_url, upgrade
from fibrolens.serve.jobs import Jobs
from fibrolens.serve.storage import Storage
from fibrolens.serve.uploads import Intake

OURS, THEIRS = "FIBROLENS", "SCANNER"
KNOWN = (Peer(THEIRS, "127.0.0.1"),)


@dataclass(frozen=True)
class Kit:
    """What the service has open."""

    engine: Engine
    storage: Storage
    jobs: Jobs
    intake: Intake

    @classmethod
    def open(cls, folder: Path) -> "Kit":
        """As the server does at its start."""
        storage = Storage.open(folder)
        engine = connect(sqlite_url(folder))
        upgrade(engine)
        jobs = Jobs(engine)
        storage.sweep(jobs.all())
        return cls(engine, storage, jobs, Intake(storage, jobs, "weights"))

    def names(self, job) -> list[str]:
        """Files of a job's source."""
        return sorted(path.name for path in self.storage.source(job).iterdir())

    def finish(self, folder=None):
        """Do the next job as a worker does, with a result that is a copy of `folder`."""
        claim = self.jobs.claim("worker")
        scan = self.storage.claim(claim.job.id, claim.lease) / "scan"
        scan.mkdir(parents=True)
        for path in [] if folder is None else folder.rglob("*"):
            if path.is_file():
                (scan / path.relative_to(folder)).parent.mkdir(exist_ok=True)
                (scan / path.relative_to(folder)).write_bytes(path.read_bytes())
        assert self.jobs.done(claim, "scan", "F3")
        return self.jobs.get(claim.job.id)


def settings(**changes: object) -> Pacs:
    """A node on a free port of loopback."""
    return Pacs(**{"ae_title": OURS, "port": 0, "peers": KNOWN, "quiet_seconds": 0.3, **changes})


def ct(slices: int = 3, **tags: object) -> list[FileDataset]:
    """A small CT series."""
    return ct_series(ct_array(slices), **tags)


def send(
    files: Sequence[FileDataset], port: int, caller: str = THEIRS, called: str = OURS, tls=None
) -> list[int] | None:
    """C-STORE; the statuses, or None where the association was refused."""
    ae = AE(caller)
    for kind in {(f.SOPClassUID, f.file_meta.TransferSyntaxUID) for f in files}:
        ae.add_requested_context(*kind)
    association = ae.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
    if not association.is_established:
        return None
    steady(association)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        statuses = [association.send_c_store(file).get("Status") for file in files]
    association.release()
    return statuses
