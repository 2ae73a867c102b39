// List pages: search as you type, order, pages and filters without a reload. The server draws everything; this module fetches
// the same address a browser would open and puts the parts marked data-list-part in place, so the address always says what
// is shown, Back works, and a failed request leaves the table as it was.

import { call, fetchPage } from "./call.js";
import { skeleton } from "./dom.js";
import { ready, say } from "./page.js";
import { localise } from "./time.js";

const SEARCH_DELAY_MS = 300;

const form = document.getElementById("list-form");
const search = document.getElementById("list-search");
const perPage = document.getElementById("list-per-page");
const columnsButton = document.getElementById("list-columns");
const columnsCard = document.getElementById("list-columns-card");
const narrow = matchMedia("(max-width: 620px)");
const part = (root, name) => root.querySelector(`[data-list-part="${name}"]`);

let running; // the newest request; an older one is given up
let counting; // the same of the counts
let typing; // timer of the search
let typed = false; // whether the newest entry of the history came from typing
let confirmed = location.href; // the address of what the table shows

/** The address that the form's fields stand for; defaults are left out. */
function asked() {
  const address = new URL(form.action);
  for (const element of form.elements) {
    if (!element.name || element.type === "hidden" && element.name !== "sort_by" && element.name !== "order") continue;
    if (element.type === "checkbox") {
      if (String(element.checked) !== element.dataset.default) address.searchParams.set(element.name, element.checked ? "1" : "0");
    } else if (element === perPage) {
      if (element.value !== "50") address.searchParams.set(element.name, element.value);
    } else if (element.value.trim()) {
      address.searchParams.set(element.name, element.value.trim());
    }
  }
  return address;
}

/** Sets the fields to what an address says, except the one somebody is typing in. */
function fill(address) {
  const values = address.searchParams;
  for (const element of form.elements) {
    if (!element.name || element.type === "hidden") continue;
    if (element.type === "checkbox") {
      element.checked = values.has(element.name) ? values.get(element.name) === "1" : element.dataset.default === "true";
    } else if (element === perPage) {
      element.value = values.get("per_page") ?? "50";
    } else if (!(typed && element === search)) {
      element.value = values.get(element.name) ?? "";
    }
  }
  for (const name of ["sort_by", "order"]) {
    form.querySelector(`input[type=hidden][name=${name}]`)?.remove();
    if (!values.has(name)) continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value: values.get(name) });
    form.append(field);
  }
}

/** Of many companies a filter lists only the chosen one; whichever that is now, it can be chosen. */
function takeCompanies(fresh) {
  for (const filter of form.querySelectorAll("select[data-finds-more]")) {
    const next = fresh.querySelector(`#list-form select[name="${filter.name}"]`);
    if (next) filter.replaceChildren(...[...next.options].map((option) => document.adoptNode(option)));
  }
}

/** Fetches an address and shows it. `history` is push, replace, or nothing for Back and Forward. */
async function show(address, history) {
  running?.abort();
  const request = (running = new AbortController());
  const table = part(document, "table");
  const body = table.querySelector("tbody");
  const restore = body ? skeleton(body) : () => {};
  table.setAttribute("aria-busy", "true");
  try {
    const fresh = await fetchPage(address, request);
    if (running !== request) return;
    if (!part(fresh, "table")) throw new Error("The answer is no list: sign in again.");
    if (history) window.history[`${history}State`](null, "", address);
    confirmed = location.href;
    takeCompanies(fresh);
    fill(new URL(address, location.href));
    restore();
    draw(fresh);
    count();
  } catch (error) {
    restore();
    if (error.name === "AbortError" || running !== request) return;
    if (!history && location.href !== confirmed) window.history.replaceState(null, "", confirmed);
    fill(new URL(confirmed));
    say("error", `The list could not be loaded. ${error.message}`);
  } finally {
    if (running === request) table.removeAttribute("aria-busy");
  }
}

