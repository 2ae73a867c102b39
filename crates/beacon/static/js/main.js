// The board: takes over the server's page and keeps it current.

import * as dialog from "./dialog.js";
import * as filter from "./filter.js";
import { hint } from "./hints.js";
import * as refresh from "./refresh.js";
import { body, markNew, SECTIONS, show } from "./rows.js";
import * as sort from "./sort.js";
import * as sync from "./sync.js";
import { age, localise, long, parse } from "./time.js";

const OLD_SYNC_MS = 15 * 60_000;
// Tickets come before the end of the sync that brings them (routes/pages/board.rs says the same).
const FIRST_SYNC = "the first sync is not complete yet";
const COUNT_STEPS = [[120, "count-emergency"], [110, "count-critical"], [100, "count-danger"], [90, "count-warning"]];

const board = document.getElementById("beacon-board");
const settings = board.dataset;
const live = document.getElementById("live-region");
let firstData;
const dataArrived = new Promise((resolve) => {
  firstData = resolve;
});

// Names that the console recipes of the documentation use.
Object.assign(window, {
  TICKET_BASE_URL: settings.ticketBaseUrl,
  AUTO_REFRESH_MS: Number(settings.refreshMs),
  CURRENT_TICKET_TYPE_SLUG: settings.viewSlug,
  CURRENT_TICKET_TYPE_DISPLAY: settings.viewName,
  currentView: settings.viewSlug,
  selectedAgent: document.getElementById("agent-filter").value,
  currentApiData: null,
});

function showLastSync(iso, total) {
  const time = parse(iso);
  const box = document.getElementById("last-sync");
  const elapsed = time ? Date.now() - time.getTime() : 0;
  const isOld = elapsed > OLD_SYNC_MS;
  settings.lastSync = iso ?? "";
  document.getElementById("dashboard-generated-time").textContent = time ? long(time) : "Never";
  const note = document.getElementById("last-sync-age");
  if (time) note.textContent = isOld ? `${age(elapsed)} ago` : "";
  else note.textContent = total > 0 ? FIRST_SYNC : "";
  box.classList.toggle("sync--old", isOld || !time);
  box.title = isOld ? "The last ticket sync is older than 15 minutes." : "";
}

function showTotal(total) {
  const number = document.getElementById("total-active-items-count");
  number.textContent = total;
  number.classList.remove(...COUNT_STEPS.map(([, name]) => name));
  const step = COUNT_STEPS.find(([from]) => total >= from);
  if (step) number.classList.add(step[1]);
  const isLoud = total > Number(settings.sirenThreshold);
  for (const side of ["left", "right"]) document.getElementById(`siren-${side}`).classList.toggle("active", isLoud);
}

function showAttention(part, isNeeded) {
  const card = document.getElementById("s3-container");
  part.classList.toggle("summary__n--attention", isNeeded);
  card.classList.toggle("card--attention", isNeeded);
  card.querySelector(".count").classList.toggle("count--attention", isNeeded);
}

function showSection(section, items) {
  const isFirst = window.currentApiData === null && "noData" in settings;
  const added = show(section, items, settings.ticketUrlTemplate);
  sort.apply(section);
  const count = String(items.length);
  document.getElementById(`${section}-item-count`).textContent = count;
  const part = board.querySelector(`[data-count-of="${section}"]`);
  part.textContent = count;
  if (section === "s3") showAttention(part, items.length > 0);
  return isFirst ? [] : added;
}

function showHints() {
  const data = window.currentApiData;
  if (!data) return;
  for (const section of SECTIONS) {
    document.getElementById(`${section}-hint`).textContent = hint(section, data[`${section}_items`], new Date());
  }
}

/** Shows an answer; null means that nothing changed but the time. */
function update(data) {
  if (data) {
    const before = new Set(SECTIONS.flatMap((section) => [...body(section).rows].map((row) => row.dataset.itemId)));
    const added = SECTIONS.flatMap((section) => showSection(section, data[`${section}_items`]));
    const arrived = added.filter((id) => !before.has(id)).length;
    // A mark is for what is new among what was there. Where most is new, as after the first sync, it would say nothing.
    if (before.size > 0 && added.length * 2 < data.total_active_items) markNew(added);
    showTotal(data.total_active_items);
    window.currentApiData = data;
    delete settings.noData;
    // Nothing at all and an error: the lists are unknown, not empty.
    filter.apply(!(data.error && !data.stale));
    if (added.length > 0) {
      live.textContent = `${arrived} new, ${added.length - arrived} moved, ${data.total_active_items} active tickets.`;
    }
    firstData();
  }
  const shown = window.currentApiData;
  showLastSync(shown ? shown.dashboard_generated_time_iso : settings.lastSync, shown?.total_active_items ?? 0);
  showHints();
}

/** A ticket of the last answer; waits for the first one. */
async function findTicket(section, id) {
  await dataArrived;
  const data = window.currentApiData;
  const inSection = (name) => data[`${name}_items`].find((ticket) => String(ticket.id) === id);
  return inSection(section) ?? SECTIONS.map(inSection).find(Boolean);
}

localise(board);
showLastSync(settings.lastSync, Number(document.getElementById("total-active-items-count").textContent));
sort.start();
filter.start(!("noData" in settings));
dialog.start(findTicket, settings.ticketUrlTemplate);
const cycle = refresh.start(settings.apiUrl, window.AUTO_REFRESH_MS, update);
// `clearInterval(autoRefreshTimer)` in the console stops the refresh.
window.autoRefreshTimer = cycle.timer;
sync.start(settings.syncUrl, cycle.now);
