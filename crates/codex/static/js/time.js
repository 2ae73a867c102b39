// Times in the viewer's zone and locale, with the UTC time as the title.

import { element } from "./dom.js";

/** How a moment is written everywhere. */
const form = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** Turns the server's UTC texts below `root` into local ones. */
export function localise(root = document) {
  for (const place of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const moment = new Date(place.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    place.title ||= `${moment.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    if (!place.hasAttribute("data-words")) place.textContent = form.format(moment);
    place.dataset.local = "";
  }
}

/** The element of a time; "-" for none. */
export function time(iso) {
  if (!iso) return "-";
  const made = element("p", {}, element("time", { datetime: iso }, iso));
  localise(made);
  return made.firstChild;
}

/** `12s`, `3m 4s`, `1h 2m`. */
export function duration(seconds) {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
}

localise();
