"""Layers to Hounsfield units and labels, with partial volume at every edge; the diseased liver in detail."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from fibrolens.phantom.fields import band, patches, sample_linear
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.scene import Layer, Scene
from fibrolens.phantom.shapes import Box, Region
from fibrolens.volume import Geometry

AIR_HU = -1000.0


class Canvas:
    """The picture while it is painted.

    Args:
        geometry: grid of the picture.
        work: coarser grid over the same field, on which the regions are given.
        millimetres: world per canonical millimetre, for the width of edges.
    """

    def __init__(self, geometry: Geometry, work: Geometry, millimetres: float) -> None:
        self.geometry, self.work = geometry, work
        self.hu: Float32[np.ndarray, "d h w"] = np.full(geometry.shape, AIR_HU, np.float32)
        self.labels: UInt8[np.ndarray, "d h w"] = np.zeros(geometry.shape, np.uint8)
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

    def onto(self, values: Float32[np.ndarray, "a b c"], region: Region, box: Box) -> Float32[np.ndarray, "d h w"]:
        """Values on a region's box, interpolated to the picture's grid."""
        if self.geometry.shape == self.work.shape:
            return values
        index = [
            np.arange(to.start, to.stop) * (g / w) - of.start
            for to, of, g, w in zip(box, region.box, self.geometry.spacing, self.work.spacing, strict=True)
        ]
        return sample_linear(values, index)

    def paint(self, layer: Layer, within: Float32[np.ndarray, "d h w"] | None = None) -> None:
        """Paint a layer over what is there; `within` (whole picture) limits it to negative distances."""
        if 0 in layer.region.d.shape or layer.region.d.min() > self.edge:
            return
        box = self.box(layer.region)
        d = self.onto(layer.region.d, layer.region, box)
        hu = layer.hu if isinstance(layer.hu, float) else self.onto(np.asarray(layer.hu, np.float32), layer.region, box)
        if within is not None:
            d = np.maximum(d, within[box])
        self.cover(box, d, hu, layer.organ)

    def cover(self, box: Box, d: Float32[np.ndarray, "d h w"], hu: float | np.ndarray, organ: Organ) -> None:
        """Cover the voxels of a box with `hu` as far as each lies inside the distances `d`."""
        opacity = np.clip(np.float32(0.5) - d * np.float32(1 / self.edge), 0, 1)
        self.hu[box] += opacity * (np.float32(hu) - self.hu[box])
        self.labels[box][d < 0] = organ


def paint(scene: Scene, patient: Patient, geometry: Geometry, work: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """HU (float32, before the scanner) and labels of a scene."""
    canvas = Canvas(geometry, work, patient.body.scale)
    for layer in scene.behind:
        canvas.paint(layer)
    _streak(canvas, patient)
    _paint_liver(canvas, scene, patient)
    for layer in scene.before:
        canvas.paint(layer)
    return canvas.hu, canvas.labels


def _streak(canvas: Canvas, patient: Patient) -> None:
    """Strands in fat and fat between muscle fibres: unevenness where no organ lies."""
    rng = patient.rng("strands")
    field = patches(rng, canvas.hu.shape, np.array(canvas.geometry.spacing), 9.0) - 1
    for organ, low, high in ((Organ.FAT, -8.0, 26.0), (Organ.MUSCLE, -22.0, 12.0)):
        at = canvas.labels == organ
        canvas.hu[at] += np.clip(np.float32(22) * field[at], low, high)


def _paint_liver(canvas: Canvas, scene: Scene, patient: Patient) -> None:
    """Parenchyma with texture and a nodular surface, then lesions and vessels inside it."""
    box = canvas.box(scene.liver)
    d = canvas.onto(scene.liver.d, scene.liver, box)
    spacing = np.array(canvas.geometry.spacing)
    rng = patient.rng("parenchyma")
    waves = patches(rng, d.shape, spacing) * band(rng, d.shape, spacing, 3.2)
    d = d + np.float32(patient.nodularity_mm * 2**0.5) * waves
    texture = np.float32(patient.texture_sd_hu) * band(rng, d.shape, spacing, patient.texture_length_mm / 2)
    canvas.cover(box, d, np.float32(patient.enhancement.liver) + texture, Organ.LIVER)
    whole = np.full(canvas.geometry.shape, 50, np.float32)
    whole[box] = d
    _paint_lesions(canvas, whole, patient)
    for layer in scene.inside_liver:
        canvas.paint(layer, whole + np.float32(1.5))


def _paint_lesions(canvas: Canvas, liver: Float32[np.ndarray, "d h w"], patient: Patient) -> None:
    """Cysts, metastases and haemangiomas: spheres of 3 to 35 mm radius that stay inside the liver."""
    rng = patient.rng("lesions")
    inside = np.argwhere(liver[:, ::4, ::4] < -2) * (1, 4, 4)
    for _ in range(patient.lesions if len(inside) else 0):
        centre = inside[int(rng.integers(len(inside)))]
        radius = float(np.clip(rng.lognormal(np.log(9), 0.6), 3, 35)) * patient.body.scale
        kind = rng.random()
        hu = (
            rng.uniform(0, 15)
            if kind < 0.35
            else patient.enhancement.liver + rng.uniform(-55, -12 if kind < 0.9 else 40)
        )
        low = [max(0, int(c - (radius + 6) / s)) for c, s in zip(centre, canvas.geometry.spacing, strict=True)]
        high = [int(c + (radius + 6) / s) + 2 for c, s in zip(centre, canvas.geometry.spacing, strict=True)]
        box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
        axes = [np.arange(n)[s] for n, s in zip(canvas.geometry.shape, box, strict=True)]
        z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
        offset = [(a - c) * g for a, c, g in zip((z, y, x), centre, canvas.geometry.spacing, strict=True)]
        d = np.sqrt(sum(o * o for o in offset)).astype(np.float32) - np.float32(radius)
        canvas.cover(box, np.maximum(d, liver[box]), float(hu), Organ.LIVER)
