// Orders to services. Where something is lost it is asked first; an order is sent once, and a toast tells how it went. The buttons
// are a form: without scripts it leads to the page of the service, which asks.

import { own } from "./call.js";
import { ask } from "./dialog.js";
import { say } from "./page.js";

const DONE = { start: "started", stop: "stopped", restart: "restarted" };
/** Answers of a gateway that cannot reach Helm, and none at all: whoever restarts the gateway cuts the way of the answer. */
const CUT = [0, 502, 503, 504];
const PATIENCE_MS = 30000;
const PAUSE_MS = 1000;

const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));

/** Waits until Helm answers again, and sees by the process whether the restart was carried out. */
async function carriedOut(name, before) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    await pause();
    const status = await own("GET", `/api/services/${name}/status`).catch(() => null);
    if (status?.state === "running" && String(status.pid) !== before) return true;
  }
  return false;
}

async function send(word, { orders: name, pid }) {
  try {
    await own("POST", `/api/services/${name}/${word}`);
  } catch (error) {
    if (word === "stop" || !CUT.includes(error.status) || !(await carriedOut(name, pid))) throw error;
  }
}

function isBusy(form) {
  return form.getAttribute("aria-busy") === "true";
}

/** Buttons of a busy form stay where the focus is, and do nothing. */
function setBusy(form, pressed, is) {
  form.setAttribute("aria-busy", String(is));
  for (const button of form.elements) button.setAttribute("aria-disabled", String(is));
  pressed.setAttribute("aria-busy", String(is));
}

async function carryOut(form, button, after) {
  const { title } = form.dataset;
  const word = button.value;
  setBusy(form, button, true);
  try {
    await send(word, form.dataset);
    await after(`${title} was ${DONE[word]}.`, form);
  } catch (error) {
    say("error", `${title} was not ${DONE[word]}. ${error.message}`);
    await after("", form);
  } finally {
    setBusy(form, button, false);
  }
}

/** Shows the buttons that make sense for a process, or none. */
export function fit(form, pid) {
  form.dataset.pid = pid ?? "";
  const focused = document.activeElement;
  for (const button of form.elements) button.hidden = (button.value === "start") !== (pid === undefined);
  if (form.contains(focused) && focused.hidden) [...form.elements].find((button) => !button.hidden).focus();
}

/** Carries the orders of a page out. `after` is told what was done, in a sentence that is empty when it failed. */
export function onOrders(after) {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-orders]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter;
    if (isBusy(form) || button.hidden) return;
    if (button.value !== "start") {
      const word = button.firstChild.textContent;
      const { title } = form.dataset;
      const { means, danger } = button.dataset;
      const yes = await ask({ title: `${word} ${title}?`, text: means, yes: `${word} ${title}`, danger: danger !== undefined });
      if (!yes) return;
    }
    await carryOut(form, button, after);
  });
}
