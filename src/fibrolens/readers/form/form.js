"use strict";
// The form of a reader study. Everything is text that the program gave; nothing is put into the page as markup.

const find = (id) => document.getElementById(id);
const RETRY_MS = 2000;
const LOST = [401, 403]; // answers to who has no session any more
let state = null; // reader, items with their last readings, choices
let at = 0; // which item is shown
let drawn = null; // the item whose picture and answers stand in the page
let looked = 0; // milliseconds that it was looked at before now
let since = null; // when looking began, null while the page is hidden
let waiting = null; // a reading that is not saved yet
let sending = false;

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function show(id) {
  for (const part of ["welcome", "reading", "stopped"]) find(part).hidden = part !== id;
}

function stop(why, advice) {
  find("why").textContent = why;
  find("advice").textContent = advice;
  show("stopped");
}

async function ask(path, content) {
  const options = content === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  };
  const answer = await fetch(path, { ...options, credentials: "same-origin", cache: "no-store" });
  const found = await answer.json();
  if (LOST.includes(answer.status)) {
    stop("This page is no longer connected.",
      "The program was started again, or another reader began in this browser. Open the newest link that fibrolens " +
      "printed. What the page called saved is saved.");
  }
  if (!answer.ok) throw Object.assign(new Error(found.error || answer.statusText), { status: answer.status });
  return found;
}

function radio(group, number, value, title, more) {
  const label = element("label", "", { class: "choice" });
  const words = element("span", title);
  if (more) words.append(element("small", more));
  label.append(element("input", "", { type: "radio", name: group, value }), element("kbd", String(number)), words);
  return label;
}

function build() {
  find("question").textContent = state.question;
  for (const text of state.instructions) find("instructions").append(element("p", text));
  state.choices.forEach((choice, n) => {
    const line = element("li");
    line.append(element("strong", `${choice.title}.`), ` ${choice.sentence}`);
    find("patterns").append(line);
    find("pattern").append(radio("pattern", n + 1, choice.name, choice.title, choice.sentence));
  });
  state.confidences.forEach((words, n) => find("confidence").append(radio("confidence", n + 1, n + 1, words)));
  for (const name of state.readers) {
    const label = element("label", "", { class: "choice" });
    label.append(element("input", "", { type: "radio", name: "reader", value: name, required: "" }), element("span", name));
    find("readers").append(label);
  }
}

function begin() {
  if (!state.reader) {
    show("welcome");
    return;
  }
  find("who").textContent = `Reader: ${state.reader}`;
  show("reading");
  const first = state.items.findIndex((item) => !item.reading);
  go(first < 0 ? 0 : first);
  if (first < 0) say("All pictures are read and saved. Thank you. You may close this page.", "saved");
}

function say(text, kind = "") {
  find("status").textContent = text;
  find("status").className = kind;
}

function checked(group) {
  return document.querySelector(`input[name="${group}"]:checked`);
}

function count() {
  const read = state.items.filter((item) => item.reading).length;
  find("bar").max = state.items.length;
  find("bar").value = read;
  find("count").textContent = `${read} of ${state.items.length} read`;
  return read;
}

function go(number) {
  if (number < 0 || number >= state.items.length) return;
  at = number;
  drawn = state.items[at];
  const picture = find("picture");
  picture.src = `pictures/${drawn.item}.png`;
  picture.alt = `Picture ${at + 1} of ${state.items.length}: a location map over six axial slices, a coronal and a ` +
    "sagittal slice of a CT, with the outlines of liver and spleen.";
  find("place").textContent = `Picture ${at + 1} of ${state.items.length}`;
  for (const group of ["pattern", "confidence"]) {
    for (const input of document.querySelectorAll(`input[name="${group}"]`)) {
      input.checked = Boolean(drawn.reading) && String(drawn.reading[group]) === input.value;
    }
  }
  find("comment").value = drawn.reading ? drawn.reading.comment : "";
  find("back").disabled = at === 0;
  find("next").disabled = at === state.items.length - 1;
  find("frame").scrollTo(0, 0);
  looked = 0;
  since = document.hidden ? null : performance.now();
  count();
  say(drawn.reading ? "Saved." : "Choose a pattern.", drawn.reading ? "saved" : "");
  focus("pattern");
}