/** Writes behind each choice of a filter how many rows it leaves. Without an answer the choices stay as they are. */
async function count() {
  counting?.abort();
  const request = (counting = new AbortController());
  const filters = [...form.querySelectorAll("select[data-filter]")];
  if (filters.length === 0) return;
  try {
    const { counts } = await call("GET", `${form.action}api/counts${location.search}`, undefined, request);
    for (const filter of filters) {
      const found = counts[filter.name] ?? {};
      for (const option of filter.options) {
        if (!option.value) continue;
        option.dataset.words ??= option.textContent;
        option.textContent = `${option.dataset.words} (${found[option.value] ?? found[option.value.toLowerCase()] ?? 0})`;
      }
    }
  } catch {
    // The list itself is there, and says what went wrong with it.
  }
}

/** Puts the fresh parts in place; the focus stays on the link that was used. */
function draw(fresh) {
  const used = document.activeElement?.dataset?.listLink;
  for (const element of document.querySelectorAll("[data-list-part]")) {
    const next = part(fresh, element.dataset.listPart);
    if (!next) continue;
    // The count is a live region: only its text changes, so that it is read out.
    if (element.dataset.listPart === "count") element.textContent = next.textContent;
    else element.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
  }
  localise(document);
  showColumns();
  if (!used) return;
  const again = document.querySelector(`[data-list-link="${CSS.escape(used)}"]`);
  (again ?? (used === "clear" ? search : document.querySelector("[data-list-part=table] .table-wrapper")))?.focus();
}

/** Where all columns fit, the headings stay in sight of the window; else in that of the table's own box, which is scrolled. */
function fit() {
  const wrapper = document.querySelector("[data-list-part=table] .table-wrapper");
  if (!wrapper) return;
  wrapper.classList.remove("table-wrapper--fits", "table-wrapper--wide");
  const fits = wrapper.firstElementChild.offsetWidth <= wrapper.clientWidth;
  wrapper.classList.add(fits ? "table-wrapper--fits" : "table-wrapper--wide");
}

/** Shows the columns that somebody chose, else those of the page; a telephone leaves out what is marked hide-sm. */
function showColumns() {
  for (const box of columnsCard?.querySelectorAll("[data-shows]") ?? []) {
    const key = box.dataset.shows;
    const cells = [...document.querySelectorAll(`[data-column="${CSS.escape(key)}"]`)];
    const chosen = remembered(key);
    const isSpared = narrow.matches && cells.some((cell) => cell.matches("td.hide-sm"));
    box.checked = chosen === null ? box.dataset.default === "true" && !isSpared : chosen === "true";
    for (const cell of cells) {
      cell.hidden = !box.checked;
      if (chosen === "true") cell.classList.remove("hide-sm");
    }
  }
  fit();
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off: nothing is remembered
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // as above
  }
}

search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const history = typed ? "replace" : "push";
    typed = true;
    show(asked(), history);
  }, SEARCH_DELAY_MS);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  typed = false;
  show(asked(), "push");
});

form.addEventListener("change", (event) => changed(event.target));
perPage.addEventListener("change", () => changed(perPage)); // stands outside the form
function changed(element) {
  if (element === search) return;
  if (element.dataset.stored) remember(element.dataset.stored, String(element.checked));
  clearTimeout(typing);
  typed = false;
  show(asked(), "push");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-list-link]");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  clearTimeout(typing);
  typed = false;
  link.focus();
  show(link.href, "push");
});

addEventListener("popstate", () => {
  typed = false;
  show(location.href);
});

if (columnsButton) {
  columnsButton.hidden = false;
  columnsButton.addEventListener("click", () => {
    columnsCard.hidden = !columnsCard.hidden;
    columnsButton.setAttribute("aria-expanded", String(!columnsCard.hidden));
  });
  columnsCard.addEventListener("change", (event) => {
    remember(event.target.dataset.shows, String(event.target.checked));
    showColumns();
  });
}
showColumns();
addEventListener("resize", fit);
narrow.addEventListener("change", showColumns);
document.getElementById("list-submit").hidden = true; // typing is enough

// What somebody chose last time counts where the address does not say.
let chosen = false;
for (const box of form.querySelectorAll("[data-stored]:not([data-stored=''])")) {
  const last = remembered(box.dataset.stored);
  if (last === null || new URL(location.href).searchParams.has(box.name) || last === String(box.checked)) continue;
  box.checked = last === "true";
  chosen = true;
}
ready();
if (chosen) show(asked(), "replace");
else count();
