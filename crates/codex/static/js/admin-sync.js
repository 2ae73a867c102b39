// Syncs of the admin page: starting, watching whatever runs (also what others or the schedule started), cancelling, and
// the history.

import { redraw } from "./admin-parts.js";
import { own } from "./call.js";
import { ask, open } from "./dialog.js";
import { element, skeleton } from "./dom.js";
import { busy, say } from "./page.js";
import { duration, time } from "./time.js";

const card = document.getElementById("progress");
const list = document.getElementById("progress-jobs");
const news = document.getElementById("progress-news");
const shown = new Map();
let timer = 0;

const OUTCOMES = {
  running: ["Running", "info"],
  success: ["Success", "success"],
  errors: ["Completed with errors", "warning"],
  failed: ["Failed", "danger"],
  cancelled: ["Cancelled", "warning"],
};

function badge(job) {
  const [word, kind] = OUTCOMES[job.outcome] ?? [job.status, "info"];
  return element("span", { class: `badge badge--${kind}` }, word);
}

for (const button of document.querySelectorAll("[data-sync]")) {
  button.addEventListener("click", async () => {
    const { confirm, word, sync } = button.dataset;
    const title = button.getAttribute("aria-label") ?? button.textContent.trim();
    if (button.getAttribute("aria-disabled") === "true") {
      runsAlready();
      return;
    }
    if (confirm && !(await ask({ title: `${title}?`, text: confirm, word: word ?? "", yes: "Start" }))) return;
    await busy(button, async () => {
      try {
        const started = await own("POST", sync);
        say("info", started.message);
      } catch (error) {
        // Other conflicts are no runs that could be watched.
        if (error.status !== 409 || !error.problem.job_id) throw error;
        runsAlready();
      }
    });
    await watch();
    card.scrollIntoView({ block: "nearest" });
  });
}

function runsAlready() {
  say("warning", "This runs already; its progress is shown below.");
  card.scrollIntoView({ block: "nearest" });
}

/** The button of a job is busy for as long as the job runs. It keeps the focus, which a disabled one would lose. */
function markButtons(jobs) {
  for (const button of document.querySelectorAll("[data-sync]")) {
    const { script, type } = button.dataset;
    const runs = jobs.some((job) => job.script === script && (!type || !job.sync_type || (type === "base") === (job.sync_type === "base")));
    for (const state of ["aria-busy", "aria-disabled"]) {
      if (runs) button.setAttribute(state, "true");
      else button.removeAttribute(state);
    }
    button.title = runs ? "Runs now" : "";
  }
}

function made(job) {
  const parts = {
    title: element("h3", {}, job.name),
    facts: element("p", { class: "u-text-muted" }),
    bar: element("progress", { "aria-label": `Progress of ${job.name}` }),
    log: element("pre", { class: "code-block", tabindex: "0", role: "group", "aria-label": `Log of ${job.name}` }),
    cancel: element("button", { class: "btn btn--small", type: "button" }, "Cancel"),
  };
  parts.root = element(
    "article",
    { class: "u-mb-3" },
    element("div", { class: "u-flex u-justify-between u-items-center" }, parts.title, parts.cancel),
    parts.bar,
    parts.facts,
    parts.log,
  );
  parts.cancel.addEventListener("click", async () => {
    const text = "It ends after the step it is at. What it has stored stays, and the next run goes on from there.";
    await ask({ title: `Cancel ${job.name}?`, text, yes: "Cancel the sync", danger: true }, () => own("POST", `/sync/cancel/${job.id}`));
    await watch();
  });
  return parts;
}

function counts(job) {
  const all = Object.entries(job.progress?.counts ?? {}).filter(([, count]) => typeof count === "number" && count > 0);
  return all.map(([name, count]) => `${count.toLocaleString()} ${name.replaceAll("_", " ")}`).join(", ");
}

function draw(parts, job) {
  if (job.total) {
    parts.bar.max = job.total;
    parts.bar.value = Math.min(job.done, job.total);
  } else {
    parts.bar.removeAttribute("value");
  }
  const { phase, page, waiting } = job.progress ?? {};
  const facts = [
    phase && `${phase}${page ? `, page ${page}` : ""}`,
    job.total ? `${job.done.toLocaleString()} of ${job.progress?.step ? "" : "about "}${job.total.toLocaleString()}` : `${job.done.toLocaleString()} so far`,
    waiting && `waiting: ${waiting}`,
    `${duration(job.duration_seconds)} elapsed`,
    job.seconds_left !== null && job.seconds_left !== undefined && `about ${duration(job.seconds_left)} left`,
    job.requested_by && `started by ${job.requested_by}`,
    job.cancel_requested && "ending…",
  ];
  parts.facts.textContent = [...facts.filter(Boolean), counts(job)].filter(Boolean).join(" · ");
  const follows = parts.log.scrollTop + parts.log.clientHeight >= parts.log.scrollHeight - 4;
  if (parts.log.textContent !== (job.output ?? "")) parts.log.textContent = job.output ?? "";
  if (follows) parts.log.scrollTop = parts.log.scrollHeight;
  parts.cancel.disabled = job.cancel_requested;
}

async function ended(id) {
  const job = await own("GET", `/api/sync/jobs/${id}`);
  const [word] = OUTCOMES[job.outcome] ?? [job.status];
  const kind = { success: "success", failed: "error" }[job.outcome] ?? "warning";
  const light = job.requested_by === "scheduler" && job.outcome === "success";
  news.textContent = `${job.name}: ${word}`;
  if (!light) say(kind, `${job.name}: ${word}${job.error && job.outcome !== "cancelled" ? `. ${job.error}` : ""} (${duration(job.duration_seconds)})`);
}

