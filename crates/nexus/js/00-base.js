// Behaviour of the pages' parts: one module, put together from the files of this folder in the order of their names
// (build.rs). It works on class names and attributes of the contract, so that pages need no script of their own for it, and
// leaves alone what stands inside [data-still], which only shows how something looks.

const isStill = (element) => element.closest("[data-still]") !== null;

const canFocus = (element) => !element.disabled && element.getClientRects().length > 0;

let lastId = 0;
/** An id for an element that another one has to name. */
const newId = (kind) => `ui-${kind}-${(lastId += 1)}`;

const KEY_STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** The element that a key leads to from `current`, around the ends; none for other keys. */
function neighbour(elements, current, key) {
  if (key === "Home") return elements[0];
  if (key === "End") return elements.at(-1);
  const step = KEY_STEPS[key];
  if (!step || elements.length === 0) return undefined;
  const at = elements.indexOf(current);
  if (at < 0) return step > 0 ? elements[0] : elements.at(-1);
  return elements[(at + step + elements.length) % elements.length];
}
