"""Turn a volume to array order: slices toward superior, rows toward posterior, columns toward left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from fibrolens.transforms.enlarged import Enlarged
from fibrolens.volume import Geometry, Shape, Triple, Volume

#: Direction of increasing slice, row and column index in array order: LPS axes z, y, x.
ARRAY_ORDER: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


@dataclass(frozen=True)
class Orient:
    """Permutation and flips that bring a grid nearest to array order; no value is interpolated.

    An oblique grid keeps its obliquity: each of its axes becomes the array axis that it is nearest to.

    Args:
        source: the grid to be turned.
        axes: for each array axis (slice, row, column), the axis of `source` that takes its place.
        flips: whether that axis is then reversed.
    """

    source: Geometry
    axes: Shape
    flips: tuple[bool, bool, bool]

    @classmethod
    def fit(cls, source: Geometry) -> Orient:
        """The turn that `source` needs."""
        cosines = np.asarray(ARRAY_ORDER) @ np.asarray(source.direction).T
        a, b, c = max(permutations(range(3)), key=lambda p: float(sum(abs(cosines[i, p[i]]) for i in range(3))))
        return cls(source, (a, b, c), (bool(cosines[0, a] < 0), bool(cosines[1, b] < 0), bool(cosines[2, c] < 0)))

    @property
    def target(self) -> Geometry:
        """The turned grid."""
        source = self.source
        start = [source.shape[axis] - 1.0 if axis in self._flipped else 0.0 for axis in range(3)]
        a, b, c = self.axes
        x, y, z = (float(v) for v in source.to_world(np.array(start)))
        return Geometry(
            (source.shape[a], source.shape[b], source.shape[c]),
            (source.spacing[a], source.spacing[b], source.spacing[c]),
            (x, y, z),
            (self._direction(0), self._direction(1), self._direction(2)),
        )

    def forward(self, volume: Volume) -> Volume:
        """`volume` in array order; its array is a view of the given one."""
        array = np.flip(volume.array.transpose(self.axes), self._reversed)
        return replace(volume, array=array, geometry=self.target)

    def inverse(self, volume: Volume) -> Volume:
        """A volume in array order back on the source grid; its array is a view of the given one."""
        array = np.flip(volume.array, self._reversed).transpose(np.argsort(self.axes))
        return replace(volume, array=array, geometry=self.source)

    def turned(self, enlarged: Enlarged) -> Enlarged:
        """As `forward`, of a volume that is computed where it is looked at."""
        return enlarged.turned(self.axes, self._reversed)

    def turned_back(self, enlarged: Enlarged) -> Enlarged:
        """As `inverse`, of a volume that is computed where it is looked at."""
        back = [int(axis) for axis in np.argsort(self.axes)]
        return enlarged.turned(back, [self.axes[axis] for axis in self._reversed])

    @property
    def _reversed(self) -> tuple[int, ...]:
        return tuple(i for i in range(3) if self.flips[i])

    @property
    def _flipped(self) -> tuple[int, ...]:
        return tuple(self.axes[i] for i in self._reversed)

    def _direction(self, axis: int) -> Triple:
        x, y, z = self.source.direction[self.axes[axis]]
        return (-x, -y, -z) if self.flips[axis] else (x, y, z)
