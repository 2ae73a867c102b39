// What the buttons of the rich editor do. Browsers know most of it themselves, with Undo.

import { byId } from "./place.js";

const root = () => byId("article-editor");
const command = (name, value) => document.execCommand(name, false, value);

/** The element of a kind around the caret, inside the editor. */
export function around(selector) {
  const node = getSelection().anchorNode;
  const element = node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement;
  const found = element?.closest(selector);
  return found && root().contains(found) && found !== root() ? found : null;
}

const toBlock = (name) => command("formatBlock", around(name) ? "p" : name);

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
    const hasCaret = item.contains(getSelection().anchorNode) && getSelection().isCollapsed && !item.textContent.trim();
    item.prepend(box, "\u00a0");
    if (hasCaret) getSelection().collapse(box.nextSibling, 1);
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
  typed(getSelection().toString() || "code");
  const made = document.createElement("code");
  const range = getSelection().getRangeAt(0);
  made.append(range.extractContents());
  range.insertNode(made);
  // Behind it stands a place for the caret outside of it, which is not saved.
  made.after("\u200b");
  getSelection().collapse(made.nextSibling, 1);
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
  table: () => command("insertHTML", TABLE),
  rule: () => command("insertHorizontalRule"),
};

/** Types a text in place of the selection and selects it. */
function typed(text) {
  command("insertText", text);
  const selection = getSelection();
  const { anchorNode: node, anchorOffset: end } = selection;
  if (node.nodeType === Node.TEXT_NODE && end >= text.length) selection.setBaseAndExtent(node, end - text.length, node, end);
}

/** Puts a link in place of the selection. */
export function link(href, text) {
  typed(text || href);
  command("createLink", href);
  getSelection().collapseToEnd();
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
