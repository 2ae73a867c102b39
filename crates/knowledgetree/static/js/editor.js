// Writing an article: as Markdown with a preview, or as rich text. The one is turned into the other by the server, from the text as it is.

import * as api from "./api.js";
import { decide } from "./conflict.js";
import { close, onSubmit, open, tell as tellForm } from "./dialog.js";
import { searching } from "./item-search.js";
import * as leave from "./leave.js";
import * as markdown from "./markdown.js";
import { go, refresh } from "./navigate.js";
import { busy, say, warn } from "./page.js";
import { article, byId, folder, onShown, tell } from "./place.js";
import * as preview from "./preview.js";
import * as rich from "./rich.js";
import { rebuild } from "./tree.js";

const MODES = { markdown, html: rich };
let editing;

const mode = () => MODES[editing.format];
const isUnsaved = () => Boolean(editing) && (editing.isCarried || mode().get() !== editing.before);

/** Shows the editor of a way of writing with a text. */
function use(format, text) {
  editing.format = format;
  const isMarkdown = format === "markdown";
  byId("article-markdown-editor").hidden = !isMarkdown;
  byId("article-editor").hidden = isMarkdown;
  byId("edit-preview-pane").hidden = !isMarkdown;
  byId("edit-panes").classList.toggle("kt-edit__panes--two", isMarkdown);
  for (const [id, of] of [["btn-mode-markdown", "markdown"], ["btn-mode-wysiwyg", "html"]]) {
    byId(id).classList.toggle("view-switcher__button--active", of === format);
    byId(id).setAttribute("aria-pressed", String(of === format));
  }
  mode().set(text);
  editing.before = mode().get();
  preview.stop();
  if (isMarkdown) preview.show(text, format);
  showStates();
}

function showEditor(is) {
  for (const id of ["article-display", "article-actions", "article-deeds", "article-note"]) if (byId(id)) byId(id).hidden = is;
  byId("article-edit").hidden = !is;
  byId("edit-actions").hidden = !is;
}

async function begin() {
  const { id, name } = article();
  const node = await api.node(id);
  const format = node.content_format ?? "markdown";
  if (format === "html" && node.note) throw new Error(`${node.note} It cannot be edited here.`);
  editing = { id, name, version: node.version, isCarried: false };
  showEditor(true);
  use(format, node.content ?? "");
  mode().focus();
  byId("edit-status").textContent = "";
  tell(`Editing ${name}.`);
}

/** Gives up the editor; what is shown stays as it was. */
function discard() {
  if (!editing) return;
  editing = undefined;
  preview.stop();
  if (byId("article-edit")) showEditor(false);
  byId("edit-theirs")?.setAttribute("hidden", "");
}

const change = () => ({ ...(editing.format === "html" ? { content_html: mode().get() } : { content: mode().get() }), version: editing.version });

/** Saves; true when it is done. A conflict is decided first. */
async function save() {
  const status = byId("edit-status");
  status.textContent = "Saving …";
  try {
    await api.change(editing.id, change());
  } catch (error) {
    if (error.problem?.current) return settleConflict(error.problem.current);
    status.textContent = `Not saved: ${error.message}`;
    say("error", `Not saved: ${error.message}`);
    return false;
  }
  discard();
  return true;
}

async function saveAndShow() {
  if (!(await save())) return;
  await refresh();
  byId("btn-edit-article")?.focus();
  say("success", "Saved.");
}

/** The name for a copy: the first that is free. */
async function keepCopy(name, text, format) {
  for (let number = 1; ; number += 1) {
    try {
      const copy = await api.create(folder().id, `${name} (my copy${number > 1 ? ` ${number}` : ""})`, { content: text, content_format: format });
      return copy.id;
    } catch (error) {
      if (!error.problem?.existing_id || number > 50) throw error;
    }
  }
}

async function settleConflict(theirs) {
  const status = byId("edit-status");
  const [mine, format] = [mode().get(), editing.format];
  status.textContent = "Not saved: somebody else has changed this article.";
  let copy;
  const way = await decide({
    mine,
    format,
    theirs,
    work: async (chosen, theirText) => {
      if (chosen === "copy") copy = await keepCopy(editing.name, mine, format);
      if (chosen !== "merge") return;
      byId("edit-theirs").hidden = false;
      byId("edit-theirs-text").value = theirText;
      editing.version = theirs.version;
      editing.isCarried = true;
    },
  });
  if (way === "merge") status.textContent = "Their text is above. Saving replaces it by yours.";
  if (way !== "theirs" && way !== "copy") return false;
  discard();
  if (copy) {
    await Promise.all([rebuild(), go(api.viewAddress(copy))]);
    say("success", "Your text is kept as a copy.");
  } else await refresh();
  return false;
}

