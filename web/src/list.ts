/** The list of scans: upload, progress, results, refusals. */

import { deleteJob, listJobs, upload, type Job } from "./api";
import { announce, button, h } from "./dom";
import type { Page } from "./pages";
import { warm } from "./warm";
import { when } from "./words";

const POLL_MS = 1500;
const STATES: Record<Job["state"], string> = {
  queued: "waiting",
  running: "running",
  done: "staged",
  refused: "refused",
  failed: "failed",
};

function row(job: Job, changed: () => void): HTMLTableRowElement {
  const ended = job.state !== "queued" && job.state !== "running";
  const name = job.state === "done" ? h("a", { href: `#/scan/${job.id}` }, job.name) : job.name;
  const told =
    job.state === "running"
      ? h("span", {}, h("progress", { max: 1, value: job.progress, "aria-label": "Progress" }), ` ${job.step}`)
      : h("span", { class: job.state }, STATES[job.state], job.forced && job.state === "done" ? " (FORCED)" : "");
  const remove = button("Delete", () => void confirmed(job, changed), { "aria-label": `Delete ${job.name}` });
  return h(
    "tr",
    { "data-job": job.id },
    h("th", { scope: "row" }, name),
    h("td", {}, told, job.reason ? h("p", { class: "reason" }, job.reason) : null),
    h("td", { class: "stage" }, job.predicted ?? ""),
    h("td", {}, job.origin === "dicom" ? "DICOM" : "upload"),
    h("td", {}, when(ended && job.finished ? job.finished : job.created)),
    h("td", {}, remove),
  );
}

function confirmed(job: Job, changed: () => void): void {
  const dialog = h("dialog", { "aria-labelledby": "delete-title" });
  const close = (): void => dialog.remove();
  dialog.append(
    h("h2", { id: "delete-title" }, `Delete ${job.name}?`),
    h("p", {}, "The uploaded scan and all its results are removed from this server. This cannot be undone."),
    button("Delete", () => void deleteJob(job.id).then(changed).finally(close), { class: "danger" }),
    button("Keep", close, { autofocus: true }),
  );
  dialog.addEventListener("close", close);
  document.body.append(dialog);
  dialog.showModal();
}

/** Put rows into a table; those that are there already are not touched, and the keyboard's focus stays in its row. */
function arrange(body: HTMLElement, rows: HTMLTableRowElement[]): void {
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  const job = focused?.closest("tr")?.getAttribute("data-job");
  for (const old of [...body.children]) if (!rows.includes(old as HTMLTableRowElement)) old.remove();
  rows.forEach((one, n) => {
    if (body.children[n] !== one) body.insertBefore(one, body.children[n] ?? null);
  });
  if (focused && !body.contains(focused)) {
    body.querySelector<HTMLElement>(`[data-job="${job}"] ${focused.tagName}`)?.focus();
  }
}

export async function listPage(): Promise<Page> {
  const body = h("tbody");
  const empty = h("p", {}, "No scans yet: choose a CT above, or send one from the PACS to the DICOM listener.");
  const messages = h("ul", { class: "uploads", "aria-live": "polite" });
  const states = new Map<string, string>();
  const lost = h("p", { class: "warn", role: "status", hidden: true }, "The service does not answer; it is asked again.");
  let timer = 0;
  let closed = false;

  const draw = (jobs: Job[]): void => {
    const known = new Map([...body.children].map((one) => [one.getAttribute("data-job"), one as HTMLTableRowElement]));
    const rows = jobs.map((job) => {
      const state = JSON.stringify(job);
      const before = known.get(job.id);
      if (before && states.get(job.id) === state) return before;
      if (before && job.state !== "running") announce(`${job.name}: ${STATES[job.state]} ${job.predicted ?? ""}`);
      states.set(job.id, state);
      return row(job, refresh);
    });
    arrange(body, rows);
    empty.hidden = jobs.length > 0;
  };
  const refresh = (): void => {
    clearTimeout(timer);
    void listJobs()
      .then(draw)
      .then(
        () => (lost.hidden = true),
        () => (lost.hidden = false),
      )
      .finally(() => {
        if (!closed) timer = window.setTimeout(refresh, POLL_MS);
      });
  };
  const force = h("input", { type: "checkbox" });
  const send = (files: Iterable<File>): void => {
    for (const file of files) void sent(file, force.checked, messages, refresh);
  };
  const picker = h("input", { type: "file", multiple: true, id: "picker" });
  picker.addEventListener("change", () => {
    send(picker.files ?? []);
    picker.value = "";
  });
  const drop = h(
    "section",
    { class: "drop", "aria-labelledby": "upload-title" },
    h("h2", { id: "upload-title" }, "Stage a CT"),
    h("p", {}, "Choose or drop a zip of DICOM files, a DICOM file, NIfTI, NRRD or MHA: a portal-venous CT that shows the whole liver."),
    h("label", { class: "action", for: "picker" }, "Choose files"),
    picker,
    h("label", { class: "control check" }, force, "Stage what the quality gate refuses (marks every output)"),
    messages,
  );
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send(event.dataTransfer?.files ?? []);
  });
  draw(await listJobs());
  const heads = ["Scan", "State", "Stage", "Came by", "When", ""];
  const element = h(
    "div",
    { class: "list" },
    h("h1", {}, "Scans"),
    drop,
    lost,
    empty,
    h("table", { class: "jobs" }, h("caption", { class: "hidden" }, "Scans"), h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head || h("span", { class: "hidden" }, "Delete"))))), body),
  );
  return {
    title: "Scans",
    element,
    shown: () => {
      refresh();
      void warm();
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

async function sent(file: File, force: boolean, messages: HTMLElement, refresh: () => void): Promise<void> {
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Uploading ${file.name}` });
  const line = h("li", {}, `${file.name} `, bar);
  messages.append(line);
  try {
    await upload(file, force, (share) => {
      bar.value = share;
    });
    line.remove();
    refresh();
  } catch (error) {
    line.replaceChildren(`${file.name}: ${error instanceof Error ? error.message : String(error)} `, button("OK", () => line.remove()));
    line.className = "reason";
  }
}
