// The order of a screen that shows one list: most urgent first.

import { clockOf, COLORS, due } from "./sla.js";

/** What a ticket is ranked by at `now`, the most urgent lowest. */
function rank(ticket, section, now) {
  const needsAgent = section === "s3" ? 0 : 1;
  const target = due(ticket);
  const color = COLORS.indexOf(clockOf(ticket, now).color);
  return [needsAgent, color, target ? target.getTime() : Infinity, -(ticket.priority_raw ?? 0), Number(ticket.id)];
}

function compare(a, b) {
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
  return 0;
}

/** The tickets of all sections, `{ticket, section}`, in that order. */
export function byUrgency(lists, now) {
  const all = [];
  for (const [section, records] of Object.entries(lists)) {
    for (const { ticket } of records) all.push({ ticket, section, rank: rank(ticket, section, now) });
  }
  return all.sort((a, b) => compare(a.rank, b.rank));
}
