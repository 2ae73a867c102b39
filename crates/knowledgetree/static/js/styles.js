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

/** A tag with its attributes in double quotes, as browsers and the server write them. */
const TAG = /<[a-z][^>"]*(?:"[^"]*"[^>"]*)*>/gi;

/** Gives attributes of HTML another name; texts and values stay. */
export const renameAttribute = (html, from, to) => html.replace(TAG, (tag) => tag.replaceAll(` ${from}="`, ` ${to}="`));

/** HTML of the server as nodes of this page. Nothing in it has run or been loaded. */
export function nodesOf(html) {
  const parsed = new DOMParser().parseFromString(renameAttribute(html, "style", "data-style"), "text/html");
  return [...parsed.body.childNodes].map((node) => document.adoptNode(node));
}

/** Shows HTML of the server in an element. */
export function setHtml(place, html) {
  place.replaceChildren(...nodesOf(html));
  setLooks(place);
  makeReachable(place.parentElement);
}
