// What is wrong, said once, and taken back when it is over.

const banner = document.getElementById("api-error-banner");
const message = document.getElementById("api-error-message");
const signIn = document.getElementById("sign-in-again");

/** Shows a failure of the refresh. `needsSignIn` adds the way back in. */
export function showError(text, needsSignIn = false) {
  document.getElementById("error-banner")?.remove();
  if (message.textContent !== text) message.textContent = text;
  signIn.hidden = !needsSignIn;
  if (needsSignIn) signIn.href = location.href;
  banner.hidden = false;
}

export function clearError() {
  document.getElementById("error-banner")?.remove();
  banner.hidden = true;
  message.textContent = "";
}
