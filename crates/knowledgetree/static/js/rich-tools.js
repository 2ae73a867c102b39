// What the buttons of the rich editor do. Browsers know most of it themselves, with Undo.

import { byId } from "./place.js";

const root = () => byId("article-editor");
const command = (name, value) => document.execCommand(name, false, value);

const escaped = (text) => {
  const place = document.createElement("p");
  place.textContent = text;
  return place.innerHTML;
};

/** The element of a kind around the caret, inside the editor. */
export function around(selector) {
  const node = getSelection().anchorNode;
  const element = node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement;
  const found = element?.closest(selector);
  return found && root().contains(found) && found !== root() ? found : null;
}

const toBlock = (name) => command("formatBlock", around(name) ? "p" : name);

function insert(html) {
  command("insertHTML", html);
}

/** Gives every item of a task list its box, and no two of one. */
export function boxes(list) {
  list.classList.add("contains-task-list");
  for (const item of list.children) {
    if (item.tagName !== "LI") continue;
    item.classList.add("task-list-item");
    const [first, ...rest] = item.querySelectorAll(":scope > input");
    for (const extra of rest) extra.remove();
    if (first) continue;
    const box = document.createElement("input");
    box.type = "checkbox";
    box.setAttribute("aria-label", "Done");
    item.prepend(box, " ");
  }
}

function task() {
  const item = around("li");
  const list = item?.closest("ul");
  if (list?.classList.contains("contains-task-list")) {
    list.classList.remove("contains-task-list");
    for (const own of list.children) {
      own.classList.remove("task-list-item");
      const box = own.querySelector(":scope > input");
      if (box?.nextSibling?.nodeType === Node.TEXT_NODE) box.nextSibling.data = box.nextSibling.data.trimStart();
      box?.remove();
    }
    return;
  }
  if (!list) command("insertUnorderedList");
  const made = around("ul");
  if (made) boxes(made);
}

function code() {
  const inside = around("code");
  if (inside && !inside.closest("pre")) {
    inside.replaceWith(...inside.childNodes);
    return;
  }
  // Behind it stands a place for the caret outside of it, which is not saved.
  insert(`<code>${escaped(getSelection().toString() || "code")}</code>\u200b`);
}

function quote() {
  const inside = around("blockquote");
  if (!inside) {
    command("formatBlock", "blockquote");
    return;
  }
  command("outdent");
  if (!around("p, h1, h2, h3, h4, h5, h6, li, pre, td, th")) command("formatBlock", "p");
}

const TABLE = `<table><thead><tr><th>Column</th><th>Column</th></tr></thead><tbody>${"<tr><td><br></td><td><br></td></tr>".repeat(2)}</tbody></table><p><br></p>`;

/** What the buttons do. */
export const tools = {
  bold: () => command("bold"),
  italic: () => command("italic"),
  strike: () => command("strikeThrough"),
  h1: () => toBlock("h1"),
  h2: () => toBlock("h2"),
  h3: () => toBlock("h3"),
  paragraph: () => command("formatBlock", "p"),
  ul: () => command("insertUnorderedList"),
  ol: () => command("insertOrderedList"),
  task,
  quote,
  code,
  block: () => toBlock("pre"),
  table: () => insert(TABLE),
  rule: () => command("insertHorizontalRule"),
};

/** Puts a link in place of the selection. */
export function link(href, text) {
  const made = document.createElement("a");
  made.setAttribute("href", href);
  made.textContent = text || href;
  insert(made.outerHTML);
}

/** Tab goes from cell to cell; behind the last one it makes a row. */
export function nextCell(cell, back) {
  const table = cell.closest("table");
  const cells = [...table.querySelectorAll("th, td")];
  const at = cells.indexOf(cell) + (back ? -1 : 1);
  if (at < 0) return false;
  if (!cells[at]) {
    const row = cell.closest("tr").cloneNode(true);
    for (const own of row.children) own.replaceChildren(document.createElement("br"));
    cell.closest("tr").after(row);
    cells.push(...row.children);
    root().dispatchEvent(new Event("input", { bubbles: true }));
  }
  getSelection().selectAllChildren(cells[at]);
  return true;
}
