// A field that finds records and a list of ticked ones: what is ticked stays on top, what is found comes below.

import { element as make } from "./dom.js";

const DELAY_MS = 250;

let last = 0;

/**
 * Makes a picker of an element with an `input[type=search]` and a `.checkbox-list`. `find(text)` gives rows of
 * `{ value, label, note }`; with `single` only one can be chosen. Gives back how to read and refresh it, and how to have it
 * as the page came.
 */
export function picker(element, find, { single = false, changed = () => {} } = {}) {
  const field = element.querySelector("input[type=search]");
  const list = element.querySelector(".checkbox-list");
  const name = `picker-${(last += 1)}`;
  const initial = [...list.children];
  let timer;
  let newest = 0;

  const boxes = () => [...list.querySelectorAll("input")];
  const ticked = () => boxes().filter((box) => box.checked);

  function item({ value, label, note }) {
    const id = `${name}-${(last += 1)}`;
    const words = make("span", { class: "u-text-muted" }, note);
    return make(
      "li",
      { class: "checkbox-list__item" },
      make("input", { type: single ? "radio" : "checkbox", name, value, id }),
      make("label", { class: "checkbox-list__label", for: id }, label, " ", words),
    );
  }

  function say(text) {
    list.append(make("li", { class: "checkbox-list__item u-text-muted", role: "status" }, text));
  }

  async function show() {
    const mine = (newest += 1);
    let rows;
    if (list.children.length === 0) {
      const bar = () => make("li", { class: "checkbox-list__item" }, make("span", { class: "skeleton skeleton--text u-w-full" }));
      list.append(bar(), bar(), bar());
      list.hidden = false;
    }
    try {
      rows = await find(field.value.trim());
    } catch (error) {
      rows = error;
    }
    if (mine !== newest) return;
    const focused = document.activeElement?.value;
    const hadFocus = list.contains(document.activeElement);
    for (const line of [...list.children]) if (!line.querySelector("input:checked")) line.remove();
    if (rows instanceof Error) {
      list.hidden = false;
      return say(rows.message);
    }
    const known = new Set(boxes().map((box) => box.value));
    const fresh = rows.filter((row) => !known.has(String(row.value)));
    list.append(...fresh.map(item));
    list.hidden = false;
    if (list.children.length === 0) say(field.value.trim() ? "Nothing found." : "Nothing to choose from.");
    if (hadFocus) boxes().find((box) => box.value === focused)?.focus();
  }

  function reset() {
    clearTimeout(timer);
    newest += 1; // an answer that is on its way is for somebody else
    field.value = "";
    list.replaceChildren(...initial);
    for (const box of boxes()) box.checked = box.defaultChecked;
    list.hidden = initial.length === 0;
    changed(ticked());
  }

  list.hidden = initial.length === 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, DELAY_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // searches, and does not send the form
  });
  list.addEventListener("change", () => changed(ticked()));
  return {
    show,
    reset,
    values: () => ticked().map((box) => box.value),
  };
}

/** Rows of a list's JSON for a picker. */
export const rowsOf = {
  companies: (answer) => answer.companies.map((row) => ({ value: row.account_number, label: row.name, note: row.account_number })),
  contacts: (answer) => answer.contacts.map((row) => ({ value: row.id, label: row.name, note: row.email })),
  assets: (answer) => answer.assets.map((row) => ({ value: row.id, label: row.hostname, note: row.company_name })),
};
