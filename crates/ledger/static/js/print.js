// Paper shows the bill itself: rows that are folded are there, what is for the screen alone is not.

let changed = [];

function turn(elements, hidden) {
  for (const element of elements) {
    if (element.hidden === hidden) continue;
    element.hidden = hidden;
    changed.push(element);
  }
}

addEventListener("beforeprint", () => {
  turn(document.querySelectorAll("main tbody[hidden]"), false);
  turn(document.querySelectorAll("[data-not-printed]"), true);
});

addEventListener("afterprint", () => {
  for (const element of changed) element.hidden = !element.hidden;
  changed = [];
});

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
