// The screen itself: full, awake, and empty when the link has ended.

const wall = document.getElementById("wall");
const button = document.getElementById("wall-full");

/** Screens that may sleep show nothing; where the browser cannot keep them awake, the system's settings must. */
async function stayAwake() {
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Refused, for instance on battery.
  }
}

export function showEnded(hasEnded) {
  document.getElementById("wall-ended").hidden = !hasEnded;
  for (const part of wall.querySelectorAll(".wall__numbers, .wall__list, .wall__foot")) part.hidden = hasEnded;
}

export function start() {
  stayAwake();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) stayAwake();
  });
  if (!document.fullscreenEnabled) return;
  button.hidden = false;
  button.addEventListener("click", () => wall.requestFullscreen());
  document.addEventListener("fullscreenchange", () => {
    button.hidden = document.fullscreenElement !== null;
  });
}
