/** Two scans, or two maps of one scan, side by side: the same colours, the same place. */

import { getResult, getView, listJobs, type Job, type Result, type View } from "./api";
import { controls, mapChoice } from "./controls";
import { h } from "./dom";
import { openPane, type Pane } from "./pane";
import type { Page } from "./pages";
import { changed, mapSentence } from "./scan";
import type { Triple } from "./places";
import { LOOK } from "./slices";

interface Side {
  result: Result;
  view: View;
  pane: Pane;
  map: string;
  element: HTMLElement;
}

async function side(id: string, other: string, number: number, jobs: Job[]): Promise<Side> {
  const [result, view] = await Promise.all([getResult(id), getView(id)]);
  const pane = await openPane(`${number ? "Right" : "Left"}: scan ${result.scan_id}`);
  // Of one scan two maps are compared: the recommended one and the one that was asked for.
  const map = number && id === other ? view.display.predicted : view.display.map;
  const said = h("p", { class: "map-title" }, mapSentence(result, view, map));
  const made: Side = { result, view, pane, map, element: h("div") };
  const maps = mapChoice(view, map, (name) => {
    changed(pane, view, name, () => {
      made.map = name;
      said.textContent = mapSentence(result, view, name);
    });
  });
  for (const radio of maps.querySelectorAll("input")) radio.name = `map-${number}`;
  const scans = h(
    "select",
    { "aria-label": `Scan on the ${number ? "right" : "left"}` },
    ...jobs.map((job) => h("option", { value: job.id, selected: job.id === id }, `${job.scan_id ?? ""} ${job.predicted ?? ""} (${job.name})`)),
  );
  scans.addEventListener("change", () => {
    location.hash = number ? `#/compare/${other}/${scans.value}` : `#/compare/${scans.value}/${other}`;
  });
  made.element.append(
    h("h2", {}, `${result.scan_id}: ${result.stage.predicted} (p = ${(result.stage.probabilities[result.stage.predicted] ?? 0).toFixed(2)})`),
    scans, said, pane.element, maps,
  );
  return made;
}

/** Moves the other side to the same place, measured from the middle of its own liver: patients lie and are built differently. */
function linked(sides: readonly [Side, Side]): () => void {
  let between: Triple | null = null;
  let leading = false;
  sides.forEach((from, n) => {
    const to = sides[1 - n]!;
    from.pane.onPlace((place) => {
      // The move of the follower is none to follow.
      if (leading || !between) return;
      leading = true;
      to.pane.slices.goTo(place.mm.map((mm, axis) => mm + (n ? -1 : 1) * between![axis]!) as Triple);
      leading = false;
    });
  });
  return () => {
    const [left, right] = sides.map((one) => one.pane.slices.liver);
    between = left && right ? (left.map((mm, axis) => right[axis]! - mm) as Triple) : [0, 0, 0];
  };
}

export async function comparePage(left: string, right: string): Promise<Page> {
  const jobs = (await listJobs()).filter((job) => job.state === "done");
  const sides = [await side(left, right, 0, jobs), await side(right, left, 1, jobs)] as const;
  const measured = linked(sides);
  const all = (act: (one: Side) => void): void => sides.forEach(act);
  const element = h(
    "div",
    { class: "compare" },
    h("div", { class: "heading" }, h("h1", {}, "Compare"), h("a", { href: `#/scan/${left}`, class: "action" }, "Back to the scan")),
    h("p", { class: "small" }, "Both sides have the same window, colours, threshold and opacity, so that the maps can be compared; the slices go together, measured from the middle of each liver."),
    h("div", { class: "sides" }, sides[0].element, sides[1].element),
    controls(sides[0].view, null, {
      look: (changed) => all((one) => one.pane.slices.change(changed)),
      plane: (plane) => all((one) => one.pane.slices.setPlane(plane)),
    }).element,
  );
  return {
    title: "Compare",
    element,
    shown: async () => {
      await Promise.all(sides.map((one) => one.pane.slices.open(one.view, one.map, LOOK)));
      measured();
      // The left one leads.
      sides[0].pane.slices.step(0);
    },
    close: () => all((one) => one.pane.close()),
  };
}
