// What the state of a ticket looks like in its row; the server's rows are made the same way (routes/pages/row.rs and
// routes/display/row.rs, held to one table of cases).

import { clockOf } from "./sla.js";

const AT_REST = ["sla-none", "sla-responded", "sla-in-progress"];

/** `onWall`: a screen tells the clock in every section, the board's section 4 the status. */
export function stateOf(ticket, section, now, { onWall = false } = {}) {
  const saysStatus = section === "s4" && !onWall;
  const { text, color, class: given } = clockOf(ticket, now);
  const slaClass = /^sla-[a-z-]*$/.test(given) ? given : "sla-none";
  return {
    text: (saysStatus ? ticket.status_text : text) ?? "",
    title: text,
    color,
    slaClass,
    rests: saysStatus || (color === "green" && AT_REST.includes(slaClass)),
    isAttention: section === "s3",
    isOverdue: !saysStatus && color === "red",
  };
}

/** The class names of the state's element. */
export const stateClass = ({ color, rests, slaClass }) => `sla sla--${color}${rests ? " sla--rest" : ""} sla-status ${slaClass}`;
