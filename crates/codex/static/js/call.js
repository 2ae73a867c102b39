// Calls of the JSON routes, and what goes wrong with them as a sentence.

/** Sends a call; gives back the answer's JSON, or throws an Error whose message is for people. */
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
  if (!response.ok) {
    const error = new Error(answer.detail ?? answer.error ?? answer.title ?? `The server answered HTTP ${response.status}.`);
    error.status = response.status;
    throw error;
  }
  return answer;
}

/** Says a sentence now, or after the page that comes next has loaded. */
export const say = (kind, text) => window.hivematrix?.say(kind, text);

export function sayNext(text) {
  try {
    sessionStorage.setItem("codex.say", text);
  } catch {
    // storage is switched off: the page itself shows what was saved
  }
}

/** Shows what needs a script, and says what the page before wanted to say. */
export function ready() {
  for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
  try {
    const text = sessionStorage.getItem("codex.say");
    sessionStorage.removeItem("codex.say");
    if (text) whenSpoken(() => say("success", text));
  } catch {
    // as above
  }
}

function whenSpoken(speak) {
  if (window.hivematrix?.say || document.readyState === "complete") speak();
  else addEventListener("load", speak, { once: true });
}

/** Runs `work` on submit: once at a time, with its problem shown in the form. */
export function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const problem = form.querySelector("[data-problem]");
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    problem.hidden = true;
    try {
      await work();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    button.removeAttribute("aria-busy");
    button.disabled = false;
  });
}
