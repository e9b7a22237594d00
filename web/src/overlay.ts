/** Colours of voxels: grey levels of the CT, the ramp of a map, outlines of organs; as RGBA numbers by stored value. */

import { LIVER, RAMP, SPLEEN, type Color } from "./colors";

export type Plane = "axial" | "coronal" | "sagittal" | "three planes";

/** Thickness of an outline in its plane; thinner ones have gaps where a picture is made smaller. */
const OUTLINE_MM = 1.2;
const IN_PLANE: Record<Plane, number[]> = { axial: [0, 1], coronal: [0, 2], sagittal: [1, 2], "three planes": [0, 1, 2] };

/** Bytes red, green, blue, alpha in the order of memory. */
const rgba = ([red, green, blue]: Color, alpha: number): number => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** Colour of each signed 16-bit value, by the value's unsigned form. */
export function greys([low, high]: [number, number]): Uint32Array {
  const colors = new Uint32Array(65536);
  for (let value = -32768; value < 32768; value++) {
    const grey = Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))));
    colors[value & 0xffff] = rgba([grey, grey, grey], 255);
  }
  return colors;
}

/** Colour of each stored value of a map: stored times slope is the map's own value. */
export function mapColors(slope: number, look: { highest: number; threshold: number; opacity: number; fade: boolean }): Uint32Array {
  const colors = new Uint32Array(256);
  const last = RAMP.length - 1;
  for (let stored = 0; stored < 256; stored++) {
    const value = stored * slope;
    const share = Math.min(value / look.highest, 1);
    const at = share * last;
    const [from, to] = [RAMP[Math.floor(at)]!, RAMP[Math.min(Math.floor(at) + 1, last)]!];
    const color = from.map((one, n) => Math.round(one + (to[n]! - one) * (at % 1))) as Color;
    // What is not drawn keeps its colour: the display interpolates, and black would make a rim.
    colors[stored] = rgba(color, stored === 0 || value < look.threshold ? 0 : Math.round(255 * look.opacity * (look.fade ? Math.sqrt(share) : 1)));
  }
  return colors;
}

/** Colour of each outline: none, liver, spleen. */
export const OUTLINE_COLORS = [0, rgba(LIVER, 255), rgba(SPLEEN, 255)];

/**
 * Voxels inside an organ near a neighbour outside, in the plane: 1 liver, 2 spleen, else 0.
 *
 * @param labels in the order of the file.
 * @param steps from a voxel to the next along each axis of the patient: right, forward, up.
 * @param spacing of these, in millimetres.
 */
export function outlines(labels: Uint8Array, steps: number[], spacing: number[], plane: Plane): Uint8Array {
  const found = new Uint8Array(labels.length);
  const near = IN_PLANE[plane].flatMap((axis) => {
    const thick = Math.max(1, Math.round(OUTLINE_MM / spacing[axis]!));
    return Array.from({ length: thick }, (_, n) => (n + 1) * steps[axis]!);
  });
  for (let n = 0; n < labels.length; n++) {
    const own = labels[n]!;
    if (own && near.some((step) => labels[n + step] !== own || labels[n - step] !== own)) found[n] = own;
  }
  return found;
}
