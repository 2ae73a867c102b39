// Calls of JSON routes: the answer, or an error with a sentence for people.

/** A call that failed: its status (0 without an answer) and the problem document. The message is for people. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.error ?? `The server answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** Sends `body` as JSON, or as it is when it is text; gives back the status and what the server answers, or throws `Refused`. */
export async function request(method, address, body) {
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
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, { detail: "The server cannot be reached." });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return { status: response.status, answer };
  if (response.status === 401) {
    throw new Refused(401, { ...answer, detail: "Your session has ended. Sign in again in another tab, then repeat." });
  }
  throw new Refused(response.status, answer);
}

/** As `request`, of which only the answer is wanted. */
export async function call(method, address, body) {
  return (await request(method, address, body)).answer;
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
