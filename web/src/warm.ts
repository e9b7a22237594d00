/** Slice views whose shaders are compiled while the list is read, so that a scan stands sooner after the click. */

import { h } from "./dom";
import type { Slices } from "./slices";

const spare: Slices[] = [];
let parked: HTMLElement | null = null;

function parking(): HTMLElement {
  if (!parked) {
    parked = h("div", { class: "parked", "aria-hidden": true });
    document.body.append(parked);
  }
  return parked;
}

/** Make a view ready before it is needed. */
export async function warm(): Promise<void> {
  if (spare.length) return;
  const { Slices } = await import("./slices");
  if (spare.length) return;
  const made = new Slices();
  spare.push(made);
  await made.attach(parking());
}

/** A view inside `host`. */
export async function take(host: HTMLElement): Promise<Slices> {
  const known = spare.pop();
  if (known) {
    host.append(known.frame);
    return known;
  }
  const { Slices } = await import("./slices");
  const made = new Slices();
  void made.attach(host);
  return made;
}

/** Keep a view for the next scan: browsers allow few graphics contexts. */
export function giveBack(view: Slices): void {
  view.onPlace = () => undefined;
  view.clear();
  parking().append(view.frame);
  spare.push(view);
}
