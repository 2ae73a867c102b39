// Search over all columns and the priority filter, both in the page; the agent filter reloads.

import { body, SECTIONS } from "./rows.js";
import { load, save } from "./store.js";

const search = document.getElementById("ticket-search");
const priority = document.getElementById("priority-filter");
const agent = document.getElementById("agent-filter");
const result = document.getElementById("filter-result");
const clear = document.getElementById("filter-clear");

function matches(row, words) {
  if (priority.value && row.querySelector("[data-value-priority_raw]").dataset.valuePriority_raw !== priority.value) return false;
  if (words.length === 0) return true;
  // The whole subject counts, not only what fits into the cell.
  const text = `${row.textContent} ${row.querySelector("[data-value-subject]").getAttribute("data-value-subject")}`.toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/** Shows the rows that fit and says how many. `hasData` is false while no ticket could be loaded. */
export function apply(hasData = true) {
  const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const isFiltered = words.length > 0 || priority.value !== "";
  let [shown, total] = [0, 0];
  for (const section of SECTIONS) {
    const tbody = body(section);
    let visible = 0;
    for (const row of tbody.rows) {
      row.hidden = isFiltered && !matches(row, words);
      visible += row.hidden ? 0 : 1;
    }
    shown += visible;
    total += tbody.rows.length;
    const empty = document.getElementById(`${section}-no-items-message`);
    tbody.closest("table").hidden = visible === 0;
    empty.hidden = visible > 0;
    if (!hasData) empty.textContent = "The tickets of this section cannot be loaded at the moment.";
    else if (tbody.rows.length > 0) empty.textContent = "No ticket of this section fits the search.";
    else empty.textContent = empty.dataset.emptyText;
  }
  result.textContent = isFiltered ? `${shown} of ${total} tickets` : "";
  clear.hidden = !isFiltered;
}

function changed() {
  save("filter", { search: search.value, priority: priority.value });
  apply();
}

export function start(hasData) {
  const kept = load("filter", {});
  search.value = kept.search ?? "";
  priority.value = kept.priority ?? "";
  search.addEventListener("input", changed);
  priority.addEventListener("change", changed);
  clear.addEventListener("click", () => {
    search.value = "";
    priority.value = "";
    changed();
    search.focus();
  });
  agent.addEventListener("change", () => {
    const url = new URL(location.href);
    if (agent.value) url.searchParams.set("agent_id", agent.value);
    else url.searchParams.delete("agent_id");
    url.hash = "";
    location.assign(url);
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, select, textarea, dialog");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      changed();
    }
  });
  apply(hasData);
}
