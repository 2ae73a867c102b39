// Server-sent events, read from a stream of text: unlike EventSource one sees the status and says where to go on.

/** Reads chunks of any size; calls `event` with `{name, data, id}`. */
export class EventReader {
  #rest = "";
  #lines = [];
  #id = "";
  #event;

  constructor(event) {
    this.#event = event;
  }

  push(text) {
    // A line of a few megabytes comes in many chunks: only the last one is searched.
    if (!/[\r\n]/.test(text)) {
      this.#lines.push(text);
      return;
    }
    const parts = (this.#rest + this.#lines.join("") + text).split(/\r\n|\n|\r(?!$)/);
    this.#lines = [];
    this.#rest = parts.pop();
    for (const line of parts) this.#line(line);
  }

  #fields = { name: "message", data: [] };

  #line(line) {
    if (line === "") {
      const { name, data } = this.#fields;
      this.#fields = { name: "message", data: [] };
      if (data.length > 0) this.#event({ name, data: data.join("\n"), id: this.#id });
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#fields.name = value;
    else if (field === "data") this.#fields.data.push(value);
    else if (field === "id") this.#id = value;
  }
}
