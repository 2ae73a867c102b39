// The live preview: the server draws it, so that it looks as the article will; the newest text only.

import * as api from "./api.js";
import { byId } from "./place.js";
import { setHtml } from "./styles.js";

const WAIT_MS = 400;
let timer;
let running;
let shown;

/** Shows a text that has changed, after a pause in typing. */
export function show(text, format) {
  clearTimeout(timer);
  timer = setTimeout(() => draw(text, format), shown === undefined ? 0 : WAIT_MS);
}

/** Forgets what was shown. */
export function stop() {
  clearTimeout(timer);
  running?.abort();
  shown = undefined;
}

async function draw(text, format) {
  if (text === shown) return;
  running?.abort();
  const request = (running = new AbortController());
  const state = byId("edit-preview-state");
  try {
    const { content_html: html, note } = await api.preview(text, format, request);
    if (running !== request) return;
    shown = text;
    setHtml(byId("edit-preview"), html);
    state.textContent = note ?? "";
  } catch (error) {
    if (error.name !== "AbortError" && running === request) state.textContent = `as it was before: ${error.message}`;
  }
}

/** Scrolls the preview as far as the text is scrolled. */
export function follow(field) {
  const pane = byId("edit-preview");
  const room = field.scrollHeight - field.clientHeight;
  if (room > 0) pane.scrollTop = (field.scrollTop / room) * (pane.scrollHeight - pane.clientHeight);
}
