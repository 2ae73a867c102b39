// The strip of the last 24 hours: drawn by the server, fetched again every five minutes, and soon where nothing could be told.

const INTERVAL_MS = 5 * 60_000;
const LOOK_MS = 3_000;
/** Between attempts while the server cannot tell. */
const UNTOLD_MS = 15_000;

let askedAt = performance.now();

const strip = () => document.getElementById("insight");

async function refresh(address) {
  const headers = { Accept: "text/html", "X-Requested-With": "XMLHttpRequest" };
  const response = await fetch(address, { credentials: "same-origin", cache: "no-store", headers });
  // What is there stays until something better comes.
  if (response.status !== 200 || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("insight");
  if (fresh) strip().replaceWith(fresh);
}

function isDue(isFirst) {
  if (document.hidden) return false;
  const isUntold = "untold" in strip().dataset;
  // The first time it may have come while the page was loading.
  return (isUntold && isFirst) || performance.now() - askedAt > (isUntold ? UNTOLD_MS : INTERVAL_MS);
}

/** `address` is that of the strip by itself. */
export function start(address) {
  let isFirst = true;
  setInterval(() => {
    if (!isDue(isFirst)) return;
    isFirst = false;
    askedAt = performance.now();
    refresh(address).catch(() => {});
  }, LOOK_MS);
}
