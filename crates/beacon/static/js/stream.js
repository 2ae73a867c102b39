// The stream of a board, opened again with growing pauses whenever it breaks. Where it is refused, the poll does without.

import { EventReader } from "./sse.js";

const PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** The server says something every 15 s. */
const SILENCE_MS = 40_000;
/** A long event comes in many pieces: one sign of life is enough for them. */
const ALIVE_MS = 5_000;
/** Before a server that has no stream is asked again. */
const REFUSED_MS = 300_000;
/** What a server says that has no stream, or none for this page. */
const WITHOUT_STREAM = [401, 403, 404, 405, 406, 501];

/** An answer that is no stream. */
class Refusal extends Error {
  constructor(response) {
    super(`no stream: ${response.status}`);
    this.status = response.status;
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  }
}

export class Stream {
  #address;
  #on;
  #controller = null;
  #wake = null;
  #isPaused = false;
  #attempts = 0;
  #aliveAt = -Infinity;

  /** `on` has `lastId`, `event`, `opened`, `alive`, `state` and `broken`. */
  constructor(address, on) {
    this.#address = address;
    this.#on = on;
  }

  /** Follows as long as the page is open. */
  async start() {
    for (;;) {
      let pause = Infinity;
      if (!this.#isPaused) pause = await this.#attempt();
      if (this.#isPaused) pause = Infinity;
      this.#on.state("polling");
      await this.#sleep(pause);
    }
  }

  /** Ends a pause between attempts. */
  hurry() {
    this.#wake?.();
  }

  /** Breaks what is open; the next attempt follows. */
  close() {
    this.#controller?.abort();
  }

  setPaused(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) this.close();
    else this.hurry();
  }

  /** Listens until the stream breaks; the pause before the next attempt. */
  async #attempt() {
    let atLeast = 0;
    try {
      await this.#listen();
    } catch (error) {
      // The session or the link has ended: the poll says so.
      if (error.status === 401 || error.status === 403) this.#on.broken();
      if (WITHOUT_STREAM.includes(error.status)) return REFUSED_MS;
      atLeast = (error.retryAfter ?? 0) * 1000;
      // The first break may be a restart that is over with the next attempt.
      if (this.#attempts > 0 && !this.#isPaused) this.#on.broken();
    }
    const pause = PAUSES_MS[Math.min(this.#attempts, PAUSES_MS.length - 1)];
    this.#attempts += 1;
    return Math.max(atLeast, pause * (0.8 + 0.4 * Math.random()));
  }

  async #listen() {
    const own = new AbortController();
    this.#controller = own;
    const headers = { Accept: "text/event-stream", "X-Requested-With": "XMLHttpRequest" };
    const lastId = this.#on.lastId();
    if (lastId) headers["Last-Event-ID"] = lastId;
    let silence = setTimeout(() => own.abort(), SILENCE_MS);
    try {
      const response = await fetch(this.#address, { credentials: "same-origin", cache: "no-store", headers, signal: own.signal });
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
      if (!response.ok || response.redirected || !isStream) throw new Refusal(response);
      this.#on.state("live");
      this.#on.opened();
      const reader = new EventReader(({ name, data, id }) => {
        if (name === "tickets") this.#on.event(data, id);
      });
      const decoder = new TextDecoder();
      const chunks = response.body.getReader();
      for (;;) {
        const { done, value } = await chunks.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => own.abort(), SILENCE_MS);
        this.#attempts = 0;
        reader.push(decoder.decode(value, { stream: true }));
        this.#alive();
      }
    } finally {
      clearTimeout(silence);
      own.abort();
      this.#controller = null;
    }
  }

  #alive() {
    const now = performance.now();
    if (now - this.#aliveAt < ALIVE_MS) return;
    this.#aliveAt = now;
    this.#on.alive();
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? null : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
