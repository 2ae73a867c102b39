// Times in the viewer's zone and locale, with the UTC time as the title.

/** How a moment is written everywhere. */
export const form = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** Turns the server's UTC texts below `root` into local ones. */
export function localise(root = document) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    element.title ||= `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    if (!element.hasAttribute("data-words")) element.textContent = form.format(time);
    element.dataset.local = "";
  }
}

localise();
