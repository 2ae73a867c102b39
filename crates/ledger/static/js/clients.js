// The list of clients: search while somebody types, and accept many bills in one background job.

import { base, fetchPage, own } from "./call.js";
import { ask } from "./dialog.js";
import { element, skeleton } from "./dom.js";
import { ready, say, showScripted } from "./page.js";

const WAIT_MS = 300;
const POLL_MS = 1000;
const $ = (id) => document.getElementById(id);

ready();

// Search and filters.

const form = $("clients-form");
$("clients-submit").hidden = true;
let timer;
let running;

async function show() {
  running?.abort();
  running = new AbortController();
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const body = document.querySelector("[data-list-part=table] tbody");
  const undo = body ? skeleton(body) : () => {};
  try {
    const page = await fetchPage(address, running);
    for (const part of document.querySelectorAll("[data-list-part]")) {
      const fresh = page.querySelector(`[data-list-part="${part.dataset.listPart}"]`);
      if (fresh) part.replaceWith(fresh);
    }
    showScripted();
    for (const button of document.querySelectorAll("[data-month-go]")) button.hidden = true;
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") say("error", error.message);
  } finally {
    undo();
  }
}

form.addEventListener("input", (event) => {
  clearTimeout(timer);
  timer = setTimeout(show, event.target.type === "search" ? WAIT_MS : 0);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  show();
});

// Choosing some.

const picked = () => [...document.querySelectorAll("input[name=pick]:checked")].map((box) => box.value);

document.addEventListener("change", ({ target }) => {
  if (target.id === "pick-all") {
    for (const box of document.querySelectorAll("input[name=pick]")) box.checked = target.checked;
  } else if (target.name !== "pick") {
    return;
  }
  const words = document.querySelector("[data-accept-words]");
  const count = picked().length;
  if (words) words.textContent = count ? `Accept ${count} Selected & Archive` : "Accept All Bills & Archive";
});

// Accepting them.

let failed = [];

document.addEventListener("click", ({ target }) => {
  const button = target.closest("#accept-all");
  if (button) acceptFrom(button);
});

async function acceptFrom(button) {
  const chosen = picked();
  const narrowed = JSON.parse(button.dataset.accounts);
  const accounts = chosen.length ? chosen : narrowed.length ? narrowed : null;
  const count = accounts ? accounts.length : Number(button.dataset.count);
  const job = await ask(
    {
      title: `Accept ${count === 1 ? "1 bill" : `${count} bills`}?`,
      text: `The open bills of ${button.dataset.words} become invoices that never change again. Bills that are archived already stay as they are.`,
      yes: "Accept & Archive",
    },
    () => start(button, accounts),
  );
  if (job) follow(job.job_id, button);
}

const start = ({ dataset }, accounts) =>
  own("POST", "/archive/api/snapshot/bulk", {
    year: Number(dataset.year),
    month: Number(dataset.monthNumber),
    account_numbers: accounts,
  });

async function follow(id, button) {
  const [card, words, bar] = [$("bulk"), $("bulk-words"), $("bulk-progress")];
  card.hidden = false;
  $("bulk-failures").hidden = true;
  button.disabled = true;
  card.scrollIntoView({ block: "nearest" });
  for (;;) {
    let job;
    try {
      job = await own("GET", `/archive/api/scheduler/jobs/${id}`);
    } catch (error) {
      words.textContent = `${error.message} The job goes on; this page asks again.`;
      await new Promise((done) => setTimeout(done, 5 * POLL_MS));
      continue;
    }
    const done = job.completed_companies + job.failed_companies;
    if (job.total_companies) {
      bar.max = job.total_companies;
      bar.value = Math.min(done, job.total_companies);
    }
    if (job.status === "running") {
      words.textContent = job.total_companies ? `${done} of ${job.total_companies} companies are done.` : "The companies are being read.";
      await new Promise((wait) => setTimeout(wait, POLL_MS));
      continue;
    }
    bar.max = 1;
    bar.value = 1;
    await ended(id, job, words);
    button.disabled = false;
    return;
  }
}

async function ended(id, job, words) {
  if (job.status === "failed") {
    words.textContent = `Nothing was archived: ${job.error}`;
    say("error", words.textContent);
    return;
  }
  const { success_count: success = 0, failed_count: failures = 0, already_archived_count: already = 0, skipped_count: skipped = 0 } = job.output ?? {};
  const parts = [`${success - already} archived`, `${already} already archived`, `${failures} failed`];
  if (skipped) parts.push(`${skipped} skipped`);
  words.textContent = `${parts.join(", ")}.`;
  say(failures ? "warning" : "success", words.textContent);
  await show();
  if (!failures) return;
  const { companies } = await own("GET", `/archive/api/scheduler/jobs/${id}/companies`);
  const bad = companies.filter((company) => company.outcome === "failed");
  failed = bad.map((company) => company.company_account_number);
  $("bulk-failures").hidden = false;
  $("bulk-failures").querySelector("ul").replaceChildren(...bad.map(failure));
}

const failure = (company) =>
  element(
    "li",
    { class: "user-item" },
    element(
      "div",
      { class: "user-item__info" },
      element(
        "p",
        { class: "user-item__name" },
        element("a", { href: `${base}/client/${encodeURIComponent(company.company_account_number)}` }, company.company_name || company.company_account_number),
      ),
      element("p", { class: "user-item__email" }, company.reason ?? ""),
    ),
  );

$("bulk-reload").addEventListener("click", () => location.reload());
$("bulk-again").addEventListener("click", async () => {
  const button = $("accept-all");
  if (!button || !failed.length) return;
  try {
    const job = await start(button, failed);
    await follow(job.job_id, button);
  } catch (error) {
    say("error", error.message);
  }
});
