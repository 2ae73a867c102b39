// The context of an item as a text: for people who hand it on, and for assistants.

import * as api from "./api.js";
import { open, tell } from "./dialog.js";
import { element } from "./dom.js";
import { busy, say } from "./page.js";
import { byId } from "./place.js";

const modal = byId("context-modal");
let exported;

/** Opens the dialog for an item. */
export async function exportContext(item) {
  exported = item;
  byId("modal-message").textContent = `All articles beside ${item.name}, beside the folders it is in, and in their attached folders, as one text.`;
  byId("context-text-group").hidden = true;
  byId("context-tree-group").hidden = true;
  tell(modal);
  open(modal);
  try {
    const found = await api.attachedFolders(item.id);
    if (exported !== item) return;
    byId("context-tree-container").replaceChildren(...found.map(({ id, name }, at) =>
      element(
        "li",
        { class: "checkbox-list__item" },
        element("input", { type: "checkbox", id: `context-folder-${at}`, "data-id": id, checked: true }),
        element("label", { class: "checkbox-list__label", for: `context-folder-${at}` }, name),
      )));
    byId("context-tree-group").hidden = !found.length;
  } catch (error) {
    tell(modal, error.message);
  }
}

async function generate() {
  tell(modal);
  const left = [...byId("context-tree-container").querySelectorAll("input:not(:checked)")];
  try {
    const { context } = await api.context(exported.id, left.map((box) => box.dataset.id));
    const text = byId("context-textarea");
    byId("context-text-group").hidden = false;
    text.value = context;
    text.focus();
    text.select();
    await navigator.clipboard.writeText(context).then(
      () => say("success", "The context is on the clipboard."),
      () => say("info", "The context is selected: copy it with Ctrl+C."),
    );
  } catch (error) {
    tell(modal, error.message);
  }
}

/** Takes over the dialog. */
export function start() {
  byId("generate-context-btn").addEventListener("click", ({ currentTarget }) => busy(currentTarget, generate));
}
