// Menus: a button with aria-haspopup="menu" opens the `.dropdown` or `.context-menu` that aria-controls names, a click with
// the right button in a [data-context-menu] opens the one of that id at the pointer. Arrows, first letters, Home and End move,
// Escape closes and gives the focus back.

const MENU_ITEM = ".context-menu__item:not(.context-menu__item--hidden), .dropdown__item";
const MENU_EDGE = 8;
/** What each open menu gives the focus back to. */
const openMenus = new Map();

const isMenu = (element) =>
  element.matches(".context-menu") || (element.matches(".dropdown") && fieldOf(element) === null);
const isOpenMenu = (menu) => menu.matches(".context-menu.active, .dropdown.open, .dropdown--visible");
const itemsOf = (menu) => [...menu.querySelectorAll(MENU_ITEM)].filter(canFocus);
const openersOf = (menu) => document.querySelectorAll(`[aria-haspopup][aria-controls="${CSS.escape(menu.id)}"]`);

function openMenu(menu) {
  const shown = menu.matches(".context-menu") ? "active" : "open";
  menu.classList.add(shown);
  menuChanged(menu);
}

function closeMenu(menu) {
  menu.classList.remove("active", "open", "dropdown--visible");
  menuChanged(menu);
}

/** After a change of classes, by whichever script. */
function menuChanged(menu) {
  if (isStill(menu) || isOpenMenu(menu) === openMenus.has(menu)) return;
  const shown = isOpenMenu(menu);
  for (const opener of menu.id ? openersOf(menu) : []) opener.setAttribute("aria-expanded", String(shown));
  if (shown) {
    openMenus.set(menu, document.activeElement);
    nameMenu(menu);
    itemsOf(menu)[0]?.focus({ preventScroll: true });
  } else {
    const before = openMenus.get(menu);
    openMenus.delete(menu);
    // A choice may have moved the focus on, into a dialog for example.
    const lost = menu.contains(document.activeElement) || document.activeElement === document.body;
    if (lost && before?.isConnected) before.focus({ preventScroll: true });
  }
}

function nameMenu(menu) {
  menu.setAttribute("role", "menu");
  for (const item of menu.querySelectorAll(MENU_ITEM)) {
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
  }
  for (const wrapper of menu.querySelectorAll(".context-menu__list, .context-menu__list > li:not([role])")) {
    wrapper.setAttribute("role", "none");
  }
}

/** Puts a menu at a point, inside the window. */
function placeMenu(menu, left, top) {
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(MENU_EDGE, Math.min(left, innerWidth - width - MENU_EDGE))}px`;
  menu.style.top = `${Math.max(MENU_EDGE, Math.min(top, innerHeight - height - MENU_EDGE))}px`;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest('[aria-haspopup="menu"][aria-controls]');
  const own = opener && !isStill(opener) ? document.getElementById(opener.getAttribute("aria-controls")) : null;
  const wasOpen = own !== null && openMenus.has(own);
  for (const menu of [...openMenus.keys()]) {
    const inside = menu.contains(event.target) && !event.target.closest(MENU_ITEM);
    if (!inside) closeMenu(menu);
  }
  if (!own || wasOpen) return;
  openMenu(own);
  if (own.matches(".context-menu")) {
    const { left, bottom } = opener.getBoundingClientRect();
    placeMenu(own, left, bottom + 4);
  }
});

document.addEventListener("contextmenu", (event) => {
  const place = event.target.closest("[data-context-menu]");
  const menu = place && !isStill(place) ? document.getElementById(place.dataset.contextMenu) : null;
  if (!menu || event.defaultPrevented) return;
  event.preventDefault();
  closeMenu(menu);
  openMenu(menu);
  // A key has no place; then the menu stands at what has the focus.
  const { left, bottom } = event.target.getBoundingClientRect();
  const byKey = event.clientX === 0 && event.clientY === 0;
  placeMenu(menu, byKey ? left : event.clientX, byKey ? bottom : event.clientY);
});

document.addEventListener("keydown", (event) => {
  const menu = [...openMenus.keys()].at(-1);
  if (!menu || event.defaultPrevented) return;
  if (event.key === "Escape" || event.key === "Tab") {
    if (event.key === "Escape") event.preventDefault();
    closeMenu(menu);
    return;
  }
  if (!menu.contains(document.activeElement)) return;
  const items = itemsOf(menu);
  const at = items.indexOf(document.activeElement);
  const letter = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  const following = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  const wanted = letter
    ? following.find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))
    : neighbour(items, document.activeElement, event.key);
  if (!wanted) return;
  event.preventDefault();
  wanted.focus();
});
