// An archived invoice: what is taken off it is a credit note; it goes out by mail.

import { own } from "./call.js";
import { onSubmit } from "./dialog.js";
import { ready, reload } from "./page.js";

ready();

const form = document.getElementById("credit-form");

if (form) {
  const { line_item: line, description, amount, reason } = form.elements;

  line.addEventListener("change", () => {
    const chosen = line.selectedOptions[0];
    if (!line.value) return;
    amount.value = chosen.dataset.amount;
    description.value = chosen.textContent.split(" – ")[0];
  });

  onSubmit(form, async () => {
    const taken = { description: description.value, amount: amount.value };
    if (line.value) taken.line_item = Number(line.value);
    const path = `/archive/api/snapshot/${encodeURIComponent(form.dataset.number)}/credit-notes`;
    const note = await own("POST", path, { reason: reason.value, lines: [taken] });
    await reload(`Credit note ${note.number} is issued.`);
  });
}

const mail = document.getElementById("mail-form");

if (mail) {
  onSubmit(mail, async () => {
    const { to, text } = mail.elements;
    const path = `/archive/api/snapshot/${encodeURIComponent(mail.dataset.number)}/mails`;
    const { message } = await own("POST", path, { to: to.value, text: text.value });
    await reload(`${message}.`);
  });
}
