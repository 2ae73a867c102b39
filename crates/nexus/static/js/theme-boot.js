// Runs before the first paint (in the head, not deferred): a collapsed side panel starts collapsed, without a jump.
try {
  if (localStorage.getItem("sidebar-collapsed") === "true") {
    document.documentElement.classList.add("sidebar-collapsed");
  }
} catch {
  // Storage can be forbidden; the panel then starts open.
}
