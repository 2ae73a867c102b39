// The agents page: platform users, made and changed at the identity provider through Helm, then read again by Codex.

import { own, fetchPage, request } from "./call.js";
import { ask, close, onSubmit, open, tell, watch } from "./dialog.js";
import { busy, ready, say, showScripted, warn } from "./page.js";
import { localise } from "./time.js";

/** Helm's routes for the users of the realm; behind the gateway they are beside Codex. What was done may come with a warning. */
const realm = async (method, path, body) => {
  const { status, answer } = await request(method, `/helm/api/keycloak${path}`, body);
  if (answer.warning) warn(answer.warning);
  return { status, ...answer };
};
const user = (id, rest = "") => `/users/${encodeURIComponent(id)}${rest}`;

const users = document.getElementById("users");
const [createDialog, editDialog, resetDialog] = ["create", "edit", "reset"].map((id) => document.getElementById(id));
let current = null;

/** Reads the page again and takes its table. */
async function refresh() {
  const fresh = (await fetchPage(location.pathname)).getElementById("users");
  if (fresh) users.replaceChildren(...fresh.childNodes);
  showScripted(users);
  localise(users);
}

/** The table is drawn anew after a change: whoever leaves the dialogs about a user is back at that row. */
function backToRow() {
  setTimeout(() => {
    if (document.activeElement !== document.body) return;
    users.querySelector(`[data-edit="${CSS.escape(current.agent.keycloak_id)}"]`)?.focus();
  });
}

/** Lets Codex read the realm, and says what came of it when somebody asked for that. */
async function sync(told) {
  const done = await own("POST", "/api/agents/sync");
  await refresh();
  const text = `${done.synced} users: ${done.created} new, ${done.updated} updated, ${done.disabled} disabled.`;
  if (done.errors) say("error", `Some users could not be stored. ${done.errors.join("; ")}`);
  else if (told) say("success", text);
  return done;
}

