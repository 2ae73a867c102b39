// The refresh: one request at a time, none while the tab is hidden, and the rows stay when it fails.

import * as banners from "./banners.js";
import { clock } from "./time.js";

const TIMEOUT_MS = 20_000;
const button = document.getElementById("refresh-btn");
const label = button.querySelector(".btn__text");

let request = null;
let etag = null;
let missedWhileHidden = false;
/** What the last answer said is wrong; null when nothing. */
let trouble = null;
/** When the tickets on the page were last known to be current. */
let currentAt = null;

function busy(isBusy) {
  button.classList.toggle("is-busy", isBusy);
  button.setAttribute("aria-busy", String(isBusy));
  label.textContent = isBusy ? "Refreshing..." : "Refresh";
}

/** Address of the data, with the agent of the page's own address. */
function address(base) {
  const agent = new URL(location.href).searchParams.get("agent_id");
  return agent ? `${base}?${new URLSearchParams({ agent_id: agent })}` : base;
}

const kept = () => (currentAt ? `The tickets shown are those of ${clock(currentAt)}.` : "The tickets shown may be old.");

/** Codex's state as the last answer told it; a failure of the refresh itself is over. */
function showState() {
  if (trouble) {
    banners.showStale(trouble);
  } else {
    currentAt = new Date();
    banners.clear();
  }
}

async function ask(url, show) {
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  if (etag) headers["If-None-Match"] = etag;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const response = await fetch(url, { credentials: "same-origin", cache: "no-store", headers, signal });
  if (response.status === 304) {
    showState();
    show(null);
    return;
  }
  if (response.status === 401 || response.redirected) {
    banners.showFailure(`Your session has ended. ${kept()}`, true);
    return;
  }
  if (!response.ok) {
    banners.showFailure(`Failed to fetch ticket data (HTTP ${response.status}). ${kept()}`);
    return;
  }
  const data = await response.json();
  etag = response.headers.get("ETag");
  trouble = data.error && (data.stale ? `${data.error} ${kept()}` : data.error);
  showState();
  show(data);
}

/** Fetches now; a request under way is dropped for it. `show` gets the data, or null when nothing changed. */
async function refresh(url, show) {
  request?.abort();
  const own = new AbortController();
  request = own;
  busy(true);
  try {
    await ask(address(url), show);
  } catch {
    if (request === own) banners.showFailure(`Network error: Unable to connect to server. ${kept()}`);
  } finally {
    if (request === own) {
      request = null;
      busy(false);
    }
  }
}

/** Starts the cycle. Returns a function that refreshes at once and the timer's handle. */
export function start(url, intervalMs, show) {
  const now = () => refresh(url, show);
  const tick = () => {
    if (document.hidden) missedWhileHidden = true;
    else if (!request) now();
  };
  button.addEventListener("click", now);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !missedWhileHidden) return;
    missedWhileHidden = false;
    now();
  });
  setTimeout(now, 100);
  return { now, timer: setInterval(tick, intervalMs) };
}
