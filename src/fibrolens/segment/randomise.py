"""Domain randomisation: one simulated abdomen seen as by many scanners, in many patients; and the part for real CTs.

The simulator's own Hounsfield units are one source of appearance, repainting organ by organ from the label map the
other. Most organs stay near what portal-venous CT shows, because fully random contrast alone teaches the spleen badly;
a part is drawn with doubled spread, a few wholly at random. Everything runs on the device of the given tensors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, Int, Int16, UInt8
from torch import Tensor

from fibrolens.phantom.labels import Organ
from fibrolens.segment.deform import AIR_HU, random_patch, smooth_field

#: Portal-venous Hounsfield units of each organ: mean and standard deviation between patients.
APPEARANCE = {
    Organ.LIVER: (105, 18), Organ.SPLEEN: (120, 18), Organ.AORTA: (150, 25), Organ.IVC: (130, 30),
    Organ.PORTAL_VEIN: (160, 25), Organ.GALLBLADDER: (10, 10), Organ.STOMACH: (40, 45), Organ.BOWEL: (40, 40),
    Organ.KIDNEY: (175, 35), Organ.PANCREAS: (95, 20), Organ.ADRENAL: (75, 20), Organ.HEART: (140, 30),
    Organ.BONE: (300, 90), Organ.MUSCLE: (60, 12), Organ.FAT: (-100, 12), Organ.FLUID: (10, 10),
    Organ.VARICES: (150, 25), Organ.MASS: (70, 35), Organ.OESOPHAGUS: (50, 20),
}  # fmt: skip

#: Number of each organ among the classes of the coarse network; the fine one knows liver and spleen.
TARGETS = {Organ.LIVER: 1, Organ.SPLEEN: 2, Organ.AORTA: 3}

#: What a mass outside the liver, or a tumour that grows out of it, may displace.
SOFT = (Organ.GALLBLADDER, Organ.STOMACH, Organ.BOWEL, Organ.KIDNEY, Organ.PANCREAS, Organ.ADRENAL, Organ.FAT,
        Organ.FLUID, Organ.MASS, Organ.MUSCLE, Organ.PORTAL_VEIN, Organ.VARICES)  # fmt: skip

#: Gas inside an organ stays gas.
GAS_HU = -300.0

FAT_HU = float(APPEARANCE[Organ.FAT][0])

#: In how many examples the spleen takes the stomach's place at the dome.
FILLED_DOME = 0.5

_ORGANS = max(Organ) + 1

Image = Float[Tensor, "d h w"]
Organs = UInt8[Tensor, "d h w"]
Mask = Bool[Tensor, "d h w"]


def random_example(
    hu: Int16[Tensor, "d h w"],
    labels: UInt8[Tensor, "d h w"],
    size: tuple[int, int, int],
    voxel_mm: float,
    rng: np.random.Generator,
) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
    """One training example.

    Args:
        hu: simulated CT on cubic voxels, in Hounsfield units.
        labels: its organs (`Organ`).
        size: voxels of the example.
        voxel_mm: their size.
        rng: the only source of chance.

    Returns:
        Hounsfield units and the class of each voxel.
    """
    image, organs = random_patch(hu, labels, size, voxel_mm, rng)
    noise = torch.Generator(image.device).manual_seed(int(rng.integers(2**62)))
    _remove_organs(image, organs, rng)
    fill_dome(image, organs, voxel_mm, rng, noise)
    image = repaint(image, organs, rng)
    _blur_borders(image, organs, rng)
    _add_lesions(image, organs, voxel_mm, rng, noise)
    _add_mass(image, organs, voxel_mm, rng, noise)
    image = _scan(image, voxel_mm, rng, noise)
    if rng.random() < 0.3:
        image.masked_fill_((organs == Organ.AIR) | (organs == Organ.TABLE), AIR_HU)
    target = target_classes(organs)
    outside = _outside_scan(size, image.device, rng)
    return image.masked_fill(outside, AIR_HU), target.masked_fill(outside, 0)


def real_example(
    hu: Int16[Tensor, "d h w"],
    classes: UInt8[Tensor, "d h w"],
    size: tuple[int, int, int],
    voxel_mm: float,
    rng: np.random.Generator,
) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
    """One training example of a real CT: bent, moved and cut off like a simulated one, but never repainted.

    Its intensities are what is to be learnt; half of the examples keep them, the others pass a second, poorer scanner.

    Args:
        hu: the CT on cubic voxels, in Hounsfield units.
        classes: of the coarse network, voxel by voxel.
        size: voxels of the example.
        voxel_mm: their size.
        rng: the only source of chance.

    Returns:
        Hounsfield units and the class of each voxel.
    """
    image, target = random_patch(hu, classes, size, voxel_mm, rng)
    if rng.random() < 0.5:
        noise = torch.Generator(image.device).manual_seed(int(rng.integers(2**62)))
        image = _scan(image, voxel_mm, rng, noise)
    outside = _outside_scan(size, image.device, rng)
    return image.masked_fill(outside, AIR_HU), target.masked_fill(outside, 0)


def target_classes(organs: UInt8[Tensor, "d h w"]) -> UInt8[Tensor, "d h w"]:
    """Network classes of a map of `Organ` numbers."""
    table = torch.zeros(256, dtype=torch.uint8, device=organs.device)
    for organ, number in TARGETS.items():
        table[organ] = number
    return table[organs.int()]


def repaint(image: Image, organs: Organs, rng: np.random.Generator) -> Image:
    """Give each organ a new mean and scale what varies inside it; gas stays as it is."""
    numbers = torch.where(image > GAS_HU, organs, 0).int()
    means = _organ_means(image[::2, ::2, ::2], numbers[::2, ::2, ::2])
    goal, texture = means.copy(), np.ones(_ORGANS)
    draw = _random_means(rng)
    from_labels = rng.random() < 0.5
    for organ, value in draw.items():
        typical, _ = APPEARANCE[organ]
        goal[organ] = value if from_labels else means[organ] + (value - typical)
        texture[organ] = rng.uniform(0.3, 1.5)
    goal[Organ.AIR], texture[Organ.AIR] = means[Organ.AIR], 1.0
    tables = torch.from_numpy(np.stack([goal, texture, means]).astype(np.float32)).to(image.device)
    return tables[0][numbers] + tables[1][numbers] * (image - tables[2][numbers])


def _organ_means(image: Image, numbers: Int[Tensor, "d h w"]) -> Float[np.ndarray, " organs"]:
    """Mean of each organ, 0 where there is none of it."""
    flat = numbers.flatten()
    counts = torch.bincount(flat, minlength=_ORGANS)
    sums = torch.bincount(flat, weights=image.flatten().double(), minlength=_ORGANS)
    return np.asarray((sums / counts.clamp(min=1)).cpu().numpy())


def _random_means(rng: np.random.Generator) -> dict[Organ, float]:
    """Mean Hounsfield units per organ: realistic for 2/3, doubled spread for most others, a few at random."""
    kind = rng.choice(3, p=(0.66, 0.26, 0.08))
    if kind == 2:
        hard = (Organ.FAT, Organ.BONE)
        return {o: float(rng.normal(m, s) if o in hard else rng.uniform(-60, 220)) for o, (m, s) in APPEARANCE.items()}
    contrast = rng.normal(1.0, 0.12)  # one bolus reaches every organ
    means = {o: float(rng.normal(m * contrast if m > 80 else m, s * (kind + 1))) for o, (m, s) in APPEARANCE.items()}
    if rng.random() < 0.15:
        means[Organ.LIVER] -= rng.uniform(15, 60)  # steatosis
    if rng.random() < 0.4:
        means[Organ.STOMACH] = rng.uniform(-20, 250)  # water, food, or oral contrast
    if rng.random() < 0.1:
        # Before the contrast, soft tissue is much the same everywhere.
        means |= {o: float(rng.normal(50, 12)) for o, (m, _) in APPEARANCE.items() if m > 60 and o != Organ.BONE}
    return means


def _remove_organs(image: Image, organs: Organs, rng: np.random.Generator) -> None:
    """Splenectomy or cholecystectomy in a few: fat lies where the organ was."""
    for organ, chance in ((Organ.SPLEEN, 0.04), (Organ.GALLBLADDER, 0.1)):
        if rng.random() < chance:
            gone = organs == organ
            image.masked_fill_(gone, FAT_HU)
            organs.masked_fill_(gone, Organ.FAT)


def fill_dome(image: Image, organs: Organs, voxel_mm: float, rng: np.random.Generator, noise: torch.Generator) -> None:
    """Let the spleen lie alone under the left diaphragm, the stomach ending below it: real spleens often do.

    The top of the stomach, down to a bent level, becomes spleen (as far as a random distance from it) or fat.
    """
    if rng.random() >= FILLED_DOME:
        return
    depth_mm, reach_mm, bend_mm = rng.uniform(8, 60), np.exp(rng.uniform(*np.log((8.0, 60.0)))), rng.uniform(2, 12)
    bent = bend_mm * smooth_field(4, image.shape, 1, rng, image.device)[0]
    spleen, stomach = organs == Organ.SPLEEN, organs == Organ.STOMACH
    heights = stomach.flatten(1).any(1).nonzero()
    level = _mean(image, spleen)
    if level is None or not len(heights):
        return
    down_mm = (int(heights[-1]) - torch.arange(len(image), device=image.device))[:, None, None] * voxel_mm
    top = stomach & (down_mm < depth_mm + bent)
    near = blur(spleen.float(), [reach_mm / 2 / voxel_mm] * 3) > 0.05
    grown = blur((spleen | (top & near)).float(), [4.0 / voxel_mm] * 3) > 0.5  # no cleft where both organs met
    new = grown & (top | (organs == Organ.FAT)) & (down_mm < depth_mm + bent)
    image.copy_(torch.where(new, level + _grain(image, 8.0, noise), image).masked_fill(top & ~new, FAT_HU))
    organs.masked_fill_(new, Organ.SPLEEN).masked_fill_(top & ~new, Organ.FAT)


def _blur_borders(image: Image, organs: Organs, rng: np.random.Generator) -> None:
    """Where the picture says less than the anatomy: stranded or scant fat, a lung without air beside the diaphragm."""
    for organ, chance, low, high in ((Organ.FAT, 0.25, -60, 40), (Organ.LUNG, 0.15, 0, 90)):
        if rng.random() < chance:
            field = smooth_field(int(rng.integers(4, 10)), image.shape, 1, rng, image.device)[0]
            there = (organs == organ) & (field > rng.uniform(0.1, 0.5))
            _move(image, there, rng.uniform(low, high), rng.uniform(0.4, 1))
    if rng.random() < 0.3:
        field = smooth_field(int(rng.integers(3, 8)), image.shape, 1, rng, image.device)[0]
        image += torch.where(organs == Organ.LIVER, field * float(rng.uniform(5, 30)), 0)


def _add_lesions(
    image: Image, organs: Organs, voxel_mm: float, rng: np.random.Generator, noise: torch.Generator
) -> None:
    """Tumours and cysts of the liver (half of the samples), rarely the spleen; they stay part of the organ.

    Some grow out of it, and displace what lies beside.
    """
    for organ, chance in ((Organ.LIVER, 0.5), (Organ.SPLEEN, 0.08)):
        if rng.random() >= chance:
            continue
        inside = organs == organ
        level = _mean(image, inside)
        if level is None:
            continue
        for _ in range(rng.integers(1, 6)):
            cyst = rng.random() < 0.3
            value = rng.uniform(-10, 20) if cyst else level - rng.normal(35, 30)
            ball = random_ellipsoid(inside, (4.0, 45.0), voxel_mm, rng)
            room = inside | soft_tissue(organs) if rng.random() < 0.25 else inside
            ball &= room
            _move(image, ball, value, rng.uniform(0.6, 1))
            if not cyst and rng.random() < 0.5:
                image += _grain(image, float(rng.uniform(3, 20)), noise) * ball
            organs.masked_fill_(ball, organ)


def _add_mass(image: Image, organs: Organs, voxel_mm: float, rng: np.random.Generator, noise: torch.Generator) -> None:
    """A mass outside the liver, or a loop or stomach full of fluid: as dense as the liver, yet background."""
    for _ in range(int(rng.choice(4, p=(0.5, 0.27, 0.15, 0.08)))):
        room = soft_tissue(organs)
        ball = random_ellipsoid(room, (10.0, 60.0), voxel_mm, rng) & room
        liver = _mean(image, organs == Organ.LIVER) if rng.random() < 0.4 else None
        value = rng.uniform(-10, 140) if liver is None else liver + rng.normal(0, 10)
        grain = _grain(image, float(rng.uniform(2, 12)), noise)
        image.copy_(torch.where(ball, float(value) + grain, image))
        organs.masked_fill_(ball, Organ.MASS)


def _move(image: Image, where: Mask, value: float, share: float) -> None:
    """Bring what is `where` nearer to a value by a share of the way."""
    image += (float(value) - image) * where * float(share)


def _mean(image: Image, where: Mask) -> float | None:
    """Mean over a mask; None where it is empty."""
    count = int(where.sum())
    return float((image * where).sum()) / count if count else None


def soft_tissue(organs: Organs) -> Mask:
    """Where something else could be."""
    table = torch.zeros(256, dtype=torch.bool, device=organs.device)
    table[list(SOFT)] = True
    return table[organs.int()]


def _grain(image: Image, sd: float, noise: torch.Generator) -> Image:
    return sd * torch.randn(image.shape, generator=noise, device=image.device)


def random_ellipsoid(inside: Mask, radii_mm: tuple[float, float], voxel_mm: float, rng: np.random.Generator) -> Mask:
    """An ellipsoid around a random voxel of `inside`, its radius log-uniform; empty where `inside` is."""
    places = inside.flatten().nonzero()[:, 0]
    pick, radius, stretch = rng.random(), np.exp(rng.uniform(*np.log(radii_mm))), rng.uniform(0.7, 1.3, 3)
    if not len(places):
        return torch.zeros_like(inside)
    centre = np.unravel_index(int(places[int(pick * len(places))]), inside.shape)
    squares = [
        ((torch.arange(n, device=inside.device) - int(c)) * (voxel_mm / float(radius * s))) ** 2
        for n, c, s in zip(inside.shape, centre, stretch, strict=True)
    ]
    return squares[0][:, None, None] + squares[1][:, None] + squares[2] <= 1


def _scan(image: Image, voxel_mm: float, rng: np.random.Generator, noise: torch.Generator) -> Image:
    """What a scanner does: blur (thick slices), bias, calibration, noise."""
    depth = rng.uniform(0.3, 4.4) if rng.random() < 0.5 else 1.2
    image = blur(image, [sd / voxel_mm for sd in (depth, *([rng.uniform(0.5, 2.4)] * 2))])
    image += float(rng.uniform(0, 12)) * smooth_field(3, image.shape, 1, rng, image.device)[0]
    image = image * float(rng.normal(1, 0.03)) + float(rng.normal(0, 6))
    grain = _grain(image, float(rng.uniform(0, 22)), noise)
    if rng.random() < 0.5:
        grain = blur(grain, [0.0, 0.6, 0.6]) * 2
    image += grain
    return image


def blur(image: Image, sigmas: Sequence[float]) -> Image:
    """Gaussian blur, standard deviation in voxels along each axis; edges repeat."""
    for axis, sigma in enumerate(sigmas):
        if sigma < 0.1:
            continue
        reach = int(np.ceil(3 * sigma))
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        padding = [0, 0, 0, 0, 0, 0]
        padding[4 - 2 * axis] = padding[5 - 2 * axis] = reach
        wide = F.pad(image[None, None], padding, mode="replicate")[0, 0]
        image = torch.zeros_like(image)
        for start, weight in enumerate(weights / weights.sum()):
            image.add_(wide.narrow(axis, start, image.shape[axis]), alpha=float(weight))
    return image


def _outside_scan(size: tuple[int, int, int], device: torch.device, rng: np.random.Generator) -> Mask:
    """Voxels that the scan does not reach: most scans are short in z, some have a round or narrow field of view."""
    outside = torch.ones(size, dtype=torch.bool, device=device)
    slices = size[0] if rng.random() < 0.4 else int(rng.integers(size[0] // 5, size[0] + 1))
    first = int(rng.integers(0, size[0] - slices + 1))
    outside[first : first + slices] = False
    if rng.random() < 0.3:
        radius = rng.uniform(0.36, 0.62) * size[1]
        row, column = rng.normal(0, 0.03, 2) * size[1]
        rows = torch.arange(size[1], device=device)[:, None] - (size[1] / 2 + float(row))
        columns = torch.arange(size[2], device=device) - (size[2] / 2 + float(column))
        outside |= rows**2 + columns**2 > float(radius**2)
    return outside
