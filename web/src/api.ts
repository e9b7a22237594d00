/** What the service answers. */

import { unpacked } from "./nifti";

export interface Job {
  id: string;
  name: string;
  state: "queued" | "running" | "done" | "refused" | "failed";
  progress: number;
  step: string;
  created: string;
  finished: string | null;
  reason: string | null;
  scan_id: string | null;
  predicted: string | null;
  origin: "upload" | "dicom";
  attempts: number;
  forced: boolean;
}

export interface ViewVolume {
  name: string;
  url: string;
  title: string;
  unit: string;
  scale: string | null;
  min: number;
  max: number;
  slope: number;
  method: string | null;
  layer: string | null;
  bytes: number;
}

export interface View {
  volumes: ViewVolume[];
  display: { window: [number, number]; map: string; predicted: string };
}

export interface FileEntry {
  name: string;
  bytes: number;
  type: string;
}

export interface Region {
  mean: number | null;
  share: number | null;
  voxels: number;
  null: { low: number; median: number; high: number } | null;
  inside_null: boolean | null;
}

export const REGIONS = ["liver", "liver_surface", "liver_core", "spleen", "elsewhere"] as const;
export type RegionName = (typeof REGIONS)[number];

export interface Attention extends Record<RegionName, Region | null> {
  scale: string;
  method: string;
  layer: string;
  target: string;
  mask_source: string;
  depth_profile: { from_mm: number; to_mm: number; mean: number | null }[];
  pattern: string;
  agreement: { expected: string | null; agrees: boolean | null; frequency: number | null; of: number | null; unusual: boolean | null };
}

export interface Marker {
  name: string;
  title: string;
  value: number | null;
  unit: string;
  decimals: number;
  reference: { low: number | null; high: number | null; meaning: string } | null;
  not_measurable: string | null;
  note: string | null;
  mask_source: string | null;
}

export interface Result {
  scan_id: string;
  input: { shape: number[]; spacing_mm: number[]; orientation: string };
  quality: { phase: string; liver_coverage: string; in_domain: boolean | null; acceptable: boolean; forced: boolean; reasons: string[] };
  model: { name: string; sha256: string; trained_on: string };
  stage: {
    probabilities: Record<string, number>;
    predicted: string;
    expected: number;
    at_least: Record<string, number>;
    conformal_set: { stages: string[]; claim: number; calibrated_on: string; valid: boolean; reason: string | null } | null;
  };
  attention: Attention;
  attention_recommended: Attention;
  marker_details: Marker[];
  warnings: string[];
}

export const API = "/api/v1";

export class ServiceError extends Error {}

/** The service's sentence is the error. */
async function accepted(answer: Response): Promise<void> {
  if (answer.ok) return;
  const said = (await answer.json().catch(() => ({}))) as { error?: string };
  throw new ServiceError(said.error ?? `The service answered ${answer.status}.`);
}

/** Ask the service. */
export async function ask<T>(path: string, options: RequestInit = {}): Promise<T> {
  const answer = await fetch(`${API}${path}`, { credentials: "same-origin", ...options });
  if (answer.status === 401) {
    location.assign("/");
  }
  await accepted(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const listJobs = async (): Promise<Job[]> => (await ask<{ jobs: Job[] }>("/jobs?limit=200")).jobs;
export const getJob = (id: string): Promise<Job> => ask(`/jobs/${id}`);
export const getResult = (id: string): Promise<Result> => ask(`/jobs/${id}/result`);
export const getView = (id: string): Promise<View> => ask(`/jobs/${id}/view`);
export const getFiles = async (id: string): Promise<FileEntry[]> =>
  (await ask<{ files: FileEntry[] }>(`/jobs/${id}/files`)).files;
export const deleteJob = (id: string): Promise<void> => ask(`/jobs/${id}`, { method: "DELETE" });

/** Make the de-identified export and save it; made on demand, it may be refused with a sentence. */
export async function deidentified(id: string): Promise<void> {
  const answer = await fetch(`${API}/jobs/${id}/deidentified.zip`, { credentials: "same-origin" });
  await accepted(answer);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "deidentified.zip";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Volumes that were loaded, unpacked, by address: nothing is sent twice. The oldest goes first. */
const kept = new Map<string, Promise<ArrayBuffer>>();
const MOST_KEPT = 16;

export function loadVolume(url: string): Promise<ArrayBuffer> {
  const known = kept.get(url);
  if (known) return known;
  const loading = fetch(url, { credentials: "same-origin" }).then((answer) => {
    if (!answer.ok) throw new ServiceError(`A volume could not be loaded (${answer.status}).`);
    return answer.arrayBuffer().then(unpacked);
  });
  loading.catch(() => kept.delete(url));
  kept.set(url, loading);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
  return loading;
}

/** Upload a file with progress from 0 to 1; fetch cannot tell it. */
export function upload(file: File, force: boolean, progress: (share: number) => void): Promise<Job> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}/jobs?filename=${encodeURIComponent(file.name)}&force=${String(force)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => progress(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      const said = JSON.parse(request.responseText || "{}") as Job & { error?: string };
      if (request.status < 300) resolve(said);
      else reject(new ServiceError(said.error ?? `The service answered ${request.status}.`));
    });
    request.addEventListener("error", () => reject(new ServiceError("The connection broke off; send the file again.")));
    request.send(file);
  });
}
