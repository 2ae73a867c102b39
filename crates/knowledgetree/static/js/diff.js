// What is different between two texts, line by line, with signs and not by colour alone.

import { element } from "./dom.js";

const CONTEXT = 3;
/** Beyond so many pairs of lines the middle counts as replaced. */
const MOST_PAIRS = 4_000_000;

/** The lines of both texts with what became of them, by the longest common run of lines. */
function compared(old, fresh) {
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, fresh.length) - start && old.at(-1 - end) === fresh.at(-1 - end)) end += 1;
  const [a, b] = [old.slice(start, old.length - end), fresh.slice(start, fresh.length - end)];
  const same = (line) => ({ change: "same", text: line });
  return [...old.slice(0, start).map(same), ...middle(a, b), ...old.slice(old.length - end).map(same)];
}

function middle(a, b) {
  const gone = (line) => ({ change: "removed", text: line });
  const added = (line) => ({ change: "added", text: line });
  if (a.length * b.length > MOST_PAIRS) return [...a.map(gone), ...b.map(added)];
  // common[i][j]: how many lines the rests from i and j have in common.
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      common[at] = a[i] === b[j] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ change: "same", text: a[i] });
      i += 1;
      j += 1;
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) lines.push(gone(a[i++]));
    else lines.push(added(b[j++]));
  }
  return [...lines, ...a.slice(i).map(gone), ...b.slice(j).map(added)];
}

/** The changes between two texts with some lines around them. */
export function hunksOf(old, fresh) {
  const lines = compared(old.split("\n"), fresh.split("\n"));
  const hunks = [];
  lines.forEach(({ change }, at) => {
    if (change === "same") return;
    const [from, to] = [Math.max(0, at - CONTEXT), Math.min(lines.length, at + CONTEXT + 1)];
    const last = hunks.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else hunks.push([from, to]);
  });
  return hunks.map(([from, to]) => ({ lines: lines.slice(from, to) }));
}

const SIGNS = { same: " ", added: "+", removed: "−" };
const WORDS = { added: "added: ", removed: "removed: " };

function row({ change, text }) {
  return element(
    "div",
    { class: `kt-diff__line kt-diff__line--${change}` },
    element("span", { class: "kt-diff__sign", "aria-hidden": "true" }, SIGNS[change]),
    WORDS[change] ? element("span", { class: "u-visually-hidden" }, WORDS[change]) : null,
    element("span", { class: "kt-diff__text" }, text || " "),
  );
}

/** Shows changes in an element. */
export function showDiff(place, hunks, nothing) {
  if (!hunks.length) {
    place.replaceChildren(element("p", { class: "kt-diff__none" }, nothing));
    return;
  }
  const parts = hunks.map(({ lines }) => element("div", { class: "kt-diff__hunk" }, ...lines.map(row)));
  place.replaceChildren(...parts);
}
