import numpy as np

from fibrolens.audit.regions import covered_body, region_masks, seen_by, widened
from fibrolens.explain.recipe import RECOMMENDED, recipe
from fibrolens.staging.data import StagingCase
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import Prediction
from fibrolens.study.prepare import PreparedScan
from fibrolens.volume import Geometry, Volume

SHAPE = (36, 128, 128)


def scan():
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:34, 40:80, 20:70] = 1
    labels[10:20, 60:90, 90:110] = 2
    body = np.zeros(SHAPE, bool)
    body[:, 20:100, 10:120] = True
    depth = np.where(labels == 1, 20.0, 0.0).astype(np.float32)
    depth[2:34, 40:43, 20:70] = 5.0
    case = StagingCase("P1", "P1", (4,), np.zeros(SHAPE, np.uint8), 2, 33)
    return PreparedScan(case, Volume(labels, Geometry(SHAPE, (5.0, 3.0, 3.0))), body, depth)


def prediction(covered):
    coverage = np.zeros(SHAPE[0])
    coverage[covered] = 1
    return Prediction(np.full(5, 0.2), np.zeros((1, 5)), (4,), {}, coverage, np.zeros(4))


def test_regions_end_where_no_window_looked():
    inside = covered_body(scan(), prediction(slice(2, 34)))
    masks = region_masks(scan(), inside)
    assert set(masks) == {"liver", "liver_surface", "liver_core", "spleen", "elsewhere"}
    assert not any(mask[:2].any() or mask[34:].any() for mask in masks.values())
    assert masks["liver_surface"].sum() == 32 * 3 * 50
    assert (masks["liver_surface"] | masks["liver_core"]).sum() == masks["liver"].sum()
    assert (masks["liver"] | masks["spleen"] | masks["elsewhere"]).sum() == inside.sum()


def test_evidence_grows_by_one_voxel_of_the_coarsest_map():
    point = np.zeros(SHAPE, bool)
    point[18, 64, 64] = True
    network = small_plan().network
    for chosen, cell in ((RECOMMENDED, (2, 4, 4)), (recipe("gradcam", "mean"), (4, 8, 8))):
        found = np.argwhere(widened(point, network, chosen))
        np.testing.assert_array_equal(found.min(axis=0), np.array([18, 64, 64]) - cell)
        np.testing.assert_array_equal(found.max(axis=0), np.array([18, 64, 64]) + cell)


def test_the_network_of_a_whole_abdomen_sees_the_scan_as_it_is():
    assert seen_by(scan(), small_plan()).case.image.shape == SHAPE
