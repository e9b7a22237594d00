/** Elements without markup: everything that comes from outside is text. */

export type Attributes = Record<string, string | number | boolean>;
export type Content = Node | string | null;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(made: E, attributes: Attributes, contents: Content[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...contents.filter((content) => content !== null));
  return made;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...contents: Content[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, contents);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...contents: Content[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, name), attributes, contents);
}

/** Tell a screen reader. */
export function announce(text: string): void {
  const place = document.getElementById("announce");
  if (place) place.textContent = text;
}

export function button(text: string, act: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = h("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", act);
  return made;
}

/** A table with a caption; the first cell of a row is its heading. */
export function table(caption: string, heads: string[], rows: Content[][], attributes: Attributes = {}): HTMLTableElement {
  return h(
    "table",
    attributes,
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h(
      "tbody",
      {},
      ...rows.map((row) =>
        h("tr", {}, ...row.map((cell, n) => (n ? h("td", {}, cell) : h("th", { scope: "row" }, cell)))),
      ),
    ),
  );
}
