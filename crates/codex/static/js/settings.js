// The settings page: shows a choice at once, saves all of them together, and says what is saved and what is not.

const form = document.getElementById("settings-form");
const button = document.getElementById("save-settings");
const label = button.querySelector(".btn__label");
const status = document.getElementById("settings-status");
const root = document.documentElement;

const chosen = () => Object.fromEntries(new FormData(form));
let saved = chosen();

const unsaved = () => Object.entries(chosen()).some(([name, value]) => saved[name] !== value);

function show({ theme_preference: theme, preferred_color_theme: color }) {
  if (theme) root.dataset.theme = theme;
  if (color) root.dataset.colorTheme = color;
}

form.addEventListener("change", () => {
  show(chosen());
  status.textContent = unsaved() ? "Unsaved changes" : "";
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  const settings = chosen();
  button.disabled = true;
  label.textContent = "Saving…";
  status.textContent = await save(settings);
  button.disabled = false;
  label.textContent = "Save Settings";
});

/** Saves, and answers with the sentence to show. */
async function save(settings) {
  let response;
  try {
    response = await fetch(form.dataset.endpoint, {
      method: "PUT",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(settings),
    });
  } catch {
    return "Not saved: the server cannot be reached.";
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    return `Not saved: ${problem.detail ?? problem.error ?? `HTTP ${response.status}`}`;
  }
  saved = settings;
  show(settings);
  globalThis.hivematrix?.say("success", "Settings saved.");
  // The gateway remembers the look for a few minutes; without this the next page would still have the old one.
  await fetch("/api/invalidate-cache", { method: "POST", credentials: "same-origin" }).catch(() => {});
  return "Saved";
}

addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});
