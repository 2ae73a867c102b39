// Table rows from tickets. Every text is a text node; the markup comes from the server's row template.

import * as clock from "./clock.js";
import { due } from "./sla.js";
import { stateClass, stateOf } from "./state.js";
import { agentOf, clockValue, cutSubject, initials, priorityClass, requesterOf, ticketLink } from "./ticket.js";
import { parse, short, shortOf } from "./time.js";

const WITHOUT_DUE_LINE = ["sla-normal", "sla-responded", "sla-none"];

export const body = (section) => document.getElementById(`${section}-items-body`);

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  const text = String(value ?? "");
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

const setValue = (cell, key, value) => setAttribute(cell, `data-value-${key}`, value);

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
  setAttribute(link, "href", href);
  setText(link, text);
}

function fillTime(cell, key, iso, text, title) {
  const time = parse(iso);
  setValue(cell, key, time ? time.getTime() : "");
  const element = cell.querySelector("time");
  setAttribute(element, "datetime", iso);
  setAttribute(element, "title", title);
  setText(element, shortOf(iso) || (text ?? ""));
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

function fillDueLine(cell, ticket, slaClass) {
  const time = due(ticket);
  const line = cell.querySelector(".datetime-container");
  if (!time || WITHOUT_DUE_LINE.includes(slaClass)) line?.remove();
  else if (line?.dataset.utcDatetime === time.toISOString()) setText(line.querySelector(".local-datetime"), short(time));
  else {
    line?.remove();
    cell.append(dueLine(ticket, time));
  }
}

/** What goes on with the time: the clock of a row, its colour and its edge. */
export function tick(row, section, ticket) {
  const cell = row.cells[5];
  const state = stateOf(ticket, section, clock.now());
  const isOther = section === "s4";
  setValue(cell, isOther ? "status_text" : "sla_text", isOther ? ticket.status_text : clockValue(ticket, state.color));
  setAttribute(cell, "title", state.title);
  const sla = cell.firstElementChild;
  const name = stateClass(state);
  if (sla.className !== name) {
    sla.className = name;
    sla.querySelector("use").setAttribute("href", `#shape-${state.color}`);
  }
  setText(sla.querySelector(".sla__text"), state.text);
  fillDueLine(cell, ticket, state.slaClass);
  row.classList.toggle("is-overdue", state.isOverdue);
  setAttribute(row.cells[6].querySelector("time"), "title", ticket.updated_friendly);
  setAttribute(row.cells[7].querySelector("time"), "title", ticket.created_days_old);
}

/** Makes a row that of a ticket. */
export function fill(row, section, ticket, template) {
  const cells = row.cells;
  row.dataset.itemId = ticket.id;
  row.classList.toggle("row--attention", section === "s3");
  fillNumber(cells[0], ticket, template);
  const trigger = cells[1].querySelector(".modal-trigger");
  setValue(cells[1], "subject", ticket.subject);
  setAttribute(cells[1], "title", ticket.subject);
  trigger.dataset.itemId = ticket.id;
  setText(trigger, cutSubject(ticket.subject));
  setValue(cells[2], "requester_name", ticket.requester_name);
  setAttribute(cells[2], "title", ticket.requester_name);
  setText(cells[2], requesterOf(ticket));
  setValue(cells[3], "agent_name", ticket.agent_name);
  const letters = initials(ticket);
  const avatar = cells[3].querySelector(".avatar");
  avatar.classList.toggle("avatar--none", letters === "");
  setText(avatar, letters || "–");
  setText(cells[3].querySelector(".t-agent__name"), agentOf(ticket));
  setValue(cells[4], "priority_raw", ticket.priority_raw);
  const badge = cells[4].querySelector(".badge");
  setAttribute(badge, "class", `badge badge--${priorityClass(ticket)} priority-badge priority-badge--${priorityClass(ticket)}`);
  setText(badge, ticket.priority_text ?? "");
  fillTime(cells[6], "updated_at_str", ticket.updated_at, ticket.updated_at_str, ticket.updated_friendly);
  fillTime(cells[7], "created_at_str", ticket.created_at, ticket.created_at_str, ticket.created_days_old);
}
