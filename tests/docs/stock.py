"""What readers of the manual have: CTs, masks, cohorts and studies, simulated and small, made when first asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from fibrolens.filelock import lock
from fibrolens.output import file_sha256
from fibrolens.weights import shipped

#: Numbers of background, liver and spleen in a label file of TotalSegmentator.
TOTALSEGMENTATOR = np.array([0, 5, 1], np.uint8)


#: A table and a study name other files by paths beside them, so these come too.
WITH_OTHERS = {"cohort.csv", "study"}


class Stock:
    """Things by the names that the manual gives them, in a folder that several processes may share."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def bring(self, name, where):
        """Lay a copy of the thing `name` into the folder `where`."""
        thing = self.thing(name)
        if thing.is_dir():
            shutil.copytree(thing, where if name in WITH_OTHERS else where / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(thing, where / name)

    def thing(self, name):
        """The path of a thing, which is made if it is not there yet."""
        path = self.folder / name
        with (self.folder / f"{name}.lock").open("w") as stream:
            lock(stream, wait=True)
            if not path.exists():
                # Aside first: what was interrupted must not look like what is whole.
                (aside := self.folder / "begun").mkdir(exist_ok=True)
                MAKERS[name](self, aside / name)
                (aside / name).rename(path)
        return path

    def of_patient(self, part):
        """A file or folder of the one patient, such as ``images/P0001``."""
        return self.thing("patient") / part


def fibrolens(*arguments):
    command = [sys.executable, "-m", "fibrolens", *map(str, arguments)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def patient(stock, path):
    fibrolens("phantom", "--out", path, "--stages", "0,0,0,0,1", "--format", "dicom", "--grid", "small", "--seed", 4)


def cohort(stock, path):
    fibrolens("phantom", "--out", path, "--stages", "3,1,0,0,3", "--grid", "small")


def mr(stock, path):
    fibrolens("phantom", "--out", path, "--modality", "mr-hbp", "--stages", "2,0,0,0,2", "--grid", "small")


def study(stock, path):
    shutil.copytree(stock.thing("cohort.csv"), path / "cohort")
    fibrolens("study", path / "cohort/cohort.csv", "--out", path / "study", *SHORT)


def results(stock, path):
    fibrolens("stage", stock.of_patient("images/P0001"), "--out", path, "--scan-id", "first")


def part(name):
    """Maker of a file or folder of the patient."""

    def make(stock, path):
        source = stock.of_patient(name)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, path)

    return make


def image(name, change=lambda image: image):
    """Maker of an image that is a changed one of the patient, in the format of its new name."""

    def make(stock, path):
        sitk.WriteImage(change(sitk.ReadImage(str(stock.of_patient(name)))), str(path))

    return make


def renumbered(labels):
    numbers = sitk.GetImageFromArray(TOTALSEGMENTATOR[sitk.GetArrayFromImage(labels)])
    numbers.CopyInformation(labels)
    return numbers


def volume(stock, path):
    """The patient's CT as NIfTI."""
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(stock.of_patient("images/P0001")))
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(names), sitk.sitkInt16), str(path))


def segmentation(stock, path):
    shutil.copyfile(stock.thing("results") / "first/dicom/seg.dcm", path)


def table(**cells):
    """Maker of a table of one scan, which names other things of the stock."""

    def make(stock, path):
        path.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")

    return make


def upload(stock, path):
    shutil.make_archive(path.with_suffix(""), "zip", stock.thing("ct_folder"))


def hospital(number):
    """Maker of the packet of another hospital, whose scans the shipped weights have staged."""

    def make(stock, path):
        from benchmarks import packet_pool  # noqa: PLC0415  (slow)

        from fibrolens.evaluate.packet import Disclosure, Origin, make_packet  # noqa: PLC0415
        from fibrolens.evaluate.sealed import write_packet  # noqa: PLC0415

        cases = packet_pool.hospital(np.random.default_rng(number), number, steep=0.6)
        origin = Origin("fixed weights", (file_sha256(shipped("lfs") / "weights.safetensors"),))
        write_packet(make_packet(cases, origin, Disclosure(), {}), path)

    return make


def model(stock, path):
    shutil.copytree(shipped("lfs"), path)


def foreign(stock, path):
    """The shipped weights as another program saves them."""
    import torch  # noqa: PLC0415  (slow)
    from safetensors.torch import load_file  # noqa: PLC0415

    weights = load_file(shipped("lfs") / "weights.safetensors")
    torch.save({f"module.{name}": tensor for name, tensor in weights.items()}, path)


#: The patient's CT in a cohort's table.
ONE = {"patient_id": "P1", "scan_id": "one", "image": "ct.nii.gz", "stage": "F4"}
#: A study that is done in the time of a test, with no processes of its own to start.
SHORT = ("--steps", 2, "--folds", 2, "--learn", "last-layer", "--workers", 1)
MAKERS = {
    "patient": patient,
    "ct_folder": part("images/P0001"),
    "ct.nii.gz": volume,
    "other.nii.gz": volume,
    "liver.nii.gz": part("labels/P0001_liver.nii.gz"),
    "organs.nii.gz": part("labels/P0001.nii.gz"),
    "parts.nii.gz": part("labels/P0001_segments.nii.gz"),
    "spleen.nrrd": image("labels/P0001_spleen.nii.gz"),
    "total.nii.gz": image("labels/P0001.nii.gz", renumbered),
    "segmentation.dcm": segmentation,
    "results": results,
    "cts.csv": table(scan_id="one", image="ct.nii.gz"),
    "masks.csv": table(**ONE, liver_mask="liver.nii.gz", spleen_mask="spleen.nrrd"),
    "labels.csv": table(**ONE, liver_mask="total.nii.gz", spleen_mask="total.nii.gz"),
    "abdomen.zip": upload,
    "cohort.csv": cohort,
    "south.json": hospital(1),
    "study": study,
    "mr": mr,
    "theirs.pth": foreign,
    "west.json": hospital(2),
    "my_model": model,
}
