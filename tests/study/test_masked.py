import numpy as np
import pytest
import torch
from tests.dicom_segmentation import LIVER, Part, save_segmentation
from tests.segment.cascades import Oracle
from tests.study.masked_cohort import PLAN, tiny_ct, write_cohort

from fibrolens.cohort.table import read_cohort
from fibrolens.errors import CohortError, InputError
from fibrolens.io import read_volume
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.study.held_out import counted, held_out
from fibrolens.study.masked import add_aorta, masked_rows, masked_scan, organs_of, prepare, scan_file


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path, 2, without_spleen=(1,))


def rewritten(cohort, old, new):
    cohort.write_text(cohort.read_text().replace(old, new))
    return cohort


def test_excluded_rows_are_left_out_and_a_missing_liver_mask_is_named(cohort):
    assert [row.scan_id for row in masked_rows(cohort)] == ["s0", "s1"]
    with pytest.raises(CohortError, match="line 3: liver_mask is empty"):
        masked_rows(rewritten(cohort, "liver1.nii.gz", ""))
    rewritten(cohort, "spleen_mask", "exclude")
    assert [row.scan_id for row in masked_rows(rewritten(cohort, ",,", ",liver0.nii.gz,"))] == ["s1"]


def test_a_table_without_masks_is_refused(cohort):
    with pytest.raises(CohortError, match="no column liver_mask"):
        masked_rows(rewritten(cohort, "liver_mask", "other"))


def test_one_file_may_hold_both_organs_where_its_numbers_are_named(cohort):
    row = read_cohort(rewritten(cohort, "liver0.nii.gz,spleen0.nii.gz", "labels0.nii.gz,labels0.nii.gz"))[0]
    ct, labels = read_volume(row.image), tiny_ct(0)[1].array
    organs = organs_of(row, ct, "fibrolens")
    assert (organs["liver"] == (labels == 1)).all()
    assert (organs["spleen"] == (labels == 2)).all()
    with pytest.raises(InputError, match="have no spleen"):
        organs_of(row, ct, "msd")
    with pytest.raises(InputError, match="1 inside"):
        organs_of(row, ct, None)


def test_a_dicom_segmentation_is_a_mask(cohort, tmp_path):
    ct, liver = read_volume(tmp_path / "ct1.nii.gz"), tiny_ct(1)[1].array == 1
    save_segmentation(tmp_path / "liver1.dcm", ct, [Part(liver, "Liver", LIVER)])
    row = read_cohort(rewritten(cohort, "liver1.nii.gz", "liver1.dcm"))[1]
    organs = organs_of(row, ct, "amos")
    assert (organs["liver"] == liver).all()
    assert "spleen" not in organs


class Knowing(Segmenter):
    def segment(self, ct):
        none = ct.with_array(np.zeros(ct.array.shape, np.uint8))
        return Segmentation(none, ct.with_array((np.abs(ct.array - 100) < 20).astype(np.uint8)), "known")


def test_an_example_keeps_the_intensities_and_has_the_aorta_of_the_starting_networks(cohort, tmp_path):
    rows = masked_rows(cohort)
    for row in rows:
        prepare(row, PLAN, tmp_path, None)
        add_aorta(scan_file(tmp_path, row), Knowing(Oracle(), PLAN, "oracle", ""))
    scans = [masked_scan(tmp_path, row) for row in rows]
    assert [scan.unlabelled for scan in scans] == [(), (2,)]
    drawn = [[scan.draw((16, 32, 32), 2.5, np.random.default_rng(seed)) for seed in range(12)] for scan in scans]
    assert torch.equal(drawn[0][3][0], scans[0].draw((16, 32, 32), 2.5, np.random.default_rng(3))[0])
    livers = [float(hu[classes == 1].median()) for hu, classes in drawn[0] if (classes == 1).sum() > 500]
    assert len(livers) > 5
    assert sum(abs(level - 150) < 1 for level in livers) >= 3
    assert all(abs(level - 150) < 50 for level in livers)
    classes = [{c for _, part in examples for c in part.unique().tolist()} for examples in drawn]
    assert classes == [{0, 1, 2, 3}, {0, 1, 3}]


def test_one_in_five_patients_is_held_out_with_all_their_scans(tmp_path):
    cohort = rewritten(write_cohort(tmp_path, 11), "p10,", "p0,")
    rows = read_cohort(cohort)
    chosen = [held_out(rows, seed) for seed in range(8)]
    assert {len({row.patient_id for row in rows}) for rows in chosen} == {2}
    assert chosen[0] == held_out(rows, 0)
    assert any(held != chosen[0] for held in chosen)
    for held in chosen:
        assert (rows[0] in held) == (rows[10] in held)
    assert counted(rows) == "11 CTs of 10 patients"
    assert held_out(rows[:4], 0) == ()
