// The strip of how the day went: drawn by the server, fetched again every five minutes.

const INTERVAL_MS = 5 * 60_000;

async function refresh(box) {
  const headers = { Accept: "text/html", "X-Requested-With": "XMLHttpRequest" };
  const response = await fetch(box.dataset.insightUrl, { credentials: "same-origin", cache: "no-store", headers });
  // What is there stays until something better comes.
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  box.replaceChildren(...page.body.childNodes);
}

export function start() {
  const box = document.getElementById("insight");
  if (!box?.dataset.insightUrl) return;
  setInterval(() => {
    if (!document.hidden) refresh(box).catch(() => {});
  }, INTERVAL_MS);
}
