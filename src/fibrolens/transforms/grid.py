"""The whole way from a scan to what the network sees, and the way back for maps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fibrolens.body import body_in
from fibrolens.errors import GeometryError
from fibrolens.plan import GridPlan
from fibrolens.transforms.crop import CropPad, box_centre
from fibrolens.transforms.enlarged import Enlarged
from fibrolens.transforms.orient import Orient
from fibrolens.transforms.resample import Resample
from fibrolens.transforms.window import Window
from fibrolens.volume import Geometry, Volume

#: The body is looked for on every so many millimetres of the scan (slice, row, column): enough to centre a crop, and
#: for the percentiles of an MR.
GLANCE_MM = (10.0, 4.0, 4.0)


@dataclass(frozen=True, eq=False)
class Located:
    """A map on a CT's own grid that is computed where it is looked at.

    Args:
        array: its values, cut like those of a `Volume`.
        geometry: the grid.
        source: name for messages.
    """

    array: Enlarged
    geometry: Geometry
    source: str

    @property
    def volume(self) -> Volume:
        """All of it, float32: as much memory as the CT takes twice."""
        return Volume(self.array[:], self.geometry, self.source)


@dataclass(frozen=True)
class ToNetworkGrid:
    """Orient, resample, crop or pad, window: made by `fit` for one CT, with its inverse.

    Args:
        orient: turn to array order.
        resample: to the plan's spacing.
        crop: to the plan's in-plane size, around the body.
        window: Hounsfield units to [0, 1]; or the units of this MR.
    """

    orient: Orient
    resample: Resample
    crop: CropPad
    window: Window

    @classmethod
    def fit(cls, volume: Volume, plan: GridPlan) -> ToNetworkGrid:
        """The way for one CT (Hounsfield units, any orientation), or for one MR where the plan is of MR.

        For native slices pass ``replace(plan, spacing_mm=(Orient.fit(ct.geometry).target.spacing[0], row, column))``.
        """
        orient = Orient.fit(volume.geometry)
        resample = Resample(orient.target, plan.spacing_mm, floor=plan.outside)
        glance = _glance(orient.forward(volume))
        seen = body_in(glance, plan.intensity)
        row, column = box_centre(seen)
        body = resample.target.to_index(glance.geometry.to_world(np.array([0.0, row, column])))
        crop = CropPad.around(resample.target, (float(body[1]), float(body[2])), plan.in_plane, plan.outside)
        of_ct = plan.intensity == "hu"
        window = Window(*plan.window_hu) if of_ct else Window.between(glance.array[seen], plan.mr_percentiles)
        return cls(orient, resample, crop, window)

    @property
    def source(self) -> Geometry:
        """The CT's own grid."""
        return self.orient.source

    @property
    def target(self) -> Geometry:
        """The network grid: all slices of the scan."""
        return self.crop.target

    def forward_hu(self, volume: Volume) -> Volume:
        """A CT on the network grid in Hounsfield units, or an MR in its own (float32), air where the plane was padded.

        Raises:
            GeometryError: `volume` is not on the grid that this way was made for.
        """
        _require(volume, self.source)
        return self.crop.forward(self.resample.forward(self.orient.forward(volume)))

    def forward(self, volume: Volume) -> Volume:
        """A CT on the network grid as float32 in [0, 1].

        Raises:
            GeometryError: `volume` is not on the grid that this way was made for.
        """
        return self.window.forward(self.forward_hu(volume))

    def forward_labels(self, volume: Volume) -> Volume:
        """A mask or label map of the CT on the network grid, of the same type; 0 where the plane was padded.

        A voxel of a boolean mask is true where the mask fills at least half of it; labels take the nearest voxel.

        Raises:
            GeometryError: `volume` is not on the grid that this way was made for.
        """
        _require(volume, self.source)
        turned = self.orient.forward(volume)
        if volume.array.dtype == bool:
            filled = replace(self.resample, floor=None).forward(turned)
            # One rounding error below a half is a half.
            labels = filled.with_array(filled.array >= 0.5 - 1e-5)
        else:
            labels = self.resample.forward_nearest(turned)
        return self.crop.forward(labels, fill=0.0)

    def located(self, volume: Volume) -> Located:
        """A map on the network grid as it lies on the CT's own grid; 0 where the network saw nothing.

        Raises:
            GeometryError: `volume` is not on the network grid.
        """
        _require(volume, self.target)
        slices, rows, columns = self.resample.taps()
        shown_rows, shown_columns = self.crop.places
        taps = (slices, rows.within(*shown_rows), columns.within(*shown_columns))
        enlarged = Enlarged(np.asarray(volume.array, dtype=np.float32), taps)
        return Located(self.orient.turned_back(enlarged), self.source, volume.source)

    def inverse(self, volume: Volume) -> Volume:
        """The same as a volume of float32."""
        return self.located(volume).volume


def _glance(volume: Volume) -> Volume:
    """Every few voxels of `volume`, cheap enough to look for the body in."""
    d, h, w = (max(1, int(mm / s)) for mm, s in zip(GLANCE_MM, volume.geometry.spacing, strict=True))
    array = volume.array[::d, ::h, ::w]
    a, b, c = volume.geometry.spacing
    geometry = replace(volume.geometry, shape=array.shape, spacing=(a * d, b * h, c * w))
    return replace(volume, array=array, geometry=geometry)


def _require(volume: Volume, grid: Geometry) -> None:
    if not volume.geometry.same_grid(grid):
        raise GeometryError(
            f"{volume.source} ({volume.geometry}) is not on the expected grid ({grid}); "
            "resample it onto that grid first."
        )
