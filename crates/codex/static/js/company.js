// The page of a company: editing it, its locations, and removing it. Only what somebody changed is sent, so that everything
// else goes on following the PSA.

import { call, sayThere } from "./call.js";
import { onSubmit, ready } from "./forms.js";
import "./time.js";

const form = document.getElementById("company-form");
const endpoint = form.dataset.endpoint;
const edit = document.getElementById("editBtn");

ready();
if (edit) editing();
if (document.getElementById("location-dialog")) locations();
if (document.getElementById("company-remove")) removing();

/** Shows what was just done, from the server. */
function reload(text) {
  sayThere(text);
  location.reload();
}

function editing() {
  const save = document.getElementById("saveBtn");
  const problem = document.getElementById("company-error");
  const controls = [...form.querySelectorAll("[data-edit] [name]")];
  const features = [...form.querySelectorAll("[data-feature]")];
  const before = new Map([...controls, ...features].map((control) => [control, control.value]));
  const changed = (control) => control.value !== before.get(control);
  const control = (name) => form.elements[name];
  let leaving = false;
  edit.hidden = false;

  edit.addEventListener("click", () => {
    edit.hidden = true;
    for (const element of form.querySelectorAll("[data-view]")) element.hidden = true;
    for (const element of form.querySelectorAll("[data-edit]")) element.hidden = false;
    control("name").focus();
  });

  document.getElementById("cancelBtn").addEventListener("click", () => {
    leaving = true;
    location.reload();
  });

  addEventListener("beforeunload", (event) => {
    if (!leaving && edit.hidden && [...before.keys()].some(changed)) event.preventDefault();
  });

  // A plan brings its support level and its features with it.
  for (const name of ["billing_plan", "contract_term_length"]) control(name).addEventListener("change", followPlan);
  async function followPlan() {
    const plan = control("billing_plan").value;
    const term = control("contract_term_length").value || "Month to Month";
    if (!plan) return;
    const address = `${form.dataset.plans}/${encodeURIComponent(plan)}/${encodeURIComponent(term)}`;
    const response = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok) return; // the plan is not listed: it brings nothing
    const found = await response.json();
    const level = control("support_level");
    if (![...level.options].some((option) => option.value === found.support_level)) level.add(new Option(found.support_level));
    level.value = found.support_level;
    for (const select of features) {
      select.value = "";
      form.querySelector(`[data-plan-value="${CSS.escape(select.dataset.feature)}"]`).textContent = found.features?.[select.dataset.feature] || "Not Included";
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (save.disabled) return;
    const body = {};
    for (const element of controls.filter(changed)) body[element.name] = element.value.trim();
    if ("domains" in body) body.domains = JSON.stringify(body.domains.split(/[\s,]+/).filter(Boolean));
    if (features.some(changed)) body.feature_overrides = Object.fromEntries(features.filter((select) => select.value).map((select) => [select.dataset.feature, select.value]));
    if (!Object.keys(body).length) {
      leaving = true;
      return location.reload();
    }
    save.disabled = true;
    problem.hidden = true;
    try {
      const answer = await call("PUT", `${endpoint}/update`, body);
      leaving = true;
      reload(answer.message);
    } catch (error) {
      save.disabled = false;
      problem.textContent = `Not saved: ${error.message}`;
      problem.hidden = false;
      problem.scrollIntoView({ block: "center" });
    }
  });

  form.addEventListener("click", (event) => {
    const follow = event.target.closest("[data-follow]");
    if (!follow) return;
    confirm(`${follow.dataset.label}: give up the value that was entered here, and follow the PSA again?`, "Follow the PSA", async () => {
      const answer = await call("DELETE", `${endpoint}/edited/${encodeURIComponent(follow.dataset.follow)}`);
      leaving = true;
      reload(answer.message);
    });
  });
}

/** Asks in a dialog; `work` runs once the answer is yes. */
let confirmed = async () => {};
function confirm(question, yes, work) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("[data-question]").textContent = question;
  dialog.querySelector("[type=submit]").textContent = yes;
  dialog.querySelector("[data-problem]").hidden = true;
  confirmed = work;
  dialog.classList.add("active");
}

function locations() {
  const dialog = document.getElementById("location-dialog");
  const fields = dialog.querySelector("form");
  let id = "";
  onSubmit(document.querySelector("#confirm-dialog form"), () => confirmed());

  form.addEventListener("click", (event) => {
    const open = event.target.closest("[data-location]");
    const remove = event.target.closest("[data-remove-location]");
    const item = event.target.closest("[data-location-id]")?.dataset;
    if (open) {
      id = open.dataset.location;
      const words = id ? "Save Location" : "Add Location";
      dialog.querySelector(".modal__title").textContent = id ? "Edit Location" : words;
      fields.querySelector("[type=submit]").textContent = words;
      fields.querySelector("[data-problem]").hidden = true;
      fields.elements.name.value = item?.name ?? "";
      fields.elements.address.value = item?.address ?? "";
      fields.elements.phone_number.value = item?.phone ?? "";
      dialog.classList.add("active");
    } else if (remove) {
      confirm(`Remove the location “${item.name}”?`, "Remove", async () => {
        const answer = await call("DELETE", `${endpoint}/locations/${item.locationId}`);
        reload(answer.message);
      });
    }
  });

  onSubmit(fields, async () => {
    const body = Object.fromEntries(new FormData(fields));
    if (id) await call("PUT", `${endpoint}/locations/${id}`, body);
    else await call("POST", `${endpoint}/locations`, body);
    reload(id ? "Location saved" : "Location added");
  });
}

function removing() {
  const fields = document.querySelector("#company-remove form");
  const typed = document.getElementById("remove-name");
  const button = fields.querySelector("[type=submit]");
  const same = () => typed.value.trim() === fields.dataset.name.trim();
  typed.addEventListener("input", () => { button.disabled = !same(); });
  onSubmit(fields, async () => {
    if (!same()) return;
    const answer = await call("DELETE", `${fields.dataset.remove}?name=${encodeURIComponent(typed.value.trim())}`);
    sayThere(answer.message);
    location.assign(fields.dataset.back);
  });
}
