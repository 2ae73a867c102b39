// The page of billing plans: saves a plan without leaving the page and shows what is wrong beside its field, warns of what
// is not saved, filters and folds the plans, fills dialogs, and shows what an import would do. Without it, the forms work.

import { call } from "./call.js";
import { element } from "./dom.js";
import { busy, guard, ready, say, sending } from "./page.js";

const cards = [...document.querySelectorAll("details[data-plan]")];
const forms = [...document.querySelectorAll("[data-plan] form[data-endpoint]")];

// What is not saved

const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.type !== "hidden");

const isChanged = (field) =>
  field.tagName === "SELECT"
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.value !== field.defaultValue;

const isDirty = (form) => fieldsOf(form).some(isChanged);

function showState(form) {
  form.querySelector("[data-status]").textContent = isDirty(form) ? "Unsaved changes" : "";
}

function markSaved(form) {
  for (const field of fieldsOf(form)) {
    if (field.tagName === "SELECT") for (const option of field.options) option.defaultSelected = option.selected;
    else field.defaultValue = field.value;
  }
  showState(form);
}

/** The head of a plan's card names the support levels of its terms, each once. */
function showSupport(form) {
  const levels = [...form.querySelectorAll("select[name^=support_level_]")].map((select) => select.value);
  form.closest("[data-plan]").querySelector("[data-support]").textContent = [...new Set(levels)].sort().join(", ");
}

guard(() => forms.some(isDirty));

// What is wrong

function complain(field, text) {
  const id = `${field.name}-error`;
  let note = document.getElementById(id);
  if (!text) {
    note?.remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    return;
  }
  if (!note) {
    note = element("p", { id, class: "form-group__error" });
    field.after(note);
  }
  note.textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", id);
}

/** What is wrong with a field, in words that fit below a narrow column. */
function trouble({ validity, validationMessage }) {
  if (validity.badInput || validity.valueMissing) return "A number";
  if (validity.rangeUnderflow) return "0 or more";
  if (validity.rangeOverflow) return "Too large";
  if (validity.stepMismatch) return "Too many decimals";
  return validationMessage;
}

/** Checks a field as the browser would, and says so beside it. */
function check(field) {
  complain(field, field.validity.valid ? "" : trouble(field));
  return field.validity.valid;
}

// Saving

/** The values of a plan's form as the JSON route takes them. */
function termsOf(form) {
  const ids = [...form.querySelectorAll("[name=plan_ids]")].map((field) => field.value);
  return ids.map((id) => {
    const ending = `_${id}`;
    const term = { id: Number(id), features: {} };
    for (const field of fieldsOf(form).filter((one) => one.name.endsWith(ending))) {
      if (field.dataset.feature) term.features[field.dataset.feature] = field.value;
      else term[field.name.slice(0, -ending.length)] = field.value;
    }
    return term;
  });
}

async function save(form) {
  const wrong = fieldsOf(form).filter((field) => !check(field));
  if (wrong.length > 0) {
    wrong[0].focus();
    return;
  }
  try {
    const answer = await call("PUT", form.dataset.endpoint, { terms: termsOf(form) });
    markSaved(form);
    showSupport(form);
    say("success", answer.message);
  } catch (error) {
    const fields = Object.entries(error.problem?.fields ?? {}).map(([name, text]) => [form.elements[name], text]);
    const known = fields.filter(([field]) => field);
    for (const [field, text] of known) complain(field, `It ${text}.`);
    known[0]?.[0].focus();
    say("error", known.length > 0 ? "Not saved: look at the marked fields." : error.message);
  }
}

for (const form of forms) {
  form.noValidate = true;
  form.addEventListener("input", (event) => {
    if (event.target.hasAttribute("aria-invalid")) check(event.target);
    showState(form);
  });
  form.addEventListener("focusout", (event) => {
    if (event.target.matches("input[type=number]")) check(event.target);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(form.querySelector("[type=submit]"), () => save(form));
  });
}

// Other forms are sent once.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-once]");
  if (!form || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (forms.some(isDirty) && !confirmed(form)) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  sending();
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

/** Sending another form would lose what is not saved: says so once, and sends when it is pressed again. */
function confirmed(form) {
  if (form.dataset.warned) return true;
  form.dataset.warned = "true";
  say("warning", "There are unsaved changes, which this would lose. Save them first, or press again to go on.");
  return false;
}

// Search and folding

const search = document.getElementById("plan-search");
const count = document.getElementById("plan-count");
const foldAll = document.getElementById("fold-all");

const label = (plans) => `${plans} ${plans === 1 ? "plan" : "plans"}`;

function filter() {
  const text = search.value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    card.hidden = !card.dataset.plan.toLowerCase().includes(text);
    if (!card.hidden) shown += 1;
  }
  count.textContent = text ? `${shown} of ${label(cards.length)}` : `Total ${label(cards.length)}`;
}

