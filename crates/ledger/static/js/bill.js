// A bill becomes final.

import { own } from "./call.js";
import { onSubmit } from "./dialog.js";
import { ready, reload } from "./page.js";

ready();

const form = document.getElementById("accept-form");

if (form) {
  onSubmit(form, async () => {
    const { account, year, monthNumber, total } = form.dataset;
    let answer;
    try {
      answer = await own("POST", "/api/bill/accept", {
        account_number: account,
        year: Number(year),
        month: Number(monthNumber),
        notes: form.elements.notes.value,
        // What is archived is what was shown.
        expected_total: total,
      });
    } catch (error) {
      // Somebody else was faster: the page shows what is in the archive.
      if (error.status === 409 && error.problem.invoice_number) await reload("This bill has already been archived.");
      // It is another bill by now: the page shows which, before anybody accepts it.
      if (error.status === 409 && error.problem.total_amount !== undefined) await reload(error.message);
      throw error;
    }
    await reload(`${answer.message}: ${answer.invoice_number}.`);
  });
}
