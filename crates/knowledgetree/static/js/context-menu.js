// The menu of an item. How it opens, at the pointer or by a key, and how it is walked through, is the gateway's part; here is whose it is
// and what is in it.

import { exportContext } from "./export.js";
import * as items from "./items.js";
import { go } from "./navigate.js";
import { article, byId, folder, itemOf, mayEdit, isAdmin } from "./place.js";
import * as api from "./api.js";

const menu = byId("context-menu");
let chosen;

/** What is done with an item; also by keys. */
export function act(what, item) {
  const isRoot = item.id === "root";
  const acts = {
    open: () => go(item.href ?? api.viewAddress(item.id)),
    link: () => items.copyLink(item),
    export: () => exportContext(item),
  };
  if (mayEdit() && !isRoot) {
    acts.copy = () => items.askCopy(item);
    if (!item.isReadOnly) {
      acts.rename = () => items.rename(item);
      acts.move = () => items.askMove(item);
      if (item.isFolder) acts.attach = () => items.attach(item);
    }
    if (!item.isReadOnly || isAdmin()) acts.delete = () => items.remove(item);
  }
  if (mayEdit() && item.isFolder) {
    acts["new-folder"] = () => items.makeNew("folder", item);
    acts["new-attached"] = () => items.makeNew("attached", item);
    acts["new-article"] = () => items.makeNew("article", item);
  }
  if (what === undefined) return Object.keys(acts);
  acts[what]?.();
  return [];
}

/** Shows the entries that there are for an item. On the empty part of a list only what can be made there. */
function fill(item, isPlace) {
  chosen = item;
  const can = act(undefined, item).filter((what) => !isPlace || what.startsWith("new-"));
  for (const entry of menu.querySelectorAll("[data-act]")) {
    entry.classList.toggle("context-menu__item--hidden", !can.includes(entry.dataset.act));
  }
  menu.querySelector("[data-attach-words]").textContent = item.isAttached ? "Detach" : "Attach";
  const isMixed = can.some((what) => what.startsWith("new-")) && can.some((what) => !what.startsWith("new-"));
  byId("context-separator").hidden = !isMixed;
  return can.length > 0;
}

/** The item that an element stands for, or the folder around it. */
function itemAt(target) {
  if (target.closest("#article-more")) return { item: article(), isPlace: false };
  const element = target.closest("#file-browser .kt-file, #sidebar-tree [data-id]");
  if (!element) return { item: { ...folder(), isFolder: true }, isPlace: true };
  const href = (element.matches("a") ? element : element.querySelector("a"))?.href;
  return { item: { ...itemOf(element), href }, isPlace: false };
}

/** Once the menu is closed and the focus is back where it was, so that a dialog can give it back there. */
const afterwards = (work) => setTimeout(work);

/** Takes over the menu. Both listeners come before those of the gateway, which open it. */
export function start() {
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest("[aria-controls='context-menu']");
    if (opener) fill(itemAt(opener).item, false);
  }, true);
  document.addEventListener("contextmenu", (event) => {
    if (!event.target.closest("[data-context-menu='context-menu']")) return;
    const { item, isPlace } = itemAt(event.target);
    // Nothing to offer: then the browser's own menu comes.
    if (!fill(item, isPlace)) event.stopPropagation();
  }, true);
  // Not every system has a key for it, and not every browser opens it by Shift+F10.
  document.addEventListener("keydown", (event) => {
    const isAsked = event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey);
    if (!isAsked || !event.target.closest?.("[data-context-menu='context-menu']")) return;
    event.preventDefault();
    event.target.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX: 0, clientY: 0 }));
  });
  menu.addEventListener("click", ({ target }) => {
    const entry = target.closest("[data-act]");
    if (entry) afterwards(() => act(entry.dataset.act, chosen));
  });
  document.addEventListener("click", ({ target }) => {
    const made = target.closest("[data-new]");
    if (made) afterwards(() => items.makeNew(made.dataset.new));
  });
}
