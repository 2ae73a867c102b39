// Calls of JSON routes: the answer, or an error with a sentence for people.

/** The prefix of the service behind the gateway, from where this file lies; empty on direct access. */
export const base = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** A call that failed: its status (0 without an answer) and the problem document. The message is for people. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.error ?? `The server answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** Sends `body` as JSON, or as it is when it is text or a file; gives back the status and what the server answers, or throws `Refused`. */
export async function request(method, address, body, { signal } = {}) {
  let response;
  try {
    response = await fetch(address, {
      method,
      signal,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        "X-Requested-With": "XMLHttpRequest",
        ...(body === undefined ? {} : { "Content-Type": body instanceof Blob ? body.type : "application/json" }),
      },
      body: body === undefined || typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "The server cannot be reached." });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return { status: response.status, answer };
  // With `success` it is a refusal of the identity provider that the service passes on: this session goes on.
  if (response.status === 401 && answer.success === undefined) {
    throw new Refused(401, { ...answer, detail: "Your session has ended. Sign in again in another tab, then repeat." });
  }
  throw new Refused(response.status, answer);
}

/** As `request`, of which only the answer is wanted. */
export async function call(method, address, body, how) {
  return (await request(method, address, body, how)).answer;
}

/** A call to the service this page is of: `path` begins below its prefix. */
export const own = (method, path, body) => call(method, base + path, body);

/** Reads a page again; the parts of it that changed are taken from what this gives back. */
export async function fetchPage(address, { signal } = {}) {
  let response;
  try {
    response = await fetch(address, {
      signal,
      credentials: "same-origin",
      headers: { Accept: "text/html", "X-Requested-With": "XMLHttpRequest" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { detail: "The server cannot be reached." });
  }
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return new DOMParser().parseFromString(await response.text(), "text/html");
}
