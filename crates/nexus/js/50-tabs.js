// Tabs: a [data-tab] shows the `.tab-content` of that id. One stop of the Tab key, arrows move between them. Tabs that are
// links lead to pages and stay links.

const TAB_GROUP = "[role=tablist], .tabs, .btn-group";

const tabsOf = (tab) => [...(tab.closest(TAB_GROUP) ?? tab.parentElement).querySelectorAll("[data-tab]")];

/** The class that marks the chosen one, by the kind of tab. */
function activeClass(tab) {
  if (tab.matches(".tabs__tab")) return "tabs__tab--active";
  return tab.matches(".tab") ? "tab--active" : "btn--primary";
}

function chooseTab(chosen) {
  for (const tab of tabsOf(chosen)) {
    const isChosen = tab === chosen;
    tab.classList.toggle(activeClass(tab), isChosen);
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(tab.dataset.tab)?.classList.toggle("tab-content--active", isChosen);
  }
}

/** Gives the tabs of an element their roles. */
function nameTabs(root = document) {
  const unnamed = "[data-tab]:not([role])";
  const tabs = [...root.querySelectorAll(unnamed)];
  if (root.matches?.(unnamed)) tabs.push(root);
  for (const tab of tabs) {
    if (isStill(tab)) continue;
    const content = document.getElementById(tab.dataset.tab);
    const group = tab.closest(TAB_GROUP) ?? tab.parentElement;
    group.setAttribute("role", "tablist");
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", tab.dataset.tab);
    content?.setAttribute("role", "tabpanel");
    content?.setAttribute("aria-labelledby", (tab.id ||= newId("tab")));
    const isChosen = tab.classList.contains(activeClass(tab));
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  if (tab && !isStill(tab)) chooseTab(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[data-tab]");
  if (!tab || event.defaultPrevented || isStill(tab)) return;
  const next = neighbour(tabsOf(tab), tab, event.key);
  if (!next) return;
  event.preventDefault();
  chooseTab(next);
  next.focus();
});

// Disclosures: an `.expand-toggle` or `.log-expand` shows and hides the elements that aria-controls names.

const DISCLOSURE = ":is(.expand-toggle, .log-expand)[aria-controls]";

document.addEventListener("click", (event) => {
  const toggle = event.target.closest(DISCLOSURE);
  if (!toggle || isStill(toggle)) return;
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  for (const id of toggle.getAttribute("aria-controls").split(/\s+/)) {
    const controlled = document.getElementById(id);
    if (controlled) controlled.hidden = !open;
  }
});
