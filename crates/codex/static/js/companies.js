// The list of companies: adding one by hand.

import { call, onSubmit, ready, sayNext } from "./call.js";

ready();
const fields = document.querySelector("#company-new form");
if (fields) {
  onSubmit(fields, async () => {
    const added = await call("POST", fields.dataset.endpoint, Object.fromEntries(new FormData(fields)));
    sayNext(`${added.name} was added`);
    location.assign(`${fields.dataset.pages}${encodeURIComponent(added.account_number)}`);
  });
}
