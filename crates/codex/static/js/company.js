// The page of a company: editing it, and its locations. Only what somebody changed is sent, so that everything
// else goes on following the PSA.

import { call } from "./call.js";
import { ask, onSubmit, open, tell } from "./dialog.js";
import { guard, ready, reload } from "./page.js";
import "./time.js";

const form = document.getElementById("company-form");
const endpoint = form.dataset.endpoint;
const edit = document.getElementById("editBtn");

ready();
if (edit) editing();
if (document.getElementById("location-dialog")) locations();

function editing() {
  const controls = [...form.querySelectorAll("[data-edit] [name]")];
  const features = [...form.querySelectorAll("[data-feature]")];
  const before = new Map([...controls, ...features].map((control) => [control, control.value]));
  const changed = (control) => control.value !== before.get(control);
  const control = (name) => form.elements[name];
  edit.hidden = false;

  edit.addEventListener("click", () => {
    edit.hidden = true;
    for (const element of form.querySelectorAll("[data-view]")) element.hidden = true;
    for (const element of form.querySelectorAll("[data-edit]")) element.hidden = false;
    control("name").focus();
  });

  document.getElementById("cancelBtn").addEventListener("click", () => reload());
  const unsaved = () => edit.hidden && [...before.keys()].some(changed);
  guard(unsaved);

  // A plan brings its support level and its features with it.
  for (const name of ["billing_plan", "contract_term_length"]) control(name).addEventListener("change", followPlan);
  async function followPlan() {
    const plan = control("billing_plan").value;
    const term = control("contract_term_length").value || "Month to Month";
    if (!plan) return;
    const address = `${form.dataset.plans}/${encodeURIComponent(plan)}/${encodeURIComponent(term)}`;
    const found = await call("GET", address).catch(() => null);
    if (!found) return; // the plan is not listed: it brings nothing
    const level = control("support_level");
    if (![...level.options].some((option) => option.value === found.support_level)) level.add(new Option(found.support_level));
    level.value = found.support_level;
    for (const select of features) {
      select.value = "";
      form.querySelector(`[data-plan-value="${CSS.escape(select.dataset.feature)}"]`).textContent = found.features?.[select.dataset.feature] || "Not Included";
    }
  }

  onSubmit(form, async () => {
    const body = {};
    for (const element of controls.filter(changed)) body[element.name] = element.value.trim();
    if ("domains" in body) body.domains = JSON.stringify(body.domains.split(/[\s,]+/).filter(Boolean));
    if (features.some(changed)) body.feature_overrides = Object.fromEntries(features.filter((select) => select.value).map((select) => [select.dataset.feature, select.value]));
    if (!Object.keys(body).length) return reload();
    const { message } = await call("PUT", `${endpoint}/update`, body);
    return reload(message);
  });

  form.addEventListener("click", (event) => {
    const follow = event.target.closest("[data-follow]");
    if (!follow) return;
    const { follow: field, label } = follow.dataset;
    const lost = unsaved() ? " What is not saved on this page is lost." : "";
    const text = `The value that was entered here is given up. The next sync brings that of the PSA.${lost}`;
    ask({ title: `${label}: follow the PSA again?`, text, yes: "Follow the PSA" }, async () => {
      const { message } = await call("DELETE", `${endpoint}/edited/${encodeURIComponent(field)}`);
      return reload(message);
    });
  });
}

function locations() {
  const dialog = document.getElementById("location-dialog");
  const fields = dialog.querySelector("form");
  let id = "";

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-location]");
    const remove = event.target.closest("[data-remove-location]");
    const item = event.target.closest("[data-location-id]")?.dataset;
    if (button) {
      id = button.dataset.location;
      const words = id ? "Save Location" : "Add Location";
      dialog.querySelector(".modal__title").textContent = id ? "Edit Location" : words;
      fields.querySelector("[type=submit]").textContent = words;
      tell(fields);
      fields.elements.name.value = item?.name ?? "";
      fields.elements.address.value = item?.address ?? "";
      fields.elements.phone_number.value = item?.phone ?? "";
      open(dialog);
    } else if (remove) {
      ask({ title: `Remove ${item.name}?`, text: `The location is removed: ${item.address || "it has no address"}.`, yes: "Remove", danger: true }, async () => {
        const { message } = await call("DELETE", `${endpoint}/locations/${item.locationId}`);
        return reload(message);
      });
    }
  });

  onSubmit(fields, async () => {
    const body = Object.fromEntries(new FormData(fields));
    if (id) await call("PUT", `${endpoint}/locations/${id}`, body);
    else await call("POST", `${endpoint}/locations`, body);
    return reload(id ? "Location saved" : "Location added");
  });
}
