// The archive: when the month is archived by itself, jobs that run, and whether everything is as it was written.

import { fetchPage, own } from "./call.js";
import { ask, onSubmit, open } from "./dialog.js";
import { element } from "./dom.js";
import { failuresOf, follow, start } from "./jobs.js";
import { busy, ready, reload, say, showScripted } from "./page.js";

ready();

const $ = (id) => document.getElementById(id);

// The schedule.

const form = $("schedule-form");

if (form) {
  onSubmit(form, async () => {
    const { enabled, day_of_month: day, hour, target, all } = form.elements;
    await own("POST", "/archive/api/scheduler/config", {
      enabled: enabled.checked,
      day_of_month: Number(day.value),
      hour: Number(hour.value),
      snapshot_previous_month: target.value === "previous",
      snapshot_all_companies: all.checked,
    });
    await reload("The schedule is saved.");
  });
}

// Jobs.

const followed = new Set();

async function showJobs() {
  const page = await fetchPage(location.href);
  $("jobs").replaceWith(page.getElementById("jobs"));
  showScripted($("jobs"));
  watchJobs();
}

/** Follows what runs; its row is looked for anew each time, since others change the table too. */
function watchJobs() {
  for (const { dataset: { running: id } } of document.querySelectorAll("[data-running]")) {
    if (followed.has(id)) continue;
    followed.add(id);
    follow(id, (text, done, all) => {
      const row = document.querySelector(`[data-running="${id}"]`);
      if (!row) return;
      row.querySelector("[data-progress-words]").textContent = text;
      if (!all) return;
      const bar = row.querySelector("[data-progress]");
      bar.max = all;
      bar.value = done;
    }).then((job) => {
      const failures = job.output?.failed_count ?? 0;
      if (job.status === "failed") say("error", job.error);
      else if (failures) say("warning", `A job has ended; ${failures} failed.`);
      else return reload("The job has ended.");
      return showJobs();
    }).catch((error) => say("error", error.message));
  }
}

watchJobs();

async function startAnd({ year, monthNumber }, accounts) {
  await start(Number(year), Number(monthNumber), accounts);
  await showJobs();
  $("jobs").scrollIntoView({ block: "nearest" });
}

$("run-now").addEventListener("click", ({ currentTarget }) => {
  const { words } = currentTarget.dataset;
  const text = `The open bills of all companies for ${words} become invoices that never change again. Bills that are archived already stay as they are.`;
  ask({ title: `Archive ${words}?`, text, yes: "Run Now" }, () => startAnd(currentTarget.dataset));
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-again]");
  if (!button) return;
  busy(button, async () => {
    const failed = await failuresOf(button.dataset.again);
    if (!failed.length) throw new Error("None of them failed.");
    await startAnd(button.dataset, failed.map((company) => company.company_account_number));
  });
});

// Seals and sums.

$("verify").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, async () => {
    let [companies, documents, next] = [0, 0, undefined];
    const faults = [];
    // A large archive is checked part by part.
    do {
      const query = next === undefined ? "" : `?after=${encodeURIComponent(next)}`;
      const part = await own("GET", `/archive/api/verify${query}`);
      companies += part.companies;
      documents += part.documents;
      faults.push(...part.faults);
      next = part.next;
    } while (next !== undefined);
    const dialog = $("verify-dialog");
    const list = dialog.querySelector("[data-faults]");
    const counted = `${documents} documents of ${companies} companies`;
    dialog.querySelector("[data-words]").textContent = faults.length
      ? `${counted} were checked. These are not as they were written:`
      : `${counted} were checked: all seals, chains and sums are as they were written.`;
    list.hidden = !faults.length;
    list.replaceChildren(...faults.map(({ document: number, fault }) => element("li", {}, `${number}: ${fault}`)));
    open(dialog);
  }),
);
