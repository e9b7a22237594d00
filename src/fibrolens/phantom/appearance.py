"""Layers to Hounsfield units and labels, with partial volume at every edge; the diseased liver in detail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from fibrolens.phantom.fields import band, patches, sample_linear
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.scene import Layer, Scene
from fibrolens.phantom.shapes import Box, Region
from fibrolens.volume import Geometry

AIR_HU = -1000.0
#: Unevenness of fat and muscle, and its limits (Hounsfield units).
STRAND_HU, FAT_STRANDS, MUSCLE_STRANDS = 22.0, (-8.0, 26.0), (-22.0, 12.0)
#: A nodular surface shows this far on both sides of the capsule.
CAPSULE_MM = 3.0
#: Half the thickness of a septum.
SEPTUM_MM = 0.8
#: Band-passed noise of smoothing sigma has its dominant wavelength at about 2 pi sigma.
WAVELENGTH_TO_SIGMA = 2 * np.pi


@dataclass(frozen=True, eq=False)
class Picture:
    """A painted scene.

    Args:
        values: before the scanner, float32: Hounsfield units, or signal.
        labels: numbers of `Organ`.
        segments: Couinaud-like parts of the liver, 1 to 8; 0 elsewhere.
        parenchyma: liver without its vessels and lesions.
        capsule: shell around the liver's surface.
    """

    values: Float32[np.ndarray, "d h w"]
    labels: UInt8[np.ndarray, "d h w"]
    segments: UInt8[np.ndarray, "d h w"]
    parenchyma: Bool[np.ndarray, "d h w"]
    capsule: Bool[np.ndarray, "d h w"]


@dataclass(frozen=True)
class Inks:
    """What is painted beside the layers of a scene, in Hounsfield units or as signal.

    Args:
        air: of the empty picture.
        liver: mean of the parenchyma.
        texture: its SD; septa: what a septum adds.
        streak: per Hounsfield unit of the strands in fat and muscle.
        lesion: value of a lesion, from three random numbers: which kind it is (0 to 1), what a cyst holds (0 to 15)
            and how dense a solid one is (0 to 1).
    """

    air: float
    liver: float
    texture: float
    septa: float
    streak: float
    lesion: Callable[[float, float, float], float]


def ct_inks(patient: Patient) -> Inks:
    """Hounsfield units of a patient."""
    liver = patient.enhancement.liver

    def lesion(kind: float, cyst: float, solid: float) -> float:
        return cyst if kind < 0.35 else liver - 55 + solid * (43 if kind < 0.9 else 95)

    return Inks(AIR_HU, liver, patient.texture_sd_hu, patient.septa_hu, 1.0, lesion)


class Canvas:
    """The picture while it is painted.

    Args:
        geometry: grid of the picture.
        work: coarser grid over the same field, on which the regions are given.
        millimetres: world per canonical millimetre, for the width of edges.
        air: value of the empty picture.
    """

    def __init__(self, geometry: Geometry, work: Geometry, millimetres: float, air: float) -> None:
        self.geometry, self.work = geometry, work
        self.values: Float32[np.ndarray, "d h w"] = np.full(geometry.shape, air, np.float32)
        self.labels: UInt8[np.ndarray, "d h w"] = np.zeros(geometry.shape, np.uint8)
        #: Liver without vessels and lesions, and the shell where a nodular surface shows.
        self.parenchyma: Bool[np.ndarray, "d h w"] = np.zeros(geometry.shape, bool)
        self.capsule: Bool[np.ndarray, "d h w"] = np.zeros(geometry.shape, bool)
        #: Canonical millimetres over which an edge fades: a voxel seen from an average direction.
        self.edge = float(np.mean(geometry.spacing)) / millimetres

    def box(self, region: Region) -> Box:
        """The picture's voxels inside a region's box."""
        ratio = [w / g for w, g in zip(self.work.spacing, self.geometry.spacing, strict=True)]
        stops = [
            (int(np.ceil(s.start * k - 1e-6)), min(int(np.floor((s.stop - 1) * k + 1e-6)) + 1, n))
            for s, k, n in zip(region.box, ratio, self.geometry.shape, strict=True)
        ]
        low, high = zip(*stops, strict=True)
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])

    def nearest(self, values: UInt8[np.ndarray, "a b c"], region: Region, box: Box) -> UInt8[np.ndarray, "d h w"]:
        """Labels on a region's box, brought to the picture's grid by the nearest voxel."""
        index = [
            np.rint(at).astype(int).clip(0, n - 1) for at, n in zip(self._index(region, box), values.shape, strict=True)
        ]
        return values[np.ix_(*index)]

    def onto(self, values: Float32[np.ndarray, "a b c"], region: Region, box: Box) -> Float32[np.ndarray, "d h w"]:
        """Values on a region's box, interpolated to the picture's grid."""
        if self.geometry.shape == self.work.shape:
            return values
        return sample_linear(values, self._index(region, box))

    def _index(self, region: Region, box: Box) -> list[Float[np.ndarray, " _"]]:
        """Where the picture's voxels of `box` lie on a region's box, per axis in its voxels."""
        return [
            np.arange(to.start, to.stop) * (g / w) - of.start
            for to, of, g, w in zip(box, region.box, self.geometry.spacing, self.work.spacing, strict=True)
        ]

    def paint(self, layer: Layer, within: Region | None = None) -> None:
        """Paint a layer over what is there; `within` (on the picture's grid) limits it to its inside."""
        region, where = layer.region.trimmed(self.edge / 2)
        if not region.d.size:
            return
        box = self.box(region)
        d = self.onto(region.d, region, box)
        hu = layer.hu
        if not isinstance(hu, float):
            hu = self.onto(np.asarray(hu, np.float32)[where], region, box)
        if within is not None:
            inside = Region(box, d)
            inside.clip(within)
            self.parenchyma[box] &= d > 0
        self.cover(box, d, hu, layer.organ)

    def cover(self, box: Box, d: Float32[np.ndarray, "d h w"], hu: float | np.ndarray, organ: Organ | None) -> None:
        """Cover the voxels of a box with `hu` as far as each lies inside the distances `d`."""
        opacity = d * np.float32(-1 / self.edge)
        opacity += np.float32(0.5)
        np.clip(opacity, 0, 1, out=opacity)
        change = np.float32(hu) - self.values[box]
        change *= opacity
        self.values[box] += change
        if organ is not None:
            self.labels[box][d < 0] = organ


def paint(scene: Scene, patient: Patient, geometry: Geometry, work: Geometry, inks: Inks | None = None) -> Picture:
    """The scene as a scanner without blur and noise would see it; `inks` are those of a CT if not given."""
    inks = inks or ct_inks(patient)
    canvas = Canvas(geometry, work, patient.body.scale, inks.air)
    for layer in scene.behind:
        canvas.paint(layer)
    _streak(canvas, patient, inks)
    segments = _paint_liver(canvas, scene, patient, inks)
    for layer in scene.before:
        canvas.paint(layer)
    liver = canvas.labels == Organ.LIVER
    segments[~liver] = 0
    canvas.parenchyma &= liver
    return Picture(canvas.values, canvas.labels, segments, canvas.parenchyma, canvas.capsule)


def _streak(canvas: Canvas, patient: Patient, inks: Inks) -> None:
    """Strands in fat and fat between muscle fibres: unevenness where no organ lies."""
    rng = patient.rng("strands")
    field = patches(rng, canvas.values.shape, np.array(canvas.geometry.spacing), 9.0) - 1
    for organ, limits in ((Organ.FAT, FAT_STRANDS), (Organ.MUSCLE, MUSCLE_STRANDS)):
        at = canvas.labels == organ
        canvas.values[at] += np.float32(inks.streak) * np.clip(np.float32(STRAND_HU) * field[at], *limits)


def _paint_liver(canvas: Canvas, scene: Scene, patient: Patient, inks: Inks) -> UInt8[np.ndarray, "d h w"]:
    """Parenchyma with texture, septa and a nodular surface, then lesions and vessels inside it; returns its parts."""
    box = canvas.box(scene.liver)
    smooth = canvas.onto(scene.liver.d, scene.liver, box)
    d = smooth + _waves(patient, smooth, canvas.geometry)
    canvas.cover(box, d, np.float32(inks.liver) + _texture(patient, d.shape, canvas.geometry, inks), Organ.LIVER)
    canvas.parenchyma[box] = d < 0
    # High waves show further away from the smooth surface.
    canvas.capsule[box] = np.abs(smooth) < max(CAPSULE_MM, 3 * patient.nodularity_mm) + canvas.edge / 2
    _paint_lesions(canvas, Region(box, smooth), Region(box, d), patient, inks)
    for layer in scene.inside_liver:
        canvas.paint(layer, Region(box, d + np.float32(1.5)))
    segments = np.zeros(canvas.geometry.shape, np.uint8)
    segments[box] = canvas.nearest(scene.liver_segments, scene.liver, box)
    return segments


def _waves(patient: Patient, smooth: Float32[np.ndarray, "d h w"], geometry: Geometry) -> Float32[np.ndarray, "d h w"]:
    """Patchy waves of the surface, whose mean absolute deviation there is the patient's nodularity (millimetres).

    The deviation is that of the outline in an axial slice, where radiologists read it: where the surface is oblique to
    the slice, the wave along its normal is smaller.
    """
    rng = patient.rng("surface")
    spacing = np.array(geometry.spacing)
    sigma = patient.nodule_mm / WAVELENGTH_TO_SIGMA
    waves = patches(rng, smooth.shape, spacing) * band(rng, smooth.shape, spacing, sigma)
    if min(smooth.shape) < 2:
        return np.zeros_like(waves)
    rows, columns = (np.gradient(smooth, geometry.spacing[axis], axis=axis) for axis in (1, 2))
    waves *= np.clip(np.hypot(rows, columns), 0.2, 1.2)
    surface = np.abs(waves[np.abs(smooth) < CAPSULE_MM])
    if not surface.any():
        return np.zeros_like(waves)
    waves *= np.float32(patient.nodularity_mm) / surface.mean()
    return waves


def _texture(patient: Patient, shape: tuple[int, ...], geometry: Geometry, inks: Inks) -> Float32[np.ndarray, "d h w"]:
    """Heterogeneity of the parenchyma and thin septa around its nodules."""
    rng = patient.rng("parenchyma")
    spacing = np.array(geometry.spacing)
    texture = np.float32(inks.texture) * band(rng, shape, spacing, patient.texture_length_mm / 2)
    if inks.septa:
        # Septa run where a smooth field changes sign: a net with meshes of the patient's size.
        sigma = max(patient.septa_mm / 4, float(spacing[1:].mean()))
        depth = band(rng, shape, spacing, sigma) * np.float32(sigma / SEPTUM_MM)
        texture += np.float32(inks.septa) * np.exp(-depth * depth)
    return texture


def _paint_lesions(canvas: Canvas, smooth: Region, liver: Region, patient: Patient, inks: Inks) -> None:
    """Cysts, metastases and haemangiomas: spheres of 3 to 35 mm radius that stay inside the liver.

    Each lesion has its candidate places in a fixed order, and they are looked for in the liver without its waves, so
    that it stays where it is when the liver changes a little.
    """
    rng = patient.rng("lesions")
    for _ in range(patient.lesions if liver.d.size else 0):
        places = (rng.random((80, 3)) * liver.d.shape).astype(int)
        radius = float(np.clip(rng.lognormal(np.log(9), 0.6), 3, 35)) * patient.body.scale
        kind, cyst, solid = rng.random(), rng.uniform(0, 15), rng.random()
        hu = inks.lesion(kind, cyst, solid)
        inside = smooth.d[tuple(places.T)] < -2
        if inside.any():
            _paint_lesion(canvas, liver, places[inside.argmax()], radius, float(hu))


def _paint_lesion(canvas: Canvas, liver: Region, centre: Int[np.ndarray, " 3"], radius: float, hu: float) -> None:
    """One sphere, `radius` in millimetres around the voxel `centre` of the liver's box, as far as it lies inside."""
    reach = [int((radius + 6) / s) for s in canvas.geometry.spacing]
    box = tuple(
        slice(max(0, c - r), min(c + r + 1, n)) for c, r, n in zip(centre.tolist(), reach, liver.d.shape, strict=True)
    )
    grid = np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij", sparse=True)
    offset = [(a - c) * g for a, c, g in zip(grid, centre, canvas.geometry.spacing, strict=True)]
    d = np.sqrt(sum(o * o for o in offset)).astype(np.float32) - np.float32(radius)
    d = np.maximum(d, liver.d[box])
    z, y, x = (slice(of.start + s.start, of.start + s.stop) for s, of in zip(box, liver.box, strict=True))
    canvas.parenchyma[z, y, x] &= d > 0
    canvas.cover((z, y, x), d, hu, Organ.LIVER)
