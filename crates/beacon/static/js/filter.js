// Which records the search and the priority filter let through.

/** Reads what was typed and chosen. */
export function filterOf(search, priority) {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return { words, priority, isActive: words.length > 0 || priority !== "" };
}

/** Whether a record has all words in any of its columns, and the priority. */
export function matches(record, filter) {
  if (filter.priority && String(record.value("priority_raw")) !== filter.priority) return false;
  return filter.words.every((word) => record.text.includes(word));
}
