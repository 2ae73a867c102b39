// Jobs of administrators: what runs is watched, a schedule is explained while it is typed, and deleting is asked about.

import { fetchPage, own } from "./call.js";
import { ask } from "./dialog.js";
import { leave, ready, reload, sending } from "./page.js";

const LOOK_MS = 2000;
const WAIT_MS = 400;
const $ = (id) => document.getElementById(id);

ready();

// Deleting. Without a script the button deletes at once.

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.confirm) {
    sending();
    return;
  }
  event.preventDefault();
  const id = form.action.split("/").at(-1);
  const done = await ask({ title: "Delete this job?", text: form.dataset.confirm, yes: "Delete", danger: true }, () => own("DELETE", `/api/pullers/${id}`));
  if (done) await leave(location.pathname, `${done.message}.`);
});

// The list: as long as something runs, it is read again.

let seen;

async function watchList() {
  try {
    const fresh = (await fetchPage(location.pathname)).getElementById("jobs-part");
    const html = fresh?.innerHTML;
    if (fresh && html !== seen) {
      const focused = document.activeElement?.id;
      const ran = running();
      $("jobs-part").replaceWith(fresh);
      seen = html;
      if (focused && fresh.contains($(focused))) $(focused).focus();
      if (running() < ran) $("jobs-news").textContent = running() ? "A job has ended, others run." : "The job has ended.";
    }
  } catch {
    // The next look may find the server again; the page keeps what it shows.
  }
  if (running()) setTimeout(watchList, document.hidden ? 5 * LOOK_MS : LOOK_MS);
}

/** How many jobs run, by what the page shows. */
function running() {
  return Number($("jobs-part").dataset.running);
}

if ($("jobs-part") && running()) setTimeout(watchList, LOOK_MS);

// The log: what is new is added; when the run has ended, the page is shown anew.

const log = $("run-log");

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

async function watchLog() {
  try {
    const run = await own("GET", log.dataset.run);
    $("run-took").textContent = duration(run.duration_seconds);
    if (run.log && run.log !== log.textContent) {
      const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
      log.textContent = run.log;
      if (follows) log.scrollTop = log.scrollHeight;
    }
    if (run.ended_at) await reload(run.status === "Success" ? "The job has ended: Success." : "");
  } catch {
    // as above
  }
  setTimeout(watchLog, document.hidden ? 5 * LOOK_MS : LOOK_MS);
}

if (log?.dataset.run) {
  $("log-hint").textContent = "new lines appear by themselves";
  setTimeout(watchLog, LOOK_MS / 4);
}

// The schedule in words, while it is typed.

const cron = $("schedule_cron");
let timer;
let turn = 0;

async function explain() {
  const mine = ++turn;
  const text = cron.value.trim();
  let words = "By hand only.";
  let fault = false;
  if (text) {
    try {
      const found = await own("GET", `/api/pullers/schedule?cron=${encodeURIComponent(text)}`);
      words = `${found.words} Next: ${found.next.join(", ")} (${found.zone}).`;
    } catch (error) {
      fault = true;
      words = error.message;
    }
  }
  if (mine !== turn) return;
  const place = $("schedule-words");
  place.textContent = words;
  place.className = fault ? "form-group__error" : "form-group__help";
  if (fault) cron.setAttribute("aria-invalid", "true");
  else cron.removeAttribute("aria-invalid");
}

if (cron) {
  cron.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(explain, WAIT_MS);
  });
  explain();
}
