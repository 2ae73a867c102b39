// The side panel on every page: collapse and expand, the sheet of narrow screens, the switch between light and dark.

const STORAGE_KEY = "sidebar-collapsed";
const root = document.documentElement;
const panel = document.getElementById("side-panel");
const toggle = document.getElementById("sidebar-toggle");
// The width of css/side-panel.css below which the panel is a bar.
const narrow = matchMedia("(max-width: 900px)");
const themeButton = document.getElementById("theme-toggle-btn");

function remember(collapsed) {
  try {
    localStorage.setItem(STORAGE_KEY, String(collapsed));
  } catch {
    // Without storage the choice lasts for this page.
  }
}

/** Links without a visible label give it to the pointer as a tooltip. */
function nameLinks(hidden) {
  for (const link of panel.querySelectorAll(".side-panel__link")) {
    const label = link.querySelector(".side-panel__label")?.textContent ?? "";
    if (hidden) link.setAttribute("title", label);
    else link.removeAttribute("title");
  }
}

function showCollapsed(collapsed) {
  panel.classList.toggle("collapsed", collapsed);
  if (narrow.matches) return;
  toggle?.setAttribute("aria-expanded", String(!collapsed));
  nameLinks(collapsed);
}

/** On narrow screens the bar opens to a sheet over the page, which cannot be reached meanwhile. */
function showSheet(open) {
  panel.classList.toggle("open", open);
  document.body.classList.toggle("u-no-scroll", open);
  document.querySelector(".hivematrix-content")?.toggleAttribute("inert", open);
  toggle?.setAttribute("aria-expanded", String(open));
  nameLinks(!open);
}

/** The state that the width asks for: a closed sheet, or the panel as it was left. */
function fitWidth() {
  showSheet(false);
  showCollapsed(panel.classList.contains("collapsed"));
}

if (panel) {
  showCollapsed(root.classList.contains("sidebar-collapsed"));
  fitWidth();
  narrow.addEventListener("change", fitWidth);
  requestAnimationFrame(() => root.classList.remove("sidebar-collapsed"));
  toggle?.addEventListener("click", () => {
    if (narrow.matches) {
      showSheet(!panel.classList.contains("open"));
      return;
    }
    const collapsed = !panel.classList.contains("collapsed");
    showCollapsed(collapsed);
    remember(collapsed);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("open")) return;
    showSheet(false);
    toggle?.focus();
  });
}

/** Shows a message that goes by itself; errors are announced at once. */
function say(kind, text) {
  let container = document.querySelector(".toast-container");
  if (!container) {
    container = document.createElement("div");
    container.className = "toast-container";
    document.body.append(container);
  }
  const toast = document.createElement("div");
  toast.className = `toast toast--${kind}`;
  toast.setAttribute("role", kind === "error" ? "alert" : "status");
  toast.textContent = text;
  const close = () => {
    toast.classList.add("toast--hiding");
    setTimeout(() => toast.remove(), 250);
  };
  toast.addEventListener("click", close);
  setTimeout(close, 8000);
  container.append(toast);
}

function isDark() {
  const theme = root.dataset.theme;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function showTheme() {
  themeButton?.setAttribute("aria-pressed", String(isDark()));
}

async function saveTheme(theme) {
  let response;
  try {
    response = await fetch("/codex/api/my/settings", {
      method: "PUT",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ theme_preference: theme }),
    });
  } catch {
    say("error", "The theme is changed on this page only: the server cannot be reached.");
    return;
  }
  if (response.ok) {
    // The gateway remembers the theme for a few minutes; it must ask again for the next page.
    await fetch("/api/invalidate-cache", { method: "POST", credentials: "same-origin" }).catch(() => {});
    return;
  }
  const answer = await response.json().catch(() => ({}));
  if (response.status === 404 && String(answer.error ?? "").includes("Agent not found")) {
    say("warning", "The theme is changed on this page only: an administrator has to sync your account first.");
  } else if (response.status === 401 || response.status === 403) {
    say("warning", "The theme is changed on this page only: your session has ended. Reload the page to sign in.");
  } else {
    say("error", `The theme is changed on this page only: it could not be saved (HTTP ${response.status}).`);
  }
}

themeButton?.addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  root.dataset.theme = theme;
  showTheme();
  saveTheme(theme);
});
showTheme();
