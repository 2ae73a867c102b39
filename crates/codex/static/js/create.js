// Dialogs that make a record by hand: they send the filled fields and lead to the new record's page.

import { call } from "./call.js";
import { onSubmit, watch } from "./dialog.js";
import { leave } from "./page.js";
import { picker, rowsOf } from "./picker.js";

for (const form of document.querySelectorAll("form[data-create]")) {
  const pickers = [...form.querySelectorAll("[data-picks]")].map((element) => {
    const { picks, kind, source } = element.dataset;
    const single = "single" in element.dataset;
    const find = async (text) => rowsOf[kind](await call("GET", `${source}?per_page=50&search=${encodeURIComponent(text)}`));
    return { name: picks, single, pick: picker(element, find, { single }) };
  });
  watch(form.closest(".modal"), { opened: () => pickers.forEach(({ pick }) => pick.show()) });

  onSubmit(form, async () => {
    const body = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim() && !name.startsWith("picker-")) body[name] = value.trim();
    }
    for (const { name, single, pick } of pickers) {
      const values = pick.values();
      if (values.length > 0) body[name] = single ? values[0] : values;
    }
    const made = await call("POST", form.dataset.create, body);
    const id = made.id ?? encodeURIComponent(made.account_number);
    return leave(`${form.dataset.then}${id}`, made.message ?? `${made.name} was added`);
  });
}
