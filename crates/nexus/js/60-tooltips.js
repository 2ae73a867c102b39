// Tooltips: one element that shows the [data-tooltip] under the pointer or the focus, kept inside the window and above
// dialogs. The sheet draws tooltips of its own for pages without this script.

const TOOLTIP_DELAY_MS = 250;
const TOOLTIP_GAP = 6;
const tooltip = document.createElement("div");
let tooltipOwner = null;
let tooltipTimer = 0;

function showTooltip(owner) {
  tooltip.textContent = owner.dataset.tooltip;
  if (!tooltip.textContent) return;
  tooltipOwner = owner;
  tooltip.hidden = false;
  tooltip.showPopover?.();
  placeTooltip(owner.getBoundingClientRect(), owner.dataset.tooltipPosition);
  // What the element is called anyway needs no second reading.
  if (owner.getAttribute("aria-label") !== tooltip.textContent) owner.setAttribute("aria-describedby", tooltip.id);
}

function hideTooltip() {
  clearTimeout(tooltipTimer);
  if (!tooltipOwner) return;
  if (tooltipOwner.getAttribute("aria-describedby") === tooltip.id) tooltipOwner.removeAttribute("aria-describedby");
  tooltipOwner = null;
  tooltip.hidePopover?.();
  tooltip.hidden = true;
}

function placeTooltip(owner, position) {
  const { width, height } = tooltip.getBoundingClientRect();
  const beside = position === "left" || position === "right";
  const before = { left: owner.left - width - TOOLTIP_GAP, top: owner.top - height - TOOLTIP_GAP };
  const after = { left: owner.right + TOOLTIP_GAP, top: owner.bottom + TOOLTIP_GAP };
  let { left, top } = position === "left" || !position ? before : after;
  // Where it does not fit, it stands on the other side.
  if (beside && (left < 0 || left + width > innerWidth)) ({ left } = position === "left" ? after : before);
  if (!beside && (top < 0 || top + height > innerHeight)) ({ top } = position ? before : after);
  if (beside) top = owner.top + (owner.height - height) / 2;
  else left = owner.left + (owner.width - width) / 2;
  const inside = (value, size, limit) => `${Math.max(4, Math.min(value, limit - size - 4))}px`;
  tooltip.style.left = inside(left, width, innerWidth);
  tooltip.style.top = inside(top, height, innerHeight);
}

function startTooltips() {
  tooltip.className = "tooltip";
  tooltip.id = newId("tooltip");
  tooltip.hidden = true;
  tooltip.setAttribute("role", "tooltip");
  tooltip.setAttribute("popover", "manual");
  document.body.append(tooltip);
  document.documentElement.toggleAttribute("data-tooltip-script", true);
  const ownerOf = (event) => event.target.closest?.("[data-tooltip]") ?? null;
  document.addEventListener("pointerover", (event) => {
    const owner = ownerOf(event);
    if (owner === tooltipOwner || event.pointerType === "touch") return;
    hideTooltip();
    if (owner) tooltipTimer = setTimeout(() => showTooltip(owner), TOOLTIP_DELAY_MS);
  });
  document.addEventListener("focusin", (event) => {
    hideTooltip();
    const owner = ownerOf(event);
    if (owner && event.target.matches(":focus-visible")) showTooltip(owner);
  });
  document.addEventListener("focusout", hideTooltip);
  document.addEventListener("pointerdown", hideTooltip);
  document.addEventListener("scroll", hideTooltip, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTooltip();
  });
}

// Copying: a [data-copy] copies the value or text of the element that its selector names.

async function copyFrom(button) {
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    say("success", "Copied.");
  } catch {
    source.select?.();
    say("error", "The browser does not allow copying. Mark the text and copy it yourself.");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button && !isStill(button)) copyFrom(button);
});
