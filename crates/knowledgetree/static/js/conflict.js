// Two people have changed one article: the second one is told, sees both texts, and decides.

import * as api from "./api.js";
import { close, open, tell, watch } from "./dialog.js";
import { hunksOf, showDiff } from "./diff.js";
import { busy } from "./page.js";
import { byId } from "./place.js";
import { moment } from "./time.js";

const modal = byId("conflict-modal");
const WAYS = { "conflict-theirs": "theirs", "conflict-copy": "copy", "conflict-merge": "merge" };
let settle = () => {};
let attempt = async () => {};

const markdownOf = async (text, format) =>
  format === "html" ? (await api.convert(text, "html", "markdown")).content : text;

/**
 * Shows what they have and what is mine, and waits for a decision: `theirs`, `copy` or `merge`, or nothing where somebody only closes the
 * dialog. `work` does it while the dialog is open, which shows its problem.
 */
export async function decide({ mine, format, theirs, work }) {
  const theirText = await markdownOf(theirs.content, theirs.content_format ?? "markdown");
  const myText = await markdownOf(mine, format);
  const who = theirs.updated_by ? `${theirs.updated_by} has` : "Somebody has";
  const when = theirs.updated_at ? ` (${moment(theirs.updated_at)})` : "";
  byId("conflict-words").textContent = `${who} saved this article while you were writing${when}. Nothing of yours is lost or saved yet. Lines with − are theirs only, lines with + are yours only.`;
  showDiff(byId("conflict-diff"), hunksOf(theirText, myText), "Both texts are the same.");
  tell(modal);
  attempt = (way) => work(way, theirText);
  open(modal);
  return new Promise((done) => {
    settle = done;
  });
}

if (modal) {
  watch(modal, { closed: () => settle(undefined) });
  modal.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    const way = WAYS[button?.id];
    if (!way) return;
    busy(button, async () => {
      try {
        await attempt(way);
      } catch (error) {
        tell(modal, error.message);
        return;
      }
      settle(way);
      close(modal);
    });
  });
}
