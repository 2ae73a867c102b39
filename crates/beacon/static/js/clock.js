// The server's time. The browser's clock may be wrong or be set while the page is open: only its steady counter is used.

let base = null;

/** Smaller differences are the network's: following them would make the clock stutter. */
const JITTER_MS = 1500;

/** Takes the time of an answer, in milliseconds since 1970. */
export function set(serverTime) {
  if (!Number.isFinite(serverTime)) return;
  const steady = performance.now();
  if (base && Math.abs(base.server + steady - base.steady - serverTime) < JITTER_MS) return;
  base = { server: serverTime, steady };
}

/** Whether a server has told the time. */
export const isKnown = () => base !== null;

/** Now, in milliseconds since 1970; the browser's own idea of it until a server has told. */
export const now = () => (base ? base.server + performance.now() - base.steady : Date.now());

const LOOK_MS = 5_000;
/** A gap like this between the two clocks: the machine slept, or its clock was set. */
const GAP_MS = 10_000;

/** Calls `minute` at each full minute, and `gap` when the steady counter has missed time. */
export function everyMinute(minute, gap) {
  let last = Math.floor(now() / 60_000);
  let drift = Date.now() - performance.now();
  setInterval(() => {
    const drifted = Date.now() - performance.now();
    if (Math.abs(drifted - drift) > GAP_MS) gap();
    drift = drifted;
    const current = Math.floor(now() / 60_000);
    if (current === last || !isKnown()) return;
    last = current;
    minute();
  }, LOOK_MS);
}
