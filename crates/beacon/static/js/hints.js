// The remark at the right edge of a section; the server writes the same for the first paint (domain/hints.rs).

import { due } from "./sla.js";
import { age, parse } from "./time.js";

function oldest(items, timeOf) {
  const times = items.map(timeOf).filter(Boolean).map(Number);
  return times.length > 0 ? times.reduce((a, b) => Math.min(a, b)) : null;
}

const updated = (ticket) => parse(ticket.updated_at);

function mostFrequentStates(items) {
  const counts = new Map();
  for (const { status_text: state } of items) if (state) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, 2)
    .map(([state, count]) => `${count} ${state.toLowerCase()}`)
    .join(" · ");
}

const bySection = {
  s1(items, now) {
    const unassigned = items.filter((ticket) => ticket.responder_id === null).length;
    const since = oldest(items, (ticket) => parse(ticket.created_at));
    return [unassigned > 0 && `${unassigned} unassigned`, since !== null && `oldest ${age(now - since)}`]
      .filter(Boolean)
      .join(" · ");
  },
  s2(items, now) {
    const since = oldest(items, updated);
    return since === null ? "" : `longest wait ${age(now - since)}`;
  },
  s3(items, now) {
    const red = items.filter((ticket) => ticket.sla_color === "red");
    const breach = oldest(red.filter((ticket) => due(ticket) && due(ticket) < now), due);
    if (breach !== null) return `oldest breach ${age(now - breach)}`;
    const silence = oldest(red, updated);
    return silence === null ? "" : `longest without update ${age(now - silence)}`;
  },
  s4: mostFrequentStates,
};

/** The remark of a section, empty when there is nothing to say. */
export const hint = (section, items, now) => bySection[section](items, now);
