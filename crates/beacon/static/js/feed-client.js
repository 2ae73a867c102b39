// The page's end of the feed: a worker, or the same code in the page where a browser has no workers for modules.

/** Takes messages in the page itself. */
async function inPage(order, take) {
  const { Feed } = await import("./feed.js");
  const feed = new Feed(order.addresses, take);
  feed.start();
  return (later) => {
    if (later.type === "visible") feed.setVisible(later.visible);
    else feed[later.type]();
  };
}

/** Starts the feed; `take` gets its messages. Returns a function that gives it orders. */
export function startFeed(addresses, take) {
  const order = { type: "start", addresses };
  const waiting = [];
  let give = (later) => waiting.push(later);
  const fallBack = () => {
    inPage(order, take).then((now) => {
      give = now;
      waiting.forEach(now);
    });
  };
  try {
    const worker = new Worker(new URL("./feed-worker.js", import.meta.url), { type: "module" });
    let hasSpoken = false;
    worker.onmessage = ({ data }) => {
      hasSpoken = true;
      take(data);
    };
    worker.onerror = () => {
      if (hasSpoken) return;
      worker.terminate();
      give = (later) => waiting.push(later);
      fallBack();
    };
    worker.postMessage(order);
    give = (later) => worker.postMessage(later);
  } catch {
    fallBack();
  }
  return (later) => give(later);
}
