// Several views in turn. A view that cannot be opened just now is passed over: the screen keeps what it shows.

async function opens(address) {
  try {
    const response = await fetch(address, { credentials: "same-origin", cache: "no-store", headers: { Accept: "text/html" } });
    return response.ok;
  } catch {
    return false;
  }
}

/** `views` are links, one of them the current page; each is shown for `seconds`. */
export function start(views, seconds) {
  const current = views.findIndex((view) => view.hasAttribute("aria-current"));
  if (!(seconds > 0) || views.length < 2) return;
  const others = [...views.slice(current + 1), ...views.slice(0, Math.max(current, 0))];
  setInterval(async () => {
    for (const view of others) {
      if (await opens(view.href)) {
        location.replace(view.href);
        return;
      }
    }
  }, seconds * 1000);
}
