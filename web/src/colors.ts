/** The colours of maps and outlines: even in lightness and told apart by the colour-blind. */

import { svg } from "./dom";

export type Color = [number, number, number];

/** Points of an inferno-like ramp, from 0 to 1: red, green, blue. */
export const RAMP: Color[] = [
  [10, 7, 35],
  [74, 12, 107],
  [137, 34, 106],
  [198, 66, 77],
  [240, 112, 32],
  [251, 180, 26],
  [252, 255, 164],
];

export const LIVER: Color = [86, 180, 233];
export const SPLEEN: Color = [255, 255, 255];

export const css = (color: Color): string => `rgb(${color.join(" ")})`;

/** A horizontal colour bar with numbers and the name of the scale. */
export function colorBar(highest: number, threshold: number, scale: string): SVGSVGElement {
  const width = 480;
  const stops = RAMP.map((color, n) =>
    svg("stop", { offset: n / (RAMP.length - 1), "stop-color": css(color) }),
  );
  const x = (value: number): number => 12 + (value / highest) * (width - 24);
  const step = highest / 6;
  const ticks = Array.from({ length: 7 }, (_, n) => n * step).flatMap((value) => [
    svg("line", { x1: x(value), x2: x(value), y1: 16, y2: 20, class: "axis" }),
    svg("text", { x: x(value), y: 32, "text-anchor": "middle" }, value % 1 ? value.toFixed(1) : String(value)),
  ]);
  const label = scale === "mean1" ? "mean1: 1.0 = an even share of the body" : scale;
  const hidden =
    threshold > 0
      ? svg("rect", { x: x(0), y: 4, width: Math.min(threshold / highest, 1) * (width - 24), height: 12, class: "cut" })
      : null;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} 50`, class: "colorbar", role: "img", "aria-label": `Colours from 0 to ${highest}; ${label}` },
    svg("defs", {}, svg("linearGradient", { id: "map-colors" }, ...stops)),
    svg("rect", { x: x(0), y: 4, width: width - 24, height: 12, fill: "url(#map-colors)" }),
    hidden,
    ...ticks,
    svg("text", { x: width / 2, y: 46, "text-anchor": "middle" }, label),
  );
}
