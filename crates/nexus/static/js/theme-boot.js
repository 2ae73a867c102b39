// Runs before the first paint (in the head, not deferred): a collapsed side panel starts collapsed, without a jump.
try {
  if (localStorage.getItem("sidebar-collapsed") === "true") {
    document.documentElement.classList.add("sidebar-collapsed");
  }
} catch {
  // Storage can be forbidden; the panel then starts open.
}
// Pages of the original suite call an icon script that they load from elsewhere. Where it is missing they go on, and js/ui.js
// draws the icons.
window.lucide ??= { createIcons() {} };
