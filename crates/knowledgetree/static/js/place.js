// Where the reader is: what the server says about the folder and the article that are shown.

import { localise } from "./time.js";
import { showScripted } from "./page.js";
import { applyStyles } from "./styles.js";

export const container = document.getElementById("file-browser-container");

export const byId = (id) => document.getElementById(id);

export const mayEdit = () => container.dataset.mayEdit === "true";
export const isAdmin = () => container.dataset.isAdmin === "true";

/** The folder that is shown, or that the shown article is in. */
export const folder = () => ({ id: container.dataset.nodeId, name: container.dataset.nodeName });

/** The article that is open; nothing while a folder is shown. */
export function article() {
  const view = byId("article-view");
  if (!view) return undefined;
  const { id, name, version, format, readOnly } = view.dataset;
  return { id, name, version: Number(version), format, isReadOnly: readOnly === "true", isFolder: false };
}

/** What a row, a tree item or a step of the path stands for. */
export function itemOf(element) {
  const { id, name, isFolder, readOnly, attached } = element.dataset;
  return { id, name, isFolder: isFolder === "true", isReadOnly: readOnly === "true", isAttached: attached === "true" };
}

/** Says something to those who do not see the page change. */
export function tell(text) {
  byId("kt-status").textContent = text;
}

const shownHooks = [];

/** Runs `work` whenever a folder or an article has been put in place, and once for the page as it came. */
export function onShown(work) {
  shownHooks.push(work);
}

/** Makes what has just been put in place usable. */
export function shown() {
  showScripted(container);
  localise(container);
  applyStyles(container);
  for (const work of shownHooks) work();
}
