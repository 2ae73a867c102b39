// The switch between light and dark. Codex keeps the choice of a user; the cookie keeps it for pages without a user, such as
// the sign-in, and for users that Codex does not know (domain/look.rs writes and reads the same cookie).

const LOOK_COOKIE = "__Host-look";
const LOOK_SECONDS = 365 * 24 * 60 * 60;
const root = document.documentElement;
const themeButton = document.getElementById("theme-toggle-btn");

function isDark() {
  const { theme } = root.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function showTheme() {
  themeButton?.setAttribute("aria-pressed", String(isDark()));
}

function rememberTheme(theme) {
  const value = `${theme}.${root.dataset.colorTheme ?? "purple"}`;
  document.cookie = `${LOOK_COOKIE}=${value}; Path=/; Secure; SameSite=Lax; Max-Age=${LOOK_SECONDS}`;
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
    say("error", "The theme is not saved: the server cannot be reached.");
    return;
  }
  if (response.ok) {
    // The gateway remembers the theme for a few minutes; it must ask again for the next page.
    await fetch("/api/invalidate-cache", { method: "POST", credentials: "same-origin" })
      .then((done) => done.text())
      .catch(() => {});
    return;
  }
  const answer = await response.json().catch(() => ({}));
  if (response.status === 404 && String(answer.error ?? "").includes("Agent not found")) {
    say("warning", "The theme is kept in this browser only, until an administrator has synced your account.");
  } else if (response.status === 403) {
    // Codex is not open to everyone; the cookie serves this browser.
    say("info", "The theme is kept in this browser only.");
  } else if (response.status === 401) {
    say("warning", "The theme is not saved: your session has ended. Reload the page to sign in.");
  } else {
    say("error", `The theme is not saved (HTTP ${response.status}).`);
  }
}

themeButton?.addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  root.dataset.theme = theme;
  showTheme();
  rememberTheme(theme);
  saveTheme(theme);
});
showTheme();
// Other scripts change the theme too: the settings page shows a choice before it is saved.
new MutationObserver(showTheme).observe(root, { attributeFilter: ["data-theme"] });
