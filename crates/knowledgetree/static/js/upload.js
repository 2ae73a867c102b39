// Files of an article: uploaded with their progress, looked at, removed.

import * as api from "./api.js";
import { ask, open } from "./dialog.js";
import { element } from "./dom.js";
import { refresh } from "./navigate.js";
import { say } from "./page.js";
import { article, byId } from "./place.js";

const MOST_BYTES = 50 * 1024 * 1024;
/** So much of a text is shown. */
const MOST_SHOWN = 500_000;
/** What changes with them; whoever writes meanwhile goes on. */
const FILES = ["article-files", "files-title"];

/** Sends one file; `fetch` cannot tell how far it is. */
function send(address, file, { progress, signal }) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (lengthComputable) progress(loaded / total);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) done(request.response);
      else failed(new Error(request.response?.detail ?? request.response?.error ?? `The server answered ${request.status}.`));
    });
    request.addEventListener("error", () => failed(new Error("The server cannot be reached.")));
    request.addEventListener("abort", () => failed(new Error("Stopped.")));
    signal.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

/** One line a file: its name, how far it is, and how to stop it. True when it is there. */
async function upload(id, file) {
  const stop = new AbortController();
  const bar = element("progress", { max: "100", value: "0", "aria-label": `Upload of ${file.name}` });
  const state = element("span", { class: "kt-uploads__state" }, "0 %");
  const button = element("button", { type: "button", class: "btn btn--small btn--ghost" }, "Stop");
  const line = element("li", { class: "kt-uploads__file" }, element("span", { class: "kt-uploads__name" }, file.name), bar, state, button);
  button.addEventListener("click", () => stop.abort());
  byId("uploads").append(line);
  try {
    if (file.size > MOST_BYTES) throw new Error("File too large (max 50MB)");
    await send(api.uploadAddress(id), file, {
      signal: stop.signal,
      progress: (part) => {
        bar.value = Math.round(part * 100);
        state.textContent = part < 1 ? `${bar.value} %` : "being checked …";
      },
    });
    line.remove();
    return true;
  } catch (error) {
    bar.remove();
    button.remove();
    state.textContent = `Not uploaded: ${error.message}`;
    state.classList.add("u-text-danger");
    return false;
  }
}

async function uploadAll(files) {
  const { id } = article() ?? {};
  if (!id || !files.length) return;
  byId("uploads").replaceChildren();
  let done = 0;
  // One after the other, so that each gets the whole line.
  for (const file of files) if (await upload(id, file)) done += 1;
  if (!done) return;
  byId("file-upload-input").value = "";
  await refresh({ only: FILES });
  say("success", done === 1 ? "The file is attached." : `${done} files are attached.`);
}

// Looking at files.

async function look(link) {
  const { preview } = link.dataset;
  const name = link.firstChild.textContent;
  const body = byId("preview-body");
  byId("preview-title").textContent = name;
  const save = byId("preview-download");
  save.href = link.href;
  save.download = name;
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", name);
  if (preview === "picture") {
    body.replaceChildren(element("img", { src: link.href, alt: name, class: "kt-preview__picture" }));
    open(byId("preview-modal"));
    return;
  }
  const response = await fetch(link.href, { credentials: "same-origin", headers: { "X-Requested-With": "XMLHttpRequest" } });
  if (!response.ok) throw new Error("The file cannot be read.");
  const text = await response.text();
  const shown = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n…` : text;
  body.replaceChildren(element("pre", { class: "kt-preview__text" }, shown || "The file is empty."));
  open(byId("preview-modal"));
}

async function remove(row) {
  const { fileId, fileName } = row.dataset;
  const done = await ask(
    { title: `Delete ${fileName}?`, text: "The file is removed for ever. Files do not go into the trash.", yes: "Delete", danger: true },
    () => api.deleteFile(fileId),
  );
  if (!done) return;
  await refresh({ only: FILES });
  say("success", `${fileName} is deleted.`);
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Takes over the files of whichever article is shown. */
export function start() {
  document.addEventListener("click", (event) => {
    const { target } = event;
    if (target.closest("#upload-btn")) {
      const field = byId("file-upload-input");
      if (field.files.length) uploadAll([...field.files]);
      else field.click();
    }
    const drop = target.closest("[data-delete-file]");
    if (drop) remove(drop.closest("[data-file-id]"));
    const link = target.closest("a[data-preview]");
    if (!link || link.dataset.preview === "tab" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    look(link).catch((error) => say("error", error.message));
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "file-upload-input") uploadAll([...target.files]);
  });
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    // Where no file can be attached, none is opened in place of the page either.
    event.preventDefault();
    const place = byId("article-upload");
    if (place) place.classList.add("kt-drop");
    else event.dataTransfer.dropEffect = "none";
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) byId("article-upload")?.classList.remove("kt-drop");
  });
  document.addEventListener("drop", (event) => {
    const place = byId("article-upload");
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!place) return;
    place.classList.remove("kt-drop");
    uploadAll([...event.dataTransfer.files]);
  });
}
