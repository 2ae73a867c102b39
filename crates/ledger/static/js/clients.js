// The list of clients: search while somebody types, and accept many bills in one background job.

import { fetchPage } from "./call.js";
import { close, onSubmit, open, tell } from "./dialog.js";
import { skeleton } from "./dom.js";
import { failureItem, failuresOf, follow, start } from "./jobs.js";
import { busy, ready, say, showScripted } from "./page.js";

const WAIT_MS = 300;
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

const number = (text) => Number(text).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** What the chosen bills come to, and what should be looked at before; of all of them the page itself knows it. */
function preview(chosen, { total, sign, warnings }) {
  if (!chosen.length) return { total, warnings };
  const boxes = [...document.querySelectorAll("input[name=pick]:checked")];
  const cents = boxes.reduce((sum, box) => sum + Math.round(Number(box.dataset.total) * 100), 0);
  const warned = boxes.filter((box) => box.dataset.warning).map((box) => `${box.dataset.name} ${box.dataset.warning}`);
  const shown = warned.slice(0, 5).join("; ");
  const more = warned.length > 5 ? ` and ${warned.length - 5} more` : "";
  return { total: `${sign}${number(cents / 100)}`, warnings: shown && `To look at: ${shown}${more}.` };
}

const accepting = $("accept-form");
let wanted;
let notes = "";

function acceptFrom(button) {
  const chosen = picked();
  const narrowed = JSON.parse(button.dataset.accounts);
  const accounts = chosen.length ? chosen : narrowed.length ? narrowed : null;
  const count = accounts ? accounts.length : Number(button.dataset.count);
  const { total, warnings } = preview(chosen, button.dataset);
  const parts = [
    `The open bills of ${button.dataset.words} over ${total} become invoices that never change again. Bills that are archived already stay as they are.`,
    warnings,
  ];
  accepting.querySelector("[data-title]").textContent = `Accept ${count === 1 ? "1 bill" : `${count} bills`}?`;
  accepting.querySelector("[data-words]").textContent = parts.filter(Boolean).join(" ");
  wanted = { button, accounts };
  accepting.reset();
  tell(accepting);
  open($("accept-dialog"));
}

onSubmit(accepting, async () => {
  const { button, accounts } = wanted;
  notes = accepting.elements.notes.value.trim();
  const job = await startFor(button, accounts);
  close($("accept-dialog"));
  run(job.job_id, button);
});

// What is tried again has the notes of the first time.
const startFor = ({ dataset }, accounts) => start(Number(dataset.year), Number(dataset.monthNumber), accounts, notes);

async function run(id, button) {
  const [card, words, bar] = [$("bulk"), $("bulk-words"), $("bulk-progress")];
  card.hidden = false;
  $("bulk-failures").hidden = true;
  if (button) button.disabled = true;
  card.scrollIntoView({ block: "nearest" });
  const job = await follow(id, (text, done, all) => {
    words.textContent = text;
    if (!all) return;
    bar.max = all;
    bar.value = done;
  });
  const failures = job.output?.failed_count ?? 0;
  say(job.status === "failed" ? "error" : failures ? "warning" : "success", words.textContent);
  await show();
  if (failures) await tellFailures(id);
  if (button) button.disabled = false;
}

async function tellFailures(id) {
  const bad = await failuresOf(id);
  failed = bad.map((company) => company.company_account_number);
  $("bulk-failures").hidden = false;
  $("bulk-failures").querySelector("ul").replaceChildren(...bad.map(failureItem));
}

$("bulk-reload").addEventListener("click", () => location.reload());
$("bulk-again").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, async () => {
    if (!failed.length) return;
    const job = await startFor($("bulk"), failed);
    await run(job.job_id, $("accept-all"));
  }),
);

// A job of this month that somebody started before this page was opened.
if ($("bulk").dataset.job) run($("bulk").dataset.job, $("accept-all"));
