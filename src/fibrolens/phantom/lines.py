"""Tubes and cables of an emergency department: a gastric tube, and leads beside the body."""

from __future__ import annotations

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Region
from fibrolens.phantom.torso import CAVITY_MM, WALL_MM

#: A radiopaque tube, and an insulated copper wire averaged over its width.
TUBE_HU, CABLE_HU = 350.0, 1200.0


def gastric_tube(frame: Frame, patient: Patient) -> Region | None:
    """Through the oesophagus into the stomach; None where there is none."""
    if not patient.body.lines:
        return None
    path = [(4.0, 14.0, 120.0), (6.0, 10.0, -5.0), (20.0, 6.0, -34.0), (46.0, 12.0, -48.0), (62.0, 0.0, -70.0)]
    return frame.tube(path, [2.6] * len(path))


def cables(frame: Frame, patient: Patient) -> list[Region]:
    """Leads that lie along both flanks, outside the skin; empty where there are none."""
    if not patient.body.lines:
        return []
    rng = patient.rng("lines")
    found = []
    for side in (-1.0, 1.0):
        x = side * (CAVITY_MM[0] + WALL_MM + patient.body.fat_mm + rng.uniform(8, 16))
        y = rng.uniform(20, 60)
        drift = rng.uniform(-12, 12, 2)
        found.append(frame.tube([(x, y, 220.0), (x + drift[0], y + drift[1], -420.0)], [2.2, 2.2]))
    return found
