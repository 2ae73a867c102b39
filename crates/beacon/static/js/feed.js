// Keeps a board current: the poll every minute, which unchanged data costs a 304, and the stream that brings changes at once.
// Runs in a worker, so that megabytes are read and compared without the page noticing.

import { diff } from "./changes.js";
import { Stream } from "./stream.js";

const TIMEOUT_MS = 20_000;
/** Tickets in one message: few enough that the page takes each in no time. */
const BATCH = 100;
/** Between attempts while the poll fails; afterwards always the last. */
const RETRIES_MS = [2_000, 4_000, 8_000, 15_000];

export class Feed {
  #addresses;
  #emit;
  #stream;
  #known = new Map();
  #isFirst = true;
  #etag = null;
  #newest = -Infinity;
  #takenAt = -Infinity;
  #request = null;
  #isVisible = true;
  #failures = 0;
  #retry = null;
  #notBefore = 0;

  /** `addresses` are those of the poll and the stream; `emit` takes the messages for the page. */
  constructor(addresses, emit) {
    this.#addresses = addresses;
    this.#emit = emit;
    this.#stream = new Stream(addresses.stream, {
      lastId: () => this.#etag,
      event: (text, id) => this.#pushed(text, id),
      opened: () => this.#streamOpened(),
      alive: () => this.#emit({ type: "confirmed" }),
      state: (state) => this.#emit({ type: "link", state }),
      // The poll tells what is wrong, if anything but the stream is.
      broken: () => this.tick(),
    });
  }

  async start() {
    await this.poll();
    this.#stream.start();
  }

  /** Asks now; whoever asked before is dropped for it. */
  refresh() {
    this.#notBefore = 0;
    this.#stream.hurry();
    return this.poll();
  }

  /** The minute is over. */
  tick() {
    if (this.#isVisible && !this.#request && performance.now() >= this.#notBefore) this.poll();
  }

  /** Nobody looks at a hidden page: neither poll nor stream. */
  setVisible(isVisible) {
    if (this.#isVisible === isVisible) return;
    this.#isVisible = isVisible;
    this.#stream.setPaused(!isVisible);
    if (isVisible) this.poll();
    else clearTimeout(this.#retry);
  }

  async poll() {
    clearTimeout(this.#retry);
    this.#request?.abort();
    const own = new AbortController();
    this.#request = own;
    this.#emit({ type: "busy", busy: true });
    const timeout = setTimeout(() => own.abort(), TIMEOUT_MS);
    try {
      await this.#ask(own.signal);
    } catch {
      // Aborted for a newer request: that one will tell.
      if (this.#request === own) this.#failed({ type: "trouble", kind: "network" });
    } finally {
      clearTimeout(timeout);
      if (this.#request === own) {
        this.#request = null;
        this.#emit({ type: "busy", busy: false });
      }
    }
  }

  async #ask(signal) {
    const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
    if (this.#etag) headers["If-None-Match"] = this.#etag;
    const began = performance.now();
    const response = await fetch(this.#addresses.tickets, { credentials: "same-origin", cache: "no-store", headers, signal });
    this.#tellTime(Date.parse(response.headers.get("Date")));
    if (response.status === 304) {
      this.#works();
      this.#emit({ type: "unchanged" });
    } else if (response.status === 401 || response.redirected) {
      // One that was opened before the end would go on as if nothing had happened.
      this.#stream.close();
      this.#failed({ type: "trouble", kind: "session" });
    } else if (!response.ok) {
      const wait = Number(response.headers.get("Retry-After"));
      if (wait > 0) this.#notBefore = performance.now() + wait * 1000;
      this.#failed({ type: "trouble", kind: "status", status: response.status });
    } else {
      const data = await response.json();
      this.#works();
      this.#take(data, response.headers.get("ETag"), began);
    }
  }

  #works() {
    if (this.#failures > 0) this.#stream.hurry();
    this.#failures = 0;
  }

  #failed(trouble) {
    this.#emit(trouble);
    const wait = RETRIES_MS[Math.min(this.#failures, RETRIES_MS.length - 1)];
    this.#failures += 1;
    if (!this.#isVisible) return;
    const atLeast = Math.max(wait * (0.8 + 0.4 * Math.random()), this.#notBefore - performance.now());
    this.#retry = setTimeout(() => this.poll(), atLeast);
  }

  #streamOpened() {
    // After a failure only an answer tells that all is well again.
    if (this.#failures > 0) this.poll();
  }

  #pushed(text, id) {
    if (id && id === this.#etag) return;
    const data = JSON.parse(text);
    this.#works();
    this.#take(data, id || null, performance.now());
  }

  #tellTime(time) {
    if (Number.isFinite(time)) this.#emit({ type: "time", time });
  }

  /** Sends what is new in an answer; `began` is when it was asked for. */
  #take(data, etag, began) {
    const made = Date.parse(data.generated_at);
    // An answer that was overtaken by a newer one on the other way.
    if (made < this.#newest && began < this.#takenAt) return;
    this.#newest = Number.isFinite(made) ? made : this.#newest;
    this.#takenAt = performance.now();
    this.#etag = etag;
    this.#tellTime(made);
    const { s1_items: s1 = [], s2_items: s2 = [], s3_items: s3 = [], s4_items: s4 = [], ...meta } = data;
    const { known, tickets, patches, ...found } = diff(this.#known, { s1, s2, s3, s4 });
    this.#known = known;
    for (let at = 0; at < tickets.length; at += BATCH) this.#emit({ type: "tickets", tickets: tickets.slice(at, at + BATCH) });
    for (let at = 0; at < patches.length; at += BATCH) this.#emit({ type: "patches", patches: patches.slice(at, at + BATCH) });
    this.#emit({ type: "answer", meta, ...found, isFirst: this.#isFirst });
    this.#isFirst = false;
  }
}