async function switchTo(format) {
  if (format === editing.format) return;
  const carried = isUnsaved();
  const { content, note } = await api.convert(mode().get(), editing.format, format);
  if (note) {
    warn(`${note} So it can only be edited as it is written now.`);
    return;
  }
  use(format, content);
  editing.isCarried = carried;
  mode().focus();
  tell(format === "html" ? "Rich text" : "Markdown");
}

// The toolbar.

const buttons = () => [...(byId("editor-tools")?.querySelectorAll("button") ?? [])];

function showStates() {
  const on = editing?.format === "html" ? rich.states() : new Set();
  if (!on) return;
  for (const button of buttons()) {
    if (button.dataset.tool === "paragraph" || button.dataset.tool === "rule") continue;
    button.setAttribute("aria-pressed", String(on.has(button.dataset.tool)));
  }
}

function useTool(tool) {
  if (tool === "link") {
    askLink();
    return;
  }
  mode().tools[tool]?.();
  mode().element().dispatchEvent(new Event("input", { bubbles: true }));
  showStates();
}

/** One Tab stop; the arrows go from button to button. */
function walk(event) {
  const all = buttons();
  const at = all.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  const next = all.at(to % all.length);
  for (const button of all) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}

// Links.

const linkForm = byId("link-form");
let linked;

function askLink() {
  if (editing.format === "html") rich.keep();
  const { search, text } = linkForm.elements;
  search.value = "";
  text.value = mode().chosenText();
  linked = undefined;
  byId("link-chosen").textContent = "Links to items stay right when the item is renamed or moved.";
  tellForm(linkForm);
  open(byId("link-modal"));
}

if (linkForm) {
  const { search, text } = linkForm.elements;
  const found = searching(search, byId("link-results"), {
    take: (hit) => {
      linked = api.viewAddress(hit.id);
      search.value = hit.name;
      text.value ||= hit.name;
      byId("link-chosen").textContent = `To the ${hit.is_folder ? "folder" : "article"} ${hit.path_names.slice(1).join(" / ")}`;
    },
  });
  search.addEventListener("input", () => { linked = undefined; });
  onSubmit(linkForm, async () => {
    const typed = search.value.trim();
    const isAddress = /^(https?:\/\/|mailto:|\/)\S/i.test(typed);
    if (!linked && !isAddress) throw new Error("Choose an item from the list, or type an address that begins with https://.");
    found.stop();
    close(byId("link-modal"));
    // Nothing behind a dialog can be written in before it is gone.
    await new Promise((done) => setTimeout(done));
    mode().focus();
    mode().link(linked ?? typed, text.value.trim());
    mode().element().dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// What people press.

const PRESSES = {
  "btn-edit-article": () => begin(),
  "btn-save-article": () => saveAndShow(),
  "btn-mode-markdown": () => switchTo("markdown"),
  "btn-mode-wysiwyg": () => switchTo("html"),
};

async function cancel() {
  if (await leave.mayLeave()) {
    await refresh();
    byId("btn-edit-article")?.focus();
  }
}

function shortcut(event) {
  if (!editing || !(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector(".modal.active")) return;
  const key = event.key.toLowerCase();
  const tool = { b: "bold", i: "italic", k: "link" }[key];
  if (key === "s") {
    event.preventDefault();
    busy(byId("btn-save-article"), saveAndShow);
  } else if (tool && event.target === mode().element()) {
    event.preventDefault();
    useTool(tool);
  }
}

/** Takes over the editor of whichever article is shown. */
export function start() {
  leave.register({ isUnsaved, save, discard, isEditing: () => Boolean(editing) });
  onShown(() => {
    editing = undefined;
    for (const [at, button] of buttons().entries()) button.tabIndex = at ? -1 : 0;
    const shown = article();
    if (shown && leave.opensEditing(shown.id)) begin().catch((error) => say("error", error.message));
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (PRESSES[button?.id]) busy(button, PRESSES[button.id]);
    if (button?.id === "btn-cancel-edit") cancel();
    if (button?.dataset.tool && editing) useTool(button.dataset.tool);
  });
  // A button of the toolbar must not take the caret away.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest("#editor-tools")) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    shortcut(event);
    if (event.target.closest?.("#editor-tools")) walk(event);
    if (editing && event.target === mode().element()) mode().pressed(event);
  });
  document.addEventListener("input", ({ target }) => {
    if (!editing || target !== mode().element()) return;
    byId("edit-status").textContent = "";
    if (editing.format === "markdown") preview.show(mode().get(), "markdown");
  });
  document.addEventListener("paste", (event) => {
    if (editing?.format === "html" && rich.element().contains(event.target)) rich.pasted(event);
  });
  document.addEventListener("scroll", ({ target }) => {
    if (target.id === "article-markdown-editor") preview.follow(target);
  }, true);
  document.addEventListener("selectionchange", () => editing?.format === "html" && showStates());
}
