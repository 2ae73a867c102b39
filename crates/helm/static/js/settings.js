// The settings page: asks before everything is restarted, and before changes are lost. The page is complete without it.

import { guard, ready, sending } from "./page.js";

const form = document.getElementById("environment");
const dialog = document.getElementById("restart-dialog");

ready();

document.getElementById("restart-all").addEventListener("click", () => dialog.classList.add("active"));

if (form) {
  const values = () => new URLSearchParams(new FormData(form)).toString();
  const saved = values();
  guard(() => values() !== saved);
  form.addEventListener("submit", sending);
}

// A form is sent once: a second press would restart everything again.
for (const each of document.querySelectorAll("form")) {
  each.addEventListener("submit", () => {
    for (const button of each.querySelectorAll("[type=submit]")) {
      button.setAttribute("aria-busy", "true");
      // Only after the browser has read the form, which leaves out what is disabled.
      setTimeout(() => (button.disabled = true));
    }
  });
}
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[type=submit]")) {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
});
