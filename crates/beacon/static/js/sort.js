// Sorting by column: first click ascending, second descending, third back to the section's own order.

const NUMERIC = new Set(["id", "priority_raw", "sla_text", "updated_at_str", "created_at_str"]);
const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Ids can be longer than a number holds: then by length and digits. */
function compareNumbers(left, right) {
  const [a, b] = [String(left), String(right)];
  if (a.length > 15 || b.length > 15) return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
  return Number(a) - Number(b);
}

const compareIds = (left, right) => Number(left.id) - Number(right.id);

/** Compares records by a column. Missing values come last in both directions, equal ones by ticket id. */
export function comparator({ key, dir }) {
  const compare = NUMERIC.has(key) ? compareNumbers : collator.compare;
  const sign = dir === "desc" ? -1 : 1;
  return (left, right) => {
    const [a, b] = [left.value(key), right.value(key)];
    if (a === "" || b === "") return (a === "") - (b === "") || compareIds(left, right);
    return sign * compare(a, b) || compareIds(left, right);
  };
}

/** The choice after a click on `key`; none for the section's own order. */
export function next(chosen, key) {
  const dir = chosen?.key === key ? chosen.dir : null;
  if (dir === "desc") return null;
  return { key, dir: dir === "asc" ? "desc" : "asc" };
}

/**
 * The records in the chosen order. `before` is how they stood the last time: from there most are in place already, and
 * sorting costs next to nothing.
 */
export function sorted(records, chosen, before = []) {
  if (!chosen) return records;
  const here = new Map(records.map((record) => [record.id, record]));
  const start = [];
  for (const { id } of before) {
    const record = here.get(id);
    if (record && here.delete(id)) start.push(record);
  }
  return [...start, ...here.values()].sort(comparator(chosen));
}
