// Going from folder to folder without a reload: the same addresses a browser would open are fetched, and their parts put in
// place, so that the server alone draws what is shown and every address can be kept, sent and opened.

import { base, fetchPage } from "./call.js";
import { say, showScripted } from "./page.js";
import { isEditing, mayLeave } from "./leave.js";
import { byId, container, shown, tell } from "./place.js";
import { localise } from "./time.js";

/** Place of the shown page among those that were opened here, and of the last one. */
let at = history.state?.at ?? 0;
let last = at;
/** How far each page was scrolled when it was left. */
const scrolled = new Map();
let running;
let isReplaying = false;
let confirmed = location.href;

const LAST = "knowledgetree-last";

function remember(entry) {
  try {
    sessionStorage.setItem(LAST, String(entry));
  } catch {
    // without storage Forward is greyed out after a reload, and the browser's own works
  }
}

function remembered() {
  try {
    return Number(sessionStorage.getItem(LAST)) || 0;
  } catch {
    return 0;
  }
}

function showButtons() {
  const [back, forward] = [byId("nav-back"), byId("nav-forward")];
  back.disabled = at <= 0;
  forward.disabled = at >= last;
}

/** Puts the parts of a fetched page in place. */
function put(page) {
  const fresh = page.getElementById("file-browser-container");
  if (!fresh) throw new Error("The answer is no page of the knowledge base.");
  for (const key of Object.keys(container.dataset)) delete container.dataset[key];
  Object.assign(container.dataset, fresh.dataset);
  for (const part of container.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    part.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
  }
  document.title = page.title;
  shown();
}

async function fetched(address) {
  running?.abort();
  const request = (running = new AbortController());
  container.setAttribute("aria-busy", "true");
  try {
    return await fetchPage(address, request);
  } finally {
    if (running === request) container.removeAttribute("aria-busy");
  }
}

/** The address that an article has for good, in place of the one that opened it. */
function settled(address) {
  const id = container.dataset.openArticleId;
  return id && id !== "root" ? `${base}/view/${encodeURIComponent(id)}` : address;
}

function announce() {
  const count = byId("item-count")?.textContent;
  tell([byId("article-title").textContent.trim(), count].filter(Boolean).join(", "));
}

/**
 * Opens a page of the explorer. `focus` is where the keyboard goes on: at the heading, or where `focus` says. Nothing happens when
 * there are changes that somebody wants to keep.
 */
export async function go(address, { focus } = {}) {
  if (!(await mayLeave())) return;
  scrolled.set(at, scrollY);
  let page;
  try {
    page = await fetched(address);
    put(page);
  } catch (error) {
    if (error.name === "AbortError") return;
    location.assign(address); // the page itself, or its error
    return;
  }
  at += 1;
  last = at;
  remember(last);
  history.pushState({ at }, "", settled(address));
  confirmed = location.href;
  showButtons();
  scrollTo({ top: Math.min(scrollY, container.offsetTop) });
  announce();
  if (focus?.() !== true) byId("article-title").focus({ preventScroll: true });
}

/** Puts some elements of a fetched page in place, and leaves all else as it is. */
function putOnly(page, ids) {
  for (const id of ids) {
    const [old, fresh] = [byId(id), page.getElementById(id)];
    if (!old || !fresh) continue;
    old.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
  }
  showScripted(container);
  localise(container);
}

/**
 * Reads what is shown again, after a change; the focus stays on the item it was on, or goes to `focusId`. With `only` nothing but the
 * elements with these ids changes; while somebody writes, nothing but the path.
 */
export async function refresh({ focusId, only } = {}) {
  const row = document.activeElement?.closest?.("#file-browser [data-id]");
  const wanted = focusId ?? row?.dataset.id;
  const part = only ?? (isEditing() ? ["pathbar-breadcrumb"] : undefined);
  try {
    const page = await fetched(location.href);
    if (part) putOnly(page, part);
    else put(page);
  } catch (error) {
    if (error.name !== "AbortError") say("error", `The page could not be read again. ${error.message}`);
    return;
  }
  const again = !part && wanted && document.querySelector(`#file-browser [data-id="${CSS.escape(wanted)}"] .kt-file__link`);
  if (again) again.focus();
}

/** What the browser's own buttons lead to. */
async function replay({ state }) {
  if (isReplaying || new URL(location.href).href === confirmed) return;
  const wanted = state?.at ?? 0;
  const step = wanted - at;
  if (!(await mayLeave())) {
    // Back to the entry of what is still shown; its own event is passed over.
    isReplaying = true;
    addEventListener("popstate", () => { isReplaying = false; }, { once: true });
    history.go(-step);
    return;
  }
  scrolled.set(at, scrollY);
  try {
    put(await fetched(location.href));
  } catch (error) {
    if (error.name !== "AbortError") location.reload();
    return;
  }
  at = wanted;
  confirmed = location.href;
  showButtons();
  announce();
  byId("article-title").focus({ preventScroll: true });
  scrollTo({ top: scrolled.get(at) ?? 0 });
}

/** Whether an address is one of the explorer's, so that it can be shown in place; links in articles may lack the prefix. */
function ownAddress(link) {
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || link.target || link.hasAttribute("download")) return undefined;
  if (base && /^\/view\/[^/]+\/?$/.test(url.pathname)) url.pathname = base + url.pathname;
  const path = url.pathname.slice(base.length);
  const isOurs = url.pathname.startsWith(`${base}/`) && (path.startsWith("/browse/") || path.startsWith("/view/"));
  return isOurs ? url.href : undefined;
}

function followed(event) {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!container.contains(link) || link.closest("[contenteditable=true], [data-more]")) return;
  const address = ownAddress(link);
  if (!address) return;
  event.preventDefault();
  const fromTree = link.closest("#sidebar-tree") ? link.dataset.id : undefined;
  go(address, {
    focus: () => {
      const same = fromTree && document.querySelector(`#sidebar-tree [data-id="${CSS.escape(fromTree)}"]`);
      same?.focus({ preventScroll: true });
      return Boolean(same);
    },
  });
}

/** Takes over links, buttons and history. */
export function start() {
  last = Math.max(at, history.state ? remembered() : 0);
  history.scrollRestoration = "manual";
  history.replaceState({ at }, "", settled(location.href));
  confirmed = location.href;
  showButtons();
  document.addEventListener("click", followed);
  addEventListener("popstate", replay);
  byId("nav-back").addEventListener("click", () => history.back());
  byId("nav-forward").addEventListener("click", () => history.forward());
}