// A page that was searched on the server has only the plans it found.
if (search && cards.length === Number(count?.dataset.total)) search.addEventListener("input", filter);

/** The open plan stands in the address, so that a reload and the way back find it open. */
function remember(card) {
  const url = new URL(location.href);
  if (card.open) url.searchParams.set("plan", card.dataset.plan);
  else if (url.searchParams.get("plan") === card.dataset.plan) url.searchParams.delete("plan");
  history.replaceState(null, "", url);
}

function showFolding() {
  if (!foldAll) return;
  foldAll.hidden = cards.length < 2;
  foldAll.textContent = cards.every((card) => card.open) ? "Fold all" : "Open all";
}

for (const card of cards) {
  card.addEventListener("toggle", () => {
    remember(card);
    showFolding();
  });
}
foldAll?.addEventListener("click", () => {
  const open = !cards.every((card) => card.open);
  for (const card of cards) card.open = open;
});
showFolding();

// Whoever follows a link to a plan is at that plan; whoever comes back is where he was.
const asked = new URL(location.href).searchParams.get("plan");
const linked = performance.getEntriesByType("navigation")[0]?.type === "navigate" && cards.find((card) => card.dataset.plan === asked);
if (linked) {
  linked.scrollIntoView({ block: "start" });
  linked.querySelector("summary").focus({ preventScroll: true });
}

// Dialogs

function fillSelect(select, values) {
  select.replaceChildren(...values.map((value) => new Option(value, value)));
}

function fill(dialog, values) {
  const form = dialog.querySelector("form");
  form.reset();
  delete form.dataset.warned;
  if (form.dataset.base) form.action = `${form.dataset.base}${values.action}${form.dataset.then}`;
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLSelectElement && Array.isArray(value)) fillSelect(field, value);
    else if (field instanceof HTMLElement && typeof value === "string") field.value = value;
    for (const slot of form.querySelectorAll(`[data-slot="${name}"]`)) slot.textContent = value;
  }
  for (const part of form.querySelectorAll("[data-when]")) part.hidden = !values[part.dataset.when];
  for (const field of form.querySelectorAll("[data-required-when]")) {
    field.required = Boolean(values[field.dataset.requiredWhen]);
  }
  for (const select of form.querySelectorAll("[data-without]")) {
    for (const option of select.options) option.disabled = option.value === values[select.dataset.without];
    const other = form.querySelector(select.dataset.or);
    const demand = () => {
      select.required = Boolean(values.used) && !other.checked;
      select.disabled = other.checked;
    };
    other.onchange = demand;
    demand();
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-modal-open][data-fill]");
  if (opener) fill(document.getElementById(opener.dataset.modalOpen), JSON.parse(opener.dataset.fill));
});

// Import

const importForm = document.getElementById("import-form");
const preview = document.getElementById("import-preview");

const paragraph = (text, kind = "") => element("p", { class: kind }, text);

function list(title, entries) {
  if (entries.length === 0) return [];
  const items = element("ul", {}, ...entries.map((entry) => element("li", {}, entry)));
  return [element("details", {}, element("summary", {}, `${title} (${entries.length})`), items)];
}

let newestFile = 0;

async function showPreview(file) {
  const mine = (newestFile += 1); // the answer about a file that was given up is for nobody
  const button = importForm.querySelector("[type=submit]");
  preview.replaceChildren();
  button.disabled = false;
  if (!file) return;
  button.disabled = true;
  preview.replaceChildren(paragraph("Looking at the file…", "u-text-muted"));
  try {
    const found = await call("POST", `${importForm.dataset.endpoint}?dry_run=true`, await file.text());
    if (mine !== newestFile) return;
    const of = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
    const plans = `New: ${of(found.plans_imported, "plan term")} and ${of(found.features_imported, "option")}.`;
    const known = `Already here and left as they are: ${of(found.plans_skipped, "plan term")} and ${of(found.features_skipped, "option")}.`;
    const wrong = list("Cannot be imported", found.errors);
    if (wrong[0]) wrong[0].open = true;
    preview.replaceChildren(
      paragraph(plans),
      paragraph(known, "u-text-muted"),
      ...wrong,
      ...list("New plan terms", found.new_plans),
      ...list("New options", found.new_options),
    );
    button.disabled = found.plans_imported + found.features_imported === 0;
  } catch (error) {
    if (mine !== newestFile) return;
    preview.replaceChildren(paragraph(error.message, "form-group__error"));
  }
}

importForm?.querySelector("[type=file]").addEventListener("change", (event) => showPreview(event.target.files[0]));

ready();
