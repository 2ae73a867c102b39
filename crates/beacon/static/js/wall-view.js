// One view of a screen: its feed, its tickets, and how current they are. A screen that shows several in turn keeps all of them.

import * as clock from "./clock.js";
import { startFeed } from "./feed-client.js";
import { newsOf, Urgent } from "./news.js";
import { Records } from "./records.js";

const absolute = (path) => new URL(path, location.href).href;

export class WallView {
  #records = new Records();
  #urgent = new Urgent();
  #isShown;
  /** Whether anything at all has come of the first request. */
  #hasBegun = false;
  /** Whether the last answer itself said that something is wrong. */
  #isStale = false;
  #on;
  #order;

  /** Records by section; null before the first answer. */
  lists = null;
  /** When the tickets were last known to be current, in the server's time. */
  currentAt = null;
  isCurrent = true;
  /** The link has ended: nothing of it may be shown. */
  hasEnded = false;

  /** `on.answer` gets the view, its news and whether one of them is urgent; `on.changed` the view. */
  constructor({ name, address, ticketsUrl, streamUrl, lastSync = "", isShown }, on) {
    this.name = name;
    this.address = address;
    this.lastSync = lastSync;
    this.#isShown = isShown;
    this.#on = on;
    const takers = {
      busy() {},
      link() {},
      time: ({ time }) => clock.set(time),
      tickets: ({ tickets }) => this.#records.put(tickets),
      patches: ({ patches }) => this.#records.patch(patches),
      answer: (answer) => this.#answered(answer),
      unchanged: () => this.#unchanged(),
      confirmed: () => this.#confirm(),
      trouble: (trouble) => this.#failed(trouble),
    };
    const addresses = { tickets: absolute(ticketsUrl), stream: absolute(streamUrl) };
    this.#order = startFeed(addresses, (message) => takers[message.type](message));
  }

  refresh() {
    this.#order({ type: "refresh" });
  }

  tick() {
    this.#order({ type: "tick" });
  }

  /** A view that is not shown rests once it knows its tickets; when its turn comes it catches up. */
  setShown(isShown) {
    this.#isShown = isShown;
    if (this.#hasBegun) this.#order({ type: "visible", visible: isShown });
  }

  get canBeShown() {
    return this.lists !== null && !this.hasEnded;
  }

  #begun() {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (!this.#isShown) this.#order({ type: "visible", visible: false });
  }

  #answered(answer) {
    const { meta, order } = answer;
    this.lists = this.#records.arrange(order);
    this.lastSync = meta.dashboard_generated_time_iso ?? "";
    this.#isStale = Boolean(meta.error);
    this.isCurrent = !this.#isStale;
    this.hasEnded = false;
    if (this.isCurrent) this.currentAt = clock.now();
    const tickets = Object.values(this.lists).flatMap((list) => list.map((record) => record.ticket));
    this.#on.answer(this, newsOf(answer), this.#urgent.hasNew(tickets));
    this.#begun();
  }

  #unchanged() {
    this.isCurrent = !this.#isStale;
    this.hasEnded = false;
    this.#confirm();
    this.#on.changed(this);
  }

  #confirm() {
    if (!this.isCurrent) return;
    this.currentAt = clock.now();
    this.#on.changed(this);
  }

  #failed({ status }) {
    this.isCurrent = false;
    if (status === 403 || status === 404) this.hasEnded = true;
    this.#on.changed(this);
    this.#begun();
  }
}
