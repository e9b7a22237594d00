"""The whole life of a job by the real pipeline with small networks: upload, result, viewer, export, end."""

import gzip
import io
import json
import zipfile
from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pytest
from tests.marks import marks, readable
from tests.planted import FILE_NAME, planted_series
from tests.serve.kit import ADA, PATIENT, Client, client_of, new_service
from tests.staged import simulated, untrained_models

from fibrolens.io import write_nifti
from fibrolens.pipeline import StageOptions, stage
from fibrolens.serve.jobs import Job
from fibrolens.serve.service import Service
from fibrolens.serve.staging import STEPS, PipelineStager
from fibrolens.serve.worker import perform

JOBS = "/api/v1/jobs"
OPTIONS = StageOptions(all_maps=True, force=True)
SHADES = 255


@dataclass(frozen=True)
class Lived:
    """A job that is done, who owns it, and what was uploaded."""

    service: Service
    ada: Client
    job: Job
    steps: list[str]

    def get(self, part):
        return self.ada.get(f"{JOBS}/{self.job.id}/{part}")


def lived(service, models, content, name):
    """Upload and stage a CT."""
    ada = client_of(service).as_bearer(ADA)
    reply = ada.ask("POST", f"{JOBS}?filename={name}&force=true", content)
    assert reply.status == 202
    steps = []
    jobs = service.jobs
    told = jobs.progress
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(jobs), "progress", lambda _, claim, share, step: steps.append(step) or told(claim, share, step)
        )
        perform(jobs.claim("w"), jobs, service.storage, PipelineStager(StageOptions(all_maps=True), models))
    job = jobs.get(reply.json["id"])
    assert (job.state, job.reason) == ("done", None)
    return Lived(service, ada, job, steps)


@pytest.fixture(scope="module")
def rendering():
    """A simulated patient."""
    return simulated()


@pytest.fixture(scope="module")
def nifti(tmp_path_factory, rendering):
    """A NIfTI that went the whole way, and the same staged without the service."""
    folder = tmp_path_factory.mktemp("nifti")
    service, models = new_service(folder / "data"), untrained_models(rendering.labels)
    path = folder / f"{PATIENT}.nii.gz"
    write_nifti(rendering.hu, path)
    job = lived(service, models, path.read_bytes(), path.name)
    yield job, stage(path, OPTIONS, models)
    # Its end leaves nothing.
    assert job.ada.ask("DELETE", f"{JOBS}/{job.job.id}").status == 204
    for place in (service.storage.incoming, service.storage.uploads, service.storage.results):
        assert list(place.iterdir()) == []
    service.jobs.engine.dispose()


