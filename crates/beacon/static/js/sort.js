// Sorting by column: first click ascending, second descending, third back to the section's own order. The choice is
// kept per section over refreshes, reloads and views.

import { body, SECTIONS } from "./rows.js";
import { load, save } from "./store.js";

const NUMERIC = new Set(["id", "priority_raw", "sla_text", "updated_at_str", "created_at_str"]);
const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });
const state = load("sort", {});

const valueOf = (row, key) => row.querySelector(`[data-value-${key}]`)?.getAttribute(`data-value-${key}`) ?? "";

/** Ids can be longer than a number holds: then by length and digits. */
function compareNumbers(a, b) {
  if (a.length > 15 || b.length > 15) return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
  return Number(a) - Number(b);
}

function comparator({ key, dir }) {
  const compare = NUMERIC.has(key) ? compareNumbers : collator.compare;
  const sign = dir === "desc" ? -1 : 1;
  return (left, right) => {
    const [a, b] = [valueOf(left, key), valueOf(right, key)];
    // Missing values come last in both directions.
    if (a === "" || b === "") return (a === "") - (b === "") || compareIds(left, right);
    return sign * compare(a, b) || compareIds(left, right);
  };
}

const compareIds = (left, right) => Number(left.dataset.itemId) - Number(right.dataset.itemId);
const byOrder = (left, right) => Number(left.dataset.order) - Number(right.dataset.order);

/** Puts the rows of a section in the chosen order and marks the head. */
export function apply(section) {
  const tbody = body(section);
  const chosen = state[section];
  for (const head of tbody.closest("table").querySelectorAll(".sortable-header")) {
    const dir = head.dataset.sortKey === chosen?.key ? chosen.dir : null;
    head.classList.toggle("sort-asc", dir === "asc");
    head.classList.toggle("sort-desc", dir === "desc");
    head.setAttribute("aria-sort", { asc: "ascending", desc: "descending" }[dir] ?? "none");
    if (dir) head.dataset.sortDir = dir;
    else delete head.dataset.sortDir;
  }
  const rows = [...tbody.rows];
  const sorted = rows.toSorted(chosen ? comparator(chosen) : byOrder);
  if (sorted.every((row, index) => row === rows[index])) return;
  const focused = tbody.contains(document.activeElement) ? document.activeElement : null;
  tbody.replaceChildren(...sorted);
  focused?.focus({ preventScroll: true });
}

function next(section, key) {
  const current = state[section]?.key === key ? state[section].dir : null;
  if (current === "desc") delete state[section];
  else state[section] = { key, dir: current === "asc" ? "desc" : "asc" };
  save("sort", state);
  apply(section);
}

/** Numbers the server's rows in their order, applies what was chosen before, and listens. */
export function start() {
  for (const section of SECTIONS) {
    const tbody = body(section);
    [...tbody.rows].forEach((row, index) => {
      row.dataset.order = index;
    });
    tbody.closest("table").tHead.addEventListener("click", (event) => {
      const head = event.target.closest(".sortable-header");
      if (head) next(section, head.dataset.sortKey);
    });
    apply(section);
  }
}
