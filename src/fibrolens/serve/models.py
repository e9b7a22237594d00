"""What the HTTP interface answers, as it stands in the OpenAPI document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fibrolens.serve.jobs import Job

EXAMPLE_JOB: dict[str, Any] = {
    "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "name": "abdomen.zip",
    "state": "done",
    "progress": 1.0,
    "step": "",
    "created": "2026-11-26T16:00:00.000Z",
    "started": "2026-11-26T16:00:01.000Z",
    "finished": "2026-11-26T16:00:31.000Z",
    "reason": None,
    "scan_id": "0123456789ab",
    "predicted": "F3",
    "origin": "upload",
    "attempts": 1,
    "forced": False,
}


#: What a route answers besides its success, by status.
Answers = dict[int | str, dict[str, Any]]


class ErrorAnswer(BaseModel):
    """A request that was not done."""

    error: str = Field(description="What is wrong and what to do, in a sentence.")


class JobAnswer(BaseModel):
    """One CT on its way through the queue."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE_JOB})

    id: str
    name: str = Field(description="Name of the uploaded file, or of a study that came by DICOM.")
    state: Literal["queued", "running", "done", "refused", "failed"]
    progress: float = Field(ge=0.0, le=1.0)
    step: str = Field(description="What is being done, in words.")
    created: str = Field(description="ISO 8601, UTC; like every time here.")
    started: str | None
    finished: str | None
    reason: str | None = Field(description="Why it was refused or failed, in a sentence.")
    scan_id: str | None
    predicted: str | None = Field(description="F0 to F4; research use only.")
    origin: Literal["upload", "dicom"]
    attempts: int = Field(ge=0)
    forced: bool = Field(description="Whether the quality gate is overridden.")

    @classmethod
    def of(cls, job: Job) -> JobAnswer:
        """What may be told of a job."""
        times = {name: _iso(getattr(job, name)) for name in ("created", "started", "finished")}
        told = ("id", "name", "state", "progress", "step", "reason", "scan_id", "predicted", "origin", "attempts")
        return cls.model_validate({name: getattr(job, name) for name in (*told, "forced")} | times)


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]


class FileAnswer(BaseModel):
    """A file of a result."""

    name: str
    bytes: int
    type: str = Field(description="Media type.")


class FilesAnswer(BaseModel):
    """The files of a result."""

    files: list[FileAnswer]


class VolumeAnswer(BaseModel):
    """A volume that the viewer shows."""

    name: str
    url: str
    title: str
    unit: str
    scale: str | None
    min: float
    max: float
    slope: float = Field(description="Stored values times this are the volume's own.")
    method: str | None
    layer: str | None
    bytes: int


class ViewAnswer(BaseModel):
    """What the viewer needs to begin."""

    volumes: list[VolumeAnswer]
    display: dict[str, Any]


class FetchedAnswer(BaseModel):
    """A study that was asked for."""

    study: str = Field(description="Short hash of its UID, as in the names of jobs.")
    series: int = Field(description="How many CT series it has.")
    state: Literal["on its way", "here"] = Field(description="`here`: its job has every CT instance of the PACS.")
    job: str | None = Field(description="Id of its job; null where there is none yet. Ask again.")
    reason: str | None = Field(description="Why it did not come when it was asked for before.")


class FetchAnswer(BaseModel):
    """The studies of an accession number or UID."""

    studies: list[FetchedAnswer]


class FetchRequest(BaseModel):
    """What to get from the PACS: one of both."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"accession_number": "A1704"}})

    accession_number: str = Field("", max_length=64, description="Of an examination; no wildcards.")
    study_uid: str = Field("", max_length=64, description="StudyInstanceUID.")


class HealthAnswer(BaseModel):
    """The service answers."""

    version: str
    queued: int
    running: int
    user: str


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
