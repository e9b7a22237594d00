/** Slices with what stands under the crosshair, and the keys that move through them. */

import { announce, h } from "./dom";
import { AXIS, type Place, type Slices } from "./slices";
import { giveBack, take } from "./warm";

export interface Pane {
  element: HTMLElement;
  slices: Slices;
  place: Place | null;
  onPlace(act: (place: Place) => void): void;
  /** Say that something could not be shown. */
  fail(error: unknown): void;
  close(): void;
}

const AXES = ["sagittal", "coronal", "axial"] as const;
const SIDES = [["R", "L"], ["A", "P"], ["S", "I"]] as const;

/** What a person reads of a place. */
export function placeWords(place: Place): string {
  const where = place.mm.map((mm, n) => `${SIDES[n]![mm < 0 ? 1 : 0]} ${Math.abs(mm).toFixed(0)}`).join(", ");
  const organ = place.organ ? `; ${place.organ}` : "";
  return `${place.hu.toFixed(0)} HU; map ${place.map.toFixed(2)} (mean1)${organ}; ${where} mm`;
}

export async function openPane(label: string): Promise<Pane> {
  const told = h("p", { class: "place", "aria-hidden": true }, " ");
  const slice = h("p", { class: "slice-number", "aria-hidden": true });
  const host = h("div", { class: "canvas-place" });
  const element = h("div", { class: "pane", role: "group", "aria-label": label }, host, slice, told);
  const slices = await take(host);
  const listeners: ((place: Place) => void)[] = [];
  const pane: Pane = {
    element,
    slices,
    place: null,
    onPlace: (act) => listeners.push(act),
    fail: (error) => {
      told.textContent = error instanceof Error ? error.message : String(error);
      announce(told.textContent);
    },
    close: () => giveBack(slices),
  };
  slices.canvas.setAttribute("aria-label", `${label}. Page up and page down scroll, arrow keys move the crosshair.`);
  slices.onPlace = (place) => {
    pane.place = place;
    const axis = AXIS[slices.plane];
    const number = `${AXES[axis]} slice ${place.voxel[axis]! + 1} of ${place.of[axis]}`;
    slice.textContent = number;
    told.textContent = placeWords(place);
    // Exact, for who drives the page by a program.
    told.dataset["place"] = JSON.stringify(place);
    announceLater(`${number}. ${placeWords(place)}`);
    for (const act of listeners) act(place);
  };
  host.addEventListener("keydown", (event) => onKey(event, slices), { capture: true });
  return pane;
}

let waiting = 0;

/** Told when the movement rests, or a screen reader would never come to an end. */
function announceLater(text: string): void {
  clearTimeout(waiting);
  waiting = window.setTimeout(() => announce(text), 400);
}

function onKey(event: KeyboardEvent, slices: Slices): void {
  const moves: Record<string, () => void> = {
    PageUp: () => slices.step(1),
    PageDown: () => slices.step(-1),
    ArrowUp: () => move(slices, 0, 1),
    ArrowDown: () => move(slices, 0, -1),
    ArrowLeft: () => move(slices, 1, -1),
    ArrowRight: () => move(slices, 1, 1),
    Home: () => slices.step(-10),
    End: () => slices.step(10),
  };
  const act = moves[event.key];
  // NiiVue's own keys would change what is not said here.
  event.stopPropagation();
  if (!act) return;
  event.preventDefault();
  act();
}

/** The crosshair on the screen: in radiological convention the patient's left is on the right. */
function move(slices: Slices, across: 0 | 1, by: number): void {
  const vertical = slices.plane === "axial" || slices.plane === "three planes" ? 1 : 2;
  if (across === 0) slices.step(by, vertical);
  else if (slices.plane === "sagittal") slices.step(-by, 1);
  else slices.step(-by, 0);
}
