/** Charts as SVG, each with a table that says the same. */

import { REGIONS, type Attention, type Result } from "./api";
import { h, svg, table } from "./dom";
import { REGION_WORDS, STAGES, STAGE_WORDS, percent } from "./words";

function figure(title: string, chart: SVGSVGElement, told: HTMLTableElement): HTMLElement {
  return h("figure", {}, h("figcaption", {}, title), chart, h("details", {}, h("summary", {}, "As a table"), told));
}

/** Probability of each stage; stages of the conformal set are marked. */
export function probabilities(result: Result): HTMLElement {
  const { probabilities: found, conformal_set: held, predicted } = result.stage;
  const rows = STAGES.map((stage, n) => {
    const p = found[stage] ?? 0;
    const y = 6 + n * 26;
    const inside = held?.stages.includes(stage) ?? false;
    return svg(
      "g",
      { class: stage === predicted ? "bar predicted" : "bar" },
      svg("text", { x: 0, y: y + 14 }, stage),
      svg("rect", { x: 34, y, width: 220, height: 18, class: "track" }),
      svg("rect", { x: 34, y, width: Math.max(1, 220 * p), height: 18, class: "fill" }),
      inside ? svg("line", { x1: 30, x2: 30, y1: y - 3, y2: y + 21, class: "held" }) : null,
      svg("text", { x: 262, y: y + 14 }, p.toFixed(2)),
    );
  });
  const chart = svg("svg", { viewBox: "0 0 300 138", role: "img", "aria-label": "Probability of each stage" }, ...rows);
  const told = table(
    "Probability of each stage",
    ["Stage", "Meaning", "Probability", "In the conformal set"],
    STAGES.map((stage) => [
      stage,
      STAGE_WORDS[stage] ?? "",
      (found[stage] ?? 0).toFixed(3),
      held ? (held.stages.includes(stage) ? "yes" : "no") : "not known",
    ]),
  );
  return figure("Probability of each stage", chart, told);
}

/** Mean of the map per region against the null band; what lies inside it can be left out. */
export function attention(found: Attention, hideNull: boolean): HTMLElement {
  const names = REGIONS.filter((name) => !(hideNull && found[name]?.inside_null));
  const highest = Math.max(2, ...REGIONS.map((name) => Math.max(found[name]?.mean ?? 0, found[name]?.null?.high ?? 0)));
  const x = (value: number): number => 120 + (value / highest) * 160;
  const rows = names.map((name, n) => {
    const region = found[name];
    const y = 6 + n * 26;
    const band = region?.null;
    return svg(
      "g",
      { class: region?.inside_null ? "region inside" : "region" },
      svg("text", { x: 0, y: y + 13, class: "small" }, REGION_WORDS[name].replace(" (0 to 10 mm)", "").replace(" in the body", "")),
      band ? svg("rect", { x: x(band.low), y, width: x(band.high) - x(band.low), height: 18, class: "band" }) : null,
      region?.mean == null ? null : svg("circle", { cx: x(region.mean), cy: y + 9, r: 5 }),
      svg("text", { x: 292, y: y + 13 }, region?.mean == null ? "none" : region.mean.toFixed(2)),
    );
  });
  const bottom = 12 + names.length * 26;
  const chart = svg(
    "svg",
    { viewBox: `0 0 330 ${bottom + 32}`, role: "img", "aria-label": "Mean attention per region, with the null band" },
    svg("line", { x1: x(1), x2: x(1), y1: 0, y2: bottom, class: "even" }),
    ...rows,
    ...[0, 1, Math.floor(highest)].map((value) =>
      svg("text", { x: x(value), y: bottom + 12, "text-anchor": "middle", class: "small" }, String(value)),
    ),
    svg("text", { x: x(highest / 2), y: bottom + 28, "text-anchor": "middle", class: "small" }, "mean1 (1 = an even share)"),
  );
  const told = table(
    "Mean attention per region",
    ["Region", "Mean", "Share of the map", "Null band", "Inside"],
    names.map((name) => {
      const region = found[name];
      const band = region?.null;
      return [
        REGION_WORDS[name],
        region?.mean == null ? "none" : region.mean.toFixed(2),
        region?.share == null ? "" : percent(region.share),
        band ? `${band.low.toFixed(2)} to ${band.high.toFixed(2)}` : "not known",
        region?.inside_null == null ? "" : region.inside_null ? "yes: no finding" : "no",
      ];
    }),
  );
  return figure("Where the map lies (grey: maps of networks without training)", chart, told);
}

/** Mean of the map in layers below the liver's capsule. */
export function depth(found: Attention): HTMLElement | null {
  const layers = found.depth_profile.filter((layer) => layer.mean !== null);
  if (!layers.length) return null;
  const highest = Math.max(2, ...layers.map((layer) => layer.mean ?? 0));
  const deepest = layers[layers.length - 1]!.to_mm;
  const x = (mm: number): number => 30 + (mm / deepest) * 270;
  const y = (value: number): number => 106 - (value / highest) * 96;
  const line = layers.map((layer) => `${x(layer.from_mm)},${y(layer.mean!)} ${x(layer.to_mm)},${y(layer.mean!)}`).join(" ");
  const marks = layers.filter((_, n) => n % Math.ceil(layers.length / 6) === 0).map((layer) => layer.from_mm);
  const chart = svg(
    "svg",
    { viewBox: "0 0 320 142", role: "img", "aria-label": "Mean attention by depth below the liver's capsule" },
    svg("line", { x1: 30, x2: 300, y1: y(1), y2: y(1), class: "even" }),
    svg("polyline", { points: line, class: "line" }),
    ...[0, Math.floor(highest / 2), Math.floor(highest)].map((value) =>
      svg("text", { x: 24, y: y(value) + 4, "text-anchor": "end", class: "small" }, String(value)),
    ),
    ...marks.map((mm) => svg("text", { x: x(mm), y: 120, "text-anchor": "middle", class: "small" }, String(mm))),
    svg("text", { x: 165, y: 136, "text-anchor": "middle", class: "small" }, "depth below the capsule (mm)"),
  );
  const told = table(
    "Mean attention by depth",
    ["Depth (mm)", "Mean"],
    layers.map((layer) => [`${layer.from_mm} to ${layer.to_mm}`, layer.mean!.toFixed(2)]),
  );
  return figure("By depth below the liver's capsule", chart, told);
}
