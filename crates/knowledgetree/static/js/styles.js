// HTML of articles. The server has sanitised it; what looks it asks for stands in `data-style`, since the policy of the pages
// forbids style attributes in markup, and is set property by property.

function setLooks(root) {
  for (const element of root.querySelectorAll("[data-style]")) {
    for (const declaration of element.dataset.style.split(";")) {
      const at = declaration.indexOf(":");
      if (at > 0) element.style.setProperty(declaration.slice(0, at).trim(), declaration.slice(at + 1).trim());
    }
  }
}

/** Boxes of task lists say what they are, and what is wider than the text can be scrolled by keys. */
function makeReachable(root) {
  for (const box of root.querySelectorAll("[data-article] input[type=checkbox]")) box.setAttribute("aria-label", box.checked ? "Done" : "To do");
  for (const wide of root.querySelectorAll("[data-article] :is(pre, table)")) {
    if (wide.scrollWidth <= wide.clientWidth) continue;
    wide.tabIndex = 0;
    if (wide.tagName !== "PRE") continue;
    wide.setAttribute("role", "group");
    wide.setAttribute("aria-label", "Code");
  }
}

/** Makes articles below `root` look as they ask, and usable by everybody. */
export function applyStyles(root) {
  setLooks(root);
  makeReachable(root);
}

/** HTML of the server as nodes of this page. Nothing in it has run or been loaded. */
export function nodesOf(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const element of parsed.querySelectorAll("[style]")) {
    element.dataset.style = element.getAttribute("style");
    element.removeAttribute("style");
  }
  return [...parsed.body.childNodes].map((node) => document.adoptNode(node));
}

/** Shows HTML of the server in an element. */
export function setHtml(place, html) {
  place.replaceChildren(...nodesOf(html));
  setLooks(place);
  makeReachable(place.parentElement);
}
