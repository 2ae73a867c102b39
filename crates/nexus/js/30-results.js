// Results under a field (`.dropdown` beside an input): the arrows choose, Enter takes, Escape closes; the focus stays in
// the field. The page's script fills and shows the list.

const RESULT = ".dropdown__item";

const isShown = (dropdown) => dropdown.matches(".dropdown--visible, .open");
const fieldOf = (dropdown) => dropdown.parentElement?.querySelector(":scope > input") ?? null;
const resultsOf = (field) => field.parentElement.querySelector(":scope > .dropdown");

function hideResults(dropdown) {
  dropdown.classList.remove("dropdown--visible", "open");
  resultsChanged(dropdown);
}

/** After a change of classes: the field says whether it has a list. */
function resultsChanged(dropdown) {
  const field = fieldOf(dropdown);
  if (!field || isStill(dropdown)) return;
  const shown = isShown(dropdown);
  dropdown.setAttribute("role", "listbox");
  dropdown.id ||= newId("results");
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-controls", dropdown.id);
  field.setAttribute("aria-expanded", String(shown));
  if (!shown) chooseResult(field, dropdown, undefined);
}

function chooseResult(field, dropdown, chosen) {
  for (const item of dropdown.querySelectorAll(RESULT)) {
    item.setAttribute("role", "option");
    item.classList.toggle("active", item === chosen);
    item.setAttribute("aria-selected", String(item === chosen));
  }
  if (!chosen) return field.removeAttribute("aria-activedescendant");
  chosen.id ||= newId("result");
  field.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.defaultPrevented || !(field instanceof HTMLInputElement)) return;
  const dropdown = resultsOf(field);
  if (!dropdown || !isShown(dropdown) || isStill(dropdown)) return;
  const active = dropdown.querySelector(`${RESULT}.active`);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    chooseResult(field, dropdown, neighbour([...dropdown.querySelectorAll(RESULT)], active, event.key));
  } else if (event.key === "Enter" && active) {
    event.preventDefault();
    active.click();
  } else if (event.key === "Escape") {
    event.preventDefault();
    hideResults(dropdown);
  }
});

document.addEventListener("click", (event) => {
  for (const dropdown of document.querySelectorAll(".dropdown--visible, .dropdown.open")) {
    const own = dropdown.parentElement.contains(event.target);
    if (!own && fieldOf(dropdown) && !isStill(dropdown)) hideResults(dropdown);
  }
});
