// The folders at the side, as a tree: one key press a step, children drawn when their folder is opened.

import { base } from "./call.js";
import { element } from "./dom.js";
import { folders, forget, nameOf, wayTo } from "./folders.js";
import { go } from "./navigate.js";
import { article, byId, folder, onShown } from "./place.js";

const EXPANDED = "kt_sidebar_expanded";
const tree = byId("sidebar-tree");

function readExpanded() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(EXPANDED)) ?? []);
  } catch {
    return new Set();
  }
}

const expanded = readExpanded();
let root;

function keepExpanded() {
  try {
    sessionStorage.setItem(EXPANDED, JSON.stringify([...expanded]));
  } catch {
    // without storage the tree is closed again after a reload
  }
}

const isOpen = (node) => node.id === "root" || expanded.has(node.id);

function row(node, level, path) {
  const has = node.children.length > 0;
  return element(
    "a",
    {
      class: "kt-tree-item",
      role: "treeitem",
      href: `${base}/browse/${path}`,
      tabindex: "-1",
      "aria-level": level,
      "aria-selected": "false",
      "aria-expanded": has ? String(isOpen(node)) : undefined,
      "data-id": node.id,
      "data-name": nameOf(node),
      "data-is-folder": "true",
      "data-attached": String(Boolean(node.is_attached)),
      "data-read-only": String(Boolean(node.read_only)),
      "data-path": path,
      draggable: node.id === "root" ? "false" : "true",
    },
    element("span", { class: has ? "kt-tree-item__toggle" : "kt-tree-item__toggle kt-tree-item__toggle--empty", "aria-hidden": "true" }, element("i", { "data-lucide": "chevron-right" })),
    element("span", { class: "kt-tree-item__icon", "aria-hidden": "true" }, element("i", { "data-lucide": node.is_attached ? "link" : "folder" })),
    element("span", { class: "kt-tree-item__name" }, nameOf(node)),
  );
}

/** A folder and the place of its folders, which are drawn once it is open. */
function drawn(node, level, path) {
  const group = element("div", { class: "kt-tree-children", role: "group", "data-parent-id": node.id });
  const made = [row(node, level, path)];
  if (node.children.length) {
    made.push(group);
    if (isOpen(node)) fill(group, node, level, path);
  }
  return made;
}

function fill(group, node, level, path) {
  const below = (child) => `${path}${path ? "/" : ""}${encodeURIComponent(child.name)}`;
  group.classList.add("kt-tree-children--expanded");
  if (!group.childElementCount) group.append(...node.children.flatMap((child) => drawn(child, level + 1, below(child))));
}

function find(id) {
  return tree.querySelector(`[role=treeitem][data-id="${CSS.escape(id)}"]`);
}

function setOpen(item, open) {
  const way = wayTo(root, item.dataset.id);
  const group = item.nextElementSibling;
  if (!way || !item.hasAttribute("aria-expanded")) return;
  item.setAttribute("aria-expanded", String(open));
  if (open) {
    expanded.add(item.dataset.id);
    fill(group, way.at(-1), Number(item.getAttribute("aria-level")), item.dataset.path);
  } else {
    expanded.delete(item.dataset.id);
    group.classList.remove("kt-tree-children--expanded");
    group.replaceChildren();
  }
  keepExpanded();
}

/** Opens the way to the folder that is shown and marks it. */
function showCurrent() {
  if (!root) return;
  const { id } = folder();
  for (const step of (wayTo(root, id) ?? []).slice(0, -1)) {
    const item = find(step.id);
    if (item?.getAttribute("aria-expanded") === "false") setOpen(item, true);
  }
  for (const item of tree.querySelectorAll("[role=treeitem]")) {
    const is = item.dataset.id === id;
    item.classList.toggle("kt-tree-item--active", is);
    item.setAttribute("aria-selected", String(is));
    item.tabIndex = is ? 0 : -1;
    if (is && !article()) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  const here = find(id);
  if (!here) tree.querySelector("[role=treeitem]").tabIndex = 0;
  else if (tree.scrollHeight > tree.clientHeight) tree.scrollTop = here.offsetTop - tree.offsetTop - tree.clientHeight / 3;
}

async function build() {
  const focused = tree.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  try {
    root = await folders();
  } catch (error) {
    if (root) return; // the older one stays
    tree.append(element("p", { class: "kt-sidebar__error", role: "alert" }, `The folders could not be read. ${error.message}`));
    return;
  }
  tree.setAttribute("role", "tree");
  tree.setAttribute("aria-label", "Folders");
  tree.dataset.contextMenu = "context-menu";
  tree.replaceChildren(...drawn(root, 1, ""));
  showCurrent();
  if (focused) find(focused)?.focus();
}

/** After something has changed. */
export function rebuild() {
  forget();
  return build();
}

const visible = () => [...tree.querySelectorAll("[role=treeitem]")];

function moveTo(item) {
  if (!item) return;
  for (const other of visible()) other.tabIndex = other === item ? 0 : -1;
  item.focus();
}

function pressed(event) {
  const item = event.target.closest("[role=treeitem]");
  if (!item || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const items = visible();
  const at = items.indexOf(item);
  const state = item.getAttribute("aria-expanded");
  const keys = {
    ArrowDown: () => moveTo(items[at + 1]),
    ArrowUp: () => moveTo(items[at - 1]),
    Home: () => moveTo(items[0]),
    End: () => moveTo(items.at(-1)),
    ArrowRight: () => (state === "false" ? setOpen(item, true) : state && moveTo(items[at + 1])),
    ArrowLeft: () => (state === "true" && item.dataset.id !== "root" ? setOpen(item, false) : moveTo(item.closest(".kt-tree-children")?.previousElementSibling)),
    " ": () => item.click(),
  };
  if (keys[event.key]) keys[event.key]();
  else if (event.key.length === 1) {
    const following = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    moveTo(following.find((one) => one.dataset.name.toLowerCase().startsWith(event.key.toLowerCase())));
  } else return;
  event.preventDefault();
}

/** Builds the tree and follows what is shown. */
export function start() {
  tree.addEventListener("keydown", pressed);
  // Before links are followed: the chevron opens, it does not go.
  tree.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || !event.target.closest(".kt-tree-item__toggle") || item.dataset.id === "root") return;
    event.preventDefault();
    event.stopPropagation();
    setOpen(item, item.getAttribute("aria-expanded") !== "true");
  });
  tree.addEventListener("dblclick", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (item?.hasAttribute("aria-expanded") && item.dataset.id !== "root") setOpen(item, item.getAttribute("aria-expanded") !== "true");
  });
  const button = byId("sidebar-toggle-tree");
  const narrow = matchMedia("(max-width: 900px)");
  const show = (open) => {
    tree.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => show(tree.hidden));
  const fit = () => show(!narrow.matches);
  narrow.addEventListener("change", fit);
  fit();
  onShown(showCurrent);
  return build();
}

/** Opens a folder by its id, wherever it is. */
export async function openFolder(id) {
  const way = wayTo(await folders(), id);
  if (!way) throw new Error("There is no such folder any more.");
  const path = way.slice(1).map((step) => encodeURIComponent(step.name)).join("/");
  await go(`${base}/browse/${path}`);
}
