// Search over all columns, the priority filter and the agents.

import { filterOf } from "./filter.js";
import { load, save } from "./store.js";
import { SECTIONS } from "./ticket.js";

const search = document.getElementById("ticket-search");
const priority = document.getElementById("priority-filter");
const agent = document.getElementById("agent-filter");
const result = document.getElementById("filter-result");
const clear = document.getElementById("filter-clear");

/** What is typed and chosen now. */
export const current = () => filterOf(search.value, priority.value);

/** Says how many fit, in each section and in all. `hasData` is false while no ticket could be loaded. */
export function showResult(sections, isActive, hasData) {
  let [shown, total] = [0, 0];
  for (const section of sections) {
    shown += section.matching;
    total += section.total;
    const count = isActive && section.total > 0 ? `${section.matching} of ${section.total}` : String(section.total);
    setText(document.getElementById(`${section.name}-item-count`), count);
    const empty = document.getElementById(`${section.name}-no-items-message`);
    document.getElementById(`${section.name}-item-table`).hidden = section.matching === 0;
    empty.hidden = section.matching > 0;
    if (!hasData) setText(empty, "The tickets of this section cannot be loaded at the moment.");
    else if (section.total > 0) setText(empty, "No ticket of this section fits the search.");
    else setText(empty, empty.dataset.emptyText);
  }
  setText(result, isActive ? `${shown} of ${total} tickets` : "");
  clear.hidden = !isActive;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The number of tickets of each agent, where the page has those of all. */
export function countAgents(data) {
  if (agent.value || isLimited()) return;
  const counts = new Map();
  for (const section of SECTIONS) {
    for (const { responder_id: id } of data[`${section}_items`]) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
  }
  for (const option of agent.options) {
    const count = option.value ? (counts.get(option.value) ?? 0) : data.total_active_items;
    const label = `${option.text} (${count})`;
    if (option.label !== label) option.label = label;
  }
}

function changed(show) {
  save("filter", { search: search.value, priority: priority.value });
  show();
}

export function focusSearch() {
  search.focus();
  search.select();
}

/** Loads the page again with `value` for `name` in its address; empty for none. */
function reload(name, value) {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  url.hash = "";
  location.assign(url);
}

/** An address with a priority has only those tickets: another priority needs others. */
const isLimited = () => new URL(location.href).searchParams.has("priority");

function priorityChanged(show) {
  if (isLimited()) {
    save("filter", { search: search.value, priority: priority.value });
    reload("priority", priority.value);
  } else changed(show);
}

/** Takes up what was chosen before and listens; `show` is called after a change. */
export function start(show) {
  const kept = load("filter", {});
  search.value = kept.search ?? "";
  if (!isLimited()) priority.value = kept.priority ?? "";
  search.addEventListener("input", () => changed(show));
  priority.addEventListener("change", () => priorityChanged(show));
  clear.addEventListener("click", () => {
    search.value = "";
    priority.value = "";
    priorityChanged(show);
    search.focus();
  });
  agent.addEventListener("change", () => reload("agent_id", agent.value));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !search.value) return;
    event.preventDefault();
    search.value = "";
    changed(show);
  });
}
