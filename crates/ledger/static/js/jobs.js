// Jobs that archive many bills: started, followed to their end, and started again for what failed.

import { base, own } from "./call.js";
import { element } from "./dom.js";

const POLL_MS = 1000;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts a job; no accounts are all companies. The notes are kept with each invoice. */
export const start = (year, month, accounts = null, notes = "") =>
  own("POST", "/archive/api/snapshot/bulk", { year, month, account_numbers: accounts, notes });

/** Follows a job to its end, telling `show` words, how many companies are done and how many there are. */
export async function follow(id, show) {
  for (;;) {
    let job;
    try {
      job = await own("GET", `/archive/api/scheduler/jobs/${id}`);
    } catch (error) {
      show(`${error.message} The job goes on; this page asks again.`);
      await wait(5 * POLL_MS);
      continue;
    }
    const all = job.total_companies;
    const done = Math.min(job.completed_companies + job.failed_companies, all);
    if (job.status !== "running") {
      show(outcome(job), 1, 1);
      return job;
    }
    show(all ? `${done} of ${all} companies are done.` : "The companies are being read.", done, all);
    await wait(POLL_MS);
  }
}

/** How a job went, in words. */
export function outcome(job) {
  if (job.status === "failed") return `Nothing was archived: ${job.error}`;
  const { success_count: success = 0, failed_count: failures = 0, already_archived_count: already = 0, skipped_count: skipped = 0 } = job.output ?? {};
  const parts = [`${success - already} archived`, `${already} already archived`, `${failures} failed`];
  if (skipped) parts.push(`${skipped} skipped`);
  return `${parts.join(", ")}.`;
}

/** The companies of a job that failed. */
export async function failuresOf(id) {
  const { companies } = await own("GET", `/archive/api/scheduler/jobs/${id}/companies`);
  return companies.filter((company) => company.outcome === "failed");
}

/** A company that failed, with its reason, as an item of a list. */
export const failureItem = (company) =>
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
