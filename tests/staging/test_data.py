from dataclasses import replace

import numpy as np
import pytest
import torch

from fibrolens.errors import CoverageError, GeometryError
from fibrolens.plan import GridPlan, Plan, SlabPlan, TrainingPlan
from fibrolens.staging.data import (
    StagingCase,
    augment,
    cut_slab,
    draw_batch,
    drawing_weights,
    memberships,
    prepare_case,
    prior_shift,
    random_start,
)
from fibrolens.volume import Geometry, Volume

GRID = GridPlan(spacing_mm=(5.0, 3.0, 3.0), in_plane=(48, 32))
STILL = TrainingPlan(shift_mm=0.0, rotation_deg=0.0, scale=0.0, noise_hu=0.0, offset_hu=0.0)


def case(depth=20, first=4, last=15, stage=0):
    image = np.broadcast_to(np.arange(depth, dtype=np.uint8)[:, None, None] + 1, (depth, 48, 32))
    return StagingCase("s", "p", (stage,), image, first, last)


def starts(a_case, size, draws=200):
    rng = np.random.default_rng(0)
    return {random_start(a_case, size, rng) for _ in range(draws)}


def test_runs_start_everywhere_inside_the_liver_and_nowhere_else():
    assert starts(case(), 8) == set(range(4, 9))


def test_a_short_liver_is_kept_whole_among_its_neighbours():
    assert starts(case(first=8, last=11), 8) == {4, 5, 6, 7, 8}


def test_a_short_liver_at_the_end_of_the_scan_stays_inside_it():
    assert starts(case(first=17, last=19), 8) == {12}


def test_a_short_scan_is_padded_with_air():
    short = case(depth=5, first=1, last=3)
    slab = cut_slab(short.image, random_start(short, 8, np.random.default_rng(0)), 8)
    assert slab[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 0, 0]


def test_a_batch_has_signs_where_every_case_has_them():
    plan = Plan(grid=GRID, slab=SlabPlan(8, 4), training=TrainingPlan(batch=4))
    known = [replace(case(stage=k), signs=np.array([k, -k], np.float32)) for k in range(5)]
    batch = draw_batch(known, plan, 0)
    assert batch.signs.tolist() == [[k, -k] for k in batch.allowed.int().argmax(1).tolist()]
    assert draw_batch([case(stage=k) for k in range(5)], plan, 0).signs is None


def test_parts_move_with_the_picture():
    plan = Plan(grid=GRID, slab=SlabPlan(8, 4), training=replace(STILL, batch=4, shift_mm=15.0, rotation_deg=20.0))
    parts = np.zeros((20, 48, 32), np.uint8)
    parts[:, 20:30, 8:20] = 3
    known = replace(case(), image=parts * 50, parts=parts)
    batch = draw_batch([known], plan, 0)
    assert batch.parts.shape == (4, 8, 48, 32)
    assert set(batch.parts.unique().tolist()) == {0, 3}
    inside = batch.slabs[:, 0] > 0.5 * 150 / 255
    assert (inside == (batch.parts == 3)).float().mean() > 0.99
    assert not torch.equal(batch.parts[0], batch.parts[1])
    assert draw_batch([known, case()], plan, 1).parts is None


def test_class_balance_runs_from_as_sampled_to_equal():
    stages = memberships([(0,), (0,), (0,), (0,), (4,)])
    assert drawing_weights(stages, 0.0) == pytest.approx([0.2] * 5)
    assert drawing_weights(stages, 1.0)[4] == pytest.approx(0.5)
    assert drawing_weights(stages, 0.5)[4] == pytest.approx(1 / 3)


def test_the_shift_undoes_what_balanced_drawing_does_to_the_probabilities():
    stages = memberships([(0,), (0,), (0,), (0,), (4,)])
    assert prior_shift(stages, 0.0) == pytest.approx([0.0] * 5)
    shift = prior_shift(stages, 1.0)
    assert shift[[0, 4]] == pytest.approx([np.log(0.5 / 0.8), np.log(0.5 / 0.2)])
    assert shift[1:4].tolist() == [0, 0, 0]


def test_the_shift_leads_to_another_prior():
    stages = memberships([(0,), (1,), (2,), (3,), (4,), (4,)])
    shift = prior_shift(stages, 0.0, (4.0, 1.0, 1.0, 1.0, 1.0))
    assert shift == pytest.approx(np.log(np.array([1, 1, 1, 1, 2]) / 6) - np.log(np.array([4, 1, 1, 1, 1]) / 8))


