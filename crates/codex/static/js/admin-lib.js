// What the pages of administrators share: calls, toasts, questions, times, elements.

import { busy, Refused, request } from "./call.js";
import { form, localise } from "./time.js";

export { busy, localise, Refused };

/** The prefix of Codex behind the gateway. */
export const base = document.querySelector("[data-base]")?.dataset.base ?? "";

/** A call with the members of its answer beside its status; throws `Refused`. `path` begins at the origin. */
export async function call(method, path, body) {
  const { status, answer } = await request(method, path, body);
  return { status, ...answer };
}

/** A call to Codex itself. */
export const codex = (method, path, body) => call(method, base + path, body);

export function say(kind, text) {
  if (globalThis.hivematrix?.say) globalThis.hivematrix.say(kind, text);
}

/** An element with attributes and children; texts are texts, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A time in the viewer's zone, with UTC as its title. */
export function time(iso) {
  if (!iso) return "-";
  const moment = new Date(iso);
  return element("time", { datetime: iso, title: `${iso.slice(0, 16).replace("T", " ")} UTC` }, form.format(moment));
}

/** `12s`, `3m 4s`, `1h 2m`. */
export function duration(seconds) {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}

/** Asks before something that cannot be taken back; with `word`, it has to be typed. */
export function asked({ title, text, yes = "Go on", danger = false, word = "" }) {
  const modal = document.getElementById("ask");
  const dialog = document.getElementById("ask-form");
  const input = document.getElementById("ask-word");
  const button = document.getElementById("ask-yes");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-text").textContent = text;
  document.getElementById("ask-typed").hidden = !word;
  document.getElementById("ask-expected").textContent = word;
  input.value = "";
  button.textContent = yes;
  button.className = danger ? "btn btn--danger" : "btn btn--primary";
  const fits = () => (button.disabled = Boolean(word) && input.value.trim() !== word);
  fits();
  return new Promise((resolve) => {
    const stop = new AbortController();
    const end = (answer) => {
      stop.abort();
      watch.disconnect();
      modal.classList.remove("active");
      resolve(answer);
    };
    const watch = new MutationObserver(() => modal.classList.contains("active") || end(false));
    input.addEventListener("input", fits, { signal: stop.signal });
    dialog.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        if (!button.disabled) end(true);
      },
      { signal: stop.signal },
    );
    modal.classList.add("active");
    watch.observe(modal, { attributes: true, attributeFilter: ["class"] });
  });
}

export const open = (id) => document.getElementById(id).classList.add("active");
export const close = (id) => document.getElementById(id).classList.remove("active");
