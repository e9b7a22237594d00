/** The words of results. */

import type { Attention, RegionName } from "./api";

export const STAGES = ["F0", "F1", "F2", "F3", "F4"] as const;
export const STAGE_WORDS: Record<string, string> = {
  F0: "no fibrosis",
  F1: "portal fibrosis without septa",
  F2: "portal fibrosis with few septa",
  F3: "septal fibrosis without cirrhosis",
  F4: "cirrhosis",
};
export const REGION_WORDS: Record<RegionName, string> = {
  liver: "Liver",
  liver_surface: "Liver surface (0 to 10 mm)",
  liver_core: "Liver core",
  spleen: "Spleen",
  elsewhere: "Elsewhere in the body",
};
const METHODS: Record<string, string> = {
  gradcam: "Grad-CAM",
  "gradcam++": "Grad-CAM++",
  hirescam: "HiResCAM",
  layercam: "LayerCAM",
  integrated: "Integrated gradients",
  contrast: "Contrast of stages",
};
const PATTERNS: Record<string, string> = {
  surface: "liver surface bright, centre dark (the paper's pattern of F0)",
  core: "centres of liver and spleen bright (the paper's pattern of F4)",
  mixed: "neither of the paper's patterns",
  off_organ: "most of it outside liver and spleen",
  unknown: "not measurable",
};

export const methodWords = (method: string | null, layer: string | null): string =>
  `${METHODS[method ?? ""] ?? method ?? ""} at ${layer ?? ""}`;

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function patternSentence(found: Attention): string {
  const pattern = PATTERNS[found.pattern] ?? found.pattern;
  const { agrees, frequency, of, unusual } = found.agreement;
  const fits =
    agrees === null ? "" : agrees ? ` It fits the predicted ${found.target}.` : ` It does not fit the predicted ${found.target}.`;
  const often = frequency === null ? "" : ` ${percent(frequency)} of ${of ?? 0} reference maps of this stage show the same.`;
  return `Pattern: ${pattern}.${fits}${often}${unusual ? " Unusual: reconsider." : ""}`;
}

export const when = (iso: string): string => new Date(iso).toLocaleString();
