// All folders, asked for once and kept until something changes; and a tree to choose one from.

import * as api from "./api.js";
import { element } from "./dom.js";

let asked;

/** The root with its folders. */
export function folders() {
  asked ??= api.folderTree().catch((error) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

/** Something has changed: the next one asks again. */
export function forget() {
  asked = undefined;
}

/** Every folder of a tree by its id, with the id of the one it is in; made once for each answer. */
const indexes = new WeakMap();

function indexOf(root) {
  let index = indexes.get(root);
  if (index) return index;
  index = new Map();
  // Not by recursion: a tree may be deep.
  const stack = [{ node: root, parent: undefined }];
  while (stack.length) {
    const entry = stack.pop();
    index.set(entry.node.id, entry);
    for (const node of entry.node.children) stack.push({ node, parent: entry.node.id });
  }
  indexes.set(root, index);
  return index;
}

/** The folders from the root to the one with an id, both included; nothing for an unknown one. */
export function wayTo(root, id) {
  const index = indexOf(root);
  if (!index.has(id)) return undefined;
  const way = [];
  for (let at = index.get(id); at; at = index.get(at.parent)) way.unshift(at.node);
  return way;
}

/** The name of a folder for people: the root has one of its own. */
export const nameOf = (node) => (node.id === "root" ? "Root" : node.name);

const MOST_FOUND = 200;

/**
 * A tree in `place` from which one folder is chosen. Folders below one of `without` are left out, and so is that one itself. `chosen` is
 * told of every choice. Keys are those of every tree: arrows, Home, End, letters.
 */
export class FolderPicker {
  constructor(place, chosen) {
    this.place = place;
    this.chosen = chosen;
    this.open = new Set(["root"]);
    place.addEventListener("click", (event) => this.clicked(event));
    place.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** Shows the folders below `root`, with `selected` chosen. */
  show(root, { without = [], selected = "root" } = {}) {
    this.root = root;
    this.without = new Set(without);
    this.selected = undefined;
    this.filter = "";
    this.open = new Set((wayTo(root, selected) ?? [root]).map((folder) => folder.id));
    this.open.add("root");
    this.draw();
    this.choose(selected);
  }

  /** Shows the folders whose names have a text in them, as a flat list; all of them without a text. */
  find(text) {
    this.filter = text.trim().toLowerCase();
    this.draw();
  }

  draw() {
    const shown = this.filter ? this.found() : [this.node(this.root, 1)];
    this.place.replaceChildren(...shown);
    if (!shown.length) this.place.append(element("p", { class: "dropdown__empty" }, "No folder has this in its name."));
    this.mark();
  }

  found() {
    const found = [];
    const stack = [[this.root, []]];
    while (stack.length && found.length < MOST_FOUND) {
      const [folder, way] = stack.pop();
      if (this.without.has(folder.id)) continue;
      if (nameOf(folder).toLowerCase().includes(this.filter)) found.push(this.row(folder, 1, way.join(" / ")));
      for (const child of [...folder.children].reverse()) stack.push([child, [...way, nameOf(folder)]]);
    }
    return found;
  }

  node(folder, level) {
    const inside = folder.children.filter((child) => !this.without.has(child.id));
    const isOpen = this.open.has(folder.id);
    const row = this.row(folder, level);
    if (inside.length) row.setAttribute("aria-expanded", String(isOpen));
    const made = element("div", { class: "folder-tree__item", role: "none" }, row);
    if (inside.length && isOpen) {
      made.append(element("div", { class: "folder-tree__children", role: "group" }, ...inside.map((child) => this.node(child, level + 1))));
    }
    return made;
  }

  row(folder, level, place = "") {
    const hasInside = !this.filter && folder.children.some((child) => !this.without.has(child.id));
    return element(
      "div",
      { class: "folder-tree__node", role: "treeitem", "aria-level": level, "aria-selected": "false", tabindex: "-1", "data-folder-id": folder.id, "data-name": nameOf(folder) },
      element("span", { class: hasInside ? "folder-tree__toggle" : "folder-tree__toggle kt-tree-item__toggle--empty", "aria-hidden": "true" }, element("i", { "data-lucide": "chevron-right" })),
      element("span", { class: "folder-tree__icon", "aria-hidden": "true" }, element("i", { "data-lucide": folder.is_attached ? "link" : "folder" })),
      element("span", { class: "folder-tree__name" }, nameOf(folder), place ? element("span", { class: "kt-folder-place" }, place) : null),
    );
  }

  rows() {
    return [...this.place.querySelectorAll("[role=treeitem]")];
  }

  choose(id) {
    this.selected = id;
    this.mark();
    const folder = wayTo(this.root, id)?.at(-1);
    this.chosen(folder);
  }

  /** Shows which one is chosen; exactly one can be reached by Tab. */
  mark() {
    const rows = this.rows();
    for (const row of rows) {
      const is = row.dataset.folderId === this.selected;
      row.classList.toggle("folder-tree__node--selected", is);
      row.setAttribute("aria-selected", String(is));
      row.tabIndex = is ? 0 : -1;
    }
    if (rows.length && !rows.some((row) => row.tabIndex === 0)) rows[0].tabIndex = 0;
  }

  toggle(id, open = !this.open.has(id)) {
    if (open) this.open.add(id);
    else this.open.delete(id);
    this.draw();
    this.focus(id);
  }

  focus(id) {
    const row = this.place.querySelector(`[data-folder-id="${CSS.escape(id)}"]`);
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  clicked({ target }) {
    const row = target.closest("[role=treeitem]");
    if (!row) return;
    const id = row.dataset.folderId;
    if (target.closest(".folder-tree__toggle") && row.hasAttribute("aria-expanded")) this.toggle(id);
    else {
      this.choose(id);
      row.focus();
    }
  }

  pressed(event) {
    const row = event.target.closest("[role=treeitem]");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = this.rows();
    const at = rows.indexOf(row);
    const go = (next) => next && (this.choose(next.dataset.folderId), next.focus(), next.scrollIntoView({ block: "nearest" }));
    const expanded = row.getAttribute("aria-expanded");
    const steps = {
      ArrowDown: () => go(rows[at + 1]),
      ArrowUp: () => go(rows[at - 1]),
      Home: () => go(rows[0]),
      End: () => go(rows.at(-1)),
      ArrowRight: () => (expanded === "false" ? this.toggle(row.dataset.folderId, true) : expanded && go(rows[at + 1])),
      ArrowLeft: () => (expanded === "true" ? this.toggle(row.dataset.folderId, false) : go(row.closest(".folder-tree__children")?.previousElementSibling)),
    };
    if (steps[event.key]) steps[event.key]();
    else if (event.key.length === 1 && event.key !== " ") {
      const following = [...rows.slice(at + 1), ...rows.slice(0, at + 1)];
      go(following.find((one) => one.dataset.name.toLowerCase().startsWith(event.key.toLowerCase())));
    } else return;
    event.preventDefault();
  }
}
