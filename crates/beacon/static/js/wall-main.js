// The wall display: the board's numbers and its most urgent tickets, to be read from across the room.

import * as chime from "./chime.js";
import * as clock from "./clock.js";
import { startFeed } from "./feed-client.js";
import { mark } from "./marks.js";
import { Records } from "./records.js";
import * as rotation from "./rotation.js";
import { clock as timeOfDay, long, parse } from "./time.js";
import { byUrgency } from "./urgency.js";
import * as rows from "./wall-rows.js";
import * as screen from "./wall-screen.js";

/** A sync older than this is worth a warning; without a connection a minute is. */
const OLD_SYNC_MS = 15 * 60_000;
const OLD_ANSWER_MS = 60_000;
const DAY_MS = 86_400_000;

const wall = document.getElementById("wall");
const settings = wall.dataset;
const records = new Records();
let lists = null;
/** When the tickets were last known to be current, in the server's time. */
let currentAt = null;
let isCurrent = true;
/** Whether the last answer itself said that something is wrong. */
let isStale = false;

function showAge() {
  const sync = parse(settings.lastSync);
  const since = sync?.getTime() ?? currentAt;
  const age = since === null ? 0 : clock.now() - since;
  const isLost = !isCurrent && (currentAt === null || clock.now() - currentAt > OLD_ANSWER_MS);
  const isOld = clock.isKnown() && since !== null && (isLost || age > OLD_SYNC_MS);
  const box = document.getElementById("wall-age");
  box.classList.toggle("wall__age--old", isOld);
  const minutes = Math.max(Math.floor(age / 60_000), 1);
  const words = minutes >= 120 ? `${Math.floor(minutes / 60)} hours` : minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const syncText = sync && (age < DAY_MS ? timeOfDay(sync) : long(sync));
  const text = isOld ? `Data is ${words} old` : `Last sync ${syncText ?? "never"}`;
  if (box.textContent !== text) box.textContent = text;
}

function showTime() {
  const time = document.getElementById("wall-time");
  time.textContent = clock.isKnown() ? timeOfDay(new Date(clock.now())) : "";
  showAge();
  showRows();
}

function showNumbers({ s1, s2, s3, s4 }) {
  const counts = { s1: s1.length, s2: s2.length, s3: s3.length, s4: s4.length };
  for (const [section, count] of Object.entries(counts)) {
    const number = wall.querySelector(`[data-count-of="${section}"]`);
    number.textContent = count;
    if (section === "s3") number.classList.toggle("wall__n--attention", count > 0);
  }
  const total = counts.s1 + counts.s2 + counts.s3 + counts.s4;
  const isLoud = total > Number(settings.sirenThreshold);
  const number = document.getElementById("total-active-items-count");
  number.textContent = total;
  number.classList.toggle("wall__n--attention", isLoud);
  for (const side of ["left", "right"]) document.getElementById(`siren-${side}`).classList.toggle("active", isLoud);
}

function showRows() {
  if (!lists) return;
  const left = rows.show(byUrgency(lists, clock.now()));
  document.getElementById("wall-rest").textContent = left > 0 ? ` · ${left} more` : "";
}

function showAnswer({ meta, order, added, moved, isFirst }) {
  lists = records.arrange(order);
  settings.lastSync = meta.dashboard_generated_time_iso ?? "";
  isStale = Boolean(meta.error);
  isCurrent = !isStale;
  if (isCurrent) currentAt = clock.now();
  screen.showEnded(false);
  showNumbers(lists);
  showTime();
  if (isFirst || (added.length + moved.length) * 2 > meta.total_active_items) return;
  for (const [ids, how] of [[moved, "moved"], [added, "new"]]) {
    for (const row of ids.map(rows.rowOf)) if (row) mark(row, how);
  }
  if (added.some((id) => records.ticket(id)?.priority_raw === 4)) chime.ring();
}

function showTrouble({ status }) {
  isCurrent = false;
  // The link has ended: nothing of it may stay on the wall.
  if (status === 403 || status === 404) {
    lists = null;
    rows.clear();
    screen.showEnded(true);
  }
  showAge();
}

function confirm() {
  if (!isCurrent) return;
  currentAt = clock.now();
  showAge();
}

function unchanged() {
  // Rows that were taken away with an ended link come back with the page.
  if (lists === null) location.reload();
  isCurrent = !isStale;
  confirm();
}

const takers = {
  busy() {},
  link() {},
  time: ({ time }) => clock.set(time),
  tickets: ({ tickets }) => records.put(tickets),
  patches: ({ patches }) => records.patch(patches),
  answer: showAnswer,
  unchanged,
  confirmed: confirm,
  trouble: showTrouble,
};

const absolute = (path) => new URL(path, location.href).href;
const addresses = { tickets: absolute(settings.ticketsUrl), stream: absolute(settings.streamUrl) };
const order = startFeed(addresses, (message) => takers[message.type](message));
setInterval(() => order({ type: "tick" }), Number(settings.refreshMs));
window.addEventListener("online", () => order({ type: "refresh" }));
clock.everyMinute(showTime, () => order({ type: "refresh" }));
rows.onResize(showRows);
screen.start();
chime.start();
rotation.start([...wall.querySelectorAll(".wall__views a")], Number(settings.rotateSeconds));
