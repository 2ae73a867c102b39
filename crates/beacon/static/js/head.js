// What stands above the tables: the total with its sirens, the counts, the last sync, how current all of it is.

import * as clock from "./clock.js";
import { SECTIONS } from "./ticket.js";
import { age, long, parse } from "./time.js";

const OLD_SYNC_MS = 15 * 60_000;
// Tickets come before the end of the sync that brings them (routes/pages/board.rs says the same).
const FIRST_SYNC = "the first sync is not complete yet";
const COUNT_STEPS = [[120, "count-emergency"], [110, "count-critical"], [100, "count-danger"], [90, "count-warning"]];

const board = document.getElementById("beacon-board");

export function showTotal(total) {
  const number = document.getElementById("total-active-items-count");
  number.textContent = total;
  number.classList.remove(...COUNT_STEPS.map(([, name]) => name));
  const step = COUNT_STEPS.find(([from]) => total >= from);
  if (step) number.classList.add(step[1]);
  const isLoud = total > Number(board.dataset.sirenThreshold);
  for (const side of ["left", "right"]) document.getElementById(`siren-${side}`).classList.toggle("active", isLoud);
}

/** The parts of the total, by section. */
export function showParts(counts) {
  for (const section of SECTIONS) board.querySelector(`[data-count-of="${section}"]`).textContent = counts[section];
  const isNeeded = counts.s3 > 0;
  board.querySelector('[data-count-of="s3"]').classList.toggle("summary__n--attention", isNeeded);
  const card = document.getElementById("s3-container");
  card.classList.toggle("card--attention", isNeeded);
  card.querySelector(".count").classList.toggle("count--attention", isNeeded);
}

/** Codex's last sync; its age only once the right time is known. */
export function showLastSync(iso, total) {
  const time = parse(iso);
  const elapsed = time && clock.isKnown() ? clock.now() - time.getTime() : 0;
  const isOld = elapsed > OLD_SYNC_MS;
  const box = document.getElementById("last-sync");
  document.getElementById("dashboard-generated-time").textContent = time ? long(time) : "Never";
  const note = document.getElementById("last-sync-age");
  if (time) note.textContent = isOld ? `${age(elapsed)} ago` : "";
  else note.textContent = total > 0 ? FIRST_SYNC : "";
  box.classList.toggle("sync--old", isOld || !time);
  box.title = isOld ? "The last ticket sync is older than 15 minutes." : "";
}

let link = "";

/** Whether changes come at once or with the next poll. */
export function showLink(state) {
  link = state;
  tellLink();
}

/** Rows that are not current are not live, whatever the connection says. */
function tellLink() {
  const isLive = link === "live" && !board.classList.contains("is-stale");
  const text = document.getElementById("link-state");
  text.textContent = isLive ? "Live" : "";
  text.title = isLive ? "Changes arrive at once." : "";
}

/** Marks the rows with their age while they are not current, empty where nobody knows it; null when they are. */
export function showAge(text) {
  board.classList.toggle("is-stale", text !== null);
  tellLink();
  for (const section of SECTIONS) {
    const note = document.getElementById(`${section}-age`);
    note.hidden = !text;
    note.textContent = text ?? "";
  }
}
