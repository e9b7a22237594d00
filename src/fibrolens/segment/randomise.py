"""Domain randomisation: one simulated abdomen seen as by many scanners, in many patients.

The simulator's own Hounsfield units are one source of appearance, repainting organ by organ from the label map the
other. Most organs stay near what portal-venous CT shows, because fully random contrast alone teaches the spleen badly;
a part is drawn with doubled spread, a few wholly at random.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int16, UInt8
from scipy import ndimage

from fibrolens.phantom.labels import Organ
from fibrolens.plan import SegmentationPlan
from fibrolens.segment.deform import AIR_HU, random_patch, smooth_field

#: Portal-venous Hounsfield units of each organ: mean and standard deviation between patients.
APPEARANCE = {
    Organ.LIVER: (105, 18), Organ.SPLEEN: (120, 18), Organ.AORTA: (150, 25), Organ.IVC: (130, 30),
    Organ.PORTAL_VEIN: (160, 25), Organ.GALLBLADDER: (10, 10), Organ.STOMACH: (40, 45), Organ.BOWEL: (40, 40),
    Organ.KIDNEY: (175, 35), Organ.PANCREAS: (95, 20), Organ.ADRENAL: (75, 20), Organ.HEART: (140, 30),
    Organ.BONE: (300, 90), Organ.MUSCLE: (60, 12), Organ.FAT: (-100, 12), Organ.FLUID: (10, 10),
    Organ.VARICES: (150, 25), Organ.MASS: (70, 35), Organ.OESOPHAGUS: (50, 20),
}  # fmt: skip

#: Classes of the network, in the order of `SegmentationPlan.classes`.
TARGETS = {Organ.LIVER: 1, Organ.SPLEEN: 2, Organ.AORTA: 3}

#: What a mass outside the liver may displace.
SOFT = (Organ.GALLBLADDER, Organ.STOMACH, Organ.BOWEL, Organ.KIDNEY, Organ.PANCREAS, Organ.ADRENAL, Organ.FAT,
        Organ.FLUID, Organ.MASS, Organ.MUSCLE, Organ.PORTAL_VEIN, Organ.VARICES)  # fmt: skip

_ORGANS = max(Organ) + 1


def random_example(
    hu: Int16[np.ndarray, "d h w"],
    labels: UInt8[np.ndarray, "d h w"],
    plan: SegmentationPlan,
    size: tuple[int, int, int],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "windows a b c"], UInt8[np.ndarray, "a b c"]]:
    """One training example.

    Args:
        hu: simulated CT on the plan's grid, in Hounsfield units.
        labels: its organs (`Organ`).
        plan: the windows.
        size: voxels of the example.
        rng: the only source of chance.

    Returns:
        Windowed input in [0, 1] and the class of each voxel.
    """
    image, organs = random_patch(hu, labels, size, rng)
    _remove_spleen(organs, image, rng)
    image = repaint(image, organs, rng)
    _add_lesions(image, organs, rng)
    _add_mass(image, organs, rng)
    image = _scan(image, organs, rng)
    target = target_classes(organs)
    outside = _outside_scan(size, rng)
    image[outside] = AIR_HU
    target[outside] = 0
    return windowed(image, plan), target


def target_classes(organs: UInt8[np.ndarray, "d h w"]) -> UInt8[np.ndarray, "d h w"]:
    """Network classes of a map of `Organ` numbers."""
    table = np.zeros(256, np.uint8)
    for organ, number in TARGETS.items():
        table[organ] = number
    return np.asarray(table[organs])


def windowed(hu: Float[np.ndarray, "d h w"], plan: SegmentationPlan) -> Float[np.ndarray, "windows d h w"]:
    """The CT through each window of the plan, each scaled to [0, 1]."""
    channels = [np.clip((hu - low) / (high - low), 0, 1) for low, high in plan.windows_hu]
    return np.stack(channels).astype(np.float32)


def repaint(
    image: Float[np.ndarray, "d h w"], organs: UInt8[np.ndarray, "d h w"], rng: np.random.Generator
) -> Float[np.ndarray, "d h w"]:
    """Give each organ a new mean and scale what varies inside it."""
    flat = organs.ravel()
    counts = np.bincount(flat, minlength=_ORGANS)
    means = np.bincount(flat, weights=image.ravel(), minlength=_ORGANS) / np.maximum(counts, 1)
    goal, texture = means.copy(), np.ones(_ORGANS)
    draw = _random_means(rng)
    from_labels = rng.random() < 0.5
    for organ, value in draw.items():
        typical, _ = APPEARANCE[organ]
        goal[organ] = value if from_labels else means[organ] + (value - typical)
        texture[organ] = rng.uniform(0.3, 1.5)
    scaled = goal[organs] + texture[organs] * (image - means[organs])
    return np.asarray(scaled, dtype=np.float32)


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
    if rng.random() < 0.3:
        means[Organ.STOMACH] = rng.uniform(-20, 250)  # water, food, or oral contrast
    return means


def _remove_spleen(
    organs: UInt8[np.ndarray, "d h w"], image: Float[np.ndarray, "d h w"], rng: np.random.Generator
) -> None:
    """Splenectomy in a few: fat lies where the spleen was."""
    if rng.random() < 0.04:
        spleen = organs == Organ.SPLEEN
        image[spleen] = APPEARANCE[Organ.FAT][0]
        organs[spleen] = Organ.FAT


def _add_lesions(
    image: Float[np.ndarray, "d h w"], organs: UInt8[np.ndarray, "d h w"], rng: np.random.Generator
) -> None:
    """Tumours and cysts inside the liver (half of the samples), rarely the spleen; they stay part of the organ."""
    for organ, chance in ((Organ.LIVER, 0.5), (Organ.SPLEEN, 0.08)):
        if rng.random() >= chance:
            continue
        inside = organs == organ
        cyst = rng.random() < 0.3
        level = rng.uniform(-10, 20) if cyst or not inside.any() else image[inside].mean() - rng.normal(35, 30)
        for _ in range(rng.integers(1, 5)):
            ball = _random_ellipsoid(inside, (1.5, 8.0), rng) & inside
            image[ball] += (level - image[ball]) * rng.uniform(0.6, 1)


def _add_mass(image: Float[np.ndarray, "d h w"], organs: UInt8[np.ndarray, "d h w"], rng: np.random.Generator) -> None:
    """A mass outside the liver, or a loop or stomach full of fluid: as dense as the liver, yet background."""
    for _ in range(int(rng.choice(3, p=(0.65, 0.25, 0.1)))):
        room = np.isin(organs, SOFT)
        ball = _random_ellipsoid(room, (4.0, 14.0), rng) & room
        image[ball] = rng.uniform(-10, 140) + rng.normal(0, rng.uniform(2, 12), int(ball.sum()))
        organs[ball] = Organ.MASS


def _random_ellipsoid(
    inside: Bool[np.ndarray, "d h w"], radii: tuple[float, float], rng: np.random.Generator
) -> Bool[np.ndarray, "d h w"]:
    """An ellipsoid around a random voxel of `inside`; radii in voxels; empty where `inside` is."""
    places = np.flatnonzero(inside)
    if not places.size:
        return np.zeros_like(inside)
    centre = np.unravel_index(rng.choice(places), inside.shape)
    size = np.exp(rng.uniform(*np.log(radii))) * rng.uniform(0.7, 1.3, 3)
    squares = [((np.arange(n) - c) / r) ** 2 for n, c, r in zip(inside.shape, centre, size, strict=True)]
    return np.asarray(squares[0][:, None, None] + squares[1][:, None] + squares[2] <= 1)


def _scan(
    image: Float[np.ndarray, "d h w"], organs: UInt8[np.ndarray, "d h w"], rng: np.random.Generator
) -> Float[np.ndarray, "d h w"]:
    """What a scanner does: blur (thick slices), bias, calibration, noise, sometimes air cleaned to one value."""
    sharp = (rng.uniform(0, 1.1) if rng.random() < 0.5 else 0.3, *([rng.uniform(0.2, 0.8)] * 2))
    image = ndimage.gaussian_filter(image, sharp, mode="nearest")
    image += rng.uniform(0, 12) * smooth_field(3, image.shape, 1, rng)[0].numpy()
    image *= rng.normal(1, 0.03)
    image += rng.normal(0, 6)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = ndimage.gaussian_filter(noise, (0, 0.6, 0.6)) * 2
    image += rng.uniform(0, 16) * noise
    if rng.random() < 0.3:
        image[np.isin(organs, (Organ.AIR, Organ.TABLE))] = AIR_HU
    return image


def _outside_scan(size: tuple[int, int, int], rng: np.random.Generator) -> Bool[np.ndarray, "d h w"]:
    """Voxels that the scan does not reach: most scans are short in z, some have a round or narrow field of view."""
    outside = np.ones(size, dtype=bool)
    slices = size[0] if rng.random() < 0.3 else int(rng.integers(size[0] // 4, size[0] + 1))
    first = int(rng.integers(0, size[0] - slices + 1))
    outside[first : first + slices] = False
    if rng.random() < 0.3:
        radius = rng.uniform(0.36, 0.62) * size[1]
        rows, columns = np.ogrid[: size[1], : size[2]]
        far = (rows - size[1] / 2 - rng.normal(0, 3)) ** 2 + (columns - size[2] / 2 - rng.normal(0, 3)) ** 2 > radius**2
        outside |= far
    return outside
