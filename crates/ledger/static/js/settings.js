// The settings of a client: each card saves by itself and leaves the others as they are; what is not saved shows its effect.

import { call, fetchPage } from "./call.js";
import { ask } from "./dialog.js";
import { element } from "./dom.js";
import { busy, guard, ready, say } from "./page.js";

const WAIT_MS = 400;
const $ = (id) => document.getElementById(id);
const changed = new Set();

ready();
arrange(document);

function arrange(root) {
  for (const form of root.querySelectorAll("form[data-line-item]")) showKind(form);
  for (const select of root.querySelectorAll("[data-type]")) showCost(select);
}

// Fields that depend on others.

function showKind(form) {
  const kind = form.elements.line_item_type.value;
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind;
}

function showCost(select) {
  const cost = select.closest("tr").querySelector("input[type=number]");
  cost.disabled = select.value !== "Custom";
}

// Long lists.

function filter(id) {
  const words = document.querySelector(`[data-find="${id}"]`).value.trim().toLowerCase();
  const only = document.querySelector(`[data-only="${id}"]`).checked;
  for (const row of $(id).rows) {
    const fits = row.dataset.text.includes(words) && (!only || row.querySelector("[data-type]").value !== "");
    row.hidden = !fits;
  }
}

function setAll(select) {
  const { value } = select;
  if (value === "-") return;
  select.value = "-";
  for (const row of $(select.dataset.bulk).rows) {
    if (row.hidden) continue;
    const type = row.querySelector("[data-type]");
    type.value = value;
    showCost(type);
  }
  touched(select.form);
}

// What is not saved.

function touched(form) {
  changed.add(form.dataset.save);
  const note = form.querySelector("[data-unsaved]");
  if (note) note.hidden = false;
  if (form.hasAttribute("data-preview")) preview();
}

guard(() => changed.size > 0);

let timer;
let running = 0;

function preview() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const turn = ++running;
    const fields = {};
    for (const form of document.querySelectorAll("form[data-preview]")) Object.assign(fields, fieldsOf(form));
    const live = $("effect-live");
    try {
      const { preview: total, change } = await call("POST", $("effect").dataset.previewUrl, fields);
      if (turn !== running) return;
      live.querySelector("[data-effect-total]").textContent = amount(total);
      const words = change === null ? "" : `${change > 0 ? "+" : ""}${amount(change)}`;
      live.querySelector("[data-effect-change]").textContent = words;
    } catch (error) {
      if (turn !== running) return;
      live.querySelector("[data-effect-total]").textContent = "–";
      live.querySelector("[data-effect-change]").textContent = error.message;
    }
    live.hidden = false;
  }, WAIT_MS);
}

/** As the page writes amounts. */
function amount(number) {
  const digits = Math.abs(number).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${number < 0 ? "-" : ""}${$("effect").dataset.sign}${digits}`;
}

/** The fields of a form; a cost whose type does not use it is kept as it is. */
function fieldsOf(form) {
  const fields = Object.fromEntries(new FormData(form));
  for (const cost of form.querySelectorAll("input[type=number]:disabled")) fields[cost.name] = cost.value;
  return fields;
}

// Saving.

async function send(form, fields) {
  const response = await fetch(form.getAttribute("action"), {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "text/html", "X-Requested-With": "XMLHttpRequest" },
    body: new URLSearchParams(fields),
  });
  const kind = response.headers.get("content-type") ?? "";
  if (!kind.startsWith("text/html")) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail ?? problem.error ?? `The server answered ${response.status}.`);
  }
  return { ok: response.ok, page: new DOMParser().parseFromString(await response.text(), "text/html") };
}

/** Puts the parts of an answer in place of those of this page. */
function place(page, ids) {
  for (const id of ids) {
    const fresh = page.getElementById(id);
    if (!fresh) continue;
    $(id).replaceWith(fresh);
    arrange(fresh);
    for (const hidden of fresh.querySelectorAll("[data-needs-script]")) hidden.hidden = false;
  }
}

async function save(form, fields, parts) {
  const { ok, page } = await send(form, fields);
  if (!ok) {
    place(page, parts);
    const fault = $(parts[0]).querySelector(".form-group__error");
    fault?.closest("tr, .form-group")?.querySelector("input, select")?.focus();
    throw new Error("Not saved: what is wrong stands beside the fields.");
  }
  for (const part of parts) changed.delete(part);
  place(page, [...parts, "history-part"]);
  const stored = page.getElementById("effect").querySelector(".card__body > div").cloneNode(true);
  $("effect").querySelector(".card__body > div").replaceWith(stored);
  if (document.querySelector("[data-preview] [data-unsaved]:not([hidden])")) preview();
  else $("effect-live").hidden = true;
  say("success", page.querySelector(".toast__text")?.textContent ?? "Saved.");
  return true;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-save]");
  if (!form) return;
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("[type=submit]");
  const fields = { ...fieldsOf(form), action: button.value };
  const work = async () => {
    await save(form, fields, [form.dataset.save]);
    if (form.dataset.undo) offerUndo(form);
    return true;
  };
  if (form.dataset.confirm) {
    await ask({ title: button.textContent.trim(), text: form.dataset.confirm, yes: button.textContent.trim(), danger: true }, work);
  } else {
    await busy(button, work);
  }
});

/** What was deleted can be added again, until its part is saved the next time. */
function offerUndo(deleted) {
  const { undo, save: part, name } = deleted.dataset;
  const { action: again, ...fields } = JSON.parse(undo);
  const button = element("button", { class: "btn btn--small", type: "submit", name: "action", value: again }, "Undo");
  const form = element(
    "form",
    { class: "alert alert--info", method: "post", action: deleted.getAttribute("action"), "data-save": part },
    element("div", { class: "alert__content", role: "status" }, element("p", { class: "alert__message" }, `${name} is deleted.`)),
    ...Object.entries(fields).map(([field, value]) => element("input", { type: "hidden", name: field, value })),
    button,
  );
  $(part).prepend(form);
  button.focus();
}

// The form of a line item takes the place of the one that adds.

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-edit-item]");
  if (!link) return;
  event.preventDefault();
  await busy(link, async () => {
    place(await fetchPage(link.href), ["items-part"]);
    changed.delete("items-part");
    $("line_item_name").focus();
  });
});

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-find]")) return filter(target.dataset.find);
  const form = target.closest("form[data-save]");
  if (form && !target.matches("[data-only], [data-bulk]")) touched(form);
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-only]")) filter(target.dataset.only);
  else if (target.matches("[data-bulk]")) setAll(target);
  else if (target.matches("[data-type]")) showCost(target);
  else if (target.name === "line_item_type") showKind(target.form);
});

$("save-all").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, () => {
    const fields = { action: "save_overrides" };
    for (const form of document.querySelectorAll("#rates-part form:not([data-confirm]), #features-part form, #assets-part form, #users-part form")) {
      Object.assign(fields, fieldsOf(form));
    }
    return save($("rates-form"), fields, ["rates-part", "features-part", "assets-part", "users-part"]);
  }),
);
