/** The viewer: one page after another, by the address behind the "#". */

import "./style.css";
import { announce, h } from "./dom";
import { help } from "./help";
import { listPage } from "./list";
import type { Page } from "./pages";

const main = document.getElementById("main")!;
let current: Page | null = null;
let asked = 0;

async function open(): Promise<void> {
  const turn = ++asked;
  const [, name = "", ...ids] = location.hash.split("/");
  current?.close?.();
  current = null;
  delete main.dataset["shown"];
  main.replaceChildren(h("p", { class: "loading", role: "status" }, "Loading …"));
  try {
    const page = await made(name, ids);
    if (turn !== asked) {
      page.close?.();
      return;
    }
    current = page;
    document.title = `${page.title} · fibrolens`;
    main.replaceChildren(page.element);
    announce(page.title);
    await page.shown?.();
    if (turn !== asked) return;
    main.dispatchEvent(new CustomEvent("shown", { bubbles: true }));
    main.dataset["shown"] = location.hash;
  } catch (error) {
    if (turn !== asked) return;
    const said = error instanceof Error ? error.message : String(error);
    main.replaceChildren(h("div", { role: "alert", class: "warnings" }, h("p", {}, said), h("a", { href: "#/" }, "To the list of scans")));
  }
}

async function made(name: string, ids: string[]): Promise<Page> {
  const [first, second] = ids;
  if (name === "scan" && first) return (await import("./scan")).scanPage(first);
  if (name === "compare" && first && second) return (await import("./compare")).comparePage(first, second);
  return listPage();
}

document.getElementById("help")?.addEventListener("click", help);
addEventListener("keydown", (event) => {
  // Nothing on these pages is typed into.
  if (event.key === "?" && !document.querySelector("dialog")) help();
});
addEventListener("hashchange", () => void open());
void open();
