// What can be done with items: new, rename, move, copy, attach, delete, and a link to send on.

import * as api from "./api.js";
import { close, onSubmit, open, tell as tellForm } from "./dialog.js";
import { element } from "./dom.js";
import { FolderPicker, folders, forget, nameOf, wayTo } from "./folders.js";
import { go, refresh } from "./navigate.js";
import { say } from "./page.js";
import { article, byId, folder, tell } from "./place.js";
import { rebuild } from "./tree.js";
import * as leave from "./leave.js";

/** After a change: the tree and the list as they are now. */
async function changed(options) {
  await Promise.all([rebuild(), refresh(options)]);
}

/** A toast with something to press in it. */
function sayWith(kind, text, button, work) {
  const toast = globalThis.hivematrix?.say?.(kind, text);
  if (!toast) return;
  const press = element("button", { type: "button", class: "btn btn--small" }, button);
  press.addEventListener("click", async () => {
    press.disabled = true;
    try {
      await work();
    } catch (error) {
      say("error", error.message);
    }
  });
  toast.querySelector(".toast__text").after(press);
}

// Names.

const KINDS = {
  folder: { title: "New Folder", help: "A folder brings order. Folders can be in folders.", more: { is_folder: true } },
  attached: { title: "New Attached Folder", help: "Its articles belong to the context of everything beside it and below.", more: { is_folder: true, is_attached: true } },
  article: { title: "New Article", help: "It opens for writing at once.", more: { is_folder: false } },
};

let naming = async () => {};
const nameForm = byId("name-form");
const nameModal = byId("name-modal");

function askName({ title, help, value = "", submit }, work) {
  byId("name-title").textContent = title;
  byId("name-help").textContent = help;
  byId("name-submit").textContent = submit;
  const input = byId("name-input");
  input.value = value;
  input.removeAttribute("aria-invalid");
  tellForm(nameForm);
  naming = work;
  open(nameModal);
  // What stands before the extension is what mostly changes.
  const dot = value.lastIndexOf(".");
  input.setSelectionRange(0, dot > 0 ? dot : value.length);
}

if (nameForm) {
  onSubmit(nameForm, async ({ elements }) => {
    try {
      await naming(elements.name.value.trim());
    } catch (error) {
      elements.name.setAttribute("aria-invalid", "true");
      throw error;
    }
    close(nameModal);
  });
}

/** Asks for the name of a new item and makes it in a folder; an article opens for writing. */
export function makeNew(kind, parent = folder()) {
  const { title, help, more } = KINDS[kind];
  askName({ title, help, submit: "Create" }, async (name) => {
    const { id } = await api.create(parent.id, name, more);
    if (kind === "article") {
      forget();
      leave.openEditing(id);
      await go(api.viewAddress(id));
      return;
    }
    await changed({ focusId: id });
    tell(`${name} is created.`);
    if (parent.id !== folder().id) say("success", `${name} is created in ${parent.name}.`);
  });
}

/** Asks for another name. */
export function rename(item) {
  askName({ title: `Rename ${item.name}`, help: "Links to it stay right.", value: item.name, submit: "Rename" }, async (name) => {
    if (name === item.name) return;
    await api.change(item.id, { name });
    // The address of a folder is made of names, so it is another one now.
    const isShown = item.id === folder().id;
    if (isShown) {
      await rebuild();
      await go(api.viewAddress(item.id));
    } else await changed({ focusId: item.id });
    tell(`${item.name} is now called ${name}.`);
  });
}

// Places.

const moveModal = byId("move-modal");
const moveForm = byId("move-form");
let placing;
let picker;
let target;

