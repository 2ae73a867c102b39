// What is wrong with the page as it is, as a list of sentences. Runs as the body of a function.

const complaints = [];
const say = (what, element) =>
  complaints.push(element ? `${what}: ${element.outerHTML.replace(/\s+/g, " ").slice(0, 160)}` : what);
const all = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility({ visibilityProperty: true }));
// The style guide draws parts of pages; they are no parts of its own outline.
const own = (selector) => all(selector).filter((e) => !e.closest(".style-guide__stage"));

// Nothing leaves the site.
const addresses = performance.getEntries().filter((e) => "initiatorType" in e).map((e) => e.name);
for (const element of document.querySelectorAll("[src], link[href], use[href], image[href]")) {
  addresses.push(element.getAttribute("src") ?? element.getAttribute("href"));
}
for (const address of new Set(addresses)) {
  const url = new URL(address, location.href);
  if (url.protocol !== "data:" && url.origin !== location.origin) say(`loaded from elsewhere: ${address}`);
}

// Nothing has to be scrolled to sideways.
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide > 0) {
  const held = (e) => e && e !== document.body && (getComputedStyle(e).overflowX !== "visible" || held(e.parentElement));
  const widest = all("body *").find((e) => e.getBoundingClientRect().right > innerWidth + 1 && !held(e.parentElement));
  say(`${innerWidth} pixels wide, the page scrolls sideways by ${wide}`, widest);
}

// The outline: language, title, landmark, headings without a gap.
if (!document.documentElement.lang) say("no language");
if (!document.title.trim()) say("no title");
if (own("main, [role=main]").length !== 1) say(`${own("main, [role=main]").length} main parts`);
if (own("h1").length !== 1) say(`${own("h1").length} headings of the first level`);
let level = 0;
for (const heading of own("main :is(h1, h2, h3, h4, h5, h6)")) {
  const next = Number(heading.localName.slice(1));
  if (next > level + 1) say(`a heading of level ${next} after one of level ${level}`, heading);
  level = next;
}

// Everything that is used has a name.
const texts = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
const said = (e) => (e.getAttribute("aria-label") ?? texts(e.getAttribute("aria-labelledby") ?? "")).trim();
const pictures = (e) => [...e.querySelectorAll("img[alt], svg[aria-label], svg title")].map((p) => p.alt ?? p.getAttribute("aria-label") ?? p.textContent);
for (const field of all("input:not([type=hidden]), select, textarea")) {
  const labels = [...(field.labels ?? [])].map((label) => label.textContent).join(" ");
  const button = ["submit", "button", "reset"].includes(field.type) ? field.value : "";
  if (!(said(field) || labels.trim() || button.trim() || field.title.trim())) say("a field without a label", field);
}
for (const control of all("button, a[href], summary, [role=button], [role=tab], [role=menuitem]")) {
  const name = said(control) || control.textContent.trim() || control.title.trim() || pictures(control).join("").trim();
  if (!name) say("a control without a name", control);
}
for (const picture of all("img:not([alt]), [role=img]:not([aria-label]):not([aria-labelledby])")) say("a picture without words", picture);
// A dialog that is not open may get its words later.
for (const dialog of document.querySelectorAll("dialog, [role=dialog]")) {
  if (!said(dialog) && !dialog.hasAttribute("aria-labelledby")) say("a dialog without a name", dialog);
}
for (const table of own("table")) {
  if (!table.querySelector("th")) say("a table without heads", table);
  for (const head of table.querySelectorAll("thead th:not([scope])")) say("a head without a direction", head);
}
for (const element of all("[tabindex]")) if (element.tabIndex > 0) say("an order of its own", element);

// What is referred to is there, once.
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
const twice = new Set(ids.filter((id, place) => ids.indexOf(id) !== place));
for (const id of twice) say(`several elements are called ${id}`);
for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls"]) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    for (const id of element.getAttribute(name).split(/\s+/).filter(Boolean)) {
      if (!document.getElementById(id)) say(`${name} leads nowhere`, element);
    }
  }
}
return complaints;
