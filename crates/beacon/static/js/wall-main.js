// The wall display: the board's numbers and its most urgent tickets, to be read from across the room.

import * as chime from "./chime.js";
import * as clock from "./clock.js";
import { mark } from "./marks.js";
import * as rotation from "./rotation.js";
import { clock as timeOfDay, long, parse } from "./time.js";
import { byUrgency } from "./urgency.js";
import * as rows from "./wall-rows.js";
import * as screen from "./wall-screen.js";
import { WallView } from "./wall-view.js";

/** A sync older than this is worth a warning; without a connection a minute is. */
const OLD_SYNC_MS = 15 * 60_000;
const OLD_ANSWER_MS = 60_000;
const DAY_MS = 86_400_000;

const wall = document.getElementById("wall");
const settings = wall.dataset;
const links = [...wall.querySelectorAll(".wall__views a")];
/** The view that is to be seen. */
let shown = null;

function showAge() {
  const { lastSync, currentAt, isCurrent } = shown;
  const sync = parse(lastSync);
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
  if (!shown.canBeShown) return;
  const left = rows.show(byUrgency(shown.lists, clock.now()));
  document.getElementById("wall-rest").textContent = left > 0 ? ` · ${left} more` : "";
}

/** All of the view that is to be seen, as far as it is known. */
function showAll() {
  screen.showEnded(shown.hasEnded);
  if (shown.hasEnded) rows.clear();
  else if (shown.lists) showNumbers(shown.lists);
  showTime();
}

function markNews({ added, moved }) {
  for (const [ids, how] of [[moved, "moved"], [added, "new"]]) {
    for (const row of ids.map(rows.rowOf)) if (row) mark(row, how);
  }
}

const on = {
  answer(view, news, isUrgent) {
    if (isUrgent) chime.ring();
    if (view !== shown) return;
    showAll();
    markNews(news);
  },
  changed(view) {
    if (view !== shown) return;
    if (view.hasEnded || document.getElementById("wall-ended").hidden === false) showAll();
    else showAge();
  },
};

/** Another view takes its turn. */
function show(view) {
  shown.setShown(false);
  shown = view;
  view.setShown(true);
  const title = `${view.name} (TV Display)`;
  document.title = `${title} - HiveMatrix`;
  document.getElementById("wall-title").textContent = title;
  document.getElementById("wall-view").textContent = view.name;
  for (const link of links) {
    if (link.href === view.address) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // Whoever loads the page again goes on where it was.
  history.replaceState(null, "", view.address);
  showAll();
}

function viewOf(link) {
  const isShown = link.hasAttribute("aria-current");
  const { ticketsUrl, streamUrl } = link.dataset;
  const view = new WallView(
    { name: link.textContent, address: link.href, ticketsUrl, streamUrl, lastSync: isShown ? settings.lastSync : "", isShown },
    on,
  );
  if (isShown) shown = view;
  return view;
}

const views = links.map(viewOf);
shown ??= new WallView({ ...settings, address: location.href, isShown: true }, on);
if (views.length === 0) views.push(shown);

setInterval(() => views.forEach((view) => view.tick()), Number(settings.refreshMs));
window.addEventListener("online", () => shown.refresh());
clock.everyMinute(showTime, () => shown.refresh());
rows.onResize(showRows);
screen.start();
chime.start();
rotation.start(views, Number(settings.rotateSeconds), () => shown, show);
