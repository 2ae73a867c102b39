// A ticket as the page needs it: what its cells say, what they sort by, what the search finds.

import { COLORS, due } from "./sla.js";
import { parse, shortOf } from "./time.js";

const SUBJECT_LIMIT = 60;
const COLOR_STEP = 1e13;
const PRIORITY_CLASSES = { 1: "low", 2: "medium", 3: "high", 4: "urgent" };

export const SECTIONS = ["s1", "s2", "s3", "s4"];

/** The subject as far as the table shows it. */
export function cutSubject(subject) {
  const letters = [...(subject ?? "")];
  if (letters.length > SUBJECT_LIMIT) return `${letters.slice(0, SUBJECT_LIMIT).join("")}...`;
  return subject?.trim() ? subject : "(no subject)";
}

export const priorityClass = (ticket) => PRIORITY_CLASSES[ticket.priority_raw] ?? "low";

/** First letters of the first and the last word; empty for nobody. */
export function initials(ticket) {
  if (ticket.responder_id === null || ticket.agent_name === "Unassigned") return "";
  const words = String(ticket.agent_name ?? "").split(/\s+/);
  const letters = words.map((word) => word.match(/[\p{L}\p{N}]/u)?.[0]).filter(Boolean);
  return (letters.length > 1 ? letters[0] + letters[letters.length - 1] : letters.join("")).toUpperCase();
}

/** Colour rank, then due time; without a due time last within the colour. */
export function clockValue(ticket, color) {
  const time = due(ticket);
  const within = time ? Math.min(Math.max(time.getTime(), 0), COLOR_STEP - 1) : COLOR_STEP - 1;
  return Math.max(COLORS.indexOf(color), 0) * COLOR_STEP + within;
}

/** Every place of the number in the template is filled. */
export function ticketLink(template, ticket) {
  return template ? template.replaceAll("{ticket_id}", encodeURIComponent(ticket.external_id)) : "";
}

/** What people read where nobody is named. */
export const requesterOf = (ticket) => ticket.requester_name || "N/A";
export const agentOf = (ticket) => ticket.agent_name || "Unassigned";

const millis = (iso) => parse(iso)?.getTime() ?? "";

/** What a ticket sorts by, by column; empty where nothing is known. */
export const SORT_VALUES = {
  id: (ticket) => ticket.external_id ?? "",
  subject: (ticket) => ticket.subject ?? "",
  requester_name: (ticket) => ticket.requester_name ?? "",
  agent_name: (ticket) => ticket.agent_name ?? "",
  priority_raw: (ticket) => ticket.priority_raw ?? "",
  sla_text: (ticket) => clockValue(ticket, ticket.sla_color),
  status_text: (ticket) => ticket.status_text ?? "",
  updated_at_str: (ticket) => millis(ticket.updated_at),
  created_at_str: (ticket) => millis(ticket.created_at),
};

/** What the columns say of a ticket whatever the time of day, the whole subject included, in small letters. */
export function lastingText(ticket) {
  const texts = [`#${ticket.external_id}`, ticket.subject, requesterOf(ticket), agentOf(ticket), ticket.priority_text];
  return [...texts, shortOf(ticket.updated_at), shortOf(ticket.created_at)].join(" ").toLocaleLowerCase();
}

/** What its state says, in small letters. */
export const stateText = (ticket, section) =>
  String((section === "s4" ? ticket.status_text : ticket.sla_text) ?? "").toLocaleLowerCase();