async function askPlace(item, isCopy) {
  const root = await folders();
  const { id: here } = folder();
  const parent = item.isFolder ? (wayTo(root, item.id)?.at(-2)?.id ?? here) : here;
  picker ??= new FolderPicker(byId("folder-list"), (chosen) => {
    target = chosen;
    byId("move-chosen").textContent = chosen ? `Into: ${(wayTo(picker.root, chosen.id) ?? [chosen]).map(nameOf).join(" / ")}` : "";
  });
  byId("move-title").textContent = isCopy ? "Copy Item" : "Move Item";
  byId("move-words").textContent = isCopy
    ? `Choose the folder for a copy of ${item.name}${item.isFolder ? " and all that is in it" : ""}.`
    : `Choose the folder into which ${item.name} moves${item.isFolder ? " with all that is in it" : ""}.`;
  byId("confirm-move-btn").textContent = isCopy ? "Copy Here" : "Move Here";
  byId("copy-name-group").hidden = !isCopy;
  byId("copy-name").value = isCopy ? item.name : "";
  byId("move-filter").value = "";
  tellForm(moveForm);
  placing = { item, isCopy, parent };
  picker.show(root, { without: item.isFolder ? [item.id] : [], selected: parent });
  open(moveModal);
}

export const askMove = (item) => askPlace(item, false).catch((error) => say("error", error.message));
export const askCopy = (item) => askPlace(item, true).catch((error) => say("error", error.message));

if (moveForm) {
  byId("move-filter").addEventListener("input", ({ target: field }) => picker.find(field.value));
  byId("move-filter").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    byId("folder-list").querySelector("[tabindex='0']")?.focus();
  });
  onSubmit(moveForm, async () => {
    if (!target) throw new Error("Choose a folder.");
    const { item, isCopy, parent } = placing;
    if (isCopy) {
      const name = byId("copy-name").value.trim();
      const { id } = await api.copy(item.id, target.id, name || undefined);
      close(moveModal);
      await changed({ focusId: id });
      say("success", `A copy of ${item.name} is in ${nameOf(target)}.`);
    } else {
      await moveTo(item, target, parent);
      close(moveModal);
    }
  });
}

/** Moves an item into a folder, and offers the way back. */
export async function moveTo(item, into, from = folder()) {
  if (into.id === from.id) throw new Error(`${item.name} is in this folder already.`);
  await api.move(item.id, into.id);
  const isShown = item.id === folder().id || item.id === article()?.id;
  if (isShown) {
    await rebuild();
    await go(api.viewAddress(item.id));
  } else await changed();
  sayWith("success", `${item.name} is now in ${nameOf(into)}.`, "Undo", async () => {
    await api.move(item.id, from.id);
    await (isShown ? go(api.viewAddress(item.id)) : changed({ focusId: item.id }));
  });
}

// Deleting.

/** Puts an item into the trash at once; the toast brings it back. */
export async function remove(item) {
  const next = document.querySelector(`#file-browser .kt-file[data-id="${CSS.escape(item.id)}"]`);
  const beside = next?.nextElementSibling ?? next?.previousElementSibling;
  const isShown = item.id === folder().id || item.id === article()?.id;
  try {
    const way = isShown ? wayTo(await folders(), folder().id) : undefined;
    await api.remove(item.id);
    if (isShown) {
      leave.forgetEditing();
      const up = item.id === folder().id ? way?.at(-2)?.id : folder().id;
      forget();
      await go(up && up !== "root" ? api.viewAddress(up) : api.browseAddress(""));
      await rebuild();
    } else await changed({ focusId: beside?.dataset.id });
  } catch (error) {
    say("error", error.message);
    return;
  }
  sayWith("success", `${item.name} is in the trash.`, "Undo", async () => {
    await api.restore(item.id);
    await changed({ focusId: item.id });
    say("success", `${item.name} is back.`);
  });
}

/** Makes a folder an attached one, or an ordinary one again. */
export async function attach(item) {
  try {
    await api.change(item.id, { is_attached: !item.isAttached });
    await changed({ focusId: item.id });
    say("success", item.isAttached ? `${item.name} is an ordinary folder now.` : `${item.name} is attached: its articles belong to the context of everything beside it and below.`);
  } catch (error) {
    say("error", error.message);
  }
}

/** Puts the lasting address of an item on the clipboard. */
export async function copyLink(item) {
  const address = new URL(api.viewAddress(item.id), location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    say("success", "The link is on the clipboard.");
  } catch {
    say("info", address);
  }
}
