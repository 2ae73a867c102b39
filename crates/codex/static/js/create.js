// Dialogs that make a record by hand: they send the filled fields and lead to the new record's page.

import { busy, call, sayHere, sayThere } from "./call.js";
import { picker, rowsOf } from "./picker.js";

sayHere(); // of a record that was deleted

for (const form of document.querySelectorAll("form[data-create]")) {
  const modal = form.closest(".modal");
  const error = form.querySelector(".form-group__error");
  const submit = modal.querySelector("[type=submit]");
  const pickers = [...form.querySelectorAll("[data-picks]")].map((element) => {
    const { picks, kind, source } = element.dataset;
    const single = "single" in element.dataset;
    const find = async (text) => rowsOf[kind](await call("GET", `${source}?per_page=50&search=${encodeURIComponent(text)}`));
    return { name: picks, single, pick: picker(element, find, { single }) };
  });
  const opened = new MutationObserver(() => {
    if (modal.classList.contains("active")) for (const { pick } of pickers) pick.show();
  });
  opened.observe(modal, { attributeFilter: ["class"] });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    const body = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim() && !name.startsWith("picker-")) body[name] = value.trim();
    }
    for (const { name, single, pick } of pickers) {
      const values = pick.values();
      if (values.length > 0) body[name] = single ? values[0] : values;
    }
    const missing = form.querySelector(":invalid:not(fieldset)");
    if (missing) return fail(missing.validationMessage, missing);
    await busy(submit, async () => {
      try {
        const made = await call("POST", form.dataset.create, body);
        sayThere(made.message);
        location.assign(`${form.dataset.then}${made.id}`);
      } catch (problem) {
        fail(problem.message);
      }
    });
  });

  function fail(text, field) {
    error.textContent = field ? `${form.querySelector(`label[for="${field.id}"]`)?.textContent.replace(" *", "") ?? ""}: ${text}` : text;
    error.hidden = false;
    field?.focus();
  }
}
