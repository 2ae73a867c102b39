// The live tail: lines that were stored since are put on top every two seconds. The page is complete without it.

import { ready } from "./page.js";

const INTERVAL_MS = 2000;
// A page that stands open for a day must not grow without end.
const MOST_LINES = 1000;
const SHORT_CORRELATION = 8;

const live = document.getElementById("live");
const dot = live.querySelector(".status-dot");
const words = document.getElementById("live-text");
const pause = document.getElementById("pause");
const empty = document.getElementById("no-lines");
const table = document.getElementById("lines");
const blank = document.getElementById("line");
const body = table.querySelector("tbody");
let after = live.dataset.after;
let isPaused = false;
let timer = 0;

/** Puts a text and an address into a link of a copied row; without a text there is none. */
function link(cell, text, address) {
  const made = cell.querySelector("a");
  if (!text) made.remove();
  else {
    made.textContent = text;
    made.href = `${live.dataset.logs}${address}`;
  }
  return made;
}

/** A row as the server draws it. */
function row(log) {
  const made = blank.content.firstElementChild.cloneNode(true);
  made.id = `log-${log.id}`;
  made.className = `log-row log-row--${log.level}`;
  const cellOf = (label) => made.querySelector(`[data-label="${label}"]`);
  const iso = new Date(log.timestamp).toISOString();
  const time = made.querySelector("time");
  time.textContent = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
  time.dateTime = time.title = iso;
  cellOf("Service").textContent = log.service;
  const level = cellOf("Level").firstElementChild;
  level.textContent = log.level;
  level.className = `log-level ${log.level}`;
  const message = made.querySelector("details");
  if (log.extra_data === null) message.replaceWith(log.message);
  else {
    message.querySelector("summary").textContent = log.message;
    message.querySelector("pre").textContent = JSON.stringify(log.extra_data, null, 2);
  }
  const id = log.correlation_id ?? "";
  link(cellOf("Request"), id.slice(0, SHORT_CORRELATION), `/correlation/${encodeURIComponent(id)}`).title = id;
  const user = log.user_email ?? "";
  link(cellOf("User"), user, `?user=${encodeURIComponent(user)}`);
  return made;
}

function show(logs) {
  for (const log of logs) {
    if (!document.getElementById(`log-${log.id}`)) body.prepend(row(log));
  }
  while (body.rows.length > MOST_LINES) body.lastElementChild.remove();
  if (body.rows.length > 0) [empty.hidden, table.hidden] = [true, false];
}

function say(state, text) {
  dot.className = `status-dot ${state}`;
  if (words.textContent !== text) words.textContent = text;
}

async function refresh() {
  if (!isPaused && !document.hidden) {
    try {
      const answer = await fetch(`${live.dataset.url}&after_id=${after}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (answer.status === 401) {
        // The session is over: the gateway leads to the sign-in and back here.
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { logs, last_id: last } = await answer.json();
      // Whoever pressed Pause meanwhile wants what stands there to stay; the same lines come again afterwards.
      if (!isPaused) {
        show(logs);
        after = last;
        say("live", "Live");
      }
    } catch {
      if (!isPaused) say("error", "Helm does not answer; asking again");
    }
  }
  timer = setTimeout(refresh, INTERVAL_MS);
}

function now() {
  clearTimeout(timer);
  refresh();
}

pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  pause.textContent = isPaused ? "Resume" : "Pause";
  if (isPaused) say("paused", "Paused");
  else now();
});

document.getElementById("clear").addEventListener("click", () => body.replaceChildren());

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now();
});

ready();
say("live", "Live");
timer = setTimeout(refresh, INTERVAL_MS);
