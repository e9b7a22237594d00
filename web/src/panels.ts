/** What stands beside the slices: stage, warnings, where the map lies, markers, files. */

import { API, deidentified, type Attention, type FileEntry, type Job, type Marker, type Result } from "./api";
import { attention, depth, probabilities } from "./charts";
import { button, h, table, type Attributes } from "./dom";
import { STAGE_WORDS, methodWords, patternSentence, percent, size } from "./words";

export function stagePanel(result: Result): HTMLElement {
  const { predicted, expected, conformal_set: held } = result.stage;
  const claim = held
    ? `Conformal set: ${held.stages.join(", ")} (claims to hold the true stage in ${percent(held.claim)} of scans like ` +
      `those that it was calibrated on: ${held.calibrated_on}).` + (held.valid ? "" : ` ${held.reason ?? "Not valid here"}.`)
    : "These weights have no conformal set.";
  return h(
    "section",
    { "aria-labelledby": "stage-title" },
    h("h2", { id: "stage-title" }, `Predicted stage: ${predicted}`),
    h("p", {}, `${STAGE_WORDS[predicted] ?? ""}; expected stage ${expected.toFixed(1)}. Weights: ${result.model.name}, trained on ${result.model.trained_on}.`),
    probabilities(result),
    h("p", { class: held && !held.valid ? "warn" : "small" }, claim),
  );
}

/** What speaks against the scan or the map, before everything else; null where nothing does. */
export function warningPanel(result: Result): HTMLElement | null {
  const { quality, warnings } = result;
  const said = [
    ...(quality.forced ? [`FORCED: the quality gate had refused this scan. ${quality.reasons.join(" ")}`] : []),
    ...warnings,
  ];
  if (!said.length) return null;
  return h(
    "section",
    { class: quality.forced ? "warnings forced" : "warnings", "aria-labelledby": "warnings-title" },
    h("h2", { id: "warnings-title" }, said.length > 1 ? `${said.length} warnings` : "A warning"),
    h("ul", {}, ...said.map((sentence) => h("li", {}, sentence))),
  );
}

export function attentionPanel(found: Attention, hideNull: boolean): HTMLElement {
  return h(
    "section",
    { "aria-labelledby": "attention-title", class: "attention" },
    h("h2", { id: "attention-title" }, `Attention of ${found.target}: ${methodWords(found.method, found.layer)}`),
    h("p", {}, patternSentence(found)),
    attention(found, hideNull),
    depth(found),
    h("p", { class: "small" }, `Organ masks: ${found.mask_source}. A map shows what drove the network, not where fibrosis is.`),
  );
}

export function markerPanel(result: Result): HTMLElement {
  const measured = result.marker_details.filter((marker) => marker.value !== null);
  const others = result.marker_details.filter((marker) => marker.value === null);
  const sources = [...new Set(measured.map((marker) => marker.mask_source))];
  const alike = sources.length < 2;
  return h(
    "section",
    { "aria-labelledby": "markers-title" },
    h("h2", { id: "markers-title" }, "Markers"),
    table(
      `Measured${alike ? `; masks: ${sources[0] ?? "none"}` : ""}`,
      ["Marker", "Value", "Reference", ...(alike ? [] : ["Masks"])],
      measured.map((marker) => [marker.title, shown(marker), reference(marker), ...(alike ? [] : [marker.mask_source ?? ""])]),
    ),
    h(
      "details",
      {},
      h("summary", {}, `Not measurable (${others.length})`),
      h("ul", {}, ...others.map((marker) => h("li", {}, `${marker.title}: ${marker.not_measurable ?? ""}`))),
    ),
  );
}

function shown(marker: Marker): HTMLElement {
  const unit = /^\d/.test(marker.unit) ? ` × ${marker.unit}` : marker.unit ? ` ${marker.unit}` : "";
  const { reference: range, value } = marker;
  const low = range?.low != null && value! < range.low;
  const high = range?.high != null && value! > range.high;
  const mark = low ? " ▼ below" : high ? " ▲ above" : "";
  return h("span", { class: mark ? "outside" : "" }, `${value!.toFixed(marker.decimals)}${unit}${mark}`);
}

function reference(marker: Marker): HTMLElement | string {
  const range = marker.reference;
  if (!range) return "";
  const text = range.low == null ? `up to ${range.high}` : range.high == null ? `from ${range.low}` : `${range.low} to ${range.high}`;
  return h("span", { title: range.meaning }, text);
}

const PROMINENT: Record<string, string> = { "report.html": "Report", "report.pdf": "Report as PDF" };

/** A report opens beside this page; another file is saved. */
const opened = (file: FileEntry): Attributes => (file.name.endsWith(".html") ? { target: "_blank" } : { download: true });

export function filePanel(job: Job, files: FileEntry[]): HTMLElement {
  const told = h("p", { class: "small", role: "status" });
  const withoutPatient = button("Without the patient (zip)", () => {
    withoutPatient.disabled = true;
    told.textContent = "The CT and its result are being de-identified …";
    deidentified(job.id)
      .then(() => (told.textContent = "De-identified and sent. Look at the pictures before you pass them on."))
      .catch((error: unknown) => (told.textContent = error instanceof Error ? error.message : String(error)))
      .finally(() => (withoutPatient.disabled = false));
  });
  const address = (name: string): string =>
    `${API}/jobs/${job.id}/files/${name.split("/").map(encodeURIComponent).join("/")}`;
  return h(
    "section",
    { "aria-labelledby": "files-title" },
    h("h2", { id: "files-title" }, "Download"),
    h(
      "p",
      { class: "files-kept" },
      h("a", { href: `${API}/jobs/${job.id}/archive.zip`, download: true, class: "action" }, "Everything as a zip"),
      ...files.filter((file) => file.name in PROMINENT).map((file) => h("a", { href: address(file.name), class: "action", ...opened(file) }, PROMINENT[file.name]!)),
      withoutPatient,
    ),
    told,
    h(
      "details",
      {},
      h("summary", {}, `Single files (${files.length})`),
      h(
        "ul",
        { class: "files" },
        ...files.map((file) =>
          h("li", {}, h("a", { href: address(file.name), ...opened(file) }, file.name), ` ${size(file.bytes)}`),
        ),
      ),
    ),
  );
}

export function scanPanel(job: Job, result: Result): HTMLElement {
  const { input, quality } = result;
  const domain = quality.in_domain === null ? "not checked" : quality.in_domain ? "yes" : "no";
  return h(
    "p",
    { class: "small facts" },
    `Scan ${result.scan_id} (${job.name}): ${input.shape.join(" × ")} voxels of ` +
      `${input.spacing_mm.map((mm) => mm.toFixed(2)).join(" × ")} mm; phase ${quality.phase}; liver ${quality.liver_coverage}; ` +
      `inside the training domain: ${domain}.`,
  );
}
