import numpy as np
import pytest

from fibrolens.markers.portal import portal_vein_width
from fibrolens.volume import Geometry, Volume


def tube(diameter_mm, spacing, slope=(0.8, 0.6)):
    """A vein 70 mm long that runs obliquely, with a narrower branch."""
    shape = tuple(int(90 / s) for s in spacing)
    z, y, x = np.meshgrid(*[np.arange(n) * s - 45 for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    along, across = x * slope[0] + z * slope[1], z * slope[0] - x * slope[1]
    trunk = (np.hypot(across, y) <= diameter_mm / 2) & (abs(along) < 35)
    branch = (np.hypot(along - 30, across) <= diameter_mm / 3) & (y > 0)
    return Volume(trunk | branch, Geometry(shape, spacing))


@pytest.mark.parametrize("diameter_mm", [12.0, 15.5, 20.0])
@pytest.mark.parametrize("spacing", [(2.5, 0.8, 0.8), (1.5, 0.7, 0.7), (4.0, 1.5, 1.5), (0.8, 2.5, 0.8)])
def test_an_oblique_veins_diameter_is_found(diameter_mm, spacing):
    assert portal_vein_width(tube(diameter_mm, spacing)).diameter_mm == pytest.approx(diameter_mm, abs=1.0)


def test_wide_pixels_and_empty_masks_give_a_reason():
    wide = portal_vein_width(tube(15, (5.0, 3.0, 3.0)))
    assert wide.diameter_mm is None
    assert "3.00 mm" in wide.reason
    empty = portal_vein_width(Volume(np.zeros((4, 9, 9), bool), Geometry((4, 9, 9), (2.0, 1.0, 1.0))))
    assert empty.diameter_mm is None
    assert "less than" in empty.reason
