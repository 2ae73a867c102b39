// The review page: decisions, each a JSON call, and the question leaves the page.

import { call } from "./call.js";
import { close, onSubmit, open, tell } from "./dialog.js";
import { busy, ready, reload, say } from "./page.js";
import { picker, rowsOf } from "./picker.js";

const api = document.getElementById("review-script").dataset.api;
const count = document.getElementById("review-count");
const dialogs = Object.fromEntries(["dismiss", "merge", "link"].map((name) => [name, document.getElementById(`${name}-dialog`)]));
const forms = Object.fromEntries(["dismiss", "merge", "link"].map((name) => [name, document.getElementById(`${name}-form`)]));
const items = () => document.querySelectorAll("[data-item]");
let total = Number(count.dataset.total);
let current; // the question a dialog is about

const itemOf = (button) => button.closest("[data-item]");
const detailOf = (item) => item.querySelector(".user-item__name").textContent;

function about(item, name) {
  current = item;
  tell(forms[name]);
  open(dialogs[name]);
}

async function decide(item, what, body, said) {
  const done = await call("POST", `${api}${item.dataset.item}/${what}`, body);
  for (const dialog of Object.values(dialogs)) close(dialog);
  total -= 1;
  // The page has only the first questions: when they are decided, the next ones come.
  if (total > 0 && items().length === 1) return reload(done.message ?? said);
  say("success", done.message ?? said);
  return leave(item);
}

/** How many there are, and of more than the page shows the part that it does. */
function counted(left) {
  const questions = total === 1 ? "open question" : "open questions";
  if (total === 0) return "Nothing left to decide";
  return left < total ? `The first ${left} of ${total} ${questions}` : `${total} ${questions}`;
}

/** Takes a decided question out of the page; the focus goes to the next one. */
function leave(item) {
  const group = item.closest("[data-group]");
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  count.textContent = counted(items().length);
  const here = group.querySelectorAll("[data-item]").length;
  if (here === 0) group.remove();
  else group.querySelector("[data-group-count]").textContent = here;
  (next ?? count).focus();
}
count.tabIndex = -1;
ready();

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const item = button && itemOf(button);
  if (!item) return;
  const { dataset } = button;
  if ("same" in dataset) busy(button, () => decide(item, "merge", {}));
  else if ("link" in dataset) busy(button, () => decide(item, "link", { account_number: dataset.link }));
  else if ("dismiss" in dataset) {
    dialogs.dismiss.querySelector(".modal__title").textContent = dataset.dismiss;
    dialogs.dismiss.querySelector("[type=submit]").textContent = dataset.dismiss;
    document.getElementById("dismiss-what").textContent = detailOf(item);
    forms.dismiss.reset();
    forms.dismiss.dataset.resolution = dataset.dismiss.toLowerCase();
    about(item, "dismiss");
  } else if ("merge" in dataset) {
    forms.merge.reset();
    for (const side of ["one", "two"]) {
      forms.merge.querySelector(`#merge-${side}`).value = dataset[side];
      forms.merge.querySelector(`label[for=merge-${side}]`).textContent = dataset[`${side}Name`];
    }
    about(item, "merge");
  } else if ("choose" in dataset) {
    document.getElementById("link-what").textContent = detailOf(item);
    companies.reset(); // the choice for another site must not be taken for this one
    companies.show();
    about(item, "link");
  }
});

onSubmit(forms.dismiss, () => {
  const { resolution } = forms.dismiss.dataset;
  const note = forms.dismiss.elements.note.value.trim();
  return decide(current, "resolve", { resolution, note: note || null }, "Decided");
});

onSubmit(forms.merge, () => decide(current, "merge", { into: Number(forms.merge.elements.into.value) }));

const linkButton = dialogs.link.querySelector("[type=submit]");
const companies = picker(document.getElementById("link-company"), async (text) => {
  return rowsOf.companies(await call("GET", `${dialogs.link.dataset.source}?per_page=50&search=${encodeURIComponent(text)}`));
}, {
  single: true,
  changed: (chosen) => {
    linkButton.disabled = chosen.length === 0;
  },
});

onSubmit(forms.link, () => {
  const [number] = companies.values();
  return decide(current, "link", { account_number: number });
});
