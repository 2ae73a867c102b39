// Times in the viewer's zone and locale.

const shortForm = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit" });
const dayForm = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const clockForm = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

/** Reads ISO text; a space instead of T is accepted and a missing zone means UTC. */
export function parse(text) {
  if (!text) return null;
  let iso = String(text).trim().replace(" ", "T");
  if (!/(Z|[+-]\d\d:?\d\d)$/i.test(iso)) iso += "Z";
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** `Nov 22, 09:15 AM` */
export const short = (time) => shortForm.format(time);

/** More texts than this are not of one board. */
const MOST_KEPT = 10_000;
const kept = new Map();

/** The short form of an ISO text, empty where it is none. The same few texts are asked for again and again. */
export function shortOf(iso) {
  let text = kept.get(iso);
  if (text === undefined) {
    const time = parse(iso);
    text = time ? short(time) : "";
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(iso, text);
  }
  return text;
}

/** `Nov 22, 2025 10:30 AM` */
export const long = (time) => `${dayForm.format(time)} ${clockForm.format(time)}`;

/** `10:30 AM` */
export const clock = (time) => clockForm.format(time);

/** At most two units: `5 d 2 h`, `2 h 10 m`, `35 m`, `< 1 m`. */
export function age(milliseconds) {
  const total = Math.floor(milliseconds / 60_000);
  const [days, hours, minutes] = [Math.floor(total / 1440), Math.floor(total / 60) % 24, total % 60];
  if (total < 1) return "< 1 m";
  if (days > 0) return hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} m` : `${hours} h`;
  return `${minutes} m`;
}

/** Turns the server's UTC texts below `root` into local ones. */
export function localise(root) {
  for (const element of root.querySelectorAll("time.local-datetime[datetime]")) {
    const time = parse(element.getAttribute("datetime"));
    if (time) element.textContent = short(time);
  }
  for (const element of root.querySelectorAll(".datetime-container[data-utc-datetime]")) {
    const time = parse(element.dataset.utcDatetime);
    const text = element.querySelector(".local-datetime");
    if (time && text) text.textContent = short(time);
  }
}
