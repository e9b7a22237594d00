"""Segmentation sets in their published layout: MSD, LiTS, BTCV, AMOS, FLARE."""

import pytest
from tests.source_files import put_ct, put_labels, put_shadow, put_table

from fibrolens.cohort.sources import amos, btcv, flare, lits, msd_liver
from fibrolens.cohort.sources.base import ANY_STAGE, Given
from fibrolens.errors import InputError

#: Source, image, label, and the scan and patient that they become.
SETS = [
    (msd_liver, "imagesTr/liver_7.nii.gz", "labelsTr/liver_7.nii.gz", "msd_liver_7", "lits_7"),
    (lits, "batch1/volume-7.nii", "batch1/segmentation-7.nii", "lits_7", "lits_7"),
    (btcv, "img/img0007.nii.gz", "label/label0007.nii.gz", "btcv_0007", "btcv_0007"),
    (amos, "imagesVa/amos_0007.nii.gz", "labelsVa/amos_0007.nii.gz", "amos_0007", "amos_0007"),
    (flare, "images/FLARE22_Tr_0007_0000.nii.gz", "labels/FLARE22_Tr_0007.nii.gz", "flare22_0007", "flare22_0007"),
]


@pytest.mark.parametrize(("module", "image", "label", "scan", "patient"), SETS)
def test_a_labelled_case_allows_every_stage_and_names_its_labels(tmp_path, module, image, label, scan, patient):
    put_ct(tmp_path / image)
    put_labels(tmp_path / label, 1)
    (case,) = module.SOURCE.read(Given(tmp_path)).cases
    assert (case.scan_id, case.patient_id, case.stages, case.exclude) == (scan, patient, ANY_STAGE, "")
    assert (case.image, case.labels.path) == (tmp_path / image, tmp_path / label)


@pytest.mark.parametrize(("module", "image", "label", "scan", "patient"), SETS)
def test_a_case_without_labels_is_of_no_use(tmp_path, module, image, label, scan, patient):
    put_ct(tmp_path / image)
    (case,) = module.SOURCE.read(Given(tmp_path)).cases
    assert (case.stages, case.exclude) == ((), "no fibrosis stage and no organ mask in this source")


@pytest.mark.parametrize("module", [entry[0] for entry in SETS])
def test_what_is_not_the_set_is_refused(tmp_path, module):
    with pytest.raises(InputError, match="is empty"):
        module.SOURCE.read(Given(tmp_path))
    put_ct(tmp_path / "scan.nii.gz")
    with pytest.raises(InputError, match=r"holds no .*nii"):
        module.SOURCE.read(Given(tmp_path))
    with pytest.raises(InputError, match="is no folder"):
        module.SOURCE.read(Given(tmp_path / "gone"))
    with pytest.raises(InputError, match="--from DIR"):
        module.SOURCE.read(Given())
    with pytest.raises(InputError, match="reads no table"):
        module.SOURCE.read(Given(tmp_path, (put_table(tmp_path / "t.csv", [{"a": 1, "b": 2}]),)))


def test_shadows_in_the_decathlon_s_archive_are_passed_over(tmp_path):
    for name in ("imagesTr/liver_0.nii.gz", "imagesTs/liver_140.nii.gz"):
        put_shadow(put_ct(tmp_path / name))
    put_shadow(put_labels(tmp_path / "labelsTr/liver_0.nii.gz", 1, 2))
    cases = msd_liver.SOURCE.read(Given(tmp_path)).cases
    assert [case.scan_id for case in cases] == ["msd_liver_0", "msd_liver_140"]


def test_test_volumes_of_lits_are_not_its_training_cases(tmp_path):
    for name in ("volume-3.nii", "test-volume-3.nii"):
        put_ct(tmp_path / "x" / name)
    assert len(lits.SOURCE.read(Given(tmp_path)).cases) == 1


def test_amos_from_500_on_is_mr(tmp_path):
    for number in ("0499", "0500"):
        put_ct(tmp_path / f"imagesTr/amos_{number}.nii.gz")
        put_labels(tmp_path / f"labelsTr/amos_{number}.nii.gz", 6)
    assert [case.exclude for case in amos.SOURCE.read(Given(tmp_path)).cases] == ["", "MR, not CT"]


@pytest.mark.parametrize(("module", "phase"), [(btcv, "portal venous"), (flare, "portal venous"), (amos, "")])
def test_the_phase_is_given_where_the_whole_set_has_one(tmp_path, module, phase):
    image = next(entry[1] for entry in SETS if entry[0] is module)
    put_ct(tmp_path / image)
    assert module.SOURCE.read(Given(tmp_path)).cases[0].values["phase"] == phase
