// What the admin page shows and does not ask for: counts, states, the schedule. After a change the server draws it again,
// and what somebody is typing elsewhere on the page stays.

import { fetchPage } from "./call.js";
import { localise } from "./time.js";

/** Takes every part marked data-part from the page as it is now. */
export async function redraw() {
  const fresh = await fetchPage(location.pathname);
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!next) continue;
    const chosen = part.value;
    part.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
    if (part.matches("select")) part.value = chosen;
    localise(part);
  }
}
