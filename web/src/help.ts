/** The keys, and how to read a map. */

import { button, h } from "./dom";

const KEYS: [string, string][] = [
  ["Tab", "to the slices and to every control"],
  ["Page Up, Page Down, wheel", "next slice towards the head, towards the feet (in other planes: forward, back; left, right)"],
  ["Home, End", "ten slices down, ten up"],
  ["Arrow keys, click", "move the crosshair"],
  ["?", "this help"],
];

export function help(): void {
  const dialog = h("dialog", { "aria-labelledby": "help-title", class: "help" });
  dialog.append(
    h("h2", { id: "help-title" }, "Keys and help"),
    h("dl", {}, ...KEYS.flatMap(([key, meaning]) => [h("dt", {}, key), h("dd", {}, meaning)])),
    h("h3", {}, "How to read a map"),
    h(
      "p",
      {},
      "A location map shows where in the CT the score of a stage came from, for this network. On the scale mean1 it is divided " +
        "by its own mean inside the body: 1 is an even share, and colours mean the same in every patient. It does not show " +
        "where fibrosis is. Regions inside the null band are as bright in networks that have learnt nothing.",
    ),
    h("p", {}, "Slices are in radiological convention: the patient's right is on the left. Research use only."),
    h("p", {}, h("a", { href: "/licenses.txt", target: "_blank" }, "Licences of the parts of this page")),
    button("Close", () => dialog.close(), { autofocus: true }),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
