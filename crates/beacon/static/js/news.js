// What of an answer is news, and what is too much to be any.

/** As after the first sync: where so many have come at once, a mark on each of them says nothing. */
const BULK = 20;

const few = (ids) => (ids.length > BULK ? [] : ids);

/** The ids of tickets to mark, by how; none of the first answer and none where they are many. */
export function newsOf({ isFirst, added, moved, changed }) {
  if (isFirst) return { added: [], moved: [], changed: [] };
  return { added: few(added), moved: few(moved), changed: few(changed) };
}

/** Urgent tickets of a view, so that each is heard once, also when it came while nobody looked at the view. */
export class Urgent {
  #known = null;

  /** Whether there is one among `tickets` that was not there the last time. The first time all are known. */
  hasNew(tickets) {
    const urgent = tickets.filter(({ priority_raw: priority }) => priority === 4).map(({ id }) => id);
    const known = this.#known;
    this.#known = new Set(urgent);
    return known !== null && urgent.some((id) => !known.has(id));
  }
}
