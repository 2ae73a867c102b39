// Former states of an article: what was different, and the way back to one.

import * as api from "./api.js";
import { close, open, tell } from "./dialog.js";
import { showDiff } from "./diff.js";
import { element } from "./dom.js";
import { mayLeave } from "./leave.js";
import { refresh } from "./navigate.js";
import { busy, say } from "./page.js";
import { article, byId } from "./place.js";
import { moment } from "./time.js";

const modal = byId("history-modal");
let shown;
let chosen;

const when = (state) => (state.at ? moment(state.at) : "at some time");
const who = (state) => state.by ?? "unknown";

function entry(state, isPresent) {
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", class: "kt-history__state", "data-version": state.version, "aria-pressed": "false" },
      element("span", { class: "kt-history__when" }, isPresent ? `Now, since ${when(state)}` : when(state)),
      element("span", { class: "kt-history__who" }, `${who(state)} · version ${state.version} · ${state.chars} characters`),
      state.name === shown.name ? null : element("span", { class: "kt-history__who" }, `called ${state.name}`),
    ),
  );
}

async function choose(version) {
  chosen = version;
  const restore = byId("history-restore");
  for (const button of byId("history-list").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.version) === version));
  }
  const isPresent = version === shown.states[0].version;
  if (restore) restore.disabled = isPresent;
  tell(modal);
  const words = byId("history-words");
  const place = byId("history-diff");
  try {
    if (isPresent) {
      words.textContent = "This is the present text. Choose another version to see what has changed since.";
      const { content } = await api.version(shown.id, version);
      if (chosen === version) place.replaceChildren(element("pre", { class: "kt-diff__whole" }, content || "No content."));
      return;
    }
    const found = await api.difference(shown.id, version);
    if (chosen !== version) return;
    const notes = [`Since version ${version}: ${found.added} line${found.added === 1 ? "" : "s"} added (+), ${found.removed} removed (−).`];
    if (found.from_name !== found.to_name) notes.push(`The name was ${found.from_name}.`);
    if (found.is_converted) notes.push("One of the two is rich text; both are compared as Markdown.");
    if (found.coarse) notes.push("So much differs that all of it is shown as replaced.");
    words.textContent = notes.join(" ");
    showDiff(place, found.hunks, "The text is the same.");
  } catch (error) {
    tell(modal, error.message);
  }
}

async function show() {
  const item = article();
  byId("history-title").textContent = `History of ${item.name}`;
  byId("history-list").replaceChildren();
  byId("history-diff").replaceChildren();
  byId("history-words").textContent = "";
  tell(modal);
  open(modal);
  try {
    const states = await api.versions(item.id);
    shown = { ...item, states };
    byId("history-list").replaceChildren(...states.map((state, at) => entry(state, at === 0)));
    await choose(states[Math.min(1, states.length - 1)].version);
  } catch (error) {
    tell(modal, error.message);
  }
}

async function restore() {
  try {
    await api.restoreVersion(shown.id, chosen, shown.states[0].version);
  } catch (error) {
    tell(modal, error.problem?.current ? "Somebody has changed the article meanwhile. Open the history again." : error.message);
    return;
  }
  close(modal);
  await refresh();
  say("success", `The text is that of version ${chosen} again. What it replaced stays in the history.`);
}

/** Takes over button and dialog. */
export function start() {
  if (!modal) return;
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("#btn-history");
    if (button && (await mayLeave())) busy(button, show);
    const state = target.closest("#history-list button");
    if (state) choose(Number(state.dataset.version));
  });
  byId("history-restore")?.addEventListener("click", ({ currentTarget }) => busy(currentTarget, restore));
}
