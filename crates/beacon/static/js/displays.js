// The page of display links: makes one, tells its address once, and takes links back.

import { long, parse } from "./time.js";

const page = document.getElementById("beacon-displays");
const form = document.getElementById("new-display");
const table = document.getElementById("links-table");
const list = document.getElementById("links");
const pattern = document.getElementById("link-row").content.firstElementChild;
const dialog = document.getElementById("revoke-dialog");
/** The row whose link is about to be taken back. */
let doomed = null;

async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  if (body) headers["Content-Type"] = "application/json";
  const address = `${page.dataset.apiUrl}${path}`;
  const response = await fetch(address, { method, headers, credentials: "same-origin", body: body && JSON.stringify(body) });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.error ?? problem.detail ?? `The server answers with HTTP ${response.status}.`);
}

/** Says what went wrong with what was just asked; nothing when `error` is null. */
function showError(error) {
  const isOffline = error instanceof TypeError;
  document.getElementById("display-error-text").textContent = isOffline ? "Unable to connect to server." : (error?.message ?? "");
  document.getElementById("display-error").hidden = error === null;
}

function showCount() {
  const count = list.rows.length;
  document.getElementById("links-count").textContent = count;
  document.getElementById("no-links").hidden = count > 0;
  table.hidden = count === 0;
}

function timeOf(iso) {
  const time = document.createElement("time");
  time.dateTime = iso;
  time.textContent = long(parse(iso));
  return time;
}

function addRow(link) {
  const row = pattern.cloneNode(true);
  const [name, view, subjects, , made, ends, action] = row.cells;
  row.dataset.linkId = link.id;
  name.textContent = link.name;
  view.textContent = form.elements.view.selectedOptions[0].text;
  subjects.textContent = link.subjects ? "shown" : "hidden";
  made.append(timeOf(link.created_at));
  ends.append(link.expires_at ? timeOf(link.expires_at) : "never");
  action.firstElementChild.dataset.revoke = link.id;
  action.firstElementChild.setAttribute("aria-label", `Take back ${link.name}`);
  list.append(row);
  showCount();
}

function showAddress(link) {
  const address = document.getElementById("new-link-address");
  document.getElementById("new-link-title").textContent = `The link of ${link.name}`;
  address.value = new URL(link.url, location.href).href;
  document.getElementById("new-link").hidden = false;
  address.focus();
  address.select();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const ends = fields.get("expires_at");
  const link = { name: fields.get("name").trim(), view: fields.get("view"), subjects: fields.has("subjects") };
  if (ends) link.expires_at = new Date(ends).toISOString();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const made = await call("POST", "", link);
    showError(null);
    addRow(made);
    showAddress(made);
    form.reset();
  } catch (error) {
    showError(error);
  } finally {
    button.disabled = false;
  }
});

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revoke]");
  if (!button) return;
  doomed = button.closest("tr");
  const name = doomed.cells[0].textContent;
  document.getElementById("revoke-text").textContent =
    `Screens that were opened by the link of ${name} stop showing the board within seconds. The link never works again.`;
  dialog.classList.add("active");
  dialog.showModal();
});

document.getElementById("revoke-confirm").addEventListener("click", async () => {
  const row = doomed;
  dialog.close();
  try {
    await call("DELETE", `/${encodeURIComponent(row.dataset.linkId)}`);
    showError(null);
    row.remove();
    showCount();
    document.getElementById("display-name").focus();
  } catch (error) {
    showError(error);
  }
});

for (const way of [dialog.querySelector(".modal__close"), document.getElementById("revoke-cancel")]) {
  way.addEventListener("click", () => dialog.close());
}
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("close", () => dialog.classList.remove("active"));

for (const time of document.querySelectorAll("time.local-datetime[datetime]")) {
  const parsed = parse(time.dateTime);
  if (parsed) time.textContent = long(parsed);
}
