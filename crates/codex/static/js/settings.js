// The settings page: shows a choice at once, saves all of them together, and says what is saved and what is not.

import { call } from "./call.js";
import { busy, guard, ready, say } from "./page.js";

const form = document.getElementById("settings-form");
const button = document.getElementById("save-settings");
const label = button.querySelector(".btn__label");
const status = document.getElementById("settings-status");
const root = document.documentElement;

const chosen = () => Object.fromEntries(new FormData(form));
let saved = chosen();

const unsaved = () => Object.entries(chosen()).some(([name, value]) => saved[name] !== value);

function tell() {
  status.textContent = unsaved() ? "Unsaved changes" : "";
}

function show({ theme_preference: theme, preferred_color_theme: color }) {
  root.dataset.theme = theme;
  root.dataset.colorTheme = color;
  for (const tile of form.querySelectorAll(".theme-option, .color-preview")) {
    tile.classList.toggle("selected", tile.querySelector("input").checked);
  }
}

ready();
guard(unsaved);

form.addEventListener("change", () => {
  show(chosen());
  tell();
});

// The switch of the side panel saves the theme by itself.
new MutationObserver(() => {
  const { theme } = root.dataset;
  const tile = form.querySelector(`[name=theme_preference][value="${CSS.escape(theme)}"]`);
  if (!tile || tile.checked) return;
  tile.checked = true;
  saved.theme_preference = theme;
  show(chosen());
  tell();
}).observe(root, { attributeFilter: ["data-theme"] });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(button, async () => {
    const settings = chosen();
    label.textContent = "Saving…";
    try {
      await call("PUT", form.dataset.endpoint, settings);
    } catch (error) {
      status.textContent = `Not saved: ${error.message}`;
      return;
    } finally {
      label.textContent = "Save Settings";
    }
    saved = settings;
    // The gateway remembers the look for a few minutes; without this the next page would still have the old one.
    await call("POST", "/api/invalidate-cache").catch(() => {});
    status.textContent = "Saved";
    say("success", "Settings saved.");
  });
});
