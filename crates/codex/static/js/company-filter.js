// The filter by company of a list, where there are more companies than a select can hold: one is found by its name and becomes
// a choice of the select, which the list reads as ever.

import { call } from "./call.js";
import { close, onSubmit, watch } from "./dialog.js";
import { picker, rowsOf } from "./picker.js";

const dialog = document.getElementById("company-filter");
const form = document.getElementById("company-filter-form");
const choice = document.getElementById("company-filter-choice");
const show = dialog.querySelector("[type=submit]");
const select = document.querySelector("#list-form select[name=company]");

const companies = picker(choice, async (text) => {
  return rowsOf.companies(await call("GET", `${dialog.dataset.source}?per_page=50&search=${encodeURIComponent(text)}`));
}, {
  single: true,
  changed: (chosen) => {
    show.disabled = chosen.length === 0;
  },
});

watch(dialog, {
  opened: () => {
    companies.reset();
    companies.show();
  },
});

onSubmit(form, () => {
  const [number] = companies.values();
  const name = choice.querySelector("input:checked + label").firstChild.textContent.trim();
  if (![...select.options].some((option) => option.value === number)) select.add(new Option(name, number));
  select.value = number;
  close(dialog);
  select.dispatchEvent(new Event("change", { bubbles: true }));
});
