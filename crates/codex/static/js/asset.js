// The page of a device: its users, secrets on request, and changes of devices that were made by hand.

import { call } from "./call.js";
import { onSubmit, tell, watch } from "./dialog.js";
import { busy, ready, reload } from "./page.js";
import { picker, rowsOf } from "./picker.js";

ready();

// Secrets are shown for a short time and never stay in the page.

const SHOWN_MS = 30_000;

for (const button of document.querySelectorAll("[data-reveal]")) {
  const place = button.parentElement.querySelector("[data-secret]");
  const label = button.querySelector(".btn__label");
  const masked = place.textContent;
  const words = [...label.childNodes];
  let timer;
  const hide = () => {
    clearTimeout(timer);
    place.textContent = masked;
    label.replaceChildren(...words);
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
  watch(users.closest(".modal"), {
    opened: () => {
      tell(users);
      pick.reset();
      pick.show();
    },
  });
  onSubmit(users, async () => {
    const { message } = await call("PUT", users.dataset.endpoint, { contact_ids: pick.values().map(Number) });
    return reload(message);
  });
}

// Devices that were made by hand

const change = document.getElementById("change-form");
if (change) {
  const fields = JSON.parse(change.dataset.values);
  const company = picker(document.getElementById("company"), async (text) => {
    return rowsOf.companies(await call("GET", `${change.dataset.companies}?per_page=50&search=${encodeURIComponent(text)}`));
  }, { single: true });
  // Whoever cancelled finds the device as it is stored.
  watch(change.closest(".modal"), {
    opened: () => {
      tell(change);
      for (const [name, value] of Object.entries(fields)) change.elements.namedItem(name).value = value ?? "";
      company.reset();
    },
  });
  onSubmit(change, async () => {
    const body = Object.fromEntries(Object.keys(fields).map((name) => [name, change.elements.namedItem(name).value]));
    const [moved] = company.values();
    if (moved) body.company_account_number = moved;
    const { message } = await call("PUT", change.dataset.endpoint, body);
    return reload(message);
  });
}
