// The items of a folder: one Tab stop, arrows, letters, and keys for what the menu does; in the hierarchy folders open in place.

import * as api from "./api.js";
import { fetchPage } from "./call.js";
import { element } from "./dom.js";
import { busy, say, showScripted } from "./page.js";
import { byId, itemOf, onShown } from "./place.js";
import { localise } from "./time.js";
import { isHierarchy } from "./view.js";

const list = () => byId("file-browser");
const rows = () => [...list().querySelectorAll(".kt-file")];
const linkOf = (row) => row.querySelector(".kt-file__link");

/** Makes one row the one that Tab reaches, with its menu's button. */
function makeCurrent(row) {
  for (const other of rows()) {
    const is = other === row;
    linkOf(other).tabIndex = is ? 0 : -1;
    const more = other.querySelector(".kt-file__more");
    if (more) more.tabIndex = is ? 0 : -1;
    other.classList.toggle("kt-file--selected", is && other.contains(document.activeElement));
  }
}

function moveTo(row) {
  if (!row) return;
  makeCurrent(row);
  linkOf(row).focus();
  row.classList.add("kt-file--selected");
}

/** How many tiles stand beside each other. */
function columns(all) {
  const top = all[0].offsetTop;
  const second = all.findIndex((row) => row.offsetTop > top);
  return second < 0 ? all.length : second;
}

function steps(all, at) {
  const grid = !list().classList.contains("kt-files--list");
  const down = grid ? columns(all) : 1;
  const all_ = { ArrowDown: at + down, ArrowUp: at - down, Home: 0, End: all.length - 1, PageDown: Math.min(at + 10, all.length - 1), PageUp: Math.max(at - 10, 0) };
  return grid ? { ...all_, ArrowRight: at + 1, ArrowLeft: at - 1 } : all_;
}

let typed = "";
let typing;

/** The next row whose name begins with the letters typed one after the other. */
function byLetters(all, at, letter) {
  clearTimeout(typing);
  typing = setTimeout(() => { typed = ""; }, 700);
  typed += letter.toLowerCase();
  const from = typed.length === 1 ? at + 1 : at;
  return [...all.slice(from), ...all.slice(0, from)].find((row) => row.dataset.name.toLowerCase().startsWith(typed));
}

function pressed(event, act) {
  const row = event.target.closest(".kt-file");
  if (!row || !list()?.contains(row) || event.defaultPrevented) return;
  const all = rows();
  const at = all.indexOf(row);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const keys = { F2: "rename", Delete: "delete" };
  const to = steps(all, at)[event.key];
  if (plain && keys[event.key]) act(keys[event.key], itemOf(row), row);
  else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "x") act("move", itemOf(row), row);
  else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "c" && getSelection().isCollapsed) act("copy", itemOf(row), row);
  else if (plain && isHierarchy() && event.key === "ArrowRight" && isFolder(row)) unfold(row, true);
  else if (plain && isHierarchy() && event.key === "ArrowLeft") foldOrUp(row);
  else if (plain && to !== undefined) moveTo(all[to]);
  else if (plain && event.key.length === 1 && event.key !== " " && event.target.matches(".kt-file__link")) moveTo(byLetters(all, at, event.key));
  else return;
  event.preventDefault();
}

// The hierarchy.

const isFolder = (row) => row.dataset.isFolder === "true";

function foldOrUp(row) {
  if (row.querySelector(":scope > .hierarchy-children")) unfold(row, false);
  else moveTo(row.parentElement.closest(".kt-file"));
}

function childRow({ id, name, is_folder, is_attached, read_only, updated_at }, parentHref) {
  const icon = is_folder ? (is_attached ? "link" : "folder") : "file-text";
  const href = is_folder ? `${parentHref}/${encodeURIComponent(name)}` : api.viewAddress(id);
  return element(
    "li",
    { class: read_only ? "kt-file kt-file--read-only" : "kt-file", "data-id": id, "data-name": name, "data-is-folder": String(is_folder), "data-attached": String(is_attached), "data-read-only": String(read_only) },
    element(
      "a",
      { class: "kt-file__link", href, tabindex: "-1" },
      element("span", { class: "kt-file__icon" }, element("i", { "data-lucide": icon })),
      element("span", { class: "kt-file__name" }, is_folder ? element("span", { class: "u-visually-hidden" }, "Folder: ") : null, name),
    ),
    updated_at ? element("span", { class: "kt-file__meta" }, element("time", { datetime: updated_at }, updated_at)) : null,
    element("button", { class: "kt-file__more", type: "button", "aria-haspopup": "menu", "aria-controls": "context-menu", "aria-label": `Actions for ${name}`, tabindex: "-1" }, element("i", { "data-lucide": "more-horizontal" })),
  );
}

