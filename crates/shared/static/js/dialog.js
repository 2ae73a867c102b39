// Dialogs. What a `.modal` is, how it keeps the focus and how it closes is the gateway's part; here is what happens in one.

import { element } from "./dom.js";
import { busy } from "./page.js";

export const open = (modal) => modal.classList.add("active");
export const close = (modal) => modal.classList.remove("active");

/** Runs `work` whenever a dialog has been opened or closed, by whatever. */
export function watch(modal, { opened = () => {}, closed = () => {} }) {
  let was = modal.classList.contains("active");
  new MutationObserver(() => {
    const is = modal.classList.contains("active");
    if (is === was) return;
    was = is;
    (is ? opened : closed)();
  }).observe(modal, { attributeFilter: ["class"] });
}

const submitOf = (form) => [...form.elements].find((field) => field.type === "submit");

/** Shows the problem of a form in the form; none takes it away. */
export function tell(form, text = "") {
  const place = form.querySelector("[data-problem]");
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

/** Runs `work` on submit: once at a time, on filled fields only, with its problem shown in the form. */
export function onSubmit(form, work, { words = (error) => error.message } = {}) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    tell(form);
    if (!form.reportValidity()) return;
    await busy(submitOf(form), async () => {
      try {
        await work(form);
      } catch (error) {
        tell(form, words(error));
      }
    });
  });
}

// One dialog for all questions, made when the first one is asked.

let question;

function made() {
  const parts = {
    title: element("h2", { class: "modal__title" }),
    text: element("p", { class: "modal__lost" }),
    label: element("label", { class: "form-group__label", for: "ask-word" }),
    word: element("input", { class: "form-group__input", id: "ask-word", autocomplete: "off", autocapitalize: "none", spellcheck: "false" }),
    problem: element("p", { class: "form-group__error", role: "alert", "data-problem": true, hidden: true }),
    yes: element("button", { type: "submit" }),
  };
  const cross = element("button", { type: "button", class: "modal__close", "aria-label": "Close" }, element("i", { "data-lucide": "x" }));
  parts.typed = element("div", { class: "form-group" }, parts.label, parts.word);
  parts.form = element(
    "form",
    {},
    element("div", { class: "modal__header" }, parts.title, cross),
    element("div", { class: "modal__body" }, parts.text, parts.typed, parts.problem),
    element("div", { class: "modal__footer" }, element("button", { type: "button", class: "btn", "data-modal-close": true }, "Cancel"), parts.yes),
  );
  parts.form.noValidate = true;
  parts.modal = element("div", { class: "modal modal--small", id: "ask" }, element("div", { class: "modal__dialog" }, parts.form));
  document.body.append(parts.modal);
  parts.word.addEventListener("input", () => fits(parts));
  onSubmit(parts.form, async () => {
    const { work, settle } = question;
    const done = await work();
    settle(done ?? true);
    close(parts.modal);
  }, { words: (error) => question.words(error) });
  watch(parts.modal, { closed: () => question.settle(undefined) });
  return parts;
}

function fits({ yes, word }) {
  yes.disabled = Boolean(question.expected) && word.value.trim() !== question.expected;
}

let dialog;

/**
 * Asks before something is done; with `word`, it has to be typed. `work` runs while the dialog is open, which shows its problem
 * and can be tried again. Gives back what `work` does (true for nothing), or undefined when nobody wanted it.
 */
export function ask({ title, text, yes = "Go on", danger = false, word = "" }, work = async () => true, { words = (error) => error.message } = {}) {
  dialog ??= made();
  return new Promise((settle) => {
    question = { work, settle, words, expected: word };
    dialog.title.textContent = title;
    dialog.text.textContent = text;
    dialog.text.className = danger ? "modal__lost" : "";
    dialog.typed.hidden = !word;
    dialog.label.replaceChildren("Type ", element("strong", {}, word), " to confirm");
    dialog.word.value = "";
    dialog.yes.textContent = yes;
    dialog.yes.className = danger ? "btn btn--danger" : "btn btn--primary";
    tell(dialog.form);
    fits(dialog);
    open(dialog.modal);
  });
}
