/** As much of NIfTI-1 (little endian, one file) as the service writes. */

/** Bytes of an unpacked volume; unpacked by the browser, beside the page's own work. */
export async function unpacked(packed: ArrayBuffer): Promise<ArrayBuffer> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const offset = (file: ArrayBuffer): number => new DataView(file).getFloat32(108, true);

/** Columns, rows and slices. */
export function sizes(file: ArrayBuffer): [number, number, number] {
  const header = new DataView(file);
  return [header.getInt16(42, true), header.getInt16(44, true), header.getInt16(46, true)];
}

export const bytes = (file: ArrayBuffer): Uint8Array => new Uint8Array(file, offset(file));

/** From column, row and slice to millimetres (right, anterior, superior), three rows of four. */
export function affine(file: ArrayBuffer): number[][] {
  const header = new DataView(file);
  return [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => header.getFloat32(280 + 16 * row + 4 * column, true)));
}

/** State the range of values, so that nobody looks through all voxels for it. */
export function withRange(file: ArrayBuffer, low: number, high: number): ArrayBuffer {
  const header = new DataView(file);
  header.setFloat32(124, high, true);
  header.setFloat32(128, low, true);
  return file;
}

/** A volume of 2 x 2 x 2 bytes that fills the same box. */
export function thumbnail(file: ArrayBuffer): ArrayBuffer {
  const made = new ArrayBuffer(352 + 8);
  new Uint8Array(made).set(new Uint8Array(file, 0, 348));
  const header = new DataView(made);
  const rows = affine(file);
  sizes(file).forEach((count, axis) => {
    const times = count / 2;
    header.setInt16(42 + 2 * axis, 2, true);
    header.setFloat32(80 + 4 * axis, header.getFloat32(80 + 4 * axis, true) * times, true);
    for (const row of rows) {
      // The box begins half a voxel before the first centre.
      row[3]! += row[axis]! * (times / 2 - 0.5);
      row[axis]! *= times;
    }
  });
  rows.forEach((row, n) => row.forEach((value, m) => header.setFloat32(280 + 16 * n + 4 * m, value, true)));
  header.setInt16(70, 2, true);
  header.setInt16(72, 8, true);
  header.setFloat32(108, 352, true);
  // The sform alone says where it lies.
  header.setInt16(252, 0, true);
  header.setInt16(254, 1, true);
  return withRange(made, 0, 1);
}

/** A volume of 2 x 2 x 2 empty voxels of 1 mm. */
export function blank(): ArrayBuffer {
  const made = new ArrayBuffer(352 + 8);
  const header = new DataView(made);
  header.setInt32(0, 348, true);
  [3, 2, 2, 2, 1, 1, 1, 1].forEach((count, n) => header.setInt16(40 + 2 * n, count, true));
  header.setInt16(70, 2, true);
  header.setInt16(72, 8, true);
  [1, 1, 1, 1].forEach((mm, n) => header.setFloat32(76 + 4 * n, mm, true));
  header.setFloat32(108, 352, true);
  header.setFloat32(112, 1, true);
  header.setInt16(254, 1, true);
  for (const row of [0, 1, 2]) header.setFloat32(280 + 20 * row, 1, true);
  [...`n+1`].forEach((letter, n) => header.setUint8(344 + n, letter.charCodeAt(0)));
  return withRange(made, 0, 1);
}
