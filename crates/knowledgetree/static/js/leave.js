// Leaving a text that has changes: save, discard, or stay. And which article opens for writing next.

import { close, open, watch } from "./dialog.js";
import { guard } from "./page.js";

let editor = { isUnsaved: () => false, save: async () => true, discard: () => {}, isEditing: () => false };
let openNext;

/** The editor says whether something would be lost, how it is saved, and how it is given up. */
export function register(given) {
  editor = given;
}

guard(() => editor.isUnsaved());

/** Whether somebody is writing. */
export const isEditing = () => editor.isEditing();

/** The article with this id opens for writing once it is shown. */
export function openEditing(id) {
  openNext = id;
}

/** Whether this article is to be written in at once; says so one time only. */
export function opensEditing(id) {
  const is = openNext === id;
  if (is) openNext = undefined;
  return is;
}

/** What is being written is gone. */
export function forgetEditing() {
  editor.discard();
}

const modal = document.getElementById("leave-modal");
const ANSWERS = { "leave-save": "save", "leave-discard": "discard", "leave-stay": "stay" };
let settle = () => {};
let answer;

if (modal) {
  modal.addEventListener("click", ({ target }) => {
    const given = ANSWERS[target.closest("button")?.id];
    if (!given) return;
    answer = given;
    close(modal);
  });
  watch(modal, { closed: () => settle(answer) });
}

/** Asks what shall become of the changes; whoever closes the dialog stays. */
function asked() {
  answer = "stay";
  return new Promise((done) => {
    settle = done;
    open(modal);
  });
}

/** Whether what is shown may be left: at once without changes, else as the person says. */
export async function mayLeave() {
  const given = editor.isUnsaved() ? await asked() : "discard";
  if (given === "save") return editor.save();
  if (given === "discard") editor.discard();
  return given === "discard";
}
