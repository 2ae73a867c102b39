// The list of companies: adding one by hand.

import { call, sayThere } from "./call.js";
import { onSubmit, ready } from "./forms.js";

ready();
const fields = document.querySelector("#company-new form");
if (fields) {
  onSubmit(fields, async () => {
    const added = await call("POST", fields.dataset.endpoint, Object.fromEntries(new FormData(fields)));
    sayThere(`${added.name} was added`);
    location.assign(`${fields.dataset.pages}${encodeURIComponent(added.account_number)}`);
  });
}