/** What went wrong, with what Keycloak said where it said something. */
function words(error) {
  const { message, problem } = error;
  const text = problem?.details && !message.includes(problem.details) ? `${message}: ${problem.details}` : message;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const groupsOf = (form) => [...form.querySelectorAll("[name=groups]:checked")].map((box) => box.value);

function submits(dialog, work) {
  const form = dialog.querySelector("form");
  onSubmit(form, work, { words });
  return form;
}

document.getElementById("sync-users").addEventListener("click", () => {
  const text = "Reads all users of Keycloak. Users who are gone there are disabled here; preferences stay.";
  ask({ title: "Sync from Keycloak?", text, yes: "Sync" }, () => sync(true), { words });
});

// New

const create = submits(createDialog, async (form) => {
  const { username, email, firstName, lastName, password, temporary } = form.elements;
  const [name, theme] = [username.value.trim(), form.elements.theme.value];
  const made = await realm("POST", "/users", {
    username: name,
    email: email.value.trim(),
    emailVerified: true, // an administrator who types it vouches for it
    firstName: firstName.value.trim(),
    lastName: lastName.value.trim(),
    enabled: true,
    password: password.value,
    temporary: temporary.checked,
    groups: groupsOf(form),
  });
  const failed = [];
  await sync(false).catch((error) => failed.push(`the users could not be read again (${words(error)})`));
  if (theme !== "light") await setTheme(made.id, name, theme).catch((error) => failed.push(`the theme was not set (${words(error)})`));
  close(createDialog);
  form.reset();
  if (failed.length) warn(`${name} was created, but not all is done: ${failed.join("; ")}`);
  else say("success", `${name} was created.`);
});

/** The theme of a new user, whose id the realm need not have told. */
async function setTheme(id, name, theme) {
  const same = ({ username }) => username.toLowerCase() === name.toLowerCase();
  const known = id ?? (await own("GET", "/api/agents")).agents.find(same)?.keycloak_id;
  if (!known) throw new Error("The user is not in the list yet.");
  await own("PUT", `/api/agents/${encodeURIComponent(known)}/settings`, { theme_preference: theme });
}

document.getElementById("new-user").addEventListener("click", () => {
  create.reset();
  tell(create);
  open(createDialog);
});

// Change

const edit = submits(editDialog, async (form) => {
  const { firstName, lastName, enabled, theme } = form.elements;
  const { agent, groups } = current;
  const now = groupsOf(form);
  const others = groups.filter((name) => !["admins", "technicians", "billing"].includes(name));
  const steps = [];
  if (firstName.value.trim() !== (agent.first_name ?? "") || lastName.value.trim() !== (agent.last_name ?? "") || enabled.checked !== agent.enabled) {
    const change = { firstName: firstName.value.trim(), lastName: lastName.value.trim(), enabled: enabled.checked };
    steps.push(["names and account", () => realm("PUT", user(agent.keycloak_id), change)]);
  }
  if (theme.value !== agent.theme_preference) {
    steps.push(["theme", () => own("PUT", `/api/agents/${encodeURIComponent(agent.keycloak_id)}/settings`, { theme_preference: theme.value })]);
  }
  if (["admins", "technicians", "billing"].some((name) => now.includes(name) !== groups.includes(name))) {
    steps.push(["groups", () => realm("PUT", user(agent.keycloak_id, "/groups"), { groups: [...now, ...others] })]);
  }
  if (steps.length === 0) {
    close(editDialog);
    return;
  }
  const failed = [];
  for (const [what, step] of steps) {
    try {
      const done = await step();
      if (done.status === 207 || done.success === false) failed.push(`${what}: ${(done.errors ?? [done.message]).join(", ")}`);
    } catch (error) {
      failed.push(`${what}: ${words(error)}`);
    }
  }
  const unread = await sync(false).then(() => "", words);
  if (unread) warn(`The users could not be read again: ${unread}`);
  if (failed.length) {
    const saved = steps.length > failed.length ? "Saved in part. " : "";
    await load(agent.keycloak_id).catch(() => {}); // what was not saved is told all the same
    tell(form, `${saved}Not saved: ${failed.join("; ")}`);
    return;
  }
  close(editDialog);
  say("success", `${agent.username} was saved.`);
});

async function load(id) {
  const [agent, { groups }] = await Promise.all([
    own("GET", `/api/agents/${encodeURIComponent(id)}`),
    realm("GET", user(id, "/groups")).catch((error) => {
      if (error.status !== 404) throw error;
      throw new Error("This user is no longer in Keycloak. The row stays for its history, disabled.");
    }),
  ]);
  current = { agent, groups: groups.map((group) => group.name) };
  const { username, email, firstName, lastName, theme, enabled } = edit.elements;
  username.value = agent.username;
  email.value = agent.email ?? "";
  firstName.value = agent.first_name ?? "";
  lastName.value = agent.last_name ?? "";
  theme.value = agent.theme_preference;
  enabled.checked = agent.enabled;
  for (const box of edit.querySelectorAll("[name=groups]")) box.checked = current.groups.includes(box.value);
  document.getElementById("delete-user").hidden = agent.username.toLowerCase() === "admin";
}

users.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  if (!button) return;
  busy(button, async () => {
    tell(edit);
    await load(button.dataset.edit);
    open(editDialog);
  });
});

document.getElementById("delete-user").addEventListener("click", () => {
  const { agent } = current;
  close(editDialog);
  const text = "The account is removed from Keycloak and signed out everywhere. Its row here stays, disabled.";
  const asked = ask({ title: `Delete ${agent.username}?`, text, yes: "Delete", danger: true, word: agent.username }, async () => {
    await realm("DELETE", user(agent.keycloak_id));
    const unread = await sync(false).then(() => "", words);
    if (unread) warn(`${agent.username} was deleted, but the users could not be read again: ${unread}`);
    else say("success", `${agent.username} was deleted.`);
  }, { words });
  asked.then(backToRow);
});
watch(editDialog, { closed: backToRow });

// Password

const reset = submits(resetDialog, async (form) => {
  const { password, again, temporary } = form.elements;
  if (password.value !== again.value) throw new Error("The two passwords differ.");
  await realm("POST", user(current.agent.keycloak_id, "/reset-password"), { password: password.value, temporary: temporary.checked });
  say("success", `${current.agent.username} has a new password.`);
  close(resetDialog);
});

document.getElementById("reset-user").addEventListener("click", () => {
  close(editDialog);
  reset.reset();
  tell(reset);
  document.getElementById("reset-name").textContent = current.agent.username;
  open(resetDialog);
});

// Whoever closes the password dialog is back at the user.
watch(resetDialog, { closed: () => open(editDialog) });

ready();
