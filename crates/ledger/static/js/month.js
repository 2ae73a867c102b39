// The choice of a month: a choice is enough, nobody has to press the button.

for (const button of document.querySelectorAll("[data-month-go]")) button.hidden = true;

document.addEventListener("change", ({ target }) => {
  target.closest("form[data-month]")?.requestSubmit();
});
