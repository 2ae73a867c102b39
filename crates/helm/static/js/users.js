// The users page: users are made, changed and removed at the identity provider through Helm's JSON routes. The server draws
// list and history; after a change both are read again, so that the page never shows what it only hopes for.

import { base, fetchPage, request } from "./call.js";
import { ask, close, onSubmit, open, tell, watch } from "./dialog.js";
import { busy, ready, say, showScripted, warn } from "./page.js";

const list = document.getElementById("users");
const changes = document.getElementById("history");
const [createDialog, editDialog, resetDialog] = ["create", "edit", "reset"].map((id) => document.getElementById(id));
let current = null;

/** A call to the realm. What was done may come with a warning. */
async function realm(method, path, body) {
  const { status, answer } = await request(method, `${base}/api/keycloak${path}`, body);
  if (answer.warning) warn(answer.warning);
  return { status, ...answer };
}
const user = (id, rest = "") => `/users/${encodeURIComponent(id)}${rest}`;

/** The address of the list, without the dialog that may be open. */
function listAddress() {
  const address = new URL(location.href);
  address.searchParams.delete("edit");
  address.searchParams.delete("new");
  return address;
}

/** Says in the address which dialog is open, so that a link leads there. */
function remember(name, value) {
  const address = listAddress();
  if (name) address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

/** Reads list and history again. What was done is done, even where that fails. */
async function refresh() {
  try {
    const fresh = await fetchPage(listAddress());
    for (const part of [list, changes]) {
      const next = fresh.getElementById(part.id);
      if (next) part.replaceChildren(...next.childNodes);
      showScripted(part);
    }
  } catch (error) {
    warn(`The list could not be read again. ${error.message}`);
  }
}

/** The table is drawn anew after a change: whoever leaves the dialogs about a user is back at that row. */
function backToRow() {
  setTimeout(() => {
    if (document.activeElement !== document.body || !current) return;
    const row = list.querySelector(`[data-edit="${CSS.escape(current.user.id)}"]`);
    (row ?? document.getElementById("new-user")).focus();
  });
}

/** What went wrong, with what the realm said where it said something. */
function words(error) {
  const { message, problem } = error;
  const text = problem?.details && !message.includes(problem.details) ? `${message}: ${problem.details}` : message;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const boxesOf = (form) => [...form.querySelectorAll("[name=groups]")];
const groupsOf = (form) => boxesOf(form).filter((box) => box.checked).map((box) => box.value);

function submits(dialog, work) {
  const form = dialog.querySelector("form");
  onSubmit(form, work, { words });
  return form;
}

// New

const create = submits(createDialog, async (form) => {
  const { username, email, firstName, lastName, password, enabled, temporary } = form.elements;
  const name = username.value.trim();
  const made = await realm("POST", "/users", {
    username: name,
    email: email.value.trim(),
    emailVerified: true, // an administrator who types it vouches for it
    firstName: firstName.value.trim(),
    lastName: lastName.value.trim(),
    enabled: enabled.checked,
    password: password.value,
    temporary: temporary.checked,
    groups: groupsOf(form),
  });
  current = made.id ? { user: { id: made.id, username: name }, groups: [] } : null;
  await refresh();
  close(createDialog);
  form.reset();
  say("success", `${name} was created.`);
});

function openCreate() {
  create.reset();
  tell(create);
  open(createDialog);
}
document.getElementById("new-user").addEventListener("click", openCreate);
watch(createDialog, { opened: () => remember("new", "1"), closed: () => { remember(); backToRow(); } });

// Change

const text = (value) => value ?? "";

/** What of the user's own members is not as it was. */
function changed({ email, firstName, lastName, enabled }, before) {
  const change = {};
  for (const field of [email, firstName, lastName]) {
    if (field.value.trim() !== text(before[field.name])) change[field.name] = field.value.trim();
  }
  if ("email" in change) change.emailVerified = true;
  if (enabled.checked !== before.enabled) change.enabled = enabled.checked;
  return change;
}

const edit = submits(editDialog, async (form) => {
  const { user: before, groups } = current;
  const shown = boxesOf(form).map((box) => box.value);
  const now = groupsOf(form);
  const change = changed(form.elements, before);
  const steps = [];
  if (Object.keys(change).length > 0) steps.push(["account", () => realm("PUT", user(before.id), change)]);
  if (shown.some((name) => now.includes(name) !== groups.includes(name))) {
    // Groups that the dialog does not show stay as they are.
    const others = groups.filter((name) => !shown.includes(name));
    steps.push(["groups", () => realm("PUT", user(before.id, "/groups"), { groups: [...now, ...others] })]);
  }
  const failed = [];
  for (const [what, step] of steps) {
    try {
      const done = await step();
      if (done.success === false) failed.push(`${what}: ${done.errors.join(", ")}`);
    } catch (error) {
      failed.push(`${what}: ${words(error)}`);
    }
  }
  if (steps.length > 0) await refresh();
  if (failed.length > 0) {
    const saved = steps.length > failed.length ? "Saved in part. " : "";
    await load(before.id).catch(() => {}); // what was not saved is told all the same
    tell(form, `${saved}Not saved: ${failed.join("; ")}`);
    return;
  }
  close(editDialog);
  if (steps.length > 0) say("success", `${before.username} was saved.`);
});

async function load(id) {
  const [{ user: found }, { groups }] = await Promise.all([realm("GET", user(id)), realm("GET", user(id, "/groups"))]);
  current = { user: found, groups: groups.map((group) => group.name) };
  const { username, email, firstName, lastName, enabled } = edit.elements;
  username.value = found.username;
  email.value = text(found.email);
  firstName.value = text(found.firstName);
  lastName.value = text(found.lastName);
  enabled.checked = found.enabled;
  for (const box of boxesOf(edit)) box.checked = current.groups.includes(box.value);
  document.getElementById("delete-user").hidden = found.username.toLowerCase() === "admin";
}

async function openEdit(id) {
  tell(edit);
  try {
    await load(id);
  } catch (error) {
    if (error.status === 404) throw new Error("This user is no longer there.");
    throw error;
  }
  open(editDialog);
}

list.addEventListener("click", (event) => {
  const link = event.target.closest("[data-edit]");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  busy(link, () => openEdit(link.dataset.edit));
});
watch(editDialog, { opened: () => remember("edit", current.user.id), closed: () => { remember(); backToRow(); } });

// Remove

document.getElementById("delete-user").addEventListener("click", () => {
  const { id, username } = current.user;
  close(editDialog);
  const lost = "The account is removed and signed out everywhere. What the user did stays in logs and histories.";
  const asked = ask({ title: `Delete ${username}?`, text: lost, yes: "Delete", danger: true, word: username }, async () => {
    await realm("DELETE", user(id));
    await refresh();
    say("success", `${username} was deleted.`);
  }, { words });
  asked.then(backToRow);
});

// Password

const reset = submits(resetDialog, async (form) => {
  const { password, again, temporary } = form.elements;
  if (password.value !== again.value) throw new Error("The two passwords differ.");
  await realm("POST", user(current.user.id, "/reset-password"), { password: password.value, temporary: temporary.checked });
  await refresh();
  say("success", `${current.user.username} has a new password.`);
  close(resetDialog);
});

document.getElementById("reset-user").addEventListener("click", () => {
  close(editDialog);
  reset.reset();
  tell(reset);
  document.getElementById("reset-name").textContent = current.user.username;
  open(resetDialog);
});
// Whoever leaves the password is back at the user.
watch(resetDialog, { closed: () => open(editDialog) });

ready();

// A link may name the dialog.
const asked = new URL(location.href).searchParams;
if (asked.has("edit")) openEdit(asked.get("edit")).catch((error) => { remember(); say("error", words(error)); });
else if (asked.has("new")) openCreate();
