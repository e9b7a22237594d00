/** The CT with a location map and organ outlines, drawn by NiiVue. */

import { NVImage, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";
import { loadVolume, type View, type ViewVolume } from "./api";
import { h } from "./dom";
import { blank, bytes, thumbnail, withRange } from "./nifti";
import { OUTLINE_COLORS, greys, mapColors, outlines, type Plane } from "./overlay";
import { Painter } from "./painter";
import { brightest, middle, type Triple } from "./places";

const PLANES = {
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  "three planes": SLICE_TYPE.MULTIPLANAR,
} as const;
/** Which axis of the patient the slices of a plane follow: 0 to the right, 1 forward, 2 up. */
export const AXIS = { axial: 2, coronal: 1, sagittal: 0, "three planes": 2 } as const;
/** Labels' numbers: what is outside of both is 0. */
const ORGANS = ["", "liver", "spleen"];
const LIVER = 1;

export interface Place {
  /** Right, anterior, superior. */
  mm: Triple;
  /** Voxel along each axis of the patient, from 0; and how many there are. */
  voxel: Triple;
  of: Triple;
  hu: number;
  map: number;
  organ: string;
}

/** How a map is shown; all of it comparable between patients. */
export interface Look {
  window: [number, number];
  highest: number;
  threshold: number;
  opacity: number;
  /** Low values fade, so that the CT stays seen below them. */
  fade: boolean;
  outlines: boolean;
  /** Ends of the null band elsewhere, in the liver, in the spleen: what is below is not drawn either. */
  nulls: Triple;
}
export const NO_NULLS: Triple = [0, 0, 0];
export const LOOK: Look = { window: [-125, 225], highest: 6, threshold: 1, opacity: 0.6, fade: false, outlines: true, nulls: NO_NULLS };

/** A map or labels as they came. */
interface Layer {
  file: ArrayBuffer;
  values: Uint8Array;
  slope: number;
}

export class Slices {
  readonly canvas = h("canvas", { class: "slices", tabindex: 0, role: "img" });
  /** What is put into pages. NiiVue gives a canvas up that leaves its parent. */
  readonly frame = h("div", { class: "frame" }, this.canvas);
  onPlace: (place: Place) => void = () => undefined;
  plane: Plane = "axial";
  private readonly nv: Painter;
  private ready: Promise<unknown> = Promise.resolve();
  private ct: NVImage | null = null;
  private map: Layer | null = null;
  private labels: Layer | null = null;
  private outline: Uint8Array | null = null;
  private wanted = "";
  /** Counts the scans: what is loaded for one that was left is thrown away. */
  private turn = 0;
  private look: Look = { ...LOOK };

  constructor() {
    this.nv = new Painter({
      isRadiologicalConvention: true,
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.95, 0.9, 0.25, 0.7],
      crosshairWidth: 1.5,
      crosshairWidthUnit: "mm",
      crosshairGap: 12,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      // Room for the letters of both.
      multiplanarPadPixels: 18,
      sliceType: SLICE_TYPE.AXIAL,
      isColorbar: false,
      dragAndDropEnabled: false,
      showAllOrientationMarkers: true,
      fontColor: [1, 1, 1, 1],
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      viewModeHotKey: "",
      loadingText: "",
      logLevel: "error",
      // Finer than a screen's point nobody sees, and in software every pixel costs.
      forceDevicePixelRatio: 1,
    });
    this.nv.onLocationChange = () => this.moved();
  }

  /** Put the canvas into the page and compile the shaders, which takes seconds without a graphics card. */
  attach(host: HTMLElement): Promise<unknown> {
    host.append(this.frame);
    this.ready = this.nv.attachToCanvas(this.canvas, false).then(() => this.rehearse());
    return this.ready;
  }

  /** Draw something small: a graphics driver compiles a shader when it is first used. */
  private async rehearse(): Promise<void> {
    const [ct, under, over] = await Promise.all(["ct", "under", "over"].map((name) => image(name, blank())));
    this.nv.prepare(ct!, [under!, over!]);
    for (const layer of [0, 1] as const) this.nv.paint(layer, () => 0);
    this.nv.drawScene();
  }

  /** Show a scan with one of its maps, at the place where that is highest. */
  async open(view: View, map: string, look: Look): Promise<void> {
    this.clear();
    const { turn } = this;
    this.look = { ...look };
    // A view that was used before may show another plane.
    this.plane = "axial";
    this.nv.setSliceType(PLANES.axial);
    this.wanted = map;
    const [ct, shown, labels] = await Promise.all([load(view, "ct"), load(view, map), load(view, "labels"), this.ready]);
    const [whole, under, over] = await Promise.all([
      image("ct", withRange(ct.file, ...look.window)),
      image("under", thumbnail(ct.file)),
      image("over", thumbnail(ct.file)),
    ]);
    if (turn !== this.turn) return;
    this.ct = whole;
    // Another map may have been chosen meanwhile, and be here already.
    this.map ??= shown;
    this.nv.prepare(whole, [under, over]);
    this.labels = labels;
    this.outlined();
    this.paintCt();
    this.paintMap();
    this.goTo(brightest(shown.file, shown.values, labels.values));
    this.frame.classList.remove("empty");
  }

  /** Show nothing: no picture may stand under another scan's name while that one is loaded. */
  clear(): void {
    this.turn++;
    this.ct = this.map = this.labels = this.outline = null;
    this.frame.classList.add("empty");
  }

  /** Show another map of the same scan; false where one more was asked for before it was here. */
  async show(view: View, map: string): Promise<boolean> {
    const { turn } = this;
    this.wanted = map;
    const shown = await load(view, map);
    if (turn !== this.turn || this.wanted !== map) return false;
    this.map = shown;
    this.redraw();
    return true;
  }

  change(look: Partial<Look>): void {
    this.look = { ...this.look, ...look };
    if (!this.ct) return;
    if (look.window) {
      this.paintCt();
      this.nv.drawScene();
    } else this.redraw();
  }

  setPlane(plane: Plane): void {
    this.plane = plane;
    this.outlined();
    this.paintMap();
    this.nv.setSliceType(PLANES[plane]);
    this.moved();
  }

  /** Go on by slices of the plane that is shown, or along an axis of the patient. */
  step(by: number, axis: 0 | 1 | 2 = AXIS[this.plane]): void {
    const move: Triple = [0, 0, 0];
    move[axis] = by;
    this.nv.moveCrosshairInVox(...move);
  }

  /** The middle of the liver; null where it is not known. */
  get liver(): Triple | null {
    return this.labels && middle(this.labels.file, this.labels.values, LIVER);
  }

  /** Go to a place of the patient. */
  goTo(mm: Triple): void {
    if (!this.ct) return;
    // Another patient's place may lie outside of this scan.
    const [x, y, z] = [...this.nv.mm2frac(mm)].map((one) => Math.max(0, Math.min(1, one)));
    this.nv.scene.crosshairPos = [x!, y!, z!];
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  /** Draw the overlay anew; the CT stays as it is. */
  private redraw(): void {
    if (!this.ct) return;
    this.paintMap();
    this.nv.drawScene();
    this.moved();
  }

  private outlined(): void {
    const { ct, labels, plane } = this;
    this.outline = ct && labels && outlines(labels.values, ct.img2RASstep!, ct.pixDimsRAS!.slice(1, 4), plane);
  }

  private paintCt(): void {
    const { ct, look } = this;
    if (!ct) return;
    const [values, colors] = [ct.img as Int16Array, greys(look.window)];
    this.nv.paint(0, (index) => colors[values[index]! & 0xffff]!);
  }

  private paintMap(): void {
    const { ct, map, labels, outline, look } = this;
    if (!ct || !map || !labels || !outline) return;
    const [values, organs] = [map.values, labels.values];
    const colors = look.nulls.map((end) => mapColors(map.slope, { ...look, threshold: Math.max(look.threshold, end) }));
    if (look.outlines) {
      this.nv.paint(1, (n) => (outline[n] ? OUTLINE_COLORS[outline[n]!]! : colors[organs[n]!]![values[n]!]!));
    } else this.nv.paint(1, (n) => colors[organs[n]!]![values[n]!]!);
  }

  private moved(): void {
    const { ct, map } = this;
    if (!ct || !map) return;
    const of = ct.dimsRAS!.slice(1, 4) as Triple;
    // The rim of the last voxel would round to one behind it.
    const vox = [...this.nv.frac2vox(this.nv.scene.crosshairPos)];
    const voxel = vox.map((one, n) => Math.max(0, Math.min(of[n]! - 1, Math.round(one)))) as Triple;
    const { img2RASstart: start, img2RASstep: step } = ct;
    const index = [0, 1, 2].reduce((sum, n) => sum + start![n]! + step![n]! * voxel[n]!, 0);
    this.onPlace({
      mm: [...this.nv.frac2mm(this.nv.scene.crosshairPos)].slice(0, 3) as Triple,
      voxel,
      of,
      hu: ct.img![index]!,
      map: map.values[index]! * map.slope,
      organ: this.labels ? (ORGANS[this.labels.values[index]!] ?? "") : "",
    });
  }
}

async function load(view: View, name: string): Promise<Layer> {
  const volume = entry(view, name);
  const file = await loadVolume(volume.url);
  return { file, values: bytes(file), slope: volume.slope };
}

/** NiiVue's image of an unpacked file. */
const image = (name: string, buffer: ArrayBuffer): Promise<NVImage> =>
  NVImage.loadFromUrl({ url: `${name}.nii`, name: `${name}.nii`, buffer });

export function entry(view: View, name: string): ViewVolume {
  const found = view.volumes.find((volume) => volume.name === name);
  if (!found) throw new Error(`There is no volume ${name}.`);
  return found;
}

/** Maps of a scan in the order of their buttons. */
export const mapsOf = (view: View): ViewVolume[] => view.volumes.filter((volume) => volume.scale !== null);
