// The first page: the syncs are read again every few seconds while one runs, and now and then to learn that one has begun,
// as long as somebody looks.

import { fetchPage } from "./call.js";
import { ready } from "./page.js";
import { localise } from "./time.js";

const RUNNING_MS = 4000;
const IDLE_MS = 30000;
const live = document.querySelector("[data-live]");
let timer;

/** Shows the fresh rows. The table around them stays, and with it the focus and how far it is scrolled. */
function draw(fresh) {
  const rows = live.querySelector("tbody");
  const next = fresh.querySelector("tbody");
  const [kept, source] = rows && next ? [rows, next] : [live, fresh];
  kept.replaceChildren(...[...source.childNodes].map((node) => document.adoptNode(node)));
  live.toggleAttribute("data-running", fresh.hasAttribute("data-running"));
  localise(live);
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return; // the next look comes with the eyes
  try {
    const fresh = (await fetchPage(location.href)).querySelector("[data-live]");
    if (!fresh) return; // somebody has signed out
    draw(fresh);
  } catch {
    // The server is away for a moment: the next round asks again.
  }
  schedule();
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(refresh, live.hasAttribute("data-running") ? RUNNING_MS : IDLE_MS);
}

ready();
if (live) {
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  schedule();
}