@pytest.fixture(scope="module")
def dicom(tmp_path_factory, rendering):
    """A zip of DICOM files full of planted words that went the whole way."""
    folder = tmp_path_factory.mktemp("dicom")
    planted_series(folder, rendering)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((folder / "study").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    service = new_service(folder / "data")
    yield lived(service, untrained_models(rendering.labels), packed.getvalue(), "study.zip")
    service.jobs.engine.dispose()


def volume(reply):
    """A sent NIfTI."""
    assert reply.status == 200
    return nib.Nifti1Image.from_bytes(gzip.decompress(reply.content))


def test_every_figure_is_that_of_the_pipeline(nifti):
    job, alone = nifti
    figures, expected = job.get("result").json, json.loads(json.dumps(alone.to_dict()))
    for told in (figures, expected):
        told.pop("scan_id")
        told["input"].pop("path")
    assert figures == expected
    assert job.job.predicted == figures["stage"]["predicted"]


def test_every_step_was_told_in_order(nifti):
    told = [words for _, words in STEPS.values()]
    assert [step for step in told if step in nifti[0].steps] == nifti[0].steps
    assert len(nifti[0].steps) >= 8


def test_nothing_tells_the_name_of_the_upload(nifti):
    job, _ = nifti
    for file in job.get("files").json["files"]:
        assert PATIENT not in file["name"]
        assert PATIENT.encode() not in job.get(f"files/{file['name']}").content
    assert job.job.scan_id.startswith("ct-")


def test_maps_travel_as_bytes_with_a_slope_and_lose_half_a_level_at_most(nifti):
    job, alone = nifti
    view = job.get("view").json
    known = {one["name"]: one for one in view["volumes"]}
    assert set(known) == {"ct", "labels", "F0", "F1", "F2", "F3", "F4", "recommended"}
    own = alone.ct.geometry
    full = {name: one.volume for name, one in (*alone.maps.items(), ("recommended", alone.recommended_map))}
    for name, expected in full.items():
        sent = volume(job.ada.get(known[name]["url"]))
        assert sent.get_data_dtype() == np.uint8
        assert known[name]["slope"] == pytest.approx(float(expected.array.max()) / SHADES, rel=1e-6)
        assert np.float32(sent.dataobj.slope) == np.float32(known[name]["slope"])
        off = np.abs(sent.get_fdata() - expected.array.transpose(2, 1, 0))
        assert off.max() <= known[name]["slope"] / 2 * (1 + 1e-5)
        assert (known[name]["min"], known[name]["max"]) == (float(expected.array.min()), float(expected.array.max()))
        assert known[name]["scale"] == "mean1"
    ct = volume(job.ada.get(known["ct"]["url"]))
    assert ct.get_data_dtype() == np.int16
    assert np.array_equal(np.asarray(ct.dataobj), np.rint(alone.ct.array).astype(np.int16).transpose(2, 1, 0))
    labels = volume(job.ada.get(known["labels"]["url"]))
    assert labels.get_data_dtype() == np.uint8
    assert np.array_equal(np.asarray(labels.dataobj), alone.labels.array.transpose(2, 1, 0))
    stored = nib.load(job.service.storage.scan(job.job) / "map.nii.gz")
    for sent in (ct, labels, volume(job.ada.get(known["F0"]["url"]))):
        assert np.allclose(sent.affine, stored.affine, atol=1e-4)
    assert ct.header.get_zooms() == pytest.approx(own.spacing[::-1], abs=1e-4)
    for one in known.values():
        assert one["bytes"] == len(job.ada.get(one["url"]).content)


def test_the_archive_is_the_folder(nifti):
    job, _ = nifti
    folder = job.service.storage.scan(job.job)
    with zipfile.ZipFile(io.BytesIO(job.get("archive.zip").content)) as archive:
        packed = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert packed == {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {"result.json", "report.html", "report.pdf", "labels.nii.gz", "maps/F0.nii.gz", "manifest.json"} <= set(
        packed
    )


def exported(job):
    """What the export holds, name by name; nothing of it is left on the disk."""
    reply = job.get("deidentified.zip")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/zip")
    assert list(job.service.storage.incoming.iterdir()) == []
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def test_a_nifti_is_exported_too(nifti):
    job, _ = nifti
    found = exported(job)
    assert {"ct.nii.gz", "result.json", "report.html"} <= set(found)
    assert json.loads(found["result.json"])["stage"] == job.get("result").json["stage"]


@pytest.mark.slow
def test_dicom_objects_come_with_dicom(dicom):
    names = {file["name"]: file["type"] for file in dicom.get("files").json["files"]}
    objects = {name for name, kind in names.items() if kind == "application/dicom"}
    assert objects >= {f"dicom/{name}.dcm" for name in ("seg", "map", "report", "overlay")}
    for name in ("result", "files/report.html", "files/report.pdf"):
        assert marks(readable(name, dicom.get(name).content)) == set(), name


@pytest.mark.slow
def test_an_export_names_nobody(dicom):
    found = exported(dicom)
    assert sum(name.startswith("ct/") for name in found) > 10
    for name, content in found.items():
        assert marks(readable(name, content)) == set(), name
        assert FILE_NAME not in name
    assert json.loads(found["result.json"])["scan_id"] != dicom.job.scan_id
