"""A blinded set from a finished study."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from tests.readers.conftest import toy_stages

from fibrolens.errors import CohortError, UsageError
from fibrolens.explain.patterns import PATTERNS
from fibrolens.io.nifti import read_nifti
from fibrolens.readers.folder import DATABASE, PICTURES, open_set, readers_of
from fibrolens.readers.items import Wanted
from fibrolens.readers.maps import scale_top
from fibrolens.readers.prepare import prepare
from fibrolens.readers.store import Reading
from fibrolens.study.folder import Study
from fibrolens.study.steps import Running
from fibrolens.study.tables import read_predictions


@pytest.fixture
def wanted(finished_study):
    return Wanted(("Ada", "Ben"), toy_stages(finished_study), controls=0.5)


def test_a_picture_for_every_item_and_a_complete_key(toy_set, finished_study):
    store = open_set(toy_set)
    items = store.items()
    assert store.problems() == []
    assert {path.stem for path in (toy_set / PICTURES).iterdir()} == {item.item for item in items}
    stages = {
        case.scan_id: (f"F{case.predicted}", case.fold) for case in read_predictions(finished_study / "predictions.csv")
    }
    assert all((item.predicted, item.fold) == stages[item.scan_id] for item in items)
    assert all(item.pattern in PATTERNS for item in items)
    kinds = [item.kind for item in items]
    assert (kinds.count("map"), kinds.count("control")) == (10, 5)
    assert store.readers() == ("Ada", "Ben")
    assert sorted(store.order("Ada")) == sorted(store.order("Ben")) == [item.item for item in items]
    assert (toy_set / "manifest.json").is_file()


def test_pictures_tell_nothing_by_their_files(toy_set):
    files = sorted((toy_set / PICTURES).iterdir())
    assert len({file.stat().st_size for file in files}) == 1
    assert len({file.stat().st_mtime for file in files}) == 1
    assert len({imread(file).shape for file in files}) == 1
    assert len({file.read_bytes() for file in files}) == len(files)
    scans = {item.scan_id for item in open_set(toy_set).items()}
    assert not any(scan in file.name for file in files for scan in scans)


def test_a_repeat_looks_like_its_first_picture_and_a_control_does_not(toy_set):
    items = open_set(toy_set).items()
    # The name of the picture stands in its last rows.
    seen = {item.item: imread(toy_set / PICTURES / f"{item.item}.png")[:620] for item in items}
    repeat = next(item for item in items if item.kind == "repeat")
    assert np.array_equal(seen[repeat.item], seen[repeat.of])
    control = next(item for item in items if item.kind == "control")
    own = next(item for item in items if item.kind == "map" and item.scan_id == control.scan_id)
    assert not np.array_equal(seen[control.item], seen[own.item])


@pytest.mark.slow
def test_same_in_same_out(toy_set, finished_study, wanted, tmp_path):
    prepare(Study.open(finished_study), tmp_path / "set", wanted, Running(1))
    first, again = open_set(toy_set), open_set(tmp_path / "set")
    assert first.items() == again.items()
    assert first.order("Ben") == again.order("Ben")
    for file in (toy_set / PICTURES).iterdir():
        assert file.read_bytes() == (tmp_path / "set" / PICTURES / file.name).read_bytes()


def test_a_set_is_left_alone_and_readings_are_never_overwritten(toy_set, finished_study, wanted, tmp_path):
    out = shutil.copytree(toy_set, tmp_path / "set")
    study = Study.open(finished_study)
    before = (out / DATABASE).stat().st_mtime
    store = prepare(study, out, wanted, Running(1))
    assert (out / DATABASE).stat().st_mtime == before
    other = replace(wanted, seed=1)
    with pytest.raises(UsageError, match="--overwrite"):
        prepare(study, out, other, Running(1))
    store.add([Reading("Ada", store.order("Ada")[0], "mixed", 3)])
    with pytest.raises(UsageError, match="1 readings, which --overwrite does not remove"):
        prepare(study, out, other, Running(1), overwrite=True)
    assert len(open_set(out).history("Ada")) == 1


def test_a_ct_that_has_changed_is_refused(finished_study, wanted, tmp_path):
    study = shutil.copytree(finished_study, tmp_path / "study")
    cohort = (finished_study / json.loads((finished_study / "source.json").read_text())["cohort"]).resolve()
    begun = json.loads((study / "inputs.json").read_text())
    (study / "inputs.json").write_text(json.dumps(begun | {"s3": "other"}))
    with pytest.raises(CohortError, match="files of s3 have changed"):
        prepare(Study.open(study, cohort), tmp_path / "set", wanted, Running(1))


def test_a_study_that_is_not_finished_is_wrong_use(finished_study, wanted, tmp_path):
    study = shutil.copytree(finished_study, tmp_path / "study")
    cohort = (finished_study / json.loads((finished_study / "source.json").read_text())["cohort"]).resolve()
    (study / "manifest.json").unlink()
    with pytest.raises(UsageError, match="not finished"):
        prepare(Study.open(study, cohort), tmp_path / "set", wanted, Running(1))
    with pytest.raises(UsageError, match="not a prepared reader study"):
        open_set(finished_study)
    with pytest.raises(UsageError, match="not a prepared reader study"):
        open_set(tmp_path / "absent")


def test_half_of_the_maps_fit_below_the_end_of_the_scale(finished_study):
    files = sorted(finished_study.glob("folds/*/maps/*.nii.gz"))
    top = scale_top(files)
    highs = [np.percentile(values[values > 0], 99.5) for file in files if (values := read_nifti(file)[0]).any()]
    assert top == max(2.0, np.ceil(2 * np.median(highs)) / 2)
    assert scale_top([]) == 2.0


def test_names_of_readers():
    assert readers_of("A, Dr. B ,c-3") == ("A", "Dr. B", "c-3")
    for text in ("", "A,,B", "A,a", "../x", "A/B", ".x", "x" * 41):
        with pytest.raises(UsageError):
            readers_of(text)
