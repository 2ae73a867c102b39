// One section: its records in order, filtered, folded where they are many, and its rows. Each ticket has a row, so that
// rows can be counted; only those to be seen have cells. Known tickets keep their row, and with it focus and selection.

import { matches } from "./filter.js";
import { RowRecord } from "./records.js";
import { body, fill, tick } from "./rows.js";
import { sorted } from "./sort.js";

/** So many rows are shown at first (board.rs says the same) and more with each click. */
const FOLD = 100;
/** Records that are looked at in one step where nothing is drawn. */
const STEP = 200;

export class Section {
  #name;
  #template;
  #body;
  #pattern;
  #more;
  #records = [];
  #inOrder = [];
  #shown = [];
  #rows = new Map();
  #drawn = new WeakMap();
  #limit = FOLD;

  /** `template` is the address of a ticket in the PSA; `grow` shows more rows and calls back. */
  constructor(name, template, grow) {
    this.#name = name;
    this.#template = template;
    this.#body = body(name);
    this.#pattern = document.getElementById(`${name}-row`).content.firstElementChild;
    this.#more = document.getElementById(`${name}-more`);
    this.#more.querySelector("button").addEventListener("click", () => {
      const from = this.#shown.length;
      this.#limit += FOLD;
      // People on the keyboard go on where the list was folded.
      grow(() => this.#rows.get(this.#shown[from]?.id)?.querySelector(".modal-trigger")?.focus({ preventScroll: true }));
    });
    this.#adopt();
  }

  get name() {
    return this.#name;
  }

  get total() {
    return this.#records.length;
  }

  /** How many the filter lets through. */
  matching = 0;

  /** The server's rows. */
  #adopt() {
    let complete = 0;
    for (const row of this.#body.rows) {
      this.#rows.set(row.dataset.itemId, row);
      this.#records.push(new RowRecord(row));
      if (row.cells.length > 0) complete += 1;
    }
    // Whoever asked for a page without folds keeps it.
    this.#limit = Math.max(this.#limit, complete);
  }

  /** Replaces the records; they come in the section's own order. */
  replace(records) {
    this.#records = records;
  }

  /** Decides which rows are shown, and in what order. */
  arrange(chosen, filter) {
    this.#inOrder = sorted(this.#records, chosen, this.#inOrder);
    const found = filter.isActive ? this.#inOrder.filter((record) => matches(record, filter)) : this.#inOrder;
    this.matching = found.length;
    this.#shown = found.slice(0, this.#limit);
  }

  /** Puts the rows in place, one a step. */
  *render() {
    const here = new Set(this.#records.map((record) => record.id));
    let looked = 0;
    for (const [id, row] of this.#rows) {
      looked += 1;
      if (looked % STEP === 0) yield;
      if (here.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const shown = this.#shown;
    let cursor = this.#body.firstElementChild;
    for (const record of shown) {
      const row = this.#row(record);
      cursor = place(this.#body, row, cursor);
      this.#draw(row, record);
      yield;
    }
    yield* this.#fold(new Set(shown.map((record) => record.id)));
    this.#showMore();
  }

  #row(record) {
    let row = this.#rows.get(record.id);
    if (!row) {
      row = document.createElement("tr");
      row.dataset.itemId = record.id;
      this.#rows.set(record.id, row);
    }
    return row;
  }

  #draw(row, { ticket }) {
    if (ticket) {
      if (row.cells.length === 0) row.append(...this.#pattern.cloneNode(true).cells);
      if (this.#drawn.get(row) !== ticket) fill(row, this.#name, ticket, this.#template);
      this.#drawn.set(row, ticket);
      tick(row, this.#name, ticket);
    }
    row.hidden = row.cells.length === 0;
  }

  /** All other records have a hidden row. */
  *#fold(shown) {
    let looked = 0;
    for (const record of this.#records) {
      looked += 1;
      if (looked % STEP === 0) yield;
      if (shown.has(record.id)) continue;
      const row = this.#row(record);
      if (!row.hidden) row.hidden = true;
      if (!row.isConnected) this.#body.append(row);
    }
  }

  #showMore() {
    const rest = this.matching - this.#shown.length;
    this.#more.hidden = rest <= 0;
    if (rest <= 0) return;
    const button = this.#more.querySelector("button");
    button.hidden = false;
    button.textContent = `Show ${Math.min(rest, FOLD)} more`;
    this.#more.querySelector("span").textContent = `${this.#shown.length} of ${this.matching} shown`;
  }

  /** Lets the clocks of the shown rows go on, one a step. */
  *tick() {
    for (const { id, ticket } of this.#shown) {
      const row = this.#rows.get(id);
      if (ticket && row?.cells.length > 0) tick(row, this.#name, ticket);
      yield;
    }
  }

  /** Lets each record make its text, a few a step. */
  *prepare() {
    for (const [at, record] of this.#records.entries()) {
      void record.text;
      if (at % 20 === 0) yield;
    }
  }

  /** The row of a ticket if it is to be seen. */
  visibleRow(id) {
    const row = this.#rows.get(id);
    return row && !row.hidden ? row : null;
  }
}

/** Moves a row without taking the focus from it. */
function move(tbody, row, before) {
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  tbody.insertBefore(row, before);
  focused?.focus({ preventScroll: true });
}

/** Puts `row` where `cursor` stands, and gives the next cursor. */
function place(tbody, row, cursor) {
  if (row === cursor) return cursor.nextElementSibling;
  if (cursor && cursor.nextElementSibling === row) {
    // The cursor's row has gone elsewhere: moving that one leaves all others where they are.
    const after = row.nextElementSibling;
    move(tbody, cursor, null);
    return after;
  }
  move(tbody, row, cursor);
  return cursor;
}
