// The page of a service: its orders, after which it is shown anew.

import { onOrders } from "./orders.js";
import { ready, reload } from "./page.js";

onOrders(async (done) => {
  if (done) await reload(done);
});

ready();
