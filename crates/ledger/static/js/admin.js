// Administration: settings of the billing, and what kinds of devices are billed as.

import { own } from "./call.js";
import { ask, onSubmit } from "./dialog.js";
import { guard, ready, reload, say } from "./page.js";

ready();

// Settings.

const settings = document.getElementById("billing-form");

if (settings) {
  let unsaved = false;
  settings.addEventListener("input", () => {
    unsaved = true;
  });
  guard(() => unsaved);
  onSubmit(settings, async (form) => {
    for (const place of form.querySelectorAll("[data-fault]")) place.hidden = true;
    try {
      await own("PUT", "/api/settings", Object.fromEntries(new FormData(form)));
    } catch (error) {
      for (const [field, fault] of Object.entries(error.problem?.fields ?? {})) {
        const place = form.querySelector(`[data-fault="${field}"]`);
        if (!place) continue;
        place.textContent = fault;
        place.hidden = false;
      }
      throw error;
    }
    unsaved = false;
    await reload("Settings saved.");
  });
}

// The logo: looked at before it is sent.

const MOST_BYTES = 1024 * 1024;
const logo = document.getElementById("logo-form");

if (logo) {
  const file = logo.elements.logo;
  const preview = logo.querySelector("[data-logo-preview]");
  const picture = preview.querySelector("img");

  file.addEventListener("change", () => {
    const [chosen] = file.files;
    preview.hidden = !chosen;
    const fits = !chosen || (chosen.size <= MOST_BYTES && ["image/png", "image/jpeg"].includes(chosen.type));
    file.setCustomValidity(fits ? "" : "Choose a PNG or JPEG file of at most 1 MB.");
    file.reportValidity();
    if (!chosen) return;
    // Pages may show what comes from here or stands in the page itself, nothing by another kind of address.
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      picture.src = reader.result;
    });
    reader.readAsDataURL(chosen);
  });
  onSubmit(logo, async () => {
    const { message } = await own("PUT", "/api/settings/logo", file.files[0]);
    await reload(`${message}.`);
  });
  document.getElementById("logo-remove")?.addEventListener("click", async () => {
    const done = await ask(
      { title: "Remove the logo?", text: "Invoices begin with the name of the sender again. Files that were downloaded stay as they are.", yes: "Remove Logo", danger: true },
      () => own("DELETE", "/api/settings/logo"),
    );
    if (done) await reload(`${done.message}.`);
  });
}

// Kinds of devices.

const map = (device_type, billing_type) => own("PUT", "/api/device-types", { device_type, billing_type });

document.addEventListener("change", async ({ target }) => {
  if (!target.matches("[data-map]") || !target.value) return;
  target.disabled = true;
  try {
    const { message } = await map(target.dataset.map, target.value);
    await reload(`${message}.`);
  } catch (error) {
    say("error", error.message);
    target.disabled = false;
  }
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-unmap]");
  if (!button) return;
  const kind = button.dataset.unmap;
  const done = await ask(
    { title: `Delete the mapping of ${kind}?`, text: "Devices of this kind are billed as Workstation again, and shown as unmapped.", yes: "Delete", danger: true },
    () => own("DELETE", `/api/device-types/${encodeURIComponent(kind)}`),
  );
  if (done) await reload(`${done.message}.`);
});

const add = document.getElementById("map-form");

if (add) {
  onSubmit(add, async ({ elements }) => {
    const { message } = await map(elements.device_type.value, elements.billing_type.value);
    await reload(`${message}.`);
  });
}
