/** How the map is shown: which one, range, threshold, opacity, window, plane, outlines. */

import type { View, ViewVolume } from "./api";
import { colorBar } from "./colors";
import { h } from "./dom";
import type { Plane } from "./overlay";
import { AXIS, LOOK, mapsOf, type Look } from "./slices";
import { methodWords } from "./words";

const WINDOWS: Record<string, [number, number]> = {
  "Network's window (-125 to 225 HU)": [-125, 225],
  "Liver (40 to 160 HU)": [40, 160],
  "Soft tissue (-160 to 240 HU)": [-160, 240],
  "Bone (-500 to 1300 HU)": [-500, 1300],
};
const RANGES = [3, 6, 12, 24];

export interface Wishes {
  look(changed: Partial<Look>): void;
  plane(plane: Plane): void;
  map(name: string): void;
  hideNull(hidden: boolean): void;
}

function choice(label: string, options: string[], chosen: string, act: (value: string) => void): HTMLElement {
  const list = h("select", {}, ...options.map((option) => h("option", { value: option, selected: option === chosen }, option)));
  list.addEventListener("change", () => act(list.value));
  return h("label", { class: "control" }, h("span", {}, label), list);
}

function slider(label: string, range: { min: number; max: number; step: number; value: number }, act: (value: number) => void): HTMLElement & { set(value: number): void } {
  const shown = h("output", {}, range.value.toFixed(2));
  const input = h("input", { type: "range", min: range.min, max: range.max, step: range.step, value: range.value });
  const told = (): void => {
    shown.textContent = Number(input.value).toFixed(2);
  };
  input.addEventListener("input", told);
  // Drawing the volume anew takes a while without a graphics card: once, when the hand rests.
  input.addEventListener("change", () => act(Number(input.value)));
  const made = h("label", { class: "control" }, h("span", {}, label), input, shown);
  return Object.assign(made, {
    set(value: number): void {
      input.value = String(value);
      told();
    },
  });
}

function check(label: string, on: boolean, act: (on: boolean) => void, attributes = {}): HTMLElement {
  const box = h("input", { type: "checkbox", checked: on, ...attributes });
  box.addEventListener("change", () => act(box.checked));
  return h("label", { class: "control check" }, box, label);
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

/** All controls of one scan, or of two that are shown alike. */
export function controls(view: View, chosen: string | null, nullEnd: number | null, wishes: Wishes): HTMLElement {
  const look = { ...LOOK };
  const scale = mapsOf(view)[0]?.scale ?? "";
  const bar = h("div", { class: "bar-place" });
  const redraw = (): void => bar.replaceChildren(colorBar(look.highest, look.threshold, scale));
  const set = (changed: Partial<Look>): void => {
    Object.assign(look, changed);
    redraw();
    wishes.look(changed);
  };
  const threshold = slider("Hide below (mean1)", { min: 0, max: 12, step: 0.1, value: look.threshold }, (value) => set({ threshold: value }));
  redraw();
  return h(
    "div",
    { class: "controls", role: "group", "aria-label": "How the slices are shown" },
    chosen === null ? null : mapChoice(view, chosen, wishes.map),
    bar,
    choice("Plane", Object.keys(AXIS), "axial", (plane) => wishes.plane(plane as Plane)),
    choice("CT window", Object.keys(WINDOWS), Object.keys(WINDOWS)[0]!, (name) => set({ window: WINDOWS[name]! })),
    choice("Colours from 0 to", RANGES.map(String), String(look.highest), (value) => set({ highest: Number(value) })),
    threshold,
    slider("Opacity", { min: 0, max: 1, step: 0.05, value: look.opacity }, (value) => set({ opacity: value })),
    check("Outlines of liver (blue) and spleen (white)", true, (on) => set({ outlines: on })),
    nullEnd === null
      ? null
      : check(`Hide what lies inside the null band (below ${nullEnd.toFixed(1)})`, false, (on) => {
          threshold.set(on ? nullEnd : LOOK.threshold);
          set({ threshold: on ? nullEnd : LOOK.threshold });
          wishes.hideNull(on);
        }),
  );
}
