// The live tail: lines that were stored since are put on top every two seconds. The page is complete without it.

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
const body = table.querySelector("tbody");
let after = live.dataset.after;
let isPaused = false;
let timer = 0;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function cell(label, ...children) {
  const made = element("td", {}, ...children);
  if (label) made.dataset.label = label;
  return made;
}

function message(log) {
  if (log.extra_data === null) return log.message;
  const extra = element("pre", { className: "code-block" }, JSON.stringify(log.extra_data, null, 2));
  return element("details", {}, element("summary", {}, log.message), extra);
}

function link(address, text, title = "") {
  return element("a", { href: `${live.dataset.logs}${address}`, title }, text);
}

function row(log) {
  const iso = new Date(log.timestamp).toISOString();
  const time = element("time", { dateTime: log.timestamp }, `${iso.slice(0, 10)} ${iso.slice(11, 19)}`);
  const id = log.correlation_id;
  const request = id ? [link(`/correlation/${encodeURIComponent(id)}`, id.slice(0, SHORT_CORRELATION), id)] : [];
  const user = log.user_email ? [link(`?user=${encodeURIComponent(log.user_email)}`, log.user_email)] : [];
  const made = element("tr", { id: `log-${log.id}`, className: `log-row log-row--${log.level}` },
    cell("Time", time),
    cell("Service", log.service),
    cell("Level", element("span", { className: `log-level ${log.level}` }, log.level)),
    cell("", message(log)),
    cell("Request", ...request),
    cell("User", ...user));
  made.firstElementChild.className = "t-nowrap";
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

for (const button of document.querySelectorAll("[data-needs-script]")) button.hidden = false;
say("live", "Live");
timer = setTimeout(refresh, INTERVAL_MS);
