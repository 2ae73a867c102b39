// Building parts of a page.

/** An element with attributes and children; texts are texts, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SKELETON_DELAY_MS = 150;

/** Bars in place of a table's rows, as many as there were, for what takes long; gives back how to undo it. */
export function skeleton(body) {
  const rows = [...body.children];
  const timer = setTimeout(() => {
    body.replaceChildren(...rows.map((row) => {
      const copy = row.cloneNode(false);
      for (const cell of row.children) {
        const empty = cell.cloneNode(false);
        empty.append(element("span", { class: "skeleton skeleton--text" }));
        copy.append(empty);
      }
      return copy;
    }));
  }, SKELETON_DELAY_MS);
  return () => {
    clearTimeout(timer);
    if (body.isConnected && body.firstElementChild !== rows[0]) body.replaceChildren(...rows);
  };
}
