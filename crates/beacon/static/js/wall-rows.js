// The list of the wall display: as many rows as the screen has room for, kept over refreshes.

import * as clock from "./clock.js";
import { stateClass, stateOf } from "./state.js";
import { agentOf, cutSubject, priorityClass } from "./ticket.js";

/** Least height of a row, as in the stylesheet. */
const ROW_EM = 2.5;
const SCROLLED = 40;
const narrow = matchMedia("(max-width: 900px)");

const list = document.getElementById("wall-list");
const table = document.getElementById("wall-table");
const tbody = document.getElementById("wall-rows");
const pattern = document.getElementById("wall-row").content.firstElementChild;
const empty = document.getElementById("wall-empty");

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function fill(row, { ticket, section }) {
  const [number, subject, agent, priority, sla] = row.cells;
  row.dataset.itemId = ticket.id;
  const state = stateOf(ticket, section, clock.now(), { onWall: true });
  row.classList.toggle("row--attention", state.isAttention);
  row.classList.toggle("is-overdue", state.isOverdue);
  setText(number, `#${ticket.external_id}`);
  setText(subject, ticket.subject === undefined ? "" : cutSubject(ticket.subject));
  setText(agent, agentOf(ticket));
  const badge = priority.firstElementChild;
  badge.className = `badge badge--${priorityClass(ticket)} priority-badge priority-badge--${priorityClass(ticket)}`;
  setText(badge, ticket.priority_text ?? "");
  const element = sla.firstElementChild;
  element.className = stateClass(state);
  element.querySelector("use").setAttribute("href", `#shape-${state.color}`);
  setText(element.querySelector(".sla__text"), state.text);
}

/** How many rows the screen has room for; a small one is scrolled instead. */
function room() {
  if (narrow.matches) return SCROLLED;
  const least = ROW_EM * parseFloat(getComputedStyle(list).fontSize);
  return Math.max(Math.floor((list.clientHeight - table.tHead.offsetHeight) / least), 1);
}

/** Shows the first of `items`; gives how many are left out. Links without subjects need no column for them. */
export function show(items) {
  if (items.length > 0) table.classList.toggle("wall__table--no-subjects", items[0].ticket.subject === undefined);
  const shown = items.slice(0, room());
  const known = new Map([...tbody.rows].map((row) => [row.dataset.itemId, row]));
  const rows = shown.map((item) => {
    const row = known.get(String(item.ticket.id)) ?? pattern.cloneNode(true);
    fill(row, item);
    return row;
  });
  if (rows.some((row, index) => row !== tbody.rows[index]) || rows.length !== tbody.rows.length) tbody.replaceChildren(...rows);
  table.hidden = items.length === 0;
  empty.hidden = items.length > 0;
  // A full screen has no half row at its foot.
  table.classList.toggle("wall__table--full", shown.length < items.length && !narrow.matches);
  return items.length - shown.length;
}

/** The row of a ticket if it is on the screen. */
export const rowOf = (id) => [...tbody.rows].find((row) => row.dataset.itemId === id);

/** Nothing may stay on a screen whose link has ended. */
export function clear() {
  tbody.replaceChildren();
}

/** Calls back when there is room for more or fewer rows. */
export const onResize = (resized) => new ResizeObserver(resized).observe(list);
