/** The page of one scan. */

import { getFiles, getJob, getResult, getView, type Attention, type Result, type View } from "./api";
import { controls } from "./controls";
import { h } from "./dom";
import { openPane, type Pane } from "./pane";
import { attentionPanel, filePanel, markerPanel, scanPanel, stagePanel, warningPanel } from "./panels";
import type { Page } from "./pages";
import type { Triple } from "./places";
import { LOOK, entry } from "./slices";
import { methodWords } from "./words";

/** The figures that belong to a map: those of the recommended one, or of the predicted stage. */
export function attentionOf(result: Result, map: string): Attention {
  return map === "recommended" ? result.attention_recommended : result.attention;
}

/** Where the null bands of a map end, elsewhere, in the liver and in the spleen; null where they are not known. */
function nullsOf(result: Result, map: string): Triple | null {
  if (map !== "recommended" && map !== result.stage.predicted) return null;
  const found = attentionOf(result, map);
  const ends = (["elsewhere", "liver", "spleen"] as const).map((name) => found[name]?.null?.high ?? 0);
  return ends.some((end) => end > 0) ? (ends as Triple) : null;
}

export function mapSentence(result: Result, view: View, name: string): string {
  const map = entry(view, name);
  const figures = name === "recommended" || name === result.stage.predicted ? "" : " The figures beside it are of the predicted stage's map.";
  return `${map.title}: ${methodWords(map.method, map.layer)}, scale ${map.scale ?? ""} (highest ${map.max.toFixed(1)}).${figures}`;
}

/** Show another map, and its words once it is seen. */
export function changed(pane: Pane, view: View, map: string, told: () => void): void {
  pane.slices
    .show(view, map)
    .then((seen) => {
      if (seen) told();
    })
    .catch((error: unknown) => pane.fail(error));
}

export async function scanPage(id: string): Promise<Page> {
  const [job, result, view, files] = await Promise.all([getJob(id), getResult(id), getView(id), getFiles(id)]);
  let map = view.display.map;
  const pane = await openPane(`CT of scan ${result.scan_id}`);
  const said = h("p", { class: "map-title" });
  const attention = h("div");
  const redraw = (): void => {
    said.textContent = mapSentence(result, view, map);
    attention.replaceChildren(attentionPanel(attentionOf(result, map), looks.hidesNull()));
  };
  const looks = controls(view, map, {
    look: (look) => {
      pane.slices.change(look);
      if (look.nulls) redraw();
    },
    plane: (plane) => pane.slices.setPlane(plane),
    map: (name) => {
      changed(pane, view, name, () => {
        map = name;
        looks.setNulls(nullsOf(result, map));
        redraw();
      });
    },
  });
  looks.setNulls(nullsOf(result, map));
  redraw();
  const element = h(
    "div",
    { class: "scan" },
    h("div", { class: "heading" }, h("h1", {}, `Scan ${result.scan_id}`), h("a", { href: `#/compare/${id}/${id}`, class: "action" }, "Compare")),
    scanPanel(job, result),
    warningPanel(result),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "seen" }, said, pane.element, looks.element),
      h("div", { class: "told" }, stagePanel(result), attention, filePanel(job, files)),
      h("div", { class: "more" }, markerPanel(result)),
    ),
  );
  return {
    title: `Scan ${result.scan_id}`,
    element,
    shown: () => pane.slices.open(view, map, LOOK),
    close: () => pane.close(),
  };
}
