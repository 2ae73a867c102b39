// Table rows from tickets. Every text is a text node; the markup comes from the server's row template.

import { parse, short } from "./time.js";

const SUBJECT_LIMIT = 60;
const COLORS = ["red", "orange", "yellow", "green"];
const COLOR_STEP = 1e13;
const PRIORITY_CLASSES = { 1: "low", 2: "medium", 3: "high", 4: "urgent" };
const AT_REST = ["sla-none", "sla-responded", "sla-in-progress"];
const WITHOUT_DUE_LINE = ["sla-normal", "sla-responded", "sla-none"];

export const SECTIONS = ["s1", "s2", "s3", "s4"];

export const body = (section) => document.getElementById(`${section}-items-body`);

export function cutSubject(subject) {
  const letters = [...(subject ?? "")];
  if (letters.length > SUBJECT_LIMIT) return `${letters.slice(0, SUBJECT_LIMIT).join("")}...`;
  return subject?.trim() ? subject : "(no subject)";
}

export const priorityClass = (ticket) => PRIORITY_CLASSES[ticket.priority_raw] ?? "low";

function initials(ticket) {
  if (ticket.responder_id === null) return "";
  const letters = String(ticket.agent_name ?? "").split(/\s+/).map((word) => word.match(/[\p{L}\p{N}]/u)?.[0]).filter(Boolean);
  const ends = letters.length > 1 ? [letters[0], letters[letters.length - 1]] : letters;
  return ends.join("").toUpperCase();
}

function due(ticket) {
  if (ticket.first_responded_at_iso) return null;
  return parse(ticket.type === "Service Request" ? ticket.due_by_str : ticket.fr_due_by_str);
}

/** Colour rank, then due time; without a due time last within the colour. */
function clockValue(ticket) {
  const rank = Math.max(COLORS.indexOf(ticket.sla_color), 0);
  const time = due(ticket);
  return rank * COLOR_STEP + (time ? Math.min(Math.max(time.getTime(), 0), COLOR_STEP - 1) : COLOR_STEP - 1);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setValue(cell, key, value) {
  cell.setAttribute(`data-value-${key}`, value ?? "");
}

export function ticketLink(template, ticket) {
  return template ? template.replace("{ticket_id}", encodeURIComponent(ticket.external_id)) : "";
}

function fillNumber(cell, ticket, template) {
  const text = `#${ticket.external_id}`;
  const href = ticketLink(template, ticket);
  setValue(cell, "id", ticket.external_id);
  let link = cell.querySelector("a");
  if (!href) {
    if (link || cell.textContent !== text) cell.textContent = text;
    return;
  }
  if (!link) {
    link = document.createElement("a");
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    cell.replaceChildren(link);
  }
  link.href = href;
  setText(link, text);
}

function fillClock(cell, ticket, isOther) {
  const key = isOther ? "status_text" : "sla_text";
  const color = COLORS.includes(ticket.sla_color) ? ticket.sla_color : "green";
  const slaClass = /^sla-[a-z-]+$/.test(ticket.sla_class ?? "") ? ticket.sla_class : "sla-none";
  const rests = isOther || (color === "green" && AT_REST.includes(slaClass));
  setValue(cell, key, isOther ? ticket.status_text : clockValue(ticket));
  cell.title = ticket.sla_text ?? "";
  const clock = cell.querySelector(".sla");
  clock.className = `sla sla--${color}${rests ? " sla--rest" : ""} sla-status ${slaClass}`;
  clock.querySelector("use").setAttribute("href", `#shape-${color}`);
  setText(clock.querySelector(".sla__text"), (isOther ? ticket.status_text : ticket.sla_text) ?? "");
  cell.querySelector(".datetime-container")?.remove();
  const time = due(ticket);
  if (time && !WITHOUT_DUE_LINE.includes(slaClass)) cell.append(dueLine(ticket, time));
}

function dueLine(ticket, time) {
  const line = document.createElement("span");
  const text = document.createElement("span");
  line.className = "datetime-container";
  line.dataset.utcDatetime = time.toISOString();
  line.dataset.prefix = ticket.type === "Service Request" ? "Due: " : "FR Due: ";
  text.className = "local-datetime";
  text.textContent = short(time);
  line.append(line.dataset.prefix, text);
  return line;
}

function fillTime(cell, key, iso, text, title) {
  const time = parse(iso);
  setValue(cell, key, time ? time.getTime() : "");
  const element = cell.querySelector("time");
  element.setAttribute("datetime", iso ?? "");
  element.title = title ?? "";
  setText(element, time ? short(time) : (text ?? ""));
}

function fill(row, section, ticket, template) {
  const cells = row.cells;
  row.dataset.itemId = ticket.id;
  row.classList.toggle("row--attention", section === "s3");
  row.classList.toggle("is-overdue", section === "s3" && ticket.sla_color === "red");
  fillNumber(cells[0], ticket, template);
  const trigger = cells[1].querySelector(".modal-trigger");
  setValue(cells[1], "subject", ticket.subject);
  cells[1].title = ticket.subject ?? "";
  trigger.dataset.itemId = ticket.id;
  setText(trigger, cutSubject(ticket.subject));
  setValue(cells[2], "requester_name", ticket.requester_name);
  cells[2].title = ticket.requester_name ?? "";
  setText(cells[2], ticket.requester_name || "N/A");
  setValue(cells[3], "agent_name", ticket.agent_name);
  const letters = initials(ticket);
  const avatar = cells[3].querySelector(".avatar");
  avatar.classList.toggle("avatar--none", letters === "");
  setText(avatar, letters || "–");
  setText(cells[3].querySelector(".t-agent__name"), ticket.agent_name || "Unassigned");
  setValue(cells[4], "priority_raw", ticket.priority_raw);
  const badge = cells[4].querySelector(".badge");
  badge.className = `badge badge--${priorityClass(ticket)} priority-badge priority-badge--${priorityClass(ticket)}`;
  setText(badge, ticket.priority_text ?? "");
  fillClock(cells[5], ticket, section === "s4");
  fillTime(cells[6], "updated_at_str", ticket.updated_at, ticket.updated_at_str, ticket.updated_friendly);
  fillTime(cells[7], "created_at_str", ticket.created_at, ticket.created_at_str, ticket.created_days_old);
}

/**
 * Makes the rows of a section those of `tickets`, in that order. Rows of known tickets are kept, so that focus and
 * selection survive. Returns the ids that were not there before.
 */
export function show(section, tickets, template) {
  const tbody = body(section);
  const known = new Map([...tbody.rows].map((row) => [row.dataset.itemId, row]));
  const pattern = document.getElementById(`${section}-row`).content.firstElementChild;
  const focused = tbody.contains(document.activeElement) ? document.activeElement : null;
  const added = [];
  const rows = tickets.map((ticket, index) => {
    const id = String(ticket.id);
    let row = known.get(id);
    if (!row) {
      row = pattern.cloneNode(true);
      added.push(id);
    }
    row.classList.remove("is-new");
    fill(row, section, ticket, template);
    row.dataset.order = index;
    return row;
  });
  tbody.replaceChildren(...rows);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  return added;
}

/** Marks tickets that arrived in their section with the last refresh. */
export function markNew(ids) {
  const arrived = new Set(ids);
  for (const section of SECTIONS) {
    for (const row of body(section).rows) row.classList.toggle("is-new", arrived.has(row.dataset.itemId));
  }
}
