/** The page of one scan. */

import { REGIONS, getFiles, getJob, getResult, getView, type Attention, type Result, type View } from "./api";
import { controls } from "./controls";
import { h } from "./dom";
import { openPane } from "./pane";
import { attentionPanel, filePanel, markerPanel, scanPanel, stagePanel, warningPanel } from "./panels";
import type { Page } from "./pages";
import { LOOK, entry } from "./slices";
import { methodWords } from "./words";

/** The figures that belong to a map: those of the recommended one, or of the predicted stage. */
export function attentionOf(result: Result, map: string): Attention {
  return map === "recommended" ? result.attention_recommended : result.attention;
}

/** Where the null bands end at the highest; null where the weights know none. */
export function nullEnd(found: Attention): number | null {
  const ends = REGIONS.flatMap((name) => found[name]?.null?.high ?? []);
  return ends.length ? Math.max(...ends) : null;
}

export function mapSentence(result: Result, view: View, name: string): string {
  const map = entry(view, name);
  const figures = name === "recommended" || name === result.stage.predicted ? "" : " The figures beside it are of the predicted stage's map.";
  return `${map.title}: ${methodWords(map.method, map.layer)}, scale ${map.scale ?? ""} (highest ${map.max.toFixed(1)}).${figures}`;
}

export async function scanPage(id: string): Promise<Page> {
  const [job, result, view, files] = await Promise.all([getJob(id), getResult(id), getView(id), getFiles(id)]);
  let map = view.display.map;
  let hidden = false;
  const pane = await openPane(`CT of scan ${result.scan_id}`);
  const said = h("p", { class: "map-title" }, mapSentence(result, view, map));
  const attention = h("div", {}, attentionPanel(attentionOf(result, map), hidden));
  const redraw = (): void => {
    said.textContent = mapSentence(result, view, map);
    attention.replaceChildren(attentionPanel(attentionOf(result, map), hidden));
  };
  const wishes = {
    look: pane.slices.change.bind(pane.slices),
    plane: pane.slices.setPlane.bind(pane.slices),
    map: (name: string) => {
      map = name;
      redraw();
      void pane.slices.show(view, name);
    },
    hideNull: (on: boolean) => {
      hidden = on;
      redraw();
    },
  };
  const element = h(
    "div",
    { class: "scan" },
    h("div", { class: "heading" }, h("h1", {}, `Scan ${result.scan_id}`), h("a", { href: `#/compare/${id}/${id}`, class: "action" }, "Compare")),
    scanPanel(job, result),
    warningPanel(result),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "seen" }, said, pane.element, controls(view, map, nullEnd(attentionOf(result, map)), wishes)),
      h("div", { class: "told" }, stagePanel(result), attention, markerPanel(result), filePanel(job, files)),
    ),
  );
  return {
    title: `Scan ${result.scan_id}`,
    element,
    shown: () => pane.slices.open(view, map, LOOK),
    close: () => pane.close(),
  };
}
