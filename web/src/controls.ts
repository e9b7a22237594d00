/** How the map is shown: which one, range, threshold, opacity, window, plane, outlines. */

import type { View, ViewVolume } from "./api";
import { colorBar } from "./colors";
import { h } from "./dom";
import type { Plane } from "./overlay";
import type { Triple } from "./places";
import { AXIS, LOOK, NO_NULLS, mapsOf, type Look } from "./slices";
import { methodWords } from "./words";

const WINDOWS: Record<string, [number, number]> = {
  "Network, -125 to 225": [-125, 225],
  "Liver, 40 to 160": [40, 160],
  "Soft tissue, -160 to 240": [-160, 240],
  "Bone, -500 to 1300": [-500, 1300],
};
const RANGES = [3, 6, 12, 24];

export interface Wishes {
  look(changed: Partial<Look>): void;
  plane(plane: Plane): void;
  /** Needed where a map is chosen. */
  map?(name: string): void;
}

export interface Controls {
  element: HTMLElement;
  /** The ends of the null band of the map that is shown, as in `Look`; null where none are known. */
  setNulls(nulls: Triple | null): void;
  /** Whether what lies inside the null band is wished away. */
  hidesNull(): boolean;
}

function choice(label: string, options: string[], chosen: string, act: (value: string) => void): HTMLElement {
  const list = h("select", {}, ...options.map((option) => h("option", { value: option, selected: option === chosen }, option)));
  list.addEventListener("change", () => act(list.value));
  return h("label", { class: "control" }, h("span", {}, label), list);
}

function slider(label: string, range: { min: number; max: number; step: number; value: number }, act: (value: number) => void): HTMLElement {
  const shown = h("output", {}, range.value.toFixed(2));
  const input = h("input", { type: "range", min: range.min, max: range.max, step: range.step, value: range.value });
  const told = (): void => {
    shown.textContent = Number(input.value).toFixed(2);
  };
  input.addEventListener("input", told);
  // Drawing the volume anew takes a while without a graphics card: once, when the hand rests.
  input.addEventListener("change", () => act(Number(input.value)));
  return h("label", { class: "control" }, h("span", {}, label), input, shown);
}

function check(label: string | HTMLElement, on: boolean, act: (on: boolean) => void): HTMLElement {
  const box = h("input", { type: "checkbox", checked: on });
  box.addEventListener("change", () => act(box.checked));
  return h("label", { class: "control check" }, box, label);
}

/** Leave out what is as bright in networks that have learnt nothing, where the map's band is known. */
function nullCheck(act: (on: boolean) => void): { element: HTMLElement; set(nulls: Triple | null): boolean } {
  const words = h("span");
  const element = check(words, false, act);
  const box = element.querySelector("input")!;
  return {
    element,
    set(nulls) {
      box.disabled = !nulls;
      const ends = nulls
        ? `elsewhere below ${nulls[0].toFixed(1)}, liver ${nulls[1].toFixed(1)}, spleen ${nulls[2].toFixed(1)}`
        : "not known for this map";
      words.textContent = `Hide what lies inside the null band (${ends})`;
      return box.checked && nulls !== null;
    },
  };
}

/** Buttons of the maps; one is chosen. */
export function mapChoice(view: View, chosen: string, act: (name: string) => void): HTMLElement {
  const title = (volume: ViewVolume): string => (volume.name === "recommended" ? `Recommended (${view.display.predicted})` : volume.name);
  return h(
    "fieldset",
    { class: "maps" },
    h("legend", {}, "Location map of"),
    ...mapsOf(view).map((volume) => {
      const radio = h("input", { type: "radio", name: "map", value: volume.name, checked: volume.name === chosen });
      radio.addEventListener("change", () => act(volume.name));
      return h("label", { title: `${volume.title}: ${methodWords(volume.method, volume.layer)}` }, radio, title(volume));
    }),
  );
}

/** All controls of one scan, or of two that are shown alike where no map is `chosen`. */
export function controls(view: View, chosen: string | null, wishes: Wishes): Controls {
  const look = { ...LOOK };
  let known: Triple | null = null;
  const scale = mapsOf(view)[0]?.scale ?? "";
  const bar = h("div", { class: "bar-place" });
  const redraw = (): void => bar.replaceChildren(colorBar(look.highest, look.threshold, scale));
  const set = (changed: Partial<Look>): void => {
    Object.assign(look, changed);
    redraw();
    wishes.look(changed);
  };
  const nulls = nullCheck((on) => set({ nulls: (on && known) || NO_NULLS }));
  redraw();
  const element = h(
    "div",
    { class: "controls", role: "group", "aria-label": "How the slices are shown" },
    chosen === null ? null : mapChoice(view, chosen, (name) => wishes.map?.(name)),
    bar,
    choice("Plane", Object.keys(AXIS), "axial", (plane) => wishes.plane(plane as Plane)),
    choice("CT window (HU)", Object.keys(WINDOWS), Object.keys(WINDOWS)[0]!, (name) => set({ window: WINDOWS[name]! })),
    choice("Colours from 0 to", RANGES.map(String), String(look.highest), (value) => set({ highest: Number(value) })),
    slider("Hide below (mean1)", { min: 0, max: 12, step: 0.1, value: look.threshold }, (value) => set({ threshold: value })),
    slider("Opacity", { min: 0, max: 1, step: 0.05, value: look.opacity }, (value) => set({ opacity: value })),
    check("Low values fade", look.fade, (on) => set({ fade: on })),
    check("Outlines of liver (blue) and spleen (white)", look.outlines, (on) => set({ outlines: on })),
    chosen === null ? null : nulls.element,
  );
  return {
    element,
    hidesNull: () => look.nulls !== NO_NULLS,
    setNulls(found) {
      known = found;
      const hidden = nulls.set(found) && found ? found : NO_NULLS;
      if (hidden !== look.nulls) set({ nulls: hidden });
    },
  };
}
