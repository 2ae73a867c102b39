// The page of a device: its users, secrets on request, and changes of devices that were made by hand.

import { busy, call, sayHere, sayThere } from "./call.js";
import { picker, rowsOf } from "./picker.js";

sayHere();

// Secrets are shown for a short time and never stay in the page.

const SHOWN_MS = 30_000;

for (const button of document.querySelectorAll("[data-reveal]")) {
  const place = button.parentElement.querySelector("[data-secret]");
  const label = button.querySelector(".btn__label");
  const masked = place.textContent;
  const words = label.textContent;
  let timer;
  const hide = () => {
    clearTimeout(timer);
    place.textContent = masked;
    label.textContent = words;
    button.setAttribute("aria-pressed", "false");
  };
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-pressed") === "true") return hide();
    const shown = await busy(button, () => call("POST", button.dataset.endpoint, { field: button.dataset.reveal }));
    if (!shown) return;
    place.textContent = shown.value;
    label.textContent = "Hide";
    button.setAttribute("aria-pressed", "true");
    timer = setTimeout(hide, SHOWN_MS);
  });
  addEventListener("pagehide", hide);
}

// Users: those of the device's company can be found; those of other companies stay ticked until somebody unticks them.

const users = document.getElementById("users-form");
if (users) {
  const pick = picker(document.getElementById("users"), async (text) => {
    const query = new URLSearchParams({ per_page: 100, search: text, company: users.dataset.company });
    return rowsOf.contacts(await call("GET", `${users.dataset.source}?${query}`));
  });
  const dialog = users.closest(".modal");
  new MutationObserver(() => {
    if (dialog.classList.contains("active")) pick.show();
  }).observe(dialog, { attributeFilter: ["class"] });
  users.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { contact_ids: pick.values().map(Number) };
    const done = await busy(dialog.querySelector("[type=submit]"), () => call("PUT", users.dataset.endpoint, body));
    if (!done) return;
    sayThere(done.message);
    location.reload();
  });
}

// Devices that were made by hand

const change = document.getElementById("change-form");
if (change) {
  const dialog = change.closest(".modal");
  const fields = JSON.parse(change.dataset.values);
  for (const [name, value] of Object.entries(fields)) change.elements.namedItem(name).value = value ?? "";
  const company = picker(document.getElementById("company"), async (text) => {
    return rowsOf.companies(await call("GET", `${change.dataset.companies}?per_page=50&search=${encodeURIComponent(text)}`));
  }, { single: true });
  change.addEventListener("submit", async (event) => {
    event.preventDefault();
    const hostname = change.elements.namedItem("hostname");
    if (!hostname.reportValidity()) return;
    const body = Object.fromEntries(Object.keys(fields).map((name) => [name, change.elements.namedItem(name).value]));
    const [moved] = company.values();
    if (moved) body.company_account_number = moved;
    const done = await busy(dialog.querySelector("[type=submit]"), () => call("PUT", change.dataset.endpoint, body));
    if (!done) return;
    sayThere(done.message);
    location.reload();
  });
}

const remove = document.getElementById("delete");
remove?.addEventListener("click", async () => {
  const done = await busy(remove, () => call("DELETE", remove.dataset.endpoint));
  if (!done) return;
  sayThere(done.message);
  location.assign(remove.dataset.then);
});
