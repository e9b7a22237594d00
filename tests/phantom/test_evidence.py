import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from fibrolens.markers.volumes import LEFT_SEGMENTS
from fibrolens.phantom.evidence import FREE, NAMES
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.severity import SIGNS


def test_every_sign_has_its_evidence_on_the_cts_grid(rendering):
    assert set(rendering.evidence) == {*SIGNS, "table"} == set(NAMES)
    for mask in rendering.evidence.values():
        rendering.hu.require_grid(mask)
        assert mask.array.dtype == np.uint8


@pytest.mark.parametrize(
    ("sign", "organ"), [("spleen", Organ.SPLEEN), ("portal_vein", Organ.PORTAL_VEIN), ("table", Organ.TABLE)]
)
def test_an_organs_sign_shows_in_the_organ(rendering, sign, organ):
    assert ((rendering.evidence[sign].array > 0) == (rendering.labels.array == organ)).all()


def test_texture_shows_in_parenchyma_alone(rendering):
    inside = rendering.evidence["texture"].array > 0
    assert (rendering.labels.array[inside] == Organ.LIVER).all()
    assert 0.75 < inside.sum() / (rendering.labels.array == Organ.LIVER).sum() < 1


def test_the_surface_is_a_shell_on_both_sides_of_the_capsule(rendering):
    shell = rendering.evidence["surface"].array > 0
    liver = rendering.labels.array == Organ.LIVER
    assert 0.3 < liver[shell].mean() < 0.8
    assert shell.sum() < liver.sum()


def test_the_surface_does_not_count_where_the_liver_touches_an_organ(rendering):
    shell = rendering.evidence["surface"].array > 0
    touching = ~np.isin(rendering.labels.array, (*FREE, Organ.LIVER))
    assert not (shell & touching).any()
    near_fat = distance_transform_edt(~np.isin(rendering.labels.array, FREE), sampling=rendering.hu.geometry.spacing)
    assert near_fat[shell].max() < 15


def test_lobes_tell_what_grows_from_what_shrinks(rendering):
    lobes, segments = rendering.evidence["lobes"].array, rendering.segments.array
    assert ((lobes == 1) == np.isin(segments, LEFT_SEGMENTS)).all()
    assert ((lobes > 0) == (segments > 0)).all()


def test_a_patient_without_ascites_has_no_evidence_of_it(patient, rendering):
    assert not patient.ascites
    assert not rendering.evidence["ascites"].array.any()


def test_an_unknown_sign_is_a_key_error(rendering):
    with pytest.raises(KeyError):
        rendering.evidence["heart"]
