// The settings forms of the admin page: only what changed is sent, every refused value is named at its field.

import { redraw } from "./admin-parts.js";
import { base, own } from "./call.js";
import { ask, open } from "./dialog.js";
import { element } from "./dom.js";
import { busy, guard, ready, reload, say } from "./page.js";

const valueOf = (input) => (input.type === "checkbox" ? input.checked : input.value.trim());
const inputs = (form) => [...form.querySelectorAll("[data-key]")].filter((input) => !input.disabled);

function remember(form) {
  for (const input of inputs(form)) input.dataset.was = String(valueOf(input));
}

const changed = (form) => inputs(form).filter((input) => String(valueOf(input)) !== input.dataset.was);

const forms = [...document.querySelectorAll("form[data-section]")];

function clearErrors(form) {
  for (const text of form.querySelectorAll(".form-group__error")) text.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function showErrors(form, errors) {
  let first = null;
  for (const [path, sentence] of Object.entries(errors)) {
    const [section, key] = path.split(".");
    const input = section === form.dataset.section ? form.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    if (!input) {
      say("error", `${path}: ${sentence}`);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    const group = input.closest(".form-group");
    const text = element("p", { class: "form-group__error", id: `${input.id}-error` }, sentence);
    group.append(text);
    input.setAttribute("aria-errormessage", text.id);
    first ??= input;
  }
  first?.focus();
}

async function save(form) {
  clearErrors(form);
  const values = Object.fromEntries(changed(form).map((input) => [input.dataset.key, valueOf(input)]));
  const status = form.querySelector("[role=status]");
  if (Object.keys(values).length === 0) {
    status.textContent = "Nothing has changed.";
    return;
  }
  try {
    await own("PUT", "/api/admin/settings", { [form.dataset.section]: values });
  } catch (error) {
    if (!error.problem?.errors) throw error;
    status.textContent = "Not saved.";
    showErrors(form, error.problem.errors);
    return;
  }
  status.textContent = "Saved. Holds from now on.";
  for (const input of form.querySelectorAll("input[type=password]")) input.value = "";
  remember(form);
  // Another provider changes names all over the page, but nothing that is typed in other forms may be lost for that.
  if (["psa", "rmm"].includes(form.dataset.section) && !forms.some((other) => changed(other).length)) {
    location.hash = form.dataset.section;
    await reload("Settings saved.");
  }
  say("success", "Settings saved.");
  await redraw();
}

for (const form of forms) {
  remember(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(form.querySelector("button[type=submit]"), () => save(form));
  });
  form.addEventListener("input", () => {
    form.querySelector("[role=status]").textContent = changed(form).length ? "Unsaved changes" : "";
  });
}

guard(() => forms.some((form) => changed(form).length));

for (const button of document.querySelectorAll("[data-test]")) {
  button.addEventListener("click", () =>
    busy(button, async () => {
      const status = button.parentElement.querySelector("[role=status]");
      const form = button.closest("form[data-section]");
      if (form && changed(form).length) {
        status.textContent = "Save first: the test uses what is stored.";
        return;
      }
      status.textContent = "Asking…";
      const { provider, system } = { provider: button.dataset.test, system: button.dataset.system };
      const tested = await own("POST", "/api/admin/test-connection", { provider, system }).catch((error) => {
        status.textContent = "";
        throw error;
      });
      status.textContent = `${tested.success ? "✓" : "✗"} ${tested.message} (${tested.latency_ms} ms)`;
    }),
  );
}

for (const code of document.querySelectorAll("[data-address]")) {
  code.textContent = `${location.origin}${base}${code.dataset.address}`;
}

document.getElementById("new-secret")?.addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const text = "The secret that is in use now stops working at once. Webhooks are refused until the vendor has the new one.";
  if (button.dataset.had === "true" && !(await ask({ title: "Generate a new secret?", text, yes: "Generate" }))) return;
  await busy(button, async () => {
    const made = await own("POST", "/api/admin/webhook-secret");
    document.getElementById("secret-value").value = made.secret;
    button.dataset.had = "true";
    open(document.getElementById("secret"));
    await redraw();
  });
});

// Data: the word to type is that of the chosen kind.
const clear = document.getElementById("clear");
const type = document.getElementById("data-type");
const typed = document.getElementById("data-confirm");
const remove = clear.querySelector("button");
// Without this script the word is typed in the form; a dialog can also say what will be lost.
for (const element of [typed, ...typed.labels]) element.hidden = true;
typed.disabled = true;
const check = () => (remove.disabled = !type.value);
check();
type.addEventListener("change", check);
clear.addEventListener("submit", (event) => {
  event.preventDefault();
  const word = type.value;
  const what = type.selectedOptions[0].textContent;
  const text = `Removed from Codex: ${what}. A copy of every row is written to the instance directory first.`;
  ask({ title: "Delete this data?", text, yes: "Delete", danger: true, word }, async () => {
    const { message } = await own("POST", "/api/admin/clear-data", { data_type: word, confirm: word });
    return reload(message);
  });
});

ready();
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
