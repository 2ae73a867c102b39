// Runs before the first paint (in the head, not deferred): a collapsed side panel starts collapsed and a page whose user has
// chosen no theme has the system's, both without a jump.
try {
  if (localStorage.getItem("sidebar-collapsed") === "true") {
    document.documentElement.classList.add("sidebar-collapsed");
  }
} catch {
  // Storage can be forbidden; the panel then starts open.
}
document.documentElement.dataset.theme ||= matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
// Pages of the original suite call an icon script that they load from elsewhere. Where it is missing they go on, and js/ui.js
// draws the icons.
window.lucide ??= { createIcons() {} };
