// How current the tickets on the page are: what is wrong, since when, and how old they have become.

import * as banners from "./banners.js";
import * as clock from "./clock.js";
import { showAge } from "./head.js";
import { age, clock as timeOfDay, parse } from "./time.js";

/** What the server said is wrong as it made the page. */
const said = document.getElementById("error-banner");
/** When the tickets were last known to be current, in the server's time. */
let currentAt = parse(said?.querySelector("time")?.dateTime)?.getTime() ?? null;
/** What the last answer said is wrong, the page being the first one; null when nothing. */
let trouble = said?.querySelector(".alert__message").textContent ?? null;
/** Whether the last attempt to get an answer failed. */
let hasFailed = false;

const kept = () =>
  currentAt ? `The tickets shown are those of ${timeOfDay(new Date(currentAt))}.` : "The tickets shown may be old.";

const AGAIN = "The page keeps trying by itself.";

const FAILURES = {
  network: () => [`Network error: Unable to connect to server. ${kept()} ${AGAIN}`],
  status: ({ status }) => [`Failed to fetch ticket data (HTTP ${status}). ${kept()} ${AGAIN}`],
  session: () => [`Your session has ended. ${kept()}`, true],
};

/** Says the age of tickets that are not current; called again as time goes by. */
export function showTime() {
  const isCurrent = !hasFailed && !trouble;
  const text = currentAt === null ? "" : `${age(Math.max(clock.now() - currentAt, 0))} old`;
  showAge(isCurrent ? null : text);
}

function show() {
  if (trouble) banners.showStale(trouble);
  else banners.clear();
  showTime();
}

/** An answer came: what it says of Codex. */
export function answered({ error, stale }) {
  hasFailed = false;
  if (!error) currentAt = clock.now();
  trouble = error ? (stale ? `${error} ${kept()} ${AGAIN}` : error) : null;
  show();
}

/** Nothing has changed since the last answer. */
export function unchanged() {
  hasFailed = false;
  if (!trouble) currentAt = clock.now();
  show();
}

/** The stream lives: what is shown is still so. */
export function confirmed() {
  if (!hasFailed && !trouble) currentAt = clock.now();
}

/** No answer, or none with tickets. */
export function failed(failure) {
  hasFailed = true;
  banners.showFailure(...FAILURES[failure.kind](failure));
  showTime();
}
