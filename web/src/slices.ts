/** The CT with a location map and organ outlines, drawn by NiiVue. */

import { NVImage, Niivue, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";
import { loadVolume, type View, type ViewVolume } from "./api";
import { LIVER, MAP_COLORS, SPLEEN, colormap } from "./colors";
import { h } from "./dom";

export const PLANES = {
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  "three planes": SLICE_TYPE.MULTIPLANAR,
} as const;
export type Plane = keyof typeof PLANES;

/** Colours run from zero to the highest; what is below the threshold is not drawn. NiiVue does not export the name. */
const TRANSPARENT_BELOW_MIN = 1;
/** NIfTI intent of labels; NiiVue outlines these alone. */
const LABELS = 1002;
const ORGANS = ["", "liver", "spleen"];

export interface Place {
  mm: [number, number, number];
  /** Voxel along each axis of the CT as it is shown, from 0; and how many there are. */
  voxel: [number, number, number];
  of: [number, number, number];
  hu: number | null;
  map: number | null;
  organ: string;
}

/** How a map is shown; all of it comparable between patients. */
export interface Look {
  window: [number, number];
  highest: number;
  threshold: number;
  opacity: number;
  outlines: boolean;
}

export class Slices {
  readonly canvas = h("canvas", { class: "slices", tabindex: 0, role: "img", "aria-label": "CT slices with location map" });
  onPlace: (place: Place) => void = () => undefined;
  plane: Plane = "axial";
  private readonly nv: Niivue;
  private ready: Promise<unknown> = Promise.resolve();
  private ct: NVImage | null = null;
  private labels: NVImage | null = null;
  private map: NVImage | null = null;
  private wanted = "";
  private look: Look = { window: [-125, 225], highest: 6, threshold: 1, opacity: 0.6, outlines: true };

  constructor() {
    this.nv = new Niivue({
      isRadiologicalConvention: true,
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.95, 0.9, 0.25, 0.8],
      crosshairWidth: 1,
      crosshairWidthUnit: "percent",
      crosshairGap: 12,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      multiplanarForceRender: false,
      sliceType: SLICE_TYPE.AXIAL,
      isColorbar: false,
      dragAndDropEnabled: false,
      isOrientationTextVisible: true,
      showAllOrientationMarkers: true,
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      viewModeHotKey: "",
      loadingText: "",
      logLevel: "error",
      // Of several pixels on a screen's point none would be seen, and in software each costs.
      forceDevicePixelRatio: 1,
    });
    this.nv.addColormap(MAP_COLORS, colormap());
    this.nv.onLocationChange = (location) => this.moved(location as { mm: Float32Array; values: Value[] });
  }

  /** Put the canvas into the page and compile the shaders, which takes seconds without a graphics card. */
  attach(host: HTMLElement): Promise<unknown> {
    host.append(this.canvas);
    this.ready = this.nv.attachToCanvas(this.canvas, false);
    return this.ready;
  }

  /** Show a scan with one of its maps; resolves when the first slice stands. */
  async open(view: View, map: string, look: Look): Promise<void> {
    this.look = look;
    const [ct, shown] = await Promise.all([this.image(view, "ct"), this.image(view, map), this.ready]);
    this.wanted = map;
    this.ct = ct;
    this.map = shown;
    this.labels = null;
    this.dress();
    this.compose();
    this.nv.scene.crosshairPos = this.brightest(shown) as never;
    this.nv.createOnLocationChange();
    this.nv.drawScene();
    this.labels = await this.image(view, "labels");
    this.labels.hdr!.intent_code = LABELS;
    this.labels.setColormapLabel({
      R: [0, LIVER[0], SPLEEN[0]],
      G: [0, LIVER[1], SPLEEN[1]],
      B: [0, LIVER[2], SPLEEN[2]],
      // No filling: the outline alone is drawn.
      A: [0, 0, 0],
      I: [0, 1, 2],
      labels: ORGANS,
    });
    this.compose();
    this.nv.createOnLocationChange();
  }

  /** Show another map of the same scan. */
  async show(view: View, map: string): Promise<void> {
    this.wanted = map;
    const shown = await this.image(view, map);
    if (this.wanted !== map) return;
    this.map = shown;
    this.dress();
    this.compose();
    this.nv.createOnLocationChange();
  }

  change(look: Partial<Look>): void {
    this.look = { ...this.look, ...look };
    if (!this.ct) return;
    this.dress();
    if ("outlines" in look) this.compose();
    else this.nv.updateGLVolume();
  }

  setPlane(plane: Plane): void {
    this.plane = plane;
    this.nv.setSliceType(PLANES[plane]);
  }

  /** Go on by slices of the plane that is shown, or along an axis of the patient (0 to the left, 1 forward, 2 up). */
  step(by: number, axis?: number): void {
    const along = axis ?? { axial: 2, coronal: 1, sagittal: 0, "three planes": 2 }[this.plane];
    const move: [number, number, number] = [0, 0, 0];
    move[along] = by;
    this.nv.moveCrosshairInVox(...move);
  }

  /** Go where another view is, in millimetres. */
  goTo(mm: [number, number, number]): void {
    if (!this.ct) return;
    this.nv.scene.crosshairPos = this.nv.mm2frac(mm);
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  private async image(view: View, name: string): Promise<NVImage> {
    const volume = entry(view, name);
    const buffer = await loadVolume(volume.url);
    return NVImage.loadFromUrl({ url: `${name}.nii.gz`, name: `${name}.nii.gz`, buffer, trustCalMinMax: false });
  }

  private dress(): void {
    const { ct, map, look } = this;
    if (!ct || !map) return;
    [ct.cal_min, ct.cal_max] = look.window;
    map.setColormap(MAP_COLORS);
    map.colormapType = TRANSPARENT_BELOW_MIN;
    map.cal_min = Math.max(look.threshold, 1e-3);
    map.cal_max = look.highest;
    map.opacity = look.opacity;
  }

  /** Hand the volumes to NiiVue at once: one by one it would draw all of them again each time. */
  private compose(): void {
    const { nv, ct, map, labels } = this;
    if (!ct || !map) return;
    nv.volumes = labels && this.look.outlines ? [ct, map, labels] : [ct, map];
    nv.back = ct;
    nv.overlays = nv.volumes.slice(1);
    nv.opts.atlasOutline = 1;
    nv.updateGLVolume();
  }

  /** Where the map is highest, as shares of the volume. */
  private brightest(map: NVImage): [number, number, number] {
    const values = map.img as Uint8Array;
    let best = 0;
    for (let n = 1; n < values.length; n++) if (values[n]! > values[best]!) best = n;
    const [, columns = 1, rows = 1] = map.hdr!.dims;
    const index = [best % columns, Math.floor(best / columns) % rows, Math.floor(best / (columns * rows)), 1];
    const m = map.hdr!.affine;
    const mm = [0, 1, 2].map((n) => index.reduce((sum, value, k) => sum + m[n]![k]! * value, 0));
    return [...this.nv.mm2frac(mm as never)] as [number, number, number];
  }

  private moved(location: { mm: Float32Array; values: Value[] }): void {
    if (!this.ct) return;
    const [ct, map, labels] = location.values;
    const dims = this.ct.dimsRAS ?? [3, 1, 1, 1];
    this.onPlace({
      mm: [...location.mm].slice(0, 3) as [number, number, number],
      voxel: [...(ct?.vox ?? [0, 0, 0])] as [number, number, number],
      of: dims.slice(1, 4) as [number, number, number],
      hu: ct ? ct.value : null,
      map: map ? map.value : null,
      organ: labels ? (ORGANS[Math.round(labels.value)] ?? "") : "",
    });
  }
}

interface Value {
  value: number;
  vox: number[];
}

export function entry(view: View, name: string): ViewVolume {
  const found = view.volumes.find((volume) => volume.name === name);
  if (!found) throw new Error(`There is no volume ${name}.`);
  return found;
}

/** Maps of a scan in the order of their buttons. */
export const mapsOf = (view: View): ViewVolume[] => view.volumes.filter((volume) => volume.scale !== null);
