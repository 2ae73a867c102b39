// What a ticket's clock says between two answers: Codex's own rules (crates/codex/src/domain/board.rs), by the minute.

import { parse } from "./time.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const CRITICAL = 4 * HOUR;
const WARNING = 24 * HOUR;
/** From the most to the least urgent. */
export const COLORS = ["red", "orange", "yellow", "green"];
const AGE = /(?:Just now|\d+[mhd] ago)(?=\)$)/;

/** What the clock runs towards while nobody has answered. */
export function due(ticket) {
  if (ticket.first_responded_at_iso) return null;
  return parse(ticket.type === "Service Request" ? ticket.due_by_str : ticket.fr_due_by_str);
}

/** Length of a span: from 48 h on whole days, then whole hours, whole minutes, `<1m`. */
export function span(ms) {
  if (ms >= 2 * DAY) return `${Math.floor(ms / DAY)}d`;
  if (ms >= HOUR) return `${Math.floor(ms / HOUR)}h`;
  return ms >= MINUTE ? `${Math.floor(ms / MINUTE)}m` : "<1m";
}

/** Age of a moment: `3d ago`, `2h ago`, `5m ago`, `Just now`. */
export function ago(ms) {
  if (ms >= DAY) return `${Math.floor(ms / DAY)}d ago`;
  if (ms >= HOUR) return `${Math.floor(ms / HOUR)}h ago`;
  return ms >= MINUTE ? `${Math.floor(ms / MINUTE)}m ago` : "Just now";
}

function judged(left) {
  if (left < 0) return { text: `Overdue by ${span(-left)}`, color: "red", class: "sla-overdue" };
  const text = `Due in ${span(left)}`;
  if (left < CRITICAL) return { text, color: "orange", class: "sla-critical" };
  if (left < WARNING) return { text, color: "yellow", class: "sla-warning" };
  return { text, color: "green", class: "sla-normal" };
}

const moreUrgent = (a, b) => (COLORS.indexOf(a) <= COLORS.indexOf(b) ? a : b);

/** The text with the age in its brackets as it is now. */
function aged(text, ticket, minute) {
  const since = parse(text.includes("(Agent: ") ? ticket.agent_responded_at : ticket.updated_at);
  return since ? text.replace(AGE, ago(Math.max(minute - since, 0))) : text;
}

/** Text, colour and class of a ticket's clock at `now`. Texts that are not Codex's stay as they came. */
export function clockOf(ticket, now) {
  const minute = Math.floor(now / MINUTE) * MINUTE;
  const text = ticket.sla_text ?? "";
  const given = {
    text: aged(text, ticket, minute),
    color: COLORS.includes(ticket.sla_color) ? ticket.sla_color : "green",
    class: ticket.sla_class ?? "sla-none",
  };
  const target = due(ticket);
  if (!target) return given;
  const running = judged(target - minute);
  if (text.startsWith("Customer Replied (")) {
    return { ...given, color: moreUrgent(running.color, "yellow") };
  }
  if (/^(Due in|Overdue by) /.test(text)) return running;
  // An overdue update stays one until the due time has passed as well.
  return text.startsWith("Update Overdue (") && running.color === "red" ? running : given;
}
