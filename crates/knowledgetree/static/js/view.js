// How lists are drawn: tiles, rows, or rows whose folders open in place. Codex keeps the choice for the user; a cookie tells the
// server, so that the next page comes like that at once.

import * as api from "./api.js";
import { base } from "./call.js";
import { byId, container, onShown } from "./place.js";

const VIEWS = ["grid", "tree", "hierarchy"];
let chosen = container.dataset.view;

function keepHere(view) {
  document.cookie = `knowledgetree_view=${view}; Path=${base || "/"}; Max-Age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}

/** Draws the list in the chosen view. */
function draw() {
  const list = byId("file-browser");
  if (!list) return;
  list.classList.toggle("kt-files--list", chosen !== "grid");
  list.dataset.view = chosen;
  for (const button of document.querySelectorAll("[data-view-name]")) {
    const is = button.dataset.viewName === chosen;
    button.classList.toggle("view-switcher__button--active", is);
    button.setAttribute("aria-pressed", String(is));
  }
  list.dispatchEvent(new CustomEvent("kt-view", { bubbles: true }));
}

function use(view) {
  if (!VIEWS.includes(view) || view === chosen) return;
  chosen = view;
  keepHere(view);
  draw();
}

export const isHierarchy = () => chosen === "hierarchy";

/** Takes over the switch, and what Codex has kept. */
export function start() {
  onShown(draw);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-view-name]");
    if (!button) return;
    use(button.dataset.viewName);
    // It is drawn like that all the same; without Codex it is kept in this browser only.
    api.keepSettings({ knowledgetree_view_preference: chosen }).catch(() => {});
  });
  api.mySettings().then((settings) => use(settings.knowledgetree_view_preference), () => {});
}