/** Looks at what runs, draws it, and says what has ended. */
async function watch() {
  clearTimeout(timer);
  let pause = 5000;
  try {
    const { jobs } = await own("GET", "/api/sync/running");
    const now = new Set(jobs.map((job) => job.id));
    for (const [id, parts] of shown) {
      if (now.has(id)) continue;
      parts.root.remove();
      shown.delete(id);
      await ended(id);
      await Promise.all([history(), redraw()]);
    }
    for (const job of jobs) {
      if (!shown.has(job.id)) {
        const parts = made(job);
        shown.set(job.id, parts);
        list.append(parts.root);
        news.textContent = `${job.name} runs`;
      }
      draw(shown.get(job.id), job);
    }
    card.hidden = jobs.length === 0;
    markButtons(jobs);
    if (jobs.length) pause = 2000;
  } catch {
    // The next look may find the server again; the page keeps what it shows.
  }
  clearTimeout(timer);
  timer = setTimeout(watch, document.hidden ? 15000 : pause);
}

// History

const filter = document.getElementById("history-filter");
const rows = document.getElementById("history-rows");
const pages = document.getElementById("history-pages");
let page = 1;

function row(job) {
  const view = element("button", { class: "btn btn--small", type: "button" }, "View Logs");
  view.addEventListener("click", () => busy(view, () => details(job.id)));
  const status = element("td", { "data-label": "Status" }, badge(job));
  if (job.warnings > 0) status.append(element("span", { class: "u-text-muted" }, ` ${job.warnings} ${job.warnings === 1 ? "warning" : "warnings"}`));
  return element(
    "tr",
    {},
    element("td", {}, job.name),
    element("td", { "data-label": "Started", class: "t-nowrap" }, time(job.started_at)),
    element("td", { "data-label": "Duration", class: "t-nowrap" }, duration(job.duration_seconds)),
    status,
    element("td", { "data-label": "By" }, job.requested_by ?? "-"),
    element("td", { "data-label": "Actions" }, view),
  );
}

async function history() {
  const query = new URLSearchParams(new FormData(filter));
  if (!query.has("light")) query.set("light", "false");
  query.set("page", page);
  query.set("per_page", 10);
  const restore = skeleton(rows);
  const found = await own("GET", `/api/sync/jobs?${query}`).finally(restore);
  const { total, pages: last, has_prev, has_next } = found.pagination;
  // Runs went away meanwhile: the last page that exists is shown instead of an empty one.
  if (last > 0 && page > last) {
    page = last;
    return history();
  }
  rows.replaceChildren(...found.jobs.map(row));
  if (!found.jobs.length) {
    const filtered = filter.script.value || filter.status.value;
    const text = filtered ? "No sync matches." : "No sync has run yet. Start the first one above.";
    rows.append(element("tr", {}, element("td", { colspan: "6" }, text)));
  }
  document.getElementById("history-count").textContent = `${total} ${total === 1 ? "run" : "runs"}`;
  pages.hidden = last <= 1;
  pages.querySelector(".pagination__info").textContent = `Page ${page} of ${last}`;
  pages.querySelector('[data-step="-1"]').disabled = !has_prev;
  pages.querySelector('[data-step="1"]').disabled = !has_next;
}

const refresh = () => history().catch((error) => say("error", error.message));
filter.addEventListener("change", () => {
  page = 1;
  refresh();
});
filter.addEventListener("submit", (event) => event.preventDefault());
pages.addEventListener("click", (event) => {
  const step = Number(event.target.closest("[data-step]")?.dataset.step ?? 0);
  if (!step) return;
  page += step;
  refresh();
});

async function details(id) {
  const job = await own("GET", `/api/sync/jobs/${id}`);
  const fact = (label, value) =>
    element("div", { class: "info-item" }, element("span", { class: "info-item__label" }, label), " ", element("span", { class: "info-item__value" }, value));
  const body = [
    element(
      "div",
      { class: "info-grid" },
      fact("Job ID", job.id),
      fact("Script", [job.script, job.provider, job.sync_type].filter(Boolean).join(" / ")),
      fact("Status", badge(job)),
      fact("Started", time(job.started_at)),
      fact("Completed", job.completed_at ? time(job.completed_at) : "-"),
      fact("Duration", duration(job.duration_seconds)),
      fact("Counts", counts(job) || "-"),
      fact("Started by", job.requested_by ?? "-"),
    ),
  ];
  if (job.error) body.push(element("h3", { class: "u-mt-2" }, "Error"), element("pre", { class: "code-block code-block--error" }, job.error));
  if (job.errors.length) {
    const more = job.errors_total > job.errors.length ? ` (the first ${job.errors.length} of ${job.errors_total})` : "";
    body.push(element("h3", {}, `Rows with errors${more}`), element("pre", { class: "code-block" }, job.errors.join("\n")));
  }
  body.push(element("h3", { class: "u-mt-2" }, "Output"), element("pre", { class: "code-block", tabindex: "0" }, job.output || "Nothing was written."));
  document.getElementById("job-body").replaceChildren(...body);
  open(document.getElementById("job"));
}

document.addEventListener("visibilitychange", () => document.hidden || watch());
watch();
refresh();
