// The backups page: begins a backup, tells how far it is, and takes the new list when it is over.

import { fetchPage, own } from "./call.js";
import { busy, ready, say } from "./page.js";

const INTERVAL_MS = 1000;
const start = document.getElementById("start");
const progress = document.getElementById("progress");
const result = document.getElementById("result");
const archives = document.getElementById("archives");
const key = document.getElementById("key");
let isWatched = false;

function words({ progress: at }) {
  if (!at?.part) return "A backup is running.";
  return `A backup is running: ${at.part} (${at.done + 1} of ${at.parts}).`;
}

async function refresh() {
  const fresh = await fetchPage(location.pathname);
  for (const part of [result, archives, key]) {
    const found = fresh.getElementById(part.id);
    if (found) part.replaceChildren(...found.childNodes);
  }
}

const pause = () => new Promise((done) => setTimeout(done, INTERVAL_MS));

/** Follows the running backup to its end. */
async function watch() {
  if (isWatched) return;
  isWatched = true;
  progress.hidden = false;
  progress.textContent = "A backup is running.";
  try {
    for (;;) {
      start.disabled = true;
      const status = await own("GET", "/api/backups/status").catch((error) => {
        if (error.status === 401) throw error;
        return null;
      });
      if (status && !status.running) {
        await refresh();
        if (status.last?.ok) say("success", "The backup is complete.");
        else say("error", `The backup failed. ${status.last?.error ?? ""}`);
        return;
      }
      const text = status ? words(status) : "Helm does not answer; asking again.";
      if (progress.textContent !== text) progress.textContent = text;
      await pause();
    }
  } catch (error) {
    say("error", error.message);
  } finally {
    isWatched = false;
    progress.hidden = true;
    start.disabled = false;
  }
}

start.addEventListener("click", () => busy(start, async () => {
  try {
    await own("POST", "/api/backups");
  } catch (error) {
    if (error.status !== 409) throw error;
    say("info", "A backup is running already.");
  }
  watch();
}));

ready();
if (result.dataset.running === "true") watch();
