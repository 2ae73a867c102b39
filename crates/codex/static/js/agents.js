// The agents page: platform users, made and changed at the identity provider through Helm, then read again by Codex.

import { asked, busy, call, close, codex, localise, open, say } from "./admin-lib.js";

/** Helm's routes for the users of the realm; behind the gateway they are beside Codex. */
const realm = (method, path, body) => call(method, `/helm/api/keycloak${path}`, body);
const user = (id, rest = "") => `/users/${encodeURIComponent(id)}${rest}`;

const users = document.getElementById("users");
let current = null;

/** Reads the page again and takes its table. */
async function refresh() {
  const html = await fetch(location.pathname, { credentials: "same-origin" }).then((answer) => answer.text());
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("users");
  if (fresh) users.replaceChildren(...fresh.childNodes);
  localise(users);
}

/** Lets Codex read the realm, and says what came of it when somebody asked for that. */
async function sync(told) {
  const done = await codex("POST", "/api/agents/sync");
  await refresh();
  const text = `${done.synced} users: ${done.created} new, ${done.updated} updated, ${done.disabled} disabled.`;
  if (done.errors) say("error", `Some users could not be stored. ${done.errors.join("; ")}`);
  else if (told) say("success", text);
  return done;
}

function show(form, error) {
  const place = form.querySelector("[data-error]");
  place.textContent = error ?? "";
  place.hidden = !error;
}

/** What Keycloak said, where it said something. */
const words = (error) => [error.message, error.problem?.details].filter((text, index, all) => text && !all.slice(0, index).some((said) => said.includes(text))).join(": ");

const groupsOf = (form) => [...form.querySelectorAll("[name=groups]:checked")].map((box) => box.value);

/** Sends a form once, and keeps it open with the reason when it fails. */
function submits(id, work) {
  const form = document.getElementById(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(form, "");
    if (!form.reportValidity()) return;
    busy(form.querySelector("button[type=submit]"), async () => {
      try {
        await work(form);
      } catch (error) {
        show(form, words(error));
      }
    });
  });
  return form;
}

document.getElementById("sync-users").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const text = "Reads all users of Keycloak. Users who are gone there are disabled here; preferences stay.";
  if (await asked({ title: "Sync from Keycloak?", text, yes: "Sync" })) await busy(button, () => sync(true));
});

// New

const create = submits("create-form", async (form) => {
  const { username, email, firstName, lastName, password, temporary } = form.elements;
  const [name, theme] = [username.value.trim(), form.elements.theme.value];
  const made = await realm("POST", "/users", {
    username: name,
    email: email.value.trim(),
    firstName: firstName.value.trim(),
    lastName: lastName.value.trim(),
    enabled: true,
    password: password.value,
    temporary: temporary.checked,
    groups: groupsOf(form),
  });
  close("create");
  form.reset();
  await sync(false);
  if (theme !== "light") await codex("PUT", `/api/agents/${made.id}/settings`, { theme_preference: theme });
  say("success", `${name} was created.`);
});

document.getElementById("new-user").addEventListener("click", () => {
  create.reset();
  show(create, "");
  open("create");
});

// Change

const edit = submits("edit-form", async (form) => {
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
    steps.push(["theme", () => codex("PUT", `/api/agents/${encodeURIComponent(agent.keycloak_id)}/settings`, { theme_preference: theme.value })]);
  }
  if (["admins", "technicians", "billing"].some((name) => now.includes(name) !== groups.includes(name))) {
    steps.push(["groups", () => realm("PUT", user(agent.keycloak_id, "/groups"), { groups: [...now, ...others] })]);
  }
  if (steps.length === 0) {
    close("edit");
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
  await sync(false).catch((error) => failed.push(`reading the users again: ${error.message}`));
  if (failed.length) {
    const saved = steps.length > failed.length ? "Saved in part. " : "";
    await load(agent.keycloak_id);
    show(form, `${saved}Not saved: ${failed.join("; ")}`);
    return;
  }
  close("edit");
  say("success", `${agent.username} was saved.`);
});

async function load(id) {
  const [agent, { groups }] = await Promise.all([
    codex("GET", `/api/agents/${encodeURIComponent(id)}`),
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
    show(edit, "");
    await load(button.dataset.edit);
    open("edit");
  });
});

document.getElementById("delete-user").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const { agent } = current;
  close("edit");
  const text = "The account is removed from Keycloak and signed out everywhere. Its row here stays, disabled.";
  if (!(await asked({ title: `Delete ${agent.username}?`, text, yes: "Delete", danger: true, word: agent.username }))) return;
  await busy(button, async () => {
    await realm("DELETE", user(agent.keycloak_id)).catch((error) => {
      throw new Error(words(error));
    });
    await sync(false);
    say("success", `${agent.username} was deleted.`);
  });
});

// Password

const reset = submits("reset-form", async (form) => {
  const { password, again, temporary } = form.elements;
  if (password.value !== again.value) throw new Error("The two passwords differ.");
  await realm("POST", user(current.agent.keycloak_id, "/reset-password"), { password: password.value, temporary: temporary.checked });
  say("success", `${current.agent.username} has a new password.`);
  close("reset");
});

document.getElementById("reset-user").addEventListener("click", () => {
  close("edit");
  reset.reset();
  show(reset, "");
  document.getElementById("reset-name").textContent = current.agent.username;
  open("reset");
});

// Whoever closes the password dialog is back at the user.
new MutationObserver(([change]) => {
  const was = (change.oldValue ?? "").includes("active");
  if (was && !change.target.classList.contains("active")) open("edit");
}).observe(document.getElementById("reset"), { attributes: true, attributeFilter: ["class"], attributeOldValue: true });

localise();
