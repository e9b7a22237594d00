"""One scan on disk; the rendering is a stand-in of a few voxels."""

import numpy as np
import pytest

from fibrolens.errors import OutputError
from fibrolens.io import read_labels, read_volume
from fibrolens.phantom import scanfiles
from fibrolens.phantom.folder import make_room
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.render import Rendering
from fibrolens.phantom.roster import Roster, Twin
from fibrolens.phantom.scanfiles import ScanJob, read_record, write_scan
from fibrolens.phantom.setting import Setting
from fibrolens.volume import Geometry, Volume

#: Voxels of 1 ml.
GRID = Geometry((2, 4, 4), (10.0, 10.0, 10.0))


def stand_in(patient, geometry):
    """Two voxels of spleen; a liver of eight voxels, two of them in segments I to III."""
    organs, segments = np.zeros((2, *GRID.shape), np.uint8)
    organs[0, 0, :2], organs[:, 2] = Organ.SPLEEN, Organ.LIVER
    segments[0, 2], segments[1, 2] = (1, 3, 4, 5), (6, 7, 8, 8)
    labels = Volume(organs, GRID)
    ct = Volume(np.zeros(GRID.shape, np.int16), GRID, patient.scan_id)
    spleen = labels.with_array((organs == Organ.SPLEEN).astype(np.uint8))
    return Rendering(ct, labels, labels.with_array(segments), {"spleen": spleen})


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setattr(scanfiles, "render", stand_in)
    make_room(tmp_path)

    def make(kind="nifti", twins=()):
        return ScanJob(tmp_path, Roster((4,), 0, Setting()), 0, kind, "small", twins)

    return make


def test_files_of_a_scan(job, tmp_path):
    write_scan(job())
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("[a-z]*/*")}
    kinds = ("", "_liver", "_spleen", "_organs", "_segments")
    assert found == {
        "images/P0001.nii.gz", "evidence/P0001_spleen.nii.gz", *(f"labels/P0001{kind}.nii.gz" for kind in kinds)
    }  # fmt: skip
    labels = read_labels(tmp_path / "labels" / "P0001.nii.gz").array
    assert (np.bincount(labels.ravel()) == (22, 8, 2)).all()


def test_record_holds_what_the_masks_measure(job):
    write_scan(job(twins=(Twin("spleen", 0),)))
    measured = {"liver_mask_ml": 8.0, "spleen_mask_ml": 2.0, "lsvr_mask": round(2 / 6, 4)}
    assert read_record(job().record) == {"P0001": measured, "P0001_twin-spleen-F0": measured}


def test_twins_have_image_and_labels_but_no_evidence(job, tmp_path):
    write_scan(job(twins=(Twin("spleen", 0),)))
    assert read_volume(tmp_path / "images" / "P0001_twin-spleen-F0.nii.gz").geometry == GRID
    assert (tmp_path / "labels" / "P0001_twin-spleen-F0_organs.nii.gz").exists()
    assert [path.name for path in (tmp_path / "evidence").iterdir()] == ["P0001_spleen.nii.gz"]


def test_dicom_folder_that_an_interrupted_run_left_is_replaced(job, tmp_path):
    series = tmp_path / "images" / "P0001"
    series.mkdir(parents=True)
    (series / "0009.dcm").write_text("left over")
    write_scan(job("dicom"))
    assert sorted(path.name for path in series.iterdir()) == ["0001.dcm", "0002.dcm"]


def test_scan_that_cannot_be_written_leaves_no_record(job, tmp_path):
    (tmp_path / "labels").write_text("in the way")
    with pytest.raises(OutputError, match="could not be written"):
        write_scan(job())
    assert not job().record.exists()
