// What is wrong, said once, and taken back when it is over.

const banner = document.getElementById("api-error-banner");
const message = document.getElementById("api-error-message");
const signIn = document.getElementById("sign-in-again");

const serverBanner = () => document.getElementById("error-banner");

function show(kind, text) {
  banner.classList.toggle("alert--error", kind === "error");
  banner.classList.toggle("alert--warning", kind === "warning");
  // The same text again would be read out again.
  if (message.textContent !== text) message.textContent = text;
  banner.hidden = false;
}

/** A refresh that failed. `needsSignIn` adds the way back in. */
export function showFailure(text, needsSignIn = false) {
  serverBanner()?.remove();
  signIn.hidden = !needsSignIn;
  // Without the part after #: with it the browser would stay on the page.
  if (needsSignIn) signIn.href = location.pathname + location.search;
  show("error", text);
}

/** A refresh that worked and brought old tickets or none, with the reason. The server's banner says the same. */
export function showStale(text) {
  signIn.hidden = true;
  if (serverBanner()) banner.hidden = true;
  else show("warning", text);
}

export function clear() {
  serverBanner()?.remove();
  banner.hidden = true;
  message.textContent = "";
}
