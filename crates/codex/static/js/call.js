// Calls of JSON routes: the answer, or an error with a sentence for people.

/** Sends `body` as JSON and gives back what the server answers. */
export async function call(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        "X-Requested-With": "XMLHttpRequest",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401) throw new Error("Your session has ended. Sign in again in another tab, then repeat.");
  throw new Error(answer.detail ?? answer.error ?? `The server answered ${response.status}.`);
}

/** Runs `work` while `button` cannot be pressed again; a failure is said, and the answer is undefined then. */
export async function busy(button, work) {
  if (button.disabled) return undefined;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    window.hivematrix?.say("error", error.message);
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

const SAID = "codex-said";

/** Says `text` on the page that comes next. */
export function sayThere(text) {
  try {
    sessionStorage.setItem(SAID, text);
  } catch {
    // without storage the next page says nothing, and shows the change all the same
  }
}

/** Says what the page before left to say, once the gateway's script, which shows it, is there. */
export function sayHere() {
  if (!window.hivematrix?.say && document.readyState !== "complete") {
    addEventListener("load", sayHere, { once: true });
    return;
  }
  try {
    const text = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
    if (text) window.hivematrix?.say("success", text);
  } catch {
    // as above
  }
}