function move(number) {
  if (waiting) {
    say("Not saved yet; wait a moment.", "failed");
    return;
  }
  go(number);
}

function nextUnread() {
  const order = [...state.items.keys()].map((n) => (at + 1 + n) % state.items.length);
  const found = order.find((n) => !state.items[n].reading);
  if (found === undefined) say("All pictures are read and saved. Thank you.", "saved");
  else move(found);
}

function focus(group) {
  const first = checked(group) || document.querySelector(`input[name="${group}"]`);
  first.focus({ preventScroll: true });
}

function seconds() {
  return (looked + (since === null ? 0 : performance.now() - since)) / 1000;
}

function answered() {
  const pattern = checked("pattern");
  const confidence = checked("confidence");
  if (!pattern || !confidence) {
    say(pattern ? "Not saved yet: how sure are you?" : "Choose a pattern.");
    return;
  }
  const reading = { pattern: pattern.value, confidence: Number(confidence.value), comment: find("comment").value.trim() };
  const before = (waiting && waiting.item === drawn.item ? waiting : drawn.reading) || {};
  if (["pattern", "confidence", "comment"].every((key) => before[key] === reading[key])) return;
  const submission = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  waiting = { item: drawn.item, ...reading, seconds: Math.min(seconds(), 86400), submission };
  say("Saving …");
  if (!sending) send();
}

async function send() {
  sending = true;
  while (waiting) {
    const reading = waiting;
    try {
      await ask("readings", reading);
      state.items.find((item) => item.item === reading.item).reading = reading;
      if (waiting === reading) waiting = null;
      const all = count() === state.items.length;
      if (!waiting) say(all ? "Saved. All pictures are read; thank you. You may close this page." : "Saved.", "saved");
    } catch (error) {
      if (LOST.includes(error.status)) {
        waiting = null;
      } else if (error.status) {
        waiting = null;
        say(`Not saved: ${error.message}`, "failed");
      } else {
        say("Not saved: the program does not answer. Trying again …", "failed");
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }
  sending = false;
}

function key(event) {
  if (find("reading").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.id === "comment") {
    if (event.key === "Escape") focus("pattern");
    return;
  }
  const digit = Number(event.key);
  if (digit >= 1 && digit <= 5 && event.key.length === 1) {
    const group = find("confidence").contains(document.activeElement) ? "confidence" : "pattern";
    const input = document.querySelectorAll(`input[name="${group}"]`)[digit - 1];
    if (!input) return;
    input.checked = true;
    focus("confidence");
    answered();
  } else if (event.key === "ArrowRight") move(at + 1);
  else if (event.key === "ArrowLeft") move(at - 1);
  else if (event.key.toLowerCase() === "p") focus("pattern");
  else if (event.key.toLowerCase() === "n") nextUnread();
  else if (event.key.toLowerCase() === "z") enlarge();
  else return;
  event.preventDefault();
}

function enlarge() {
  const large = find("frame").classList.toggle("large");
  find("zoom").setAttribute("aria-pressed", String(large));
}

function listen() {
  document.addEventListener("keydown", key);
  find("answer").addEventListener("change", answered);
  find("answer").addEventListener("submit", (event) => event.preventDefault());
  find("back").addEventListener("click", () => move(at - 1));
  find("next").addEventListener("click", () => move(at + 1));
  find("unread").addEventListener("click", nextUnread);
  find("zoom").addEventListener("click", enlarge);
  find("leave").addEventListener("click", async () => {
    if (waiting) return;
    await ask("logout", {});
    state.reader = null;
    begin();
  });
  find("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    Object.assign(state, await ask("login", { reader: checked("reader").value }));
    begin();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && since !== null) looked += performance.now() - since;
    since = document.hidden ? null : performance.now();
  });
  window.addEventListener("beforeunload", (event) => {
    if (waiting) event.preventDefault();
  });
}

ask("state").then((found) => {
  state = found;
  build();
  listen();
  begin();
}).catch((error) => {
  if (!LOST.includes(error.status)) stop("The program does not answer.", "Start it again and open its link.");
});
