// Marks rows that are new, moved or changed, for a few seconds.

const SHOWN_MS = 8_000;
const FADE_MS = 1_200;

/** Row to its mark and timer. */
const marked = new Map();

function fade(row, name) {
  row.classList.remove(name);
  row.classList.add("is-settling");
  const timer = setTimeout(() => {
    row.classList.remove("is-settling");
    marked.delete(row);
  }, FADE_MS);
  marked.set(row, { name: "is-settling", timer });
}

/** `how` is `new`, `moved` or `changed`. */
export function mark(row, how) {
  const before = marked.get(row);
  if (before) {
    clearTimeout(before.timer);
    row.classList.remove(before.name);
  }
  const name = `is-${how}`;
  row.classList.add(name);
  marked.set(row, { name, timer: setTimeout(() => fade(row, name), SHOWN_MS) });
}
