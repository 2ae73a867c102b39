// Toasts: short messages that go by themselves. Errors, and those marked data-stays, stay until they are closed; errors are
// read out at once.

const TOAST_ICONS = { success: "check-circle", error: "alert-circle", warning: "alert-triangle", info: "info" };
const TOAST_MS = 5000;
const TOAST_LEAVES_MS = 250;

function toastContainer() {
  const known = [...document.querySelectorAll(".toast-container")].find((container) => !isStill(container));
  if (known) return known;
  const container = document.createElement("div");
  container.className = "toast-container";
  container.setAttribute("aria-live", "polite");
  document.body.append(container);
  return container;
}

/** Says `text`; `kind` is success, error, warning or info. */
function say(kind, text) {
  const toast = document.createElement("div");
  toast.className = `toast toast--${kind}`;
  if (kind === "error") toast.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.className = "toast__text";
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "toast__close";
  close.setAttribute("aria-label", "Close");
  close.append(makeIcon("x"));
  toast.append(makeIcon(TOAST_ICONS[kind] ?? "info", "toast__icon"), words, close);
  toastContainer().append(toast);
  return toast;
}

function hideToast(toast) {
  toast.classList.add("toast--hiding");
  setTimeout(() => toast.remove(), TOAST_LEAVES_MS);
}

/** Every toast goes in time, whoever wrote it, but not while somebody reads or holds it. */
function toastAdded(toast) {
  if (isStill(toast) || toast.matches(".toast--error, [data-stays]")) return;
  const held = () => toast.matches(":hover, :focus-within");
  const leave = () => (held() ? setTimeout(leave, TOAST_MS) : hideToast(toast));
  setTimeout(leave, TOAST_MS);
}

document.addEventListener("click", (event) => {
  const toast = event.target.closest(".toast");
  if (toast && !isStill(toast)) hideToast(toast);
});
