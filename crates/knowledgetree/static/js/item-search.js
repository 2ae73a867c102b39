// Results under a field: asked for while somebody types, the newest answer only. The arrows are the gateway's part.

import * as api from "./api.js";
import { element } from "./dom.js";

const WAIT_MS = 300;
const LEAST = 2;

/** A snippet, with what was looked for marked. */
const snippet = (pieces) =>
  element("span", { class: "kt-snippet" }, ...pieces.map(({ text, is_match }) => (is_match ? element("mark", {}, text) : text)));

function result(hit, href) {
  const where = hit.path_names.slice(1, -1).join(" / ") || "Root";
  const file = hit.file ? ` · in the file ${hit.file.name}` : "";
  const near = hit.matched === "similar" ? "Similar: " : "";
  return element(
    href ? "a" : "button",
    { class: "dropdown__item", role: "option", "aria-selected": "false", tabindex: "-1", ...(href ? { href } : { type: "button" }), "data-hit": hit.id },
    element("span", { class: "dropdown__item-title" }, near, hit.name),
    element("span", { class: "dropdown__item-subtitle" }, `${hit.is_folder ? "Folder" : "Article"} in ${where}${file}`),
    hit.snippet ? snippet(hit.snippet) : null,
  );
}

/** A line that cannot be chosen. */
const nothing = (words) => element("p", { class: "dropdown__empty", role: "option", "aria-disabled": "true", "aria-selected": "false" }, words);

/**
 * Looks for items while somebody types in `field` and shows them in `list`. `href` gives the address of a result; without it `take` is told
 * which was chosen. `more` makes a last line of the list from the text.
 */
export function searching(field, list, { href, take, more, start = () => "root" }) {
  let timer;
  let running;
  let hits = [];

  const hide = () => list.classList.remove("dropdown--visible");

  async function look() {
    running?.abort();
    const text = field.value.trim();
    if (text.length < LEAST) {
      hide();
      return;
    }
    const request = (running = new AbortController());
    try {
      hits = await api.search(text, { signal: request.signal, start: start() });
      list.replaceChildren(...hits.map((hit) => result(hit, href?.(hit))));
      if (!hits.length) list.append(nothing("No results found."));
      else if (more) list.append(more(text));
    } catch (error) {
      if (error.name === "AbortError" || running !== request) return;
      list.replaceChildren(nothing(error.message));
    }
    if (running === request) list.classList.add("dropdown--visible");
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  list.addEventListener("click", ({ target }) => {
    const hit = hits.find(({ id }) => id === target.closest("[data-hit]")?.dataset.hit);
    if (!hit) return;
    hide();
    take?.(hit);
  });
  return {
    stop: () => {
      clearTimeout(timer);
      running?.abort();
      hide();
    },
  };
}
