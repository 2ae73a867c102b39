// What all pages do: say what happened, keep buttons from being pressed twice, and look after what is not saved.

let leaving = false;

/** Says `text` in a toast; `kind` is success, error, warning or info. */
export function say(kind, text) {
  globalThis.hivematrix?.say?.(kind, text);
}

/** Says what must not be missed: the toast stays until somebody closes it. */
export function warn(text) {
  globalThis.hivematrix?.say?.("warning", text)?.setAttribute("data-stays", "");
}

/** Shows what needs a script below `root`. */
export function showScripted(root = document) {
  for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
}

/** Shows what needs a script, and says what the page before left to say. */
export function ready() {
  showScripted();
  sayHere();
}

/** Runs `work` while `button` cannot be pressed again; a failure is said, and the answer is undefined then. */
export async function busy(button, work) {
  if (button.disabled) return undefined;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    say("error", error.message);
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

const SAID = "hivematrix-said";

function sayThere(text) {
  try {
    if (text) sessionStorage.setItem(SAID, text);
  } catch {
    // without storage the next page says nothing, and shows the change all the same
  }
}

/** Says what the page before left to say, once the gateway's script, which shows it, is there. */
function sayHere() {
  if (!globalThis.hivematrix?.say && document.readyState !== "complete") {
    addEventListener("load", sayHere, { once: true });
    return;
  }
  try {
    const text = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
    if (text) say("success", text);
  } catch {
    // as above
  }
}

/** Goes to another page, which says `text`. Never ends, so that whoever waits for it stays busy until this page is gone. */
export function leave(address, text) {
  leaving = true;
  sayThere(text);
  location.assign(address);
  return new Promise(() => {});
}

/** Shows this page anew, which says `text`; as `leave`. */
export function reload(text) {
  leaving = true;
  sayThere(text);
  location.reload();
  return new Promise(() => {});
}

/** Asks before the page is left while `isUnsaved` says so. */
export function guard(isUnsaved) {
  addEventListener("beforeunload", (event) => {
    if (!leaving && isUnsaved()) event.preventDefault();
  });
}

/** A form that the browser itself sends: its own page is left knowingly. */
export function sending() {
  leaving = true;
}

// A page that comes back as it was left is as old as that, and its buttons may still be busy.
addEventListener("pageshow", (event) => {
  if (event.persisted && leaving) location.reload();
  leaving = false;
});
