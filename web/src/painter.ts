/**
 * NiiVue with textures that are filled here. Its own way (every voxel through a shader, then gradients for 3D rendering,
 * which is not used) takes half a minute for a CT of 512 x 512 x 129 without a graphics card; this takes less than one
 * second. NiiVue prepares itself with a volume of 2 x 2 x 2 voxels in the same box, and the texture is exchanged.
 */

import { NVImage, Niivue } from "@niivue/niivue";

/** Texture units of NiiVue: background and overlay. */
const UNITS = [0x84c0, 0x84c2] as const;

export class Painter extends Niivue {
  /**
   * Take a CT.
   *
   * @param ct the CT; its values are read, nothing is drawn of it.
   * @param box a small volume that fills the same box, one for each of the two layers.
   */
  prepare(ct: NVImage, box: [NVImage, NVImage]): void {
    const { matRAS, dimsRAS, pixDimsRAS } = ct;
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
  }

  /** Fill a layer: 0 the CT, 1 what lies over it; `color` gives a voxel's RGBA number by its place in the file. */
  paint(layer: 0 | 1, ct: NVImage, color: (index: number) => number): void {
    const known = layer ? this.overlayTexture : this.volumeTexture;
    const [, columns = 1, rows = 1, slices = 1] = ct.dimsRAS!;
    const texture = this.rgbaTex(known, UNITS[layer], ct.dimsRAS!);
    const [start, step] = [ct.img2RASstart!.reduce((sum, one) => sum + one, 0), ct.img2RASstep!];
    const pixels = new Uint32Array(columns * rows);
    const bytes = new Uint8Array(pixels.buffer);
    for (let slice = 0; slice < slices; slice++) {
      let n = 0;
      for (let row = 0; row < rows; row++) {
        let index = start + slice * step[2]! + row * step[1]!;
        for (let column = 0; column < columns; column++, index += step[0]!) pixels[n++] = color(index);
      }
      this.gl.texSubImage3D(this.gl.TEXTURE_3D, 0, 0, 0, slice, columns, rows, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, bytes);
    }
    if (layer) this.overlayTexture = this.overlayTextureID = texture;
    else this.volumeTexture = texture;
  }

  /** Nothing else may draw the volumes in NiiVue's own way. */
  override updateGLVolume(): void {
    this.drawScene();
  }
}
