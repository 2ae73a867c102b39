// What sorting and search work on: one record a ticket, from an answer or from the server's row.

import { lastingText, SORT_VALUES, stateText } from "./ticket.js";

/** A ticket of an answer. What it sorts by and what the search finds is made when first needed. */
export class TicketRecord {
  #section = null;
  #values = {};
  #lasting = null;
  #text = null;

  constructor(ticket) {
    this.id = String(ticket.id);
    this.ticket = ticket;
  }

  set section(section) {
    if (this.#section !== section) this.#text = null;
    this.#section = section;
  }

  /** Takes what has gone on with the time: nothing that lasts is made anew for it. */
  patch(members) {
    Object.assign(this.ticket, members);
    delete this.#values.sla_text;
    this.#text = null;
  }

  value(key) {
    this.#values[key] ??= SORT_VALUES[key](this.ticket);
    return this.#values[key];
  }

  get text() {
    this.#lasting ??= lastingText(this.ticket);
    this.#text ??= `${this.#lasting} ${stateText(this.ticket, this.#section)}`;
    return this.#text;
  }
}

/** A row that the server made; its ticket is not known yet. */
export class RowRecord {
  #row;
  #text = null;

  constructor(row) {
    this.id = row.dataset.itemId;
    this.ticket = null;
    this.#row = row;
  }

  value(key) {
    return this.#row.querySelector(`[data-value-${key}]`)?.getAttribute(`data-value-${key}`) ?? "";
  }

  get text() {
    this.#text ??= `${this.#row.textContent} ${this.value("subject")}`.toLocaleLowerCase();
    return this.#text;
  }
}

/** All tickets of the last answer, by id. */
export class Records {
  #byId = new Map();

  put(tickets) {
    for (const ticket of tickets) this.#byId.set(String(ticket.id), new TicketRecord(ticket));
  }

  patch(patches) {
    for (const patch of patches) this.#byId.get(String(patch.id))?.patch(patch);
  }

  /** Forgets all that the answer does not name; gives the records of each section in order. */
  arrange(order) {
    const kept = new Map();
    const lists = {};
    for (const [section, ids] of Object.entries(order)) {
      lists[section] = [];
      for (const id of ids) {
        const record = this.#byId.get(id);
        if (!record) continue;
        record.section = section;
        kept.set(id, record);
        lists[section].push(record);
      }
    }
    this.#byId = kept;
    return lists;
  }

  /** A ticket by its id. */
  ticket(id) {
    return this.#byId.get(id)?.ticket;
  }
}
