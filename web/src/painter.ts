/**
 * NiiVue with textures that are filled here. Its own way (every voxel through a shader, then gradients for 3D rendering,
 * which is not used) takes half a minute for a CT of 512 x 512 x 129 without a graphics card. Here NiiVue prepares itself
 * with a volume of 2 x 2 x 2 voxels in the same box and the textures are exchanged. Of those the axial slice that is
 * looked at is filled first, the others between the pictures.
 */

import { NVImage, Niivue, SLICE_TYPE } from "@niivue/niivue";

/** Texture units of NiiVue: background and overlay. */
const UNITS = [0x84c0, 0x84c2] as const;
/** Slices that are filled between two pictures: few enough that a key is answered at once. */
const BETWEEN = 2;
/** Points between a letter and the rim. */
const RIM = 6;

/** The RGBA number of a voxel, by its place in the file. */
type Coloring = (index: number) => number;

interface Layer {
  texture: WebGLTexture;
  color: Coloring;
  /** One for each axial slice that shows `color`. */
  filled: Uint8Array;
}

export class Painter extends Niivue {
  private source: NVImage | null = null;
  private layers: (Layer | null)[] = [null, null];
  private pixels = new Uint32Array(0);
  private waiting = 0;

  /**
   * Take a CT.
   *
   * @param ct the CT; its values are read, nothing is drawn of it.
   * @param box a small volume that fills the same box, one for each of the two layers.
   */
  prepare(ct: NVImage, box: [NVImage, NVImage]): void {
    const { matRAS, dimsRAS, pixDimsRAS } = ct;
    this.source = null;
    this.layers = [null, null];
    this.volumes = [ct, box[1]];
    this.back = ct;
    this.overlays = [box[1]];
    super.refreshLayers(box[0], 0);
    this.back.matRAS = matRAS;
    this.back.dims = dimsRAS;
    this.back.pixDims = pixDimsRAS;
    super.refreshLayers(box[1], 1);
    const { volScale, vox } = this.sliceScale(true);
    this.volScale = volScale;
    this.vox = vox;
    this.source = ct;
    this.pixels = new Uint32Array(dimsRAS![1]! * dimsRAS![2]!);
  }

  /** Colour a layer anew, 0 the CT, 1 what lies over it; seen at the next drawing. */
  paint(layer: 0 | 1, color: Coloring): void {
    const ct = this.source!;
    const texture = this.layers[layer]?.texture ?? this.textureOf(layer, ct.dimsRAS!);
    this.layers[layer] = { texture, color, filled: new Uint8Array(ct.dimsRAS![3]!) };
  }

  /** What is drawn is filled before. */
  override drawScene(): string | void {
    if (this.source) {
      this.fillSeen(this.source.dimsRAS![3]!);
      this.fillLater();
    }
    return super.drawScene();
  }

  /** Nothing else may draw the volumes in NiiVue's own way. */
  override updateGLVolume(): void {
    this.drawScene();
  }

  /** Letters at the rims stand inside the picture. */
  override drawText(at: number[], text: string, scale = 1, color: number[] | Float32Array | null = null): void {
    const { width, height } = this.canvas!;
    const size = this["fontPx"] * scale;
    const [x, y] = [Math.min(Math.max(at[0]!, RIM), width - this.textWidth(size, text) - RIM), Math.min(at[1]!, height - size - RIM)];
    super.drawText([x, y], text, scale, color);
  }

  private textureOf(layer: 0 | 1, dims: number[]): WebGLTexture {
    const texture = this.rgbaTex(layer ? this.overlayTexture : this.volumeTexture, UNITS[layer], dims)!;
    if (layer) this.overlayTexture = this.overlayTextureID = texture;
    else this.volumeTexture = texture;
    return texture;
  }

  private fillSeen(slices: number): void {
    const axial = this.opts.sliceType === SLICE_TYPE.AXIAL;
    const at = this.axialSlice(slices);
    // Between two centres the display mixes the slices on both sides.
    const [from, to] = axial ? [Math.max(0, at - 1), Math.min(slices - 1, at + 1)] : [0, slices - 1];
    for (let slice = from; slice <= to; slice++) this.fill(slice);
  }

  private axialSlice(slices: number): number {
    return Math.max(0, Math.min(slices - 1, Math.floor(this.scene.crosshairPos[2]! * slices)));
  }

  /** The slices around come next, so that scrolling finds them ready. */
  private fillLater(): void {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (!this.source) return;
      const slices = this.source.dimsRAS![3]!;
      const missing = [...Array(slices).keys()].filter((slice) => this.layers.some((layer) => layer && !layer.filled[slice]));
      const at = this.axialSlice(slices);
      missing.sort((a, b) => Math.abs(a - at) - Math.abs(b - at));
      missing.slice(0, BETWEEN).forEach((slice) => this.fill(slice));
      if (missing.length > BETWEEN) this.fillLater();
    });
  }

  private fill(slice: number): void {
    const { gl, pixels } = this;
    const { dimsRAS, img2RASstart, img2RASstep: step } = this.source!;
    const [, columns = 1, rows = 1] = dimsRAS!;
    const start = img2RASstart!.reduce((sum, one) => sum + one, 0) + slice * step![2]!;
    this.layers.forEach((layer, n) => {
      if (!layer || layer.filled[slice]) return;
      layer.filled[slice] = 1;
      for (let row = 0, to = 0; row < rows; row++) {
        let index = start + row * step![1]!;
        for (let column = 0; column < columns; column++, index += step![0]!) pixels[to++] = layer.color(index);
      }
      gl.activeTexture(UNITS[n]!);
      gl.bindTexture(gl.TEXTURE_3D, layer.texture);
      gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, slice, columns, rows, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(pixels.buffer));
    });
  }
}
