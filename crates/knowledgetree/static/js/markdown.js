// Writing Markdown in a plain field: what the buttons put around or before a text, and lists that go on by themselves.

import { byId } from "./place.js";

const field = () => byId("article-markdown-editor");

export const element = field;
export const get = () => field().value;
export const focus = () => field().focus();

/** Shows a text to be edited. */
export function set(text) {
  field().value = text;
  field().setSelectionRange(0, 0);
}

/** Puts a text in place of a range, as if it had been typed, so that Undo takes it back. */
function replace(from, to, text, select = [text.length, text.length]) {
  const place = field();
  place.focus();
  place.setSelectionRange(from, to);
  if (!document.execCommand(text ? "insertText" : "delete", false, text)) place.setRangeText(text, from, to, "end");
  place.setSelectionRange(from + select[0], from + select[1]);
  place.dispatchEvent(new Event("input", { bubbles: true }));
}

function selection() {
  const { selectionStart: from, selectionEnd: to, value } = field();
  return { from, to, value, text: value.slice(from, to) };
}

/** The whole lines that the selection touches. */
function lines() {
  const { from, to, value } = selection();
  const start = value.lastIndexOf("\n", from - 1) + 1;
  const next = value.indexOf("\n", to);
  const end = next < 0 ? value.length : next;
  return { start, end, all: value.slice(start, end).split("\n") };
}

/** Puts marks around the selection, or takes them away. */
function around(mark, otherwise) {
  const { from, to, value, text } = selection();
  const outside = value.slice(from - mark.length, from) === mark && value.slice(to, to + mark.length) === mark;
  if (outside) replace(from - mark.length, to + mark.length, text, [0, text.length]);
  else if (text.startsWith(mark) && text.endsWith(mark) && text.length >= 2 * mark.length) {
    const inner = text.slice(mark.length, -mark.length);
    replace(from, to, inner, [0, inner.length]);
  } else {
    const inner = text || otherwise;
    replace(from, to, mark + inner + mark, [mark.length, mark.length + inner.length]);
  }
}

const MARK = /^(\s*)(?:#{1,6} |[-*+] \[[ xX]\] |[-*+] |\d+[.)] |> )?/;

/** Gives every line a mark of its own in place of the one it has; takes it away where all have it. */
function before(markOf) {
  const { start, end, all } = lines();
  const has = all.every((line, at) => line.slice(line.match(/^\s*/)[0].length).startsWith(markOf(at)));
  const changed = all.map((line, at) => line.replace(MARK, (_, space) => space + (has ? "" : markOf(at))));
  const text = changed.join("\n");
  replace(start, end, text, [all.length > 1 ? 0 : text.length, text.length]);
}

/** A block of its own between empty lines. */
function block(text, select) {
  const { from, to, value } = selection();
  const head = from === 0 || value.slice(0, from).endsWith("\n\n") ? "" : value[from - 1] === "\n" ? "\n" : "\n\n";
  const tail = value.slice(to).startsWith("\n") ? "\n" : "\n\n";
  replace(from, to, head + text + tail, select.map((at) => at + head.length));
}

const TABLE = "| Column | Column |\n| --- | --- |\n| Cell | Cell |";

/** What the buttons do. */
export const tools = {
  bold: () => around("**", "bold"),
  italic: () => around("*", "italic"),
  strike: () => around("~~", "struck out"),
  code: () => around("`", "code"),
  h1: () => before(() => "# "),
  h2: () => before(() => "## "),
  h3: () => before(() => "### "),
  paragraph: () => before(() => ""),
  ul: () => before(() => "- "),
  ol: () => before((at) => `${at + 1}. `),
  task: () => before(() => "- [ ] "),
  quote: () => before(() => "> "),
  table: () => block(TABLE, [2, 8]),
  rule: () => block("---", [3, 3]),
  block: () => {
    const text = selection().text || "code";
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
    const fence = "`".repeat(longest + 1);
    block(`${fence}\n${text}\n${fence}`, [fence.length + 1, fence.length + 1 + text.length]);
  },
};

/** The text that a link would be given. */
export const chosenText = () => selection().text;

/** Puts a link in place of the selection. */
export function link(href, text) {
  const { from, to } = selection();
  const words = (text || href).replace(/([\\[\]])/g, "\\$1");
  const target = /[\s()<>]/.test(href) ? `<${href.replace(/[<>]/g, encodeURIComponent)}>` : href;
  replace(from, to, `[${words}](${target})`);
}

const ITEM = /^(\s*)([-*+] \[[ xX]\] |[-*+] |(\d+)([.)]) |> )(.*)$/;

/** Enter in a list begins the next item; in an empty one it ends the list. */
export function pressed(event) {
  if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { from, to, value } = selection();
  const start = value.lastIndexOf("\n", from - 1) + 1;
  const found = value.slice(start, from).match(ITEM);
  if (from !== to || !found) return;
  event.preventDefault();
  const [, space, mark, number, sign, text] = found;
  if (!text.trim()) {
    replace(start, from, "");
    return;
  }
  const next = number ? `${Number(number) + 1}${sign} ` : mark.replace(/\[[xX]\]/, "[ ]");
  replace(from, from, `\n${space}${next}`);
}
