// The feed in a worker of its own.

import { Feed } from "./feed.js";

let feed = null;

const orders = {
  start(order) {
    feed = new Feed(order.addresses, (message) => postMessage(message));
    feed.start();
  },
  refresh: () => feed?.refresh(),
  tick: () => feed?.tick(),
  visible: (order) => feed?.setVisible(order.visible),
};

addEventListener("message", ({ data }) => orders[data.type]?.(data));
