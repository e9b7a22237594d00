/** Places in a volume, in millimetres: right, anterior, superior. */

import { affine, sizes } from "./nifti";

export type Triple = [number, number, number];

const toMm = (file: ArrayBuffer, index: Triple): Triple =>
  affine(file).map((row) => row[0]! * index[0] + row[1]! * index[1] + row[2]! * index[2] + row[3]!) as Triple;

/** Where a map is highest: within the organs, or anywhere if it is nothing there. */
export function brightest(file: ArrayBuffer, values: Uint8Array, labels: Uint8Array): Triple {
  let [inside, anywhere] = [-1, 0];
  for (let n = 0; n < values.length; n++) {
    if (values[n]! > values[anywhere]!) anywhere = n;
    if (labels[n] && values[n] && (inside < 0 || values[n]! > values[inside]!)) inside = n;
  }
  const [columns, rows] = sizes(file);
  const best = inside < 0 ? anywhere : inside;
  return toMm(file, [best % columns, Math.floor(best / columns) % rows, Math.floor(best / (columns * rows))]);
}

/** The middle of an organ; null where there is none. */
export function middle(file: ArrayBuffer, labels: Uint8Array, organ: number): Triple | null {
  const [columns, rows, slices] = sizes(file);
  const sum: Triple = [0, 0, 0];
  let count = 0;
  let n = 0;
  for (let slice = 0; slice < slices; slice++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, n++) {
        if (labels[n] !== organ) continue;
        count++;
        sum[0] += column;
        sum[1] += row;
        sum[2] += slice;
      }
    }
  }
  return count ? toMm(file, sum.map((one) => one / count) as Triple) : null;
}
