// The style guide: buttons that say what a script of a service would say.

const WORDS = {
  success: "Settings saved.",
  error: "The plan could not be saved: another person changed it at 10:31.",
};

for (const button of document.querySelectorAll("[data-guide-say]")) {
  const kind = button.dataset.guideSay;
  button.addEventListener("click", () => hivematrix.say(kind, WORDS[kind]));
}
