from dataclasses import replace

import numpy as np
import pytest

from fibrolens.cohort.table import read_cohort
from fibrolens.errors import CohortError, InputError
from fibrolens.io import read_volume, write_nifti
from fibrolens.progress import silent
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.study import organs
from fibrolens.study.organs import own_organs
from fibrolens.study.prepare import (
    PrepareJob,
    files_sha256,
    load_facts,
    load_scan,
    prepare_jobs,
    prepare_scan,
    require_prepared,
    run_prepare,
    scan_file,
    scans_sha256,
)


@pytest.fixture
def row(toy_cohort):
    return read_cohort(toy_cohort)[1]


def prepared(row, plan):
    ct = read_volume(row.image)
    return prepare_scan(row, ct, own_organs(row, ct)[0], plan.grid)


def job(rows, plan, folder):
    return PrepareJob(tuple(rows), plan.grid, folder, folder / "segmentations")


def test_a_prepared_scan_is_windowed_on_the_network_grid_with_its_liver_s_range(row, toy_plan):
    scan = prepared(row, toy_plan)
    assert scan.case.image.shape == (8, 24, 24)
    assert (scan.case.liver_first, scan.case.liver_last, scan.case.stage) == (1, 6, 4)
    assert scan.case.image[3, 12, 20] == pytest.approx((40 + 125) / 350 * 255, abs=12)
    assert scan.case.image[0, 0, 0] == 0
    assert scan.body[3, 12, 12]
    assert not scan.body[3, 0, 0]


def test_a_prepared_scan_survives_its_file_and_is_made_once(row, toy_plan, tmp_path):
    run_prepare(job([row], toy_plan, tmp_path), silent())
    stamp = scan_file(tmp_path, row).stat().st_mtime_ns
    run_prepare(job([row], toy_plan, tmp_path), silent())
    assert scan_file(tmp_path, row).stat().st_mtime_ns == stamp
    made, read = prepared(row, toy_plan), load_scan(tmp_path, row)
    np.testing.assert_array_equal(made.case.image, read.case.image)
    np.testing.assert_array_equal(made.body, read.body)
    np.testing.assert_array_equal(made.labels.array, read.labels.array)
    np.testing.assert_array_equal(made.depth, read.depth)
    assert made.depth.max() > 0
    assert made.labels.geometry.same_grid(read.labels.geometry)


def test_what_is_measured_names_its_masks_and_the_blood_scores_come_from_the_row(row, toy_plan, tmp_path):
    blood = {"age": "60", "ast": "80", "alt": "64", "ast_uln": "40", "platelets": "100"}
    run_prepare(job([replace(row, values=row.values | blood)], toy_plan, tmp_path), silent())
    facts = load_facts(tmp_path, row)
    markers = dict(facts["markers"])
    assert markers["liver_volume_ml"] == pytest.approx(6 * 8 * 7 * 0.72)
    assert markers["fib4"] == pytest.approx(60 * 80 / (100 * 8))
    assert markers["apri"] == pytest.approx(2.0)
    assert markers["lsn"] is None, "12 mm pixels are too large for the surface"
    assert "s1_liver_mask.nii.gz" in facts["mask_source"]
    assert facts["in_domain"] is None
    assert facts["mask_kind"] == "given"
    assert facts["liver_coverage"] == "incomplete", "a liver of 240 mL is no whole one"


def test_every_scan_that_cannot_be_used_is_named_with_its_line_and_tried_again(toy_cohort, toy_plan, tmp_path):
    rows = read_cohort(toy_cohort)[:3]
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"nothing")
    bad = [replace(rows[0], image=broken), rows[1], replace(rows[2], liver_mask=broken)]
    run_prepare(job(bad, toy_plan, tmp_path), silent())
    with pytest.raises(CohortError, match=r"2 problems(?s:.*)line 2: s0: .*broken(?s:.*)line 4: s2: .*broken"):
        require_prepared(bad, tmp_path, toy_cohort)
    run_prepare(job(rows, toy_plan, tmp_path), silent())
    require_prepared(rows, tmp_path, toy_cohort)


def test_scans_are_shared_out_a_few_at_a_time(toy_cohort, toy_plan, tmp_path):
    rows = read_cohort(toy_cohort)
    jobs = prepare_jobs(rows, job([], toy_plan, tmp_path), size=4)
    assert [len(one.rows) for one in jobs] == [4, 4, 2]
    assert [row for one in jobs for row in one.rows] == list(rows)
    assert {one.segmentations for one in jobs} == {tmp_path / "segmentations"}


def test_where_both_masks_are_given_the_phase_is_still_read_from_the_aorta(row, toy_plan, tmp_path, monkeypatch):
    bright = np.zeros((8, 24, 24), np.uint8)
    bright[:, 18:20, 11:13] = 1  # 400 HU: more than the portal venous phase has

    def glanced(_self, ct):
        return Segmentation(ct.with_array(np.zeros_like(bright)), ct.with_array(bright), "glance")

    monkeypatch.setattr(Segmenter, "glance", glanced)
    run_prepare(job([row], toy_plan, tmp_path), silent())
    facts = load_facts(tmp_path, row)
    assert facts["phase"] == "arterial"
    assert dict(facts["markers"])["aorta_hu"] == 400


def test_the_hash_of_a_scan_covers_ct_and_masks(row, toy_cohort, tmp_path):
    before = files_sha256(row)
    assert files_sha256(row) == before
    other = tmp_path / "other.nii.gz"
    other.write_bytes(row.spleen_mask.read_bytes() + b"x")
    assert files_sha256(replace(row, spleen_mask=other)) != before
    assert files_sha256(replace(row, spleen_mask=None)) != before


def test_the_hash_of_a_cohort_covers_every_scan_and_tells_what_cannot_be_read(row, tmp_path):
    other = tmp_path / "other.nii.gz"
    other.write_bytes(row.liver_mask.read_bytes() + b"x")
    corrected = replace(row, liver_mask=other)
    assert len({scans_sha256(rows) for rows in ([row], [row, row], [row, corrected], [corrected, row])}) == 4
    other.unlink()
    with pytest.raises(InputError, match=r"Line 3 \(s1\): other.nii.gz cannot be read"):
        scans_sha256([corrected])


def test_a_scan_prepared_again_takes_the_organs_that_were_found_before(row, toy_plan, tmp_path, monkeypatch):
    bare = replace(row, liver_mask=None, spleen_mask=None)
    ct = read_volume(row.image)
    (tmp_path / "segmentations").mkdir()
    write_nifti(own_organs(row, ct)[0], tmp_path / "segmentations" / "s1.nii.gz")
    monkeypatch.setattr(organs, "load_segmenter", None)
    run_prepare(replace(job([bare], toy_plan, tmp_path), measure=False), silent())
    assert (load_scan(tmp_path, bare).labels.array == 1).any()
    assert set(load_facts(tmp_path, bare)) == {"files"}
