// Account numbers that no company has any more.

import { own } from "./call.js";
import { ask } from "./dialog.js";
import { ready, reload } from "./page.js";

ready();

for (const form of document.querySelectorAll("[data-carry]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = form.querySelector("[data-problem]");
    const chosen = form.elements.to.selectedOptions[0];
    problem.hidden = Boolean(chosen.value);
    problem.textContent = "Choose the company that has another number now.";
    if (!chosen.value) return;
    const from = form.dataset.carry;
    const done = await ask(
      { title: `Carry ${from} over to ${chosen.textContent}?`, text: "Conditions, devices, people and line items count for that company from now on. This is kept in the history.", yes: "Carry Over" },
      () => own("POST", "/api/accounts/carry-over", { from, to: chosen.value }),
    );
    if (done) await reload(`${done.message}.`);
  });
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-forget]");
  if (!button) return;
  const number = button.dataset.forget;
  const done = await ask(
    { title: `Delete what is kept under ${number}?`, text: "Conditions, devices, people and line items of this number are removed. Archived invoices stay.", yes: "Delete", danger: true },
    () => own("DELETE", `/api/accounts/unknown/${encodeURIComponent(number)}`),
  );
  if (done) await reload(`${done.message}.`);
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-take-back]");
  if (!button) return;
  const { takeBack: number, now } = button.dataset;
  const done = await ask(
    { title: `Take ${number} back from ${now}?`, text: `What went along counts for ${number} again, and so do its archived months. What was added to ${now} since stays there. This is kept in the history.`, yes: "Take Back" },
    () => own("DELETE", `/api/accounts/renames/${encodeURIComponent(number)}`),
  );
  if (done) await reload(`${done.message}.`);
});
