// The details of a ticket. A modal <dialog> keeps the focus inside, closes on Escape and gives the focus back.

import * as clock from "./clock.js";
import { clockOf } from "./sla.js";
import { agentOf, priorityClass, requesterOf, ticketLink } from "./ticket.js";
import { parse, short } from "./time.js";

const dialog = document.getElementById("ticket-modal");
const title = document.getElementById("modal-title");
const grid = document.getElementById("modal-details-grid");
const description = document.getElementById("modal-description");
const link = document.getElementById("modal-ticket-link");

function row(label, ...content) {
  const box = document.createElement("div");
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  box.className = "modal__detail-row";
  term.className = "modal__detail-label";
  value.className = "modal__detail-value";
  term.textContent = label;
  value.append(...content);
  box.append(term, value);
  return box;
}

function badge(ticket) {
  const element = document.createElement("span");
  element.className = `badge badge--${priorityClass(ticket)} priority-badge priority-badge--${priorityClass(ticket)}`;
  element.textContent = ticket.priority_text;
  return element;
}

function moment(iso, friendly) {
  const time = parse(iso);
  const text = time ? short(time) : "N/A";
  return friendly && friendly !== "N/A" ? `${friendly} (${text})` : text;
}

function open(ticket, template) {
  title.textContent = `Ticket #${ticket.external_id}: ${ticket.subject || "(no subject)"}`;
  const name = requesterOf(ticket);
  const requester = ticket.requester_email ? `${name} (${ticket.requester_email})` : name;
  grid.replaceChildren(
    row("Requester", requester),
    ...(ticket.company_name ? [row("Company", ticket.company_name)] : []),
    row("Agent", agentOf(ticket)),
    row("Priority", badge(ticket)),
    row("Status", clockOf(ticket, clock.now()).text || ticket.status_text || "N/A"),
    row("Created", moment(ticket.created_at, ticket.created_days_old)),
    row("Last Updated", moment(ticket.updated_at, ticket.updated_friendly)),
  );
  description.textContent = ticket.description_text?.trim() || "No description provided.";
  const href = ticketLink(template, ticket);
  link.hidden = !href;
  link.parentElement.hidden = !href;
  if (href) link.href = href;
  dialog.classList.add("active");
  dialog.showModal();
  description.scrollTop = 0;
}

/** Opens on a subject; `find(id)` gives the ticket, `template` the address of a ticket in the PSA. */
export function start(find, template) {
  const openFrom = async (trigger) => {
    const ticket = await find(trigger.dataset.itemId);
    if (ticket && !dialog.open) open(ticket, template);
  };
  document.addEventListener("click", (event) => {
    const trigger = event.target.closest(".modal-trigger");
    if (!trigger) return;
    event.preventDefault();
    openFrom(trigger);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.matches?.(".modal-trigger")) return;
    event.preventDefault();
    openFrom(event.target);
  });
  dialog.querySelector(".modal__close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.classList.remove("active"));
}
