// The first page: while a sync runs, its progress is read again every few seconds, as long as somebody looks.

import { fetchPage } from "./call.js";
import { ready } from "./page.js";
import { localise } from "./time.js";

const INTERVAL_MS = 4000;
const live = document.querySelector("[data-live]");

async function refresh() {
  if (document.hidden) return schedule();
  try {
    const fresh = (await fetchPage(location.href)).querySelector("[data-live]");
    if (!fresh) return; // somebody has signed out
    live.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
    live.toggleAttribute("data-running", fresh.hasAttribute("data-running"));
    localise(live);
  } catch {
    // The server is away for a moment: the next round asks again.
  }
  schedule();
}

function schedule() {
  if (live.hasAttribute("data-running")) setTimeout(refresh, INTERVAL_MS);
}

ready();
if (live) schedule();
