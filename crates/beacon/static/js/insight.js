// The strip of the last 24 hours: drawn by the server, fetched again every five minutes.

const INTERVAL_MS = 5 * 60_000;

async function refresh(address) {
  const headers = { Accept: "text/html", "X-Requested-With": "XMLHttpRequest" };
  const response = await fetch(address, { credentials: "same-origin", cache: "no-store", headers });
  // What is there stays until something better comes.
  if (response.status !== 200 || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const strip = page.getElementById("insight");
  if (strip) document.getElementById("insight")?.replaceWith(strip);
}

/** `address` is that of the strip by itself. */
export function start(address) {
  setInterval(() => {
    if (!document.hidden) refresh(address).catch(() => {});
  }, INTERVAL_MS);
}
