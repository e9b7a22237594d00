"""The scanner's table: foam in a shell of carbon fibre."""

from __future__ import annotations

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import PAD_MM, Frame, Region

#: Thickness of a board on the table.
BOARD_MM = 12.0


def table(frame: Frame, skin: Region, patient: Patient) -> tuple[Region, Region]:
    """The scanner's table below the lowest point of the back as (carbon fibre, foam), level however the patient lies.

    By `patient.scan.table`: one thin curved shell, a flat thick slab with raised edges, two curved shells that meet at
    their edges, or the flat slab with a solid board on it, as patients are carried on.
    """
    rng = patient.rng("table")
    sag, gap, depth = rng.uniform(0.0006, 0.0014), rng.uniform(3, 8), rng.uniform(16, 22)
    kind = patient.scan.table
    board = BOARD_MM if kind == "board" else 0.0
    g = frame.geometry
    x = g.origin[0] + g.spacing[2] * np.arange(g.shape[2], dtype=np.float32)[None]
    y = g.origin[1] + g.spacing[1] * np.arange(g.shape[1], dtype=np.float32)[:, None]
    level = kind in ("flat", "board")
    drop = y + np.float32(0 if level else sag) * x * x
    touched = drop[skin.d.min(axis=0) < 2]
    height = drop - (float(touched.max(initial=g.origin[1])) + gap + board)
    if level:
        slab, edge = np.abs(height - 9) - 9, np.maximum(np.abs(height - 5) - 13, np.abs(np.abs(x) - 200) - 8)
        body = np.minimum(slab, edge)
    elif kind == "double":
        thick = depth * np.sqrt(np.clip(1 - (x / 218) ** 2, 0.02, 1))
        body = np.abs(height - thick / 2) - (thick / 2 + 1)
    else:
        body = np.abs(height) - 2.0
    body = np.maximum(body, np.abs(x) - 215)
    solid = body if not board else np.minimum(body, np.maximum(np.abs(height + board / 2) - board / 2, np.abs(x) - 190))
    rows = np.flatnonzero((solid < PAD_MM).any(1))
    box = (slice(0, g.shape[0]), slice(rows[0], rows[-1] + 1) if rows.size else slice(0, 0), slice(0, g.shape[2]))
    below = 4 - skin.d[box]
    carbon, foam = (np.maximum(part[box[1]], below).astype(np.float32) for part in (solid, body + np.float32(3)))
    return Region(box, carbon), Region(box, foam)
