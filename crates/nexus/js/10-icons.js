// Icons: what says `data-lucide` becomes the drawing of that name, also where a script inserts or renames one.

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = document.querySelector("script[data-icons]")?.dataset.icons ?? "/static/img/icons.svg";
const STROKE = {
  viewBox: "0 0 24 24",
  width: "18",
  height: "18",
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "2",
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
};

/** The drawing of a name, for scripts that build markup. */
function makeIcon(name, className = "") {
  const place = document.createElement("i");
  place.dataset.lucide = name;
  place.className = className;
  return drawing(place);
}

/** An svg with everything that the element in its place says. */
function drawing(place) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries(STROKE)) svg.setAttribute(name, value);
  for (const { name, value } of place.attributes) svg.setAttribute(name, value);
  svg.classList.add("icon");
  if (place.hasAttribute("aria-label")) svg.setAttribute("role", "img");
  else svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "use"));
  pointToSprite(svg);
  return svg;
}

function pointToSprite(svg) {
  svg.querySelector("use")?.setAttribute("href", `${SPRITE}#${svg.dataset.lucide}`);
}

/** Draws the icons of an element that are not drawn yet. */
function drawIcons(root = document) {
  const asked = "[data-lucide]:not(svg)";
  const places = [...root.querySelectorAll(asked)];
  if (root.matches?.(asked)) places.push(root);
  for (const place of places) place.replaceWith(drawing(place));
}

/** An icon got another name. Drawings of other scripts have no `use` and stay theirs. */
function redrawIcon(element) {
  if (element instanceof SVGElement) pointToSprite(element);
  else drawIcons(element);
}
