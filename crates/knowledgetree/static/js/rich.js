// Writing rich text: an editable element that holds the HTML which the server allows.

import { byId } from "./place.js";
import { cleaned, fill, read, roomAtEnd } from "./rich-html.js";
import { around, boxes, link, nextCell, tools } from "./rich-tools.js";

export { link, tools };

const field = () => byId("article-editor");
/** Where the caret was when the focus went to a dialog. */
let kept;

export const element = field;
export const get = () => read(field());
export const chosenText = () => kept?.toString() ?? getSelection().toString();

/** Shows a text to be edited. */
export function set(html) {
  fill(field(), html);
  field().contentEditable = "true";
  // Plain elements, no attributes of looks; a new line is a paragraph.
  document.execCommand("styleWithCSS", false, "false");
  document.execCommand("defaultParagraphSeparator", false, "p");
}

/** Puts the caret where it was, or at the beginning. */
export function focus() {
  const place = field();
  place.focus();
  if (!kept || !place.contains(kept.commonAncestorContainer)) return;
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(kept);
}

/** Remembers the caret before something else gets the focus. */
export function keep() {
  const selection = getSelection();
  const inside = selection.rangeCount > 0 && field().contains(selection.anchorNode);
  kept = inside ? selection.getRangeAt(0).cloneRange() : undefined;
}

const STATES = { bold: "bold", italic: "italic", strike: "strikeThrough", ul: "insertUnorderedList", ol: "insertOrderedList" };
const AROUND = { h1: "h1", h2: "h2", h3: "h3", quote: "blockquote", block: "pre", task: ".contains-task-list", link: "a", table: "table" };

/** Says which buttons are on where the caret is. */
export function states() {
  if (!field() || !field().contains(getSelection().anchorNode)) return undefined;
  // Headings are bold by themselves.
  const isBoldAnyway = around("h1, h2, h3, h4, h5, h6, th");
  const on = Object.entries(STATES).filter(([tool, name]) => document.queryCommandState(name) && !(tool === "bold" && isBoldAnyway)).map(([tool]) => tool);
  return new Set([...on, ...Object.entries(AROUND).filter(([, selector]) => around(selector)).map(([tool]) => tool)]);
}

/** Keys that mean something of their own. */
export function pressed(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const cell = around("td, th");
  if (event.key === "Tab" && cell) {
    if (nextCell(cell, event.shiftKey)) event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey && around("pre")) {
    event.preventDefault();
    document.execCommand("insertLineBreak");
  } else if (event.key === "Enter" && around(".task-list-item")) {
    // The browser makes the next item; its box comes with the input that follows.
    const list = around("ul");
    queueMicrotask(() => requestAnimationFrame(() => list?.isConnected && boxes(list)));
  }
}

/** Pasted text keeps its structure, files are for the attachments. */
export function pasted(event) {
  const html = event.clipboardData.getData("text/html");
  event.preventDefault();
  if (html && !around("pre")) document.execCommand("insertHTML", false, cleaned(html));
  else document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
  roomAtEnd(field());
}
