// HTML on its way into the rich editor and out of it: what the server allows, without what browsers add while somebody writes.

import { applyStyles, nodesOf, renameAttribute } from "./styles.js";

const BLOCKS = "p, ul, ol, table, pre, blockquote, h1, h2, h3, h4, h5, h6, hr, figure, div";
const RENAMED = { B: "strong", I: "em", STRIKE: "s" };
/** Elements that pasted HTML may keep, and the attributes with them. */
const PASTED = new Set("P BR STRONG EM U S DEL I B KBD MARK SUB SUP H1 H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE PRE CODE A TABLE THEAD TBODY TFOOT TR TH TD HR IMG".split(" "));
const PASTED_ATTRIBUTES = { A: ["href", "title"], IMG: ["src", "alt", "title"], TD: ["colspan", "rowspan"], TH: ["colspan", "rowspan"] };
const DROPPED = new Set("SCRIPT STYLE TEMPLATE NOSCRIPT IFRAME OBJECT TITLE TEXTAREA META LINK HEAD".split(" "));

const renamed = (element, name) => {
  const fresh = element.ownerDocument.createElement(name);
  for (const { name: key, value } of [...element.attributes]) if (key !== "style") fresh.setAttribute(key, value);
  fresh.append(...element.childNodes);
  element.replaceWith(fresh);
  return fresh;
};

const unwrapped = (element) => element.replaceWith(...element.childNodes);

/** A line to write in after what one cannot leave otherwise, such as a table at the end. */
export function roomAtEnd(root) {
  const last = root.lastElementChild;
  if (last && !last.matches("table, pre, hr, figure, blockquote, div")) return;
  const line = document.createElement("p");
  line.append(document.createElement("br"));
  root.append(line);
}

/** Shows HTML of the server in the editor. */
export function fill(root, html) {
  root.replaceChildren(...nodesOf(html));
  for (const box of root.querySelectorAll("input")) {
    box.disabled = false;
    box.setAttribute("aria-label", "Done");
  }
  applyStyles(root);
  roomAtEnd(root);
}

const isEmptyLine = (element) => element?.matches("p, div") && !element.textContent.trim() && !element.querySelector("img, input, hr, table");

function tidyCode(pre) {
  for (const line of pre.querySelectorAll("br")) line.replaceWith("\n");
  if (pre.querySelector(":scope > code")) return;
  const code = pre.ownerDocument.createElement("code");
  code.append(...pre.childNodes);
  pre.append(code);
}

/** What stands in the editor as HTML for the server. */
export function read(root) {
  // In a document of its own, which loads nothing.
  const copy = document.implementation.createHTMLDocument("").importNode(root, true);
  const boxes = [...root.querySelectorAll("input")];
  copy.querySelectorAll("input").forEach((box, at) => {
    box.toggleAttribute("checked", boxes[at].checked);
    box.setAttribute("disabled", "");
    box.removeAttribute("aria-label");
  });
  for (const element of copy.querySelectorAll("b, i, strike")) renamed(element, RENAMED[element.tagName]);
  for (const element of copy.querySelectorAll("[style]")) element.removeAttribute("style");
  for (const element of copy.querySelectorAll("span, font")) if (element.tagName === "FONT" || !element.attributes.length) unwrapped(element);
  for (const element of copy.querySelectorAll("div:not([class])")) if (!element.dataset.style) element.querySelector(BLOCKS) ? unwrapped(element) : renamed(element, "p");
  for (const element of copy.querySelectorAll("p")) if (element.querySelector(BLOCKS)) unwrapped(element);
  for (const element of copy.querySelectorAll("p:empty, [class='']")) element.matches("p:empty") ? element.remove() : element.removeAttribute("class");
  copy.querySelectorAll("pre").forEach(tidyCode);
  while (isEmptyLine(copy.lastElementChild) && !copy.lastElementChild.nextSibling?.textContent.trim()) copy.lastElementChild.remove();
  return renameAttribute(copy.innerHTML, "data-style", "style").replaceAll("\u200b", "").trim();
}

/** Pasted HTML as nodes: its structure, not its looks. */
export function cleaned(html) {
  // Looks are not kept, and the policy of the page would complain of them.
  const { body } = new DOMParser().parseFromString(html.replace(/\sstyle\s*=/gi, " data-x="), "text/html");
  const walk = (node) => {
    for (const child of [...node.childNodes]) {
      if (child.nodeType === Node.TEXT_NODE) continue;
      if (child.nodeType !== Node.ELEMENT_NODE || DROPPED.has(child.tagName)) {
        child.remove();
        continue;
      }
      walk(child);
      const kept = PASTED_ATTRIBUTES[child.tagName] ?? [];
      for (const { name } of [...child.attributes]) if (!kept.includes(name)) child.removeAttribute(name);
      if (!PASTED.has(child.tagName)) {
        if (child.tagName === "DIV" && !child.querySelector(BLOCKS)) renamed(child, "p");
        else unwrapped(child);
        continue;
      }
      for (const name of ["href", "src"]) {
        if (child.hasAttribute(name) && !/^(https?:|mailto:|\/(?!\/))/i.test(child.getAttribute(name).trim())) child.removeAttribute(name);
      }
    }
  };
  walk(body);
  return body.innerHTML;
}
