// The side panel: collapsed and expanded, on narrow screens a bar that opens to a sheet.

const STORAGE_KEY = "sidebar-collapsed";
const panel = document.getElementById("side-panel");
const panelToggle = document.getElementById("sidebar-toggle");
// The width of css/side-panel.css below which the panel is a bar.
const narrow = matchMedia("(max-width: 900px)");

function rememberCollapsed(collapsed) {
  try {
    localStorage.setItem(STORAGE_KEY, String(collapsed));
  } catch {
    // Without storage the choice lasts for this page.
  }
}

/** Links whose label is hidden give it as a tooltip. */
function nameLinks(hidden) {
  for (const link of panel.querySelectorAll(".side-panel__link, .theme-toggle")) {
    link.removeAttribute("data-tooltip");
    if (!hidden) continue;
    link.dataset.tooltip = link.getAttribute("aria-label") ?? link.textContent.trim();
    link.dataset.tooltipPosition = narrow.matches ? "bottom" : "right";
  }
}

function showCollapsed(collapsed) {
  panel.classList.toggle("collapsed", collapsed);
  if (narrow.matches) return;
  panelToggle?.setAttribute("aria-expanded", String(!collapsed));
  nameLinks(collapsed);
}

/** On narrow screens the bar opens to a sheet over the page, which cannot be reached meanwhile. */
function showSheet(open) {
  panel.classList.toggle("open", open);
  document.body.classList.toggle("u-no-scroll", open);
  document.querySelector(".hivematrix-content")?.toggleAttribute("inert", open);
  panelToggle?.setAttribute("aria-expanded", String(open));
  nameLinks(!open);
}

/** The state that the width asks for: a closed sheet, or the panel as it was left. */
function fitWidth() {
  showSheet(false);
  showCollapsed(panel.classList.contains("collapsed"));
  showCurrent();
}

/** In the bar the entries may not all fit: the current one is brought into view. */
function showCurrent() {
  const list = panel.querySelector(".side-panel__nav");
  const current = panel.querySelector(".side-panel__item--active");
  if (!narrow.matches || !current) return;
  list.scrollLeft = current.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
}

if (panel) {
  panel.classList.toggle("collapsed", root.classList.contains("sidebar-collapsed"));
  fitWidth();
  narrow.addEventListener("change", fitWidth);
  requestAnimationFrame(() => root.classList.remove("sidebar-collapsed"));
  panelToggle?.addEventListener("click", () => {
    if (narrow.matches) {
      showSheet(!panel.classList.contains("open"));
      return;
    }
    const collapsed = !panel.classList.contains("collapsed");
    showCollapsed(collapsed);
    rememberCollapsed(collapsed);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.classList.contains("open")) return;
    showSheet(false);
    panelToggle?.focus();
  });
}
