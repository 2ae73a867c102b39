// The minute: `AUTO_REFRESH_MS` and `autoRefreshTimer` are for the console, as the documentation shows them. Another
// interval counts at once, none at all (0) stops the refresh, and so does clearing the timer.

let interval = 0;
let tick = null;
let tickedAt = 0;

function restart() {
  clearInterval(window.autoRefreshTimer);
  tickedAt = performance.now();
  if (!(interval > 0 && interval < 2 ** 31)) return;
  window.autoRefreshTimer = setInterval(() => {
    tickedAt = performance.now();
    tick();
  }, interval);
}

/** Calls `onTick` every `ms`. */
export function start(ms, onTick) {
  interval = ms;
  tick = onTick;
  Object.defineProperty(window, "AUTO_REFRESH_MS", {
    configurable: true,
    enumerable: true,
    get: () => interval,
    set: (value) => {
      interval = Number(value);
      restart();
    },
  });
  restart();
}

/** Whether the timer was stopped: then nothing is to change on the page, whatever the stream brings. */
export const isStopped = () => !(interval > 0) || performance.now() - tickedAt > interval * 2.5;
