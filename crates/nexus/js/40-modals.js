// Dialogs in markup: `.modal` and `.log-modal`, shown while they have the class `active`, whoever sets it. The page behind
// cannot be reached, Escape and the backdrop close, the focus goes in and comes back. A <dialog> does all that by itself.

const MODAL = ":is(.modal, .log-modal):not(dialog)";
const MODAL_CLOSE = ".modal__close, [data-modal-close]";
const FOCUSABLE =
  "a[href], button, input:not([type=hidden]), select, textarea, summary, [contenteditable], [tabindex]";
/** What was there before each open dialog: where the focus was, what became unreachable. The last one is on top. */
const openModals = new Map();

const focusable = (root) =>
  [...root.querySelectorAll(FOCUSABLE)].filter((element) => element.tabIndex >= 0 && canFocus(element));

/** Makes unreachable what stands beside an element and beside everything around it. */
function lockOutside(element) {
  const locked = [];
  for (let inner = element; inner.parentElement && inner !== document.body; inner = inner.parentElement) {
    for (const sibling of inner.parentElement.children) {
      if (sibling === inner || sibling.inert || sibling.matches("script, .toast-container, .tooltip")) continue;
      sibling.inert = true;
      locked.push(sibling);
    }
  }
  return locked;
}

/** Where the focus begins: at the first thing to do. A button that destroys is none; then it is the way out. */
function firstInside(box) {
  const inside = focusable(box);
  const first = box.querySelector("[autofocus]") ?? inside.find((one) => !one.matches(MODAL_CLOSE)) ?? inside[0];
  if (!first?.matches(".btn--danger")) return first;
  return inside.find((one) => one.matches("[data-modal-close]")) ?? inside[0];
}

function modalShown(modal) {
  const box = modal.querySelector(".modal__dialog, .log-modal__content") ?? modal;
  const title = box.querySelector(".modal__title, .log-modal__title");
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-modal", "true");
  if (title) box.setAttribute("aria-labelledby", (title.id ||= newId("title")));
  modal.removeAttribute("aria-hidden");
  const opener = document.activeElement;
  openModals.set(modal, { opener, locked: lockOutside(modal) });
  const first = firstInside(box);
  if (!first) box.tabIndex = -1;
  (first ?? box).focus();
}

function modalHidden(modal) {
  const { opener, locked } = openModals.get(modal);
  openModals.delete(modal);
  for (const element of locked) element.inert = false;
  modal.setAttribute("aria-hidden", "true");
  if (opener?.isConnected) opener.focus();
}

/** After a change of classes. */
function modalChanged(modal) {
  const active = modal.isConnected && modal.classList.contains("active") && !isStill(modal);
  if (active && !openModals.has(modal)) modalShown(modal);
  if (!active && openModals.has(modal)) modalHidden(modal);
}

/** Dialogs that were taken out of the page while they were open. */
function forgetLostModals() {
  for (const modal of openModals.keys()) if (!modal.isConnected) modalHidden(modal);
}

const topModal = () => [...openModals.keys()].at(-1);

function openModal(modal) {
  modal.classList.add("active");
  modalChanged(modal);
}

function closeModal(modal) {
  modal.classList.remove("active");
  modalChanged(modal);
}

/** As if its own way out had been taken, so that the page's script hears of it. */
function leaveModal(modal) {
  const way = modal.querySelector(".modal__close");
  if (way) way.click();
  else closeModal(modal);
}

document.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-modal-open]");
  const modal = opens ? document.getElementById(opens.dataset.modalOpen) : null;
  if (modal && !isStill(opens)) openModal(modal);
  if (event.defaultPrevented) return;
  const left = event.target.closest(MODAL_CLOSE)?.closest(MODAL);
  if (left && openModals.has(left)) closeModal(left);
});

document.addEventListener("pointerdown", (event) => {
  // Text that is marked from inside to outside ends on the backdrop, but began elsewhere.
  if (openModals.has(event.target)) leaveModal(event.target);
});

document.addEventListener("keydown", (event) => {
  const modal = topModal();
  if (!modal || event.defaultPrevented) return;
  if (event.key === "Escape") {
    event.preventDefault();
    leaveModal(modal);
  } else if (event.key === "Tab") {
    const inside = focusable(modal);
    const [first, last] = [inside[0], inside.at(-1)];
    const leaving = event.shiftKey ? first : last;
    if (document.activeElement !== leaving && modal.contains(document.activeElement)) return;
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
});
