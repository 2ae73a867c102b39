// Forms in dialogs, and what a page does once its scripts run.

import { sayHere } from "./call.js";

/** Shows what needs a script, and says what the page before left to say. */
export function ready() {
  for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
  sayHere();
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
