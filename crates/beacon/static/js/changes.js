// What an answer brings that the page does not have yet.

/** Members that go with the time of day: they say nothing about the ticket itself. */
const TICKING = ["sla_text", "sla_color", "sla_class", "updated_friendly", "created_days_old", "agent_responded_friendly"];
const ticking = new Set(TICKING);

const differs = (a, b) => a !== b && (typeof a !== "object" || JSON.stringify(a) !== JSON.stringify(b));

/** `same`, `ticked` when only the time went on, or `changed`. */
export function compare(before, after) {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  let hasTicked = false;
  for (const key of keys) {
    if (!differs(before[key], after[key])) continue;
    if (!ticking.has(key)) return "changed";
    hasTicked = true;
  }
  return hasTicked ? "ticked" : "same";
}

/** The ticking members alone. */
function patchOf(ticket) {
  const patch = { id: ticket.id };
  for (const key of TICKING) patch[key] = ticket[key];
  return patch;
}

/**
 * Compares the lists of an answer, by section, with what is `known` (id to ticket and section).
 *
 * Gives the ids of each section in order, the tickets to send in full, those whose clock alone went on as patches, the ids
 * that were added, moved to another section or changed in place, and what is known from now on.
 */
export function diff(known, lists) {
  const found = { order: {}, tickets: [], patches: [], added: [], moved: [], changed: [], known: new Map() };
  for (const [section, list] of Object.entries(lists)) {
    found.order[section] = list.map((ticket) => String(ticket.id));
    for (const ticket of list) {
      const id = String(ticket.id);
      const before = known.get(id);
      found.known.set(id, { ticket, section });
      const how = before ? compare(before.ticket, ticket) : "added";
      if (how === "ticked") found.patches.push(patchOf(ticket));
      else if (how !== "same") found.tickets.push(ticket);
      if (how === "added") found.added.push(id);
      else if (before.section !== section) found.moved.push(id);
      else if (how === "changed") found.changed.push(id);
    }
  }
  return found;
}
