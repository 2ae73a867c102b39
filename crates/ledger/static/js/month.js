// The choice of a month: a choice is enough, nobody has to press the button.

for (const form of document.querySelectorAll("form[data-month]")) {
  form.querySelector("[data-month-go]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}
