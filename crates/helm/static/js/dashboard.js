// Refreshes the service cards in place every five seconds; the page is complete without it.

const INTERVAL_MS = 5000;
const DASH = "–";
const grid = document.getElementById("services");
const summary = document.getElementById("summary");
const warning = document.getElementById("stale");

const stateClass = { running: "success", starting: "warning", waiting: "warning", stopping: "warning" };
const healthClass = { healthy: "success", degraded: "warning", unknown: "info" };

function uptime(seconds) {
  if (seconds === undefined) return DASH;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600);
  const days = Math.floor(seconds / 86400);
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m` : `${seconds}s`;
}

function put(card, field, text, kind) {
  const cell = card.querySelector(`[data-field="${field}"]`);
  if (!cell) return;
  if (cell.textContent !== text) cell.textContent = text;
  if (kind) cell.className = `status-text status-text--${kind}`;
}

function show(statuses) {
  for (const card of grid.querySelectorAll("[data-service]")) {
    const status = statuses[card.dataset.service];
    if (!status) continue;
    put(card, "state", status.state, stateClass[status.state] ?? "danger");
    put(card, "health", status.health, healthClass[status.health] ?? "danger");
    card.querySelector('[data-field="health"]').title = status.health_message;
    put(card, "latency", status.health_latency_ms === null ? DASH : `${status.health_latency_ms.toFixed(1)} ms`);
    put(card, "memory", status.memory_mb === undefined ? DASH : `${status.memory_mb.toFixed(1)} MB`);
    put(card, "uptime", uptime(status.uptime_seconds));
  }
  const all = Object.values(statuses);
  const healthy = all.filter((status) => status.health === "healthy").length;
  const text = healthy === all.length ? `All ${all.length} services are healthy.` : `${healthy} of ${all.length} services are healthy.`;
  if (summary.textContent !== text) summary.textContent = text;
}

function stale(isStale) {
  warning.hidden = !isStale;
  if (!isStale) return;
  summary.textContent = "";
  for (const card of grid.querySelectorAll("[data-service]")) {
    put(card, "state", "unknown", "info");
    put(card, "health", "unknown", "info");
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(grid.dataset.statusUrl, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show((await answer.json()).statuses);
    stale(false);
  } catch {
    stale(true);
  }
}

setInterval(refresh, INTERVAL_MS);
document.addEventListener("visibilitychange", refresh);
