// Refreshes alerts and service cards in place every five seconds; the page is complete without it.

import { element } from "./dom.js";
import { fit, onOrders } from "./orders.js";
import { ready, say } from "./page.js";

const INTERVAL_MS = 5000;
const DASH = "–";
const grid = document.getElementById("services");
const summary = document.getElementById("summary");
const warning = document.getElementById("stale");
const alerts = document.getElementById("alerts");
const alertList = document.getElementById("alert-list");
/** Entity tag of what is shown. */
let shown = "";
/** The alerts as they are shown; drawn again only when they differ, since they are read out. */
let told = "";

/** Cards of services and of servers. */
const cards = () => document.querySelectorAll("[data-service]");

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

function show(statuses, servers) {
  for (const card of cards()) {
    const status = statuses[card.dataset.service] ?? servers[card.dataset.service];
    if (!status) continue;
    put(card, "state", status.state, stateClass[status.state] ?? "danger");
    put(card, "health", status.health, healthClass[status.health] ?? "danger");
    card.querySelector('[data-field="health"]').title = status.health_message;
    put(card, "latency", status.health_latency_ms === null ? DASH : `${status.health_latency_ms.toFixed(1)} ms`);
    put(card, "memory", status.memory_mb === undefined ? DASH : `${status.memory_mb.toFixed(1)} MB`);
    put(card, "uptime", uptime(status.uptime_seconds));
    put(card, "version", status.version ?? DASH);
    const error = status.state === "running" ? "" : status.last_error ?? "";
    put(card, "error", error);
    card.querySelector('[data-field="error"]').hidden = !error;
    const orders = card.querySelector("[data-orders]");
    if (orders) fit(orders, status.pid);
  }
  const all = Object.values(statuses);
  const healthy = all.filter((status) => status.health === "healthy").length;
  const text = healthy === all.length ? `All ${all.length} services are healthy.` : `${healthy} of ${all.length} services are healthy.`;
  if (summary.textContent !== text) summary.textContent = text;
}

function showAlerts(firing) {
  const news = JSON.stringify(firing);
  if (news === told) return;
  told = news;
  alerts.hidden = firing.length === 0;
  alertList.replaceChildren(...firing.map(({ severity, message }) =>
    element("li", { class: "user-item" },
      element("div", { class: "user-item__info" }, element("p", { class: "user-item__name" }, message)),
      element("div", { class: "user-item__action" },
        element("span", { class: `severity-badge severity-badge--${severity === "critical" ? "critical" : "medium"}` }, severity)))));
}

function stale(isStale) {
  warning.hidden = !isStale;
  if (!isStale) return;
  shown = "";
  summary.textContent = "";
  for (const card of cards()) {
    put(card, "state", "unknown", "info");
    put(card, "health", "unknown", "info");
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const headers = { Accept: "application/json", ...(shown ? { "If-None-Match": shown } : {}) };
    const answer = await fetch(grid.dataset.statusUrl, { credentials: "same-origin", cache: "no-store", headers });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { statuses, servers, alerts: firing } = await answer.json();
      show(statuses, servers);
      showAlerts(firing);
      shown = answer.headers.get("ETag") ?? "";
    }
    stale(false);
  } catch {
    stale(true);
  }
}

onOrders(async (done) => {
  if (done) say("success", done);
  await refresh();
});

ready();
setInterval(refresh, INTERVAL_MS);
document.addEventListener("visibilitychange", refresh);
