// The Refresh button, and the visible sign that a refresh is under way.

/** Shorter than this nobody would see it. */
const SEEN_MS = 500;
const button = document.getElementById("refresh-btn");
const label = button.querySelector(".btn__text");
let beganAt = 0;
let end = null;

function set(isBusy) {
  button.classList.toggle("is-busy", isBusy);
  button.setAttribute("aria-busy", String(isBusy));
  label.textContent = isBusy ? "Refreshing..." : "Refresh";
}

export function showBusy(isBusy) {
  clearTimeout(end);
  if (isBusy) {
    beganAt = performance.now();
    set(true);
  } else {
    end = setTimeout(() => set(false), Math.max(SEEN_MS - (performance.now() - beganAt), 0));
  }
}

export function start(refresh) {
  button.addEventListener("click", refresh);
}
