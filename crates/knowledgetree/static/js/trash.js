// The trash: what was deleted comes back, or goes for ever.

import * as api from "./api.js";
import { ask, close, onSubmit, open, tell } from "./dialog.js";
import { busy, ready, reload } from "./page.js";
import { localise } from "./time.js";

ready();
localise();

const modal = document.getElementById("restore-modal");
const form = document.getElementById("restore-form");
let restoring;

async function restore({ trashId: id, name }) {
  try {
    await api.restore(id);
  } catch (error) {
    if (!error.problem?.existing_id) throw error;
    restoring = id;
    document.getElementById("restore-words").textContent = `Where it was, another item is called ${name} now.`;
    form.elements.name.value = `${name} (restored)`;
    tell(form);
    open(modal);
    return;
  }
  await reload(`${name} is back.`);
}

document.addEventListener("click", async ({ target }) => {
  const row = target.closest("[data-trash-id]");
  const back = target.closest("[data-restore]");
  if (back) busy(back, () => restore(row.dataset));
  if (!target.closest("[data-purge]")) return;
  const { trashId, name } = row.dataset;
  const done = await ask(
    { title: `Delete ${name} for ever?`, text: "It goes with all that was in it: texts, versions and files. Nothing brings it back.", yes: "Delete for ever", danger: true },
    () => api.purge(trashId),
  );
  if (done) await reload(`${name} is deleted for ever.`);
});

if (form) {
  onSubmit(form, async ({ elements }) => {
    const name = elements.name.value.trim();
    await api.restore(restoring, name);
    close(modal);
    await reload(`${name} is back.`);
  });
}
