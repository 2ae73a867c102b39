// The page of display links: makes one, tells its address once, and takes links back.

const page = document.getElementById("beacon-displays");
const form = document.getElementById("new-display");

async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(`${page.dataset.apiUrl}${path}`, {
    method, headers, credentials: "same-origin", body: body && JSON.stringify(body),
  });
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.error ?? problem.detail ?? `HTTP ${response.status}`);
}

function fail(error) {
  document.getElementById("display-error-text").textContent = error.message;
  document.getElementById("display-error").hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  document.getElementById("display-error").hidden = true;
  const fields = new FormData(form);
  const end = fields.get("expires_at");
  const link = { name: fields.get("name"), view: fields.get("view"), subjects: fields.has("subjects") };
  if (end) link.expires_at = new Date(end).toISOString();
  try {
    const made = await call("POST", "", link);
    const address = document.getElementById("new-link-address");
    address.href = made.url;
    address.textContent = address.href;
    document.getElementById("new-link").hidden = false;
    form.reset();
  } catch (error) {
    fail(error);
  }
});

for (const button of page.querySelectorAll("[data-revoke]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await call("DELETE", `/${button.dataset.revoke}`);
      button.closest("tr").remove();
    } catch (error) {
      button.disabled = false;
      fail(error);
    }
  });
}
