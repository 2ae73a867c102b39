// Single keys: search, rows, sections, help. They can be switched off, since some people's software types for them.

import { forBrowser, load, save } from "./store.js";

const dialog = document.getElementById("keys-dialog");
const toggle = document.getElementById("keys-enabled");
/** The row of the last `j` or `k`, should the focus be elsewhere by now. */
let last = null;

const rows = () => [...document.querySelectorAll("#beacon-board .board-table:not([hidden]) tbody tr:not([hidden])")];

function focusRow(row) {
  last = row;
  row.querySelector(".modal-trigger").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** The nearest row before or after where the focus is. */
function step(by) {
  const all = rows();
  const here = document.activeElement;
  const current = here.closest("tr[data-item-id]") ?? (here === document.body && last?.isConnected ? last : null);
  const at = all.indexOf(current);
  const isBehind = (row) => here.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING;
  let next = all[at + by];
  if (at < 0) next = by > 0 ? (all.find(isBehind) ?? all[0]) : all.filter((row) => !isBehind(row)).pop();
  if (next) focusRow(next);
}

function openTicket() {
  const row = document.activeElement.closest("tr[data-item-id]") ?? (last?.isConnected && !last.hidden ? last : null);
  row?.querySelector(".modal-trigger").click();
}

function goTo(number) {
  const title = document.getElementById(`s${number}-title`);
  title.focus({ preventScroll: true });
  document.getElementById(`s${number}-container`).scrollIntoView({ block: "start" });
}

function showHelp() {
  dialog.classList.add("active");
  dialog.showModal();
}

const isTyping = (target) => target.closest?.("input, select, textarea, dialog, [contenteditable]");

/** Listens; `keys.search` is called for the slash. */
export function start({ search }) {
  const actions = {
    "/": search,
    j: () => step(1),
    k: () => step(-1),
    o: openTicket,
    1: () => goTo(1),
    2: () => goTo(2),
    3: () => goTo(3),
    4: () => goTo(4),
    "?": showHelp,
  };
  toggle.checked = load("keys", true, forBrowser);
  toggle.addEventListener("change", () => save("keys", toggle.checked, forBrowser));
  document.getElementById("keys-btn").addEventListener("click", showHelp);
  dialog.querySelector(".modal__close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.classList.remove("active"));
  document.addEventListener("keydown", (event) => {
    if (!toggle.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
