// The page of a contact: editing in place, merging with another record.

import { call } from "./call.js";
import { onSubmit, tell, watch } from "./dialog.js";
import { guard, leave, ready, reload } from "./page.js";
import { picker, rowsOf } from "./picker.js";

ready();

const form = document.getElementById("contact");
const edit = document.getElementById("edit");
const save = document.getElementById("save");
const TEXTS = [
  "first_name", "last_name", "email", "secondary_emails", "job_title", "mobile_phone_number", "work_phone_number",
  "location_name", "time_zone", "address", "background_information",
];
const BOXES = ["active", "vip_user", "is_agent"];
const field = (name) => form.elements.namedItem(name);

const companiesBox = document.getElementById("companies");
const assetsBox = document.getElementById("assets");
const search = (source, kind, query) => call("GET", `${source}?${new URLSearchParams(query)}`).then(rowsOf[kind]);
const companies = picker(companiesBox, (text) => search(companiesBox.dataset.source, "companies", { per_page: 50, search: text }), {
  changed: () => assets.show(),
});
const assets = picker(assetsBox, async (text) => {
  const chosen = companies.values();
  if (chosen.length === 0) throw new Error("Choose companies first.");
  const lists = await Promise.all(
    chosen.slice(0, 10).map((company) => search(assetsBox.dataset.source, "assets", { per_page: 50, search: text, company })),
  );
  return lists.flat();
});

const picked = () => ({ companies: companies.values().sort().join(), assets: assets.values().sort().join() });
let before;

function filled() {
  const body = {};
  for (const name of TEXTS) body[name] = field(name).value;
  for (const name of BOXES) body[name] = field(name).checked;
  return body;
}

/** Only what differs from what the page showed, so that nobody else's change is undone. */
function changes() {
  const now = filled();
  const body = Object.fromEntries(Object.entries(now).filter(([name, value]) => before.fields[name] !== value));
  // The name follows both names when the last one is sent.
  if ("first_name" in body) body.last_name = now.last_name;
  const links = picked();
  if (links.companies !== before.picked.companies) body.company_account_numbers = companies.values();
  if (links.assets !== before.picked.assets) body.asset_ids = assets.values().map(Number);
  const released = [...form.querySelectorAll("#release input:checked")].map((box) => box.value);
  if (released.length > 0) body.release_fields = released;
  return body;
}

const editing = () => !save.closest(".edit-mode").hidden;
const unsaved = () => before !== undefined && editing() && Object.keys(changes()).length > 0;

function toggle(on) {
  for (const element of form.querySelectorAll(".view-mode")) element.hidden = on;
  for (const element of form.querySelectorAll(".edit-mode")) element.hidden = !on;
}

edit.addEventListener("click", () => {
  toggle(true);
  before = { fields: filled(), picked: picked() };
  companies.show();
  assets.show();
  field("first_name").focus();
});

document.getElementById("cancel").addEventListener("click", () => reload());

onSubmit(form, async () => {
  if (!editing()) return;
  const body = changes();
  if (Object.keys(body).length === 0) {
    toggle(false);
    edit.focus();
    return;
  }
  const { message } = await call("PUT", form.dataset.endpoint, body);
  await reload(message);
});

guard(unsaved);

// Merging

const dialog = document.getElementById("merge-dialog");
const mergeForm = document.getElementById("merge-form");
const keep = document.getElementById("merge-keep");
const lost = document.getElementById("merge-lost");
const submit = document.getElementById("merge-submit");
const other = picker(document.getElementById("merge-other"), async (text) => {
  if (!text) return [];
  const rows = await search(dialog.dataset.source, "contacts", { per_page: 20, search: text, show_inactive: 1 });
  return rows.filter((row) => String(row.value) !== dialog.dataset.contact);
}, { single: true, changed: explain });

/** Says what would be lost. */
function explain() {
  const chosen = document.querySelector("#merge-other input:checked");
  submit.disabled = !chosen;
  keep.hidden = lost.hidden = !chosen;
  if (!chosen) return;
  const [who, , address] = document.querySelector(`#merge-other label[for="${chosen.id}"]`).childNodes;
  const name = `${who.textContent} (${address.textContent})`;
  document.querySelector("label[for=keep-other]").textContent = name;
  const mine = `${dialog.dataset.name} (${dialog.dataset.email})`;
  const [gone, stays] = mergeForm.elements.keep.value === "this" ? [name, mine] : [mine, name];
  lost.textContent =
    `The record ${gone} is removed. Its companies, devices and addresses go to ${stays}; fields that are empty there are ` +
    "filled. Tickets keep what they say of their requester. This cannot be undone.";
}

watch(dialog, {
  opened: () => {
    tell(mergeForm);
    mergeForm.reset();
    other.reset();
  },
});
keep.addEventListener("change", explain);
onSubmit(mergeForm, async () => {
  const [chosen] = other.values();
  const [from, into] = mergeForm.elements.keep.value === "this" ? [chosen, dialog.dataset.contact] : [dialog.dataset.contact, chosen];
  const { message } = await call("POST", `${dialog.dataset.merge}${from}/merge`, { into: Number(into) });
  return leave(`${dialog.dataset.page}${into}`, message);
});