def test_a_batch_depends_on_seed_and_step_alone():
    plan = Plan(grid=GRID, slab=SlabPlan(8, 4), training=TrainingPlan(batch=3))
    cases = [case(stage=k % 5) for k in range(7)]
    batch = draw_batch(cases, plan, 5)
    again = draw_batch(cases, plan, 5)
    later = draw_batch(cases, plan, 6)
    assert batch.slabs.shape == (3, 1, 8, 48, 32)
    assert batch.allowed.shape == (3, 5)
    assert torch.equal(batch.slabs, again.slabs)
    assert not torch.equal(batch.slabs, later.slabs)


def test_some_rows_of_a_batch_are_what_they_are_in_the_whole():
    plan = Plan(grid=GRID, slab=SlabPlan(8, 4), training=TrainingPlan(batch=5))
    some = [replace(case(stage=k % 5), parts=np.full((20, 48, 32), k, np.uint8)) for k in range(7)]
    whole, shares = draw_batch(some, plan, 5), [draw_batch(some, plan, 5, rows) for rows in (range(2), range(2, 5))]
    for name in ("slabs", "allowed", "parts"):
        assert torch.equal(torch.cat([getattr(share, name) for share in shares]), getattr(whole, name))
    assert [share.rows for share in (whole, *shares)] == [range(5), range(2), range(2, 5)]


def moved(training, image):
    training, rng = replace(training, batch=40), np.random.default_rng(3)
    return augment(image[None, None].repeat(40, 1, 1, 1), None, GRID, training, rng, range(40))[0][:, 0]


def centres(images):
    """Row and column of the brightness centre, in pixels from the middle."""
    rows, columns = torch.meshgrid(torch.arange(48.0) - 23.5, torch.arange(32.0) - 15.5, indexing="ij")
    total = images.sum((1, 2))
    return torch.stack([(images * rows).sum((1, 2)) / total, (images * columns).sum((1, 2)) / total], 1)


def blob(row, column):
    image = torch.zeros(48, 32)
    image[row - 1 : row + 2, column - 1 : column + 2] = 0.5
    return image


def test_no_augmentation_changes_nothing():
    image = torch.rand(48, 32)
    torch.testing.assert_close(moved(STILL, image)[0], image, atol=1e-5, rtol=0)


def test_augmentation_never_mirrors():
    wild = replace(STILL, rotation_deg=15.0, scale=0.15, shift_mm=6.0)
    left, right = centres(moved(wild, blob(24, 5))), centres(moved(wild, blob(24, 26)))
    assert (left[:, 1] < 0).all()
    assert (right[:, 1] > 0).all()


def test_shift_is_bounded_in_millimetres():
    offset = centres(moved(replace(STILL, shift_mm=9.0), blob(24, 16))) - torch.tensor([0.5, 0.5])
    assert 2.0 < offset.abs().max() <= 3.0 + 1e-3


def test_rotation_keeps_distances_on_a_plane_that_is_not_square():
    turned = centres(moved(replace(STILL, rotation_deg=20.0), blob(24, 26)))
    torch.testing.assert_close(turned.norm(dim=1), torch.full((40,), 10.51), atol=0.05, rtol=0)


def test_offset_and_noise_leave_clipped_voxels_alone():
    image = torch.full((48, 32), 0.5)
    image[:, :10], image[:, 22:] = 0.0, 1.0
    changed = moved(replace(STILL, noise_hu=20.0, offset_hu=20.0), image)
    assert (changed[:, :, 1:9] < 1e-3).all()
    assert (changed[:, :, 23:31] > 1 - 1e-3).all()
    assert changed[:, :, 11:21].std() > 0.01


def scan():
    hu = np.full((10, 40, 40), -1000, np.int16)
    hu[:, 8:32, 8:32] = 50
    return Volume(hu, Geometry((10, 40, 40), (5.0, 3.0, 3.0)))


def test_prepared_case_knows_its_liver_slices():
    volume = scan()
    mask = np.zeros(volume.array.shape, bool)
    mask[3:7, 10:20, 10:20] = True
    made = prepare_case(volume, volume.with_array(mask), GRID, scan_id="s", patient_id="p", stage=4)
    assert (made.liver_first, made.liver_last, made.stage) == (3, 6, 4)
    assert made.image.shape == (10, 48, 32)
    assert made.image[5, 24, 16] == round(255 * 175 / 350)
    assert made.image[5, 0, 0] == 0


def test_an_empty_liver_or_another_grid_is_refused():
    volume = scan()
    nothing = volume.with_array(np.zeros(volume.array.shape, bool))
    with pytest.raises(CoverageError, match="empty"):
        prepare_case(volume, nothing, GRID, scan_id="s", patient_id="p", stage=0)
    other = Volume(nothing.array, replace(volume.geometry, origin=(9.0, 0.0, 0.0)))
    with pytest.raises(GeometryError):
        prepare_case(volume, other, GRID, scan_id="s", patient_id="p", stage=0)
