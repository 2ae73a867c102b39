// Times in the reader's zone and language, with the time in UTC as title.

const form = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** A moment for people. */
export const moment = (iso) => form.format(new Date(iso));

/** Turns the server's texts in UTC below `root` into local ones. */
export function localise(root = document) {
  for (const place of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(place.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    place.title ||= `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    place.textContent = form.format(at);
    place.dataset.local = "";
  }
}

localise();
