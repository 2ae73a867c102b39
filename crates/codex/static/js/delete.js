// A button that deletes a record: asks with what will be lost, and leads to what is left.

import { call } from "./call.js";
import { ask } from "./dialog.js";
import { leave } from "./page.js";

for (const button of document.querySelectorAll("[data-delete]")) {
  const { delete: endpoint, title, lost, yes, word, then } = button.dataset;
  button.addEventListener("click", () =>
    ask({ title, text: lost, yes, danger: true, word }, async () => {
      const address = word ? `${endpoint}?name=${encodeURIComponent(word)}` : endpoint;
      const { message } = await call("DELETE", address);
      return leave(then, message);
    }),
  );
}
