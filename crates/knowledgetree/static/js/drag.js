// Dragging items into folders. What is moved so can be moved by the menu and its dialog too.

import { moveTo } from "./items.js";
import { wayTo, folders } from "./folders.js";
import { say } from "./page.js";
import { folder, itemOf, mayEdit } from "./place.js";

const KIND = "application/x-knowledgetree";
const TARGETS = "#file-browser .kt-file[data-is-folder='true'], #sidebar-tree [data-id], #pathbar-breadcrumb [data-node-id]";
let dragged;
let over;

function targetOf({ target }) {
  const element = target.closest?.(TARGETS);
  if (!element) return undefined;
  const id = element.dataset.id ?? element.dataset.nodeId;
  const name = element.dataset.name ?? element.textContent.trim();
  return { element, into: { id, name: id === "root" ? "Root" : name } };
}

function mark(element) {
  if (element === over) return;
  over?.classList.remove("kt-drop");
  element?.classList.add("kt-drop");
  over = element;
}

/** Takes over dragging. */
export function start() {
  if (!mayEdit()) return;
  document.addEventListener("dragstart", (event) => {
    const element = event.target.closest?.("#file-browser .kt-file, #sidebar-tree [role=treeitem]");
    if (!element) return;
    const item = itemOf(element);
    if (item.isReadOnly || item.id === "root") return;
    dragged = item;
    event.dataTransfer.setData(KIND, item.id);
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    if (!dragged) return;
    const found = targetOf(event);
    const fits = found && found.into.id !== dragged.id;
    mark(fits ? found.element : undefined);
    if (!fits) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
  });
  document.addEventListener("drop", async (event) => {
    const found = dragged && targetOf(event);
    mark(undefined);
    if (!found) return;
    event.preventDefault();
    const item = dragged;
    dragged = undefined;
    try {
      const way = item.isFolder ? wayTo(await folders(), item.id) : undefined;
      await moveTo(item, found.into, way?.at(-2) ?? folder());
    } catch (error) {
      say("error", error.message);
    }
  });
  document.addEventListener("dragend", () => {
    mark(undefined);
    dragged = undefined;
  });
}