/** Shows or hides what is in a folder, below it. */
async function unfold(row, open) {
  const link = linkOf(row);
  const toggle = row.querySelector(":scope > .hierarchy-item__toggle");
  const below = row.querySelector(":scope > .hierarchy-children");
  if (open === Boolean(below)) return;
  toggle.setAttribute("aria-expanded", String(open));
  if (!open) {
    below.remove();
    return;
  }
  try {
    const children = await api.children(row.dataset.id);
    if (row.querySelector(":scope > .hierarchy-children")) return;
    const path = new URL(link.href).pathname.replace(/\/$/, "");
    const inside = children.length
      ? children.map((child) => childRow(child, path))
      : [element("li", { class: "kt-file-empty" }, "This folder is empty.")];
    row.append(element("ul", { class: "hierarchy-children hierarchy-children--expanded", "aria-label": `Items of ${row.dataset.name}` }, ...inside));
    decorate(row);
    localise(row);
  } catch (error) {
    toggle.setAttribute("aria-expanded", "false");
    say("error", error.message);
  }
}

/** In the hierarchy every folder has a chevron; elsewhere none, and nothing is unfolded. */
function decorate(root = list()) {
  for (const row of root.querySelectorAll(".kt-file")) {
    const toggle = row.querySelector(":scope > .hierarchy-item__toggle");
    if (!isHierarchy()) {
      toggle?.remove();
      row.querySelector(":scope > .hierarchy-children")?.remove();
    } else if (!toggle) {
      const made = isFolder(row)
        ? element("button", { class: "hierarchy-item__toggle", type: "button", tabindex: "-1", "aria-expanded": "false", "aria-label": `Show what is in ${row.dataset.name}` }, element("i", { "data-lucide": "chevron-right" }))
        : element("span", { class: "hierarchy-item__toggle", "aria-hidden": "true" });
      row.prepend(made);
    }
    linkOf(row).draggable = row.dataset.readOnly !== "true";
  }
}

function prepared() {
  if (!list()) return;
  decorate();
  const all = rows();
  if (all.length) makeCurrent(all.find((row) => row.contains(document.activeElement)) ?? all[0]);
}

/** The next items of a long folder, put behind those that are there. */
async function showMore(link) {
  const page = await fetchPage(link.href);
  const first = page.querySelector("#file-browser > .kt-file");
  const fresh = [...page.querySelectorAll("#file-browser > .kt-file")];
  list().append(...fresh.map((row) => document.adoptNode(row)));
  const place = link.closest("[data-more]");
  const next = page.querySelector("[data-more]");
  if (next) place.replaceWith(document.adoptNode(next));
  else place.remove();
  showScripted(list());
  localise(list());
  prepared();
  moveTo(first);
}

/** The row of an item, where it is shown. */
export const rowOf = (id) => list()?.querySelector(`.kt-file[data-id="${CSS.escape(id)}"]`);

/** Takes over keys and clicks; `act` does what the menu does. */
export function start(act) {
  onShown(prepared);
  document.addEventListener("kt-view", prepared);
  document.addEventListener("keydown", (event) => pressed(event, act));
  document.addEventListener("focusin", ({ target }) => {
    const row = target.closest?.("#file-browser .kt-file");
    if (row) makeCurrent(row);
    else if (list()) for (const other of list().querySelectorAll(".kt-file--selected")) other.classList.remove("kt-file--selected");
  });
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("button.hierarchy-item__toggle");
    if (toggle) unfold(toggle.closest(".kt-file"), toggle.getAttribute("aria-expanded") !== "true");
    const more = event.target.closest("[data-more] a");
    if (!more || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    busy(more, () => showMore(more));
  });
}
