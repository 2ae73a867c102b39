// The column heads: clicks, the mark of the sorted column, and what was chosen, over refreshes, reloads and views.

import { next } from "./sort.js";
import { load, save } from "./store.js";

const chosen = load("sort", {});

/** The column a section is sorted by; none for its own order. */
export const chosenOf = (section) => chosen[section] ?? null;

function mark(section) {
  const { key, dir } = chosen[section] ?? {};
  for (const head of document.querySelectorAll(`#${section}-item-table .sortable-header`)) {
    const own = head.dataset.sortKey === key ? dir : undefined;
    head.classList.toggle("sort-asc", own === "asc");
    head.classList.toggle("sort-desc", own === "desc");
    head.setAttribute("aria-sort", { asc: "ascending", desc: "descending" }[own] ?? "none");
    if (own) head.dataset.sortDir = own;
    else delete head.dataset.sortDir;
  }
}

/** Marks the heads of a section and listens; `show` is called with the section after a choice. */
export function start(section, show) {
  document.getElementById(`${section}-item-table`).tHead.addEventListener("click", (event) => {
    const head = event.target.closest(".sortable-header");
    if (!head) return;
    const choice = next(chosen[section], head.dataset.sortKey);
    if (choice) chosen[section] = choice;
    else delete chosen[section];
    save("sort", chosen);
    mark(section);
    show(section);
  });
  mark(section);
}
