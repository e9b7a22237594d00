"""What runs through fat: septa and fascia below the skin, small vessels between the organs, the fascia of the kidneys.

Only grids that can show a millimetre are drawn on; on coarser ones fat stays plain.
"""

from __future__ import annotations

import numpy as np

from fibrolens.phantom.fields import sample_linear
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.pose import LATTICE_LOW, LATTICE_SHAPE, PITCH_MM
from fibrolens.phantom.shapes import Box, Frame, Region

#: In-plane spacing above which threads of a millimetre drown in the fat of their voxel.
COARSE_MM = 2.5
SKIN_MM = 2.0


def subcutaneous_fat(frame: Frame, skin: Region, muscle: Region, patient: Patient) -> Region:
    """All inside the skin but for Scarpa's fascia, halfway to the muscle, and broken septa across the fat."""
    fat = skin.grown(-SKIN_MM)
    if coarse(frame):
        return fat
    rng = patient.rng("subcutaneous septa")
    depth, above, wander = rng.uniform(0.6, 1.6), muscle.d, drift(frame, fat.box, rng, 24.0)
    fascia = np.abs(-skin.d - depth * above + 3 * wander) / np.float32(1 + depth) - (0.3 + 0.5 * wander)
    septa = np.abs(8 * drift(frame, fat.box, rng, 14.0)) - (0.5 * drift(frame, fat.box, rng, 17.0) - 0.1)
    fat.d = np.maximum(fat.d, -np.minimum(fascia, septa)).astype(np.float32)
    return fat


def marbling(frame: Frame, seams: Region, muscle: Region, cavity: Region, patient: Patient) -> Region:
    """The seams between the muscles, wider here and gone there, and streaks of fat inside the muscles."""
    if coarse(frame):
        return seams
    rng = patient.rng("marbling")
    amount = rng.uniform(-0.5, 0.1)
    share = drift(frame, seams.box, rng, 21.0)
    streaks = np.abs(6 * drift(frame, seams.box, rng, 9.0)) - (0.7 * share + np.float32(amount))
    streaks = np.maximum(np.maximum(streaks, muscle.d + 2), 2 - cavity.d)
    return Region(seams.box, np.minimum(seams.d - 0.8 * share, streaks).astype(np.float32))


def small_vessels(frame: Frame, abdomen: Region, patient: Patient) -> Region:
    """A tangle of thin vessels between the organs: they run where two slow fields both change sign."""
    if coarse(frame):
        return Region.empty()
    rng = patient.rng("small vessels")
    box = frame.box((-125.0, -85.0, -300.0), (125.0, 60.0, 10.0), 0.0)
    across, along = (6.5 * drift(frame, box, rng, 11.0) for _ in range(2))
    radius = 1.2 + 1.3 * drift(frame, box, rng, 26.0)
    vessels = Region(box, (np.hypot(across, along) - radius).astype(np.float32))
    vessels.clip(abdomen, 4.0)
    return vessels


def renal_fascia(frame: Frame, kidneys: list[Region], cavity: Region, patient: Patient) -> list[Region]:
    """Gerota's fascia round both kidneys, a thread that comes and goes some 8 mm outside their surface."""
    if coarse(frame):
        return []
    sheets = []
    rng = patient.rng("renal fascia")
    for kidney in kidneys:
        wander, thickness = (drift(frame, kidney.box, rng, pitch) for pitch in (30.0, 20.0))
        sheet = np.abs(kidney.d - 8 + 3 * wander) - (0.1 + 0.5 * thickness)
        sheets.append(Region(kidney.box, sheet.astype(np.float32)))
        sheets[-1].clip(cavity, 2.0)
    return sheets


def coarse(frame: Frame) -> bool:
    """Whether a frame is too coarse for threads of a millimetre."""
    return frame.geometry.spacing[1] > COARSE_MM


def drift(frame: Frame, box: Box, rng: np.random.Generator, pitch_mm: float) -> np.ndarray:
    """Noise of about unit SD in a box, a new value every `pitch_mm`; on a lattice of the patient, whatever the grid."""
    lattice = rng.standard_normal([int(n * PITCH_MM / pitch_mm) for n in LATTICE_SHAPE], dtype=np.float32)
    g, offset = frame.geometry, frame.pose.offset
    corner = [g.origin[2 - k] - offset[2 - k] - LATTICE_LOW[k] for k in range(3)]
    at = [(corner[k] + g.spacing[k] * np.arange(box[k].start, box[k].stop)) / pitch_mm for k in range(3)]
    return sample_linear(lattice, at)
