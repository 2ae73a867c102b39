// Begins: what is on the page now, and what scripts change later, those of the original suite too.

function changed(element, attribute) {
  if (attribute === "data-lucide") redrawIcon(element);
  else if (element.matches(MODAL)) modalChanged(element);
  else if (element.matches(".context-menu, .dropdown")) (isMenu(element) ? menuChanged : resultsChanged)(element);
}

function added(element) {
  drawIcons(element);
  if (element.matches(".toast")) toastAdded(element);
  if (element.matches(`${MODAL}.active`)) modalChanged(element);
  nameTabs(element);
}

const watcher = new MutationObserver((records) => {
  for (const { type, target, attributeName, addedNodes } of records) {
    if (type === "attributes") changed(target, attributeName);
    for (const node of addedNodes) if (node instanceof Element && node.isConnected) added(node);
  }
  forgetLostModals();
});

drawIcons();
nameTabs();
startTooltips();
document.querySelectorAll(".toast").forEach(toastAdded);
document.querySelectorAll(`${MODAL}.active`).forEach(modalChanged);
for (const opener of document.querySelectorAll('[aria-haspopup="menu"][aria-controls]')) {
  opener.setAttribute("aria-expanded", "false");
}
watcher.observe(document.documentElement, {
  childList: true,
  subtree: true,
  attributes: true,
  attributeFilter: ["class", "data-lucide"],
});

/** For the scripts of services. */
window.hivematrix = Object.freeze({ say, drawIcons, openModal, closeModal });
