// Administration: syncs that run in the background, export and import, and the wipe.

import { base, own } from "./call.js";
import { ask, onSubmit } from "./dialog.js";
import { busy, leave, ready, reload, say } from "./page.js";
import { moment } from "./time.js";

ready();

const byId = (id) => document.getElementById(id);

// Syncs.

const POLL_MS = 1000;
const REST_MS = 15000;
const NAMES = { codex: "Sync from Codex", tickets: "Sync Tickets" };
let wasRunning = {};
let timer;

/** What a sync does or did, in a sentence. */
function words({ running, step, done, total, last_run: last, last_error: error, last_outcome: outcome }) {
  if (running) return [step ?? "Running", total ? `${done ?? 0} of ${total}` : null].filter(Boolean).join(": ");
  const failed = error ? `Last run failed: ${error}` : "";
  const ran = last ? `Last run ${moment(last)}` : "Never run";
  return [failed || ran, failed && last ? `Last complete run ${moment(last)}` : null, outcome].filter(Boolean).join(". ");
}

function showSync(name, state) {
  const place = document.querySelector(`[data-sync="${name}"]`);
  const button = byId(`sync-${name}-btn`);
  const bar = place.querySelector("[data-progress]");
  const text = words(state);
  const shown = place.querySelector("[data-state]");
  if (shown.textContent !== text) shown.textContent = text;
  button.disabled = Boolean(state.running);
  button.querySelector("[data-words]").textContent = state.running ? "Syncing..." : NAMES[name];
  bar.hidden = !state.running;
  place.querySelector("[data-stop]").hidden = !state.running;
  if (state.total) {
    bar.max = state.total;
    bar.value = state.done ?? 0;
  } else bar.removeAttribute("value");
  if (wasRunning[name] && !state.running) {
    if (state.last_error) say("error", `${NAMES[name]}: ${state.last_error}`);
    else say("success", `${NAMES[name]}: done.`);
    output(state.output ?? text, Boolean(state.last_error));
  }
  wasRunning[name] = Boolean(state.running);
}

function output(text, isError = false) {
  const place = byId("codex-sync-output");
  place.hidden = false;
  const box = place.querySelector("pre");
  box.textContent = text;
  box.classList.toggle("code-block--error", isError);
}

async function poll() {
  clearTimeout(timer);
  try {
    const status = await own("GET", "/admin/sync/status");
    for (const name of Object.keys(NAMES)) showSync(name, status[name] ?? {});
    for (const [id, value] of [["company-items", status.company_items], ["ticket-count", status.ticket_count]]) {
      if (byId(id) && value !== undefined) byId(id).textContent = value;
    }
  } catch (error) {
    for (const place of document.querySelectorAll("[data-sync] [data-state]")) place.textContent = `The state cannot be read. ${error.message}`;
  }
  timer = setTimeout(poll, Object.values(wasRunning).some(Boolean) ? POLL_MS : REST_MS);
}

function starts(name, path, body = () => undefined) {
  byId(`sync-${name}-btn`).addEventListener("click", ({ currentTarget }) =>
    busy(currentTarget, async () => {
      try {
        const { message } = await own("POST", path, body());
        wasRunning[name] = true;
        output(message ?? "Started.");
      } catch (error) {
        output(error.message, true);
        throw error;
      } finally {
        poll();
      }
    }));
}

starts("codex", "/admin/sync/codex");
starts("tickets", "/admin/sync/tickets", () => ({ overwrite: byId("sync-tickets-overwrite").checked }));
poll();

document.addEventListener("click", ({ target }) => {
  const stop = target.closest("[data-stop]");
  if (!stop) return;
  busy(stop, async () => {
    await own("POST", `/admin/sync/${stop.dataset.stop}/cancel`);
    say("info", "The sync ends after what it is writing just now. The next one goes on from there.");
    await poll();
  });
});

// Import.

function send(file, progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${base}/admin/import`);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(Math.round((loaded / total) * 100)));
    request.addEventListener("load", () => {
      if (request.status < 300) done(request.response);
      else failed(new Error(request.response?.detail ?? request.response?.error ?? `The server answered ${request.status}.`));
    });
    request.addEventListener("error", () => failed(new Error("The server cannot be reached.")));
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

const form = byId("import-form");
onSubmit(form, async ({ elements }) => {
  const [file] = elements.file.files;
  const button = byId("import-data-btn").querySelector("[data-words]");
  const bar = byId("import-progress");
  const done = await ask(
    { title: `Import ${file.name}?`, text: "Items of the same path are replaced by those of the file; their former texts stay in the history. Nothing is deleted.", yes: "Import" },
    async () => {
      button.textContent = "Importing...";
      bar.hidden = false;
      try {
        return await send(file, (part) => { bar.value = part; });
      } finally {
        button.textContent = "Import User Data";
        bar.hidden = true;
      }
    },
  );
  if (!done) return;
  const counted = done.created === undefined ? "" : ` ${done.created} created, ${done.updated} changed.`;
  await reload(`${done.message ?? "Import successful."}${counted}`);
});

// Wipe.

byId("wipe-db-btn").addEventListener("click", async () => {
  const sure = await ask({
    title: "Wipe the whole knowledge base?",
    text: "All folders, articles, versions and files of everybody are deleted, and the trash with them. An export would be the last copy.",
    yes: "Go on",
    danger: true,
  });
  if (!sure) return;
  const done = await ask(
    { title: "Really delete everything?", text: "This cannot be undone.", yes: "Wipe Database", danger: true, word: "YES" },
    () => own("POST", "/admin/wipe", { confirm: "YES" }),
  );
  if (done) await leave(`${base}/browse/`, done.message ?? "Database wiped.");
});
