// Sync Tickets: asks Codex for a fresh copy of the PSA and follows the job.

const POLL_MS = 3_000;
const FIRST_POLL_MS = 1_000;
const GIVE_UP_MS = 10 * 60_000;
const DONE_MS = 3_000;

const button = document.getElementById("sync-tickets-btn");
const status = document.getElementById("sync-status");

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function busy(isBusy) {
  button.disabled = isBusy;
  button.classList.toggle("is-busy", isBusy);
  button.querySelector(".btn__text").textContent = isBusy ? "Syncing..." : "Sync Tickets";
}

async function call(url, method) {
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  const response = await fetch(url, { method, credentials: "same-origin", headers });
  return { ok: response.ok, body: await response.json().catch(() => ({})) };
}

/** Follows a job to its end; the text to show. */
async function follow(base, job, refresh) {
  const deadline = Date.now() + GIVE_UP_MS;
  await wait(FIRST_POLL_MS);
  while (Date.now() < deadline) {
    const { ok, body } = await call(`${base}/status/${encodeURIComponent(job)}`, "GET");
    if (!ok) return body.error || "Error checking status";
    if (body.status === "completed") {
      refresh();
      return "Sync complete!";
    }
    if (body.status === "failed") return `Sync failed: ${body.error || "Unknown error"}`;
    if (!body.status) return "Error checking status";
    await wait(POLL_MS);
  }
  return "The sync takes unusually long. It goes on in the background.";
}

async function run(base, refresh) {
  busy(true);
  status.textContent = "Starting sync...";
  try {
    const { ok, body } = await call(`${base}/tickets`, "POST");
    if (!ok || !body.job_id) {
      status.textContent = body.error || body.detail || "Failed to start ticket sync";
      return;
    }
    status.textContent = "Sync in progress...";
    const outcome = await follow(base, body.job_id, refresh);
    status.textContent = outcome;
    if (outcome !== "Sync complete!") return;
    setTimeout(() => {
      if (status.textContent === outcome) status.textContent = "";
    }, DONE_MS);
  } catch {
    status.textContent = "Network error";
  } finally {
    busy(false);
  }
}

/** Does nothing for users without the button. */
export function start(base, refresh) {
  button?.addEventListener("click", () => run(base, refresh));
}
