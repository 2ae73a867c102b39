// The search of the path bar: the best results while somebody types, all of them on a page of their own.

import * as api from "./api.js";
import { base } from "./call.js";
import { element } from "./dom.js";
import { searching } from "./item-search.js";
import { byId, onShown } from "./place.js";

/** Takes over the field. */
export function start() {
  const field = byId("search-input");
  const list = byId("search-results");
  const search = searching(field, list, {
    start: () => field.dataset.startNode,
    href: (hit) => (hit.is_folder ? api.browseAddress(hit.url_path) : api.viewAddress(hit.id)),
    more: (text) => element("a", { class: "dropdown__item", role: "option", "aria-selected": "false", href: `${base}/search?${new URLSearchParams({ query: text })}`, tabindex: "-1" }, element("span", { class: "dropdown__item-title" }, "All results")),
  });
  // Enter without a chosen result leads to all of them.
  field.form.addEventListener("submit", () => search.stop());
  onShown(() => {
    search.stop();
    field.value = "";
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector(".modal.active")) return;
    event.preventDefault();
    field.focus();
  });
}
