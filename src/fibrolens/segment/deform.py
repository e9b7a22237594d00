"""Random patches of a simulated abdomen: turned, scaled, bent, and moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int16, UInt8
from torch import Tensor

AIR_HU = -1000.0

#: Control points along the longest axis and largest displacement in millimetres of each octave of bending.
OCTAVES = ((4, 11.0), (9, 4.5))
#: How far the patch's middle may lie from the grid's axis, and beyond the liver's lowest and highest slice.
ASIDE_MM, BEYOND_MM = 36.0, 20.0


def random_patch(
    hu: Int16[Tensor, "d h w"],
    labels: UInt8[Tensor, "d h w"],
    size: tuple[int, int, int],
    voxel_mm: float,
    rng: np.random.Generator,
) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
    """A deformed patch of `size` voxels: Hounsfield units (trilinear) and labels (nearest), air beyond the grid."""
    grid = _sampling_grid(labels, size, voxel_mm, rng)
    shifted = (hu.float() - AIR_HU)[None, None]
    values = F.grid_sample(shifted, grid, mode="bilinear", align_corners=True)[0, 0] + AIR_HU
    organs = F.grid_sample(labels.float()[None, None], grid, mode="nearest", align_corners=True)[0, 0]
    return values, organs.to(torch.uint8)


def smooth_field(
    points: int, size: Sequence[int], channels: int, rng: np.random.Generator, device: torch.device
) -> Float[Tensor, "c d h w"]:
    """Uniform random values in [-1, 1] at a few control points, interpolated to `size`."""
    coarse = [max(2, round(points * n / max(size))) for n in size]
    values = torch.from_numpy(rng.uniform(-1, 1, (1, channels, *coarse)).astype(np.float32)).to(device)
    return F.interpolate(values, tuple(size), mode="trilinear", align_corners=True)[0]


def _random_centre(
    labels: UInt8[Tensor, "d h w"], voxel_mm: float, rng: np.random.Generator
) -> Float[np.ndarray, " 3"]:
    """Voxel index around which the patch is taken: near the grid's axis, at a height where the liver may be."""
    liver = np.flatnonzero((labels == 1).flatten(1).any(1).cpu().numpy())
    low, high = (liver[0], liver[-1]) if liver.size else (0, labels.shape[0] - 1)
    beyond, aside = BEYOND_MM / voxel_mm, ASIDE_MM / voxel_mm
    middle = (np.asarray(labels.shape[1:]) - 1) / 2
    return np.array([rng.uniform(low - beyond, high + beyond), *(middle + rng.uniform(-aside, aside, 2))])


def _sampling_grid(
    labels: UInt8[Tensor, "d h w"], size: tuple[int, int, int], voxel_mm: float, rng: np.random.Generator
) -> Float[Tensor, "1 a b c 3"]:
    """Where each patch voxel comes from, as `torch.nn.functional.grid_sample` wants it (x, y, z in [-1, 1])."""
    device = labels.device
    centre = torch.from_numpy(_random_centre(labels, voxel_mm, rng).astype(np.float32)).to(device)
    axes = [torch.arange(n, dtype=torch.float32, device=device) - (n - 1) / 2 for n in size]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    matrix = torch.from_numpy(_random_affine(rng).astype(np.float32)).to(device)
    index = torch.einsum("ij,jdhw->idhw", matrix, offsets)
    for points, most_mm in OCTAVES:
        index += most_mm / voxel_mm * rng.uniform(0, 1) * smooth_field(points, size, 3, rng, device)
    index += centre[:, None, None, None]
    half = torch.tensor([(n - 1) / 2 for n in labels.shape], device=device)[:, None, None, None]
    return (index / half - 1).flip(0).permute(1, 2, 3, 0)[None]


def _random_affine(rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """Rotation (mostly about the long axis) times anisotropic scale; never a mirror image, for sides are anatomy."""
    about_z, about_y, about_x = np.deg2rad(rng.uniform(-1, 1, 3) * (15, 8, 8))
    rotation = _plane_rotation(about_z, 1, 2) @ _plane_rotation(about_y, 0, 2) @ _plane_rotation(about_x, 0, 1)
    scale = rng.uniform(0.82, 1.22) * rng.uniform(0.92, 1.08, 3)
    return np.asarray(rotation / scale)


def _plane_rotation(angle: float, first: int, second: int) -> Float[np.ndarray, "3 3"]:
    matrix = np.eye(3)
    matrix[[first, first, second, second], [first, second, first, second]] = (
        np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle),
    )  # fmt: skip
    return matrix
