// Work in small pieces, so that typing and scrolling never wait for it.

const PIECE_MS = 8;
/** What a person has just asked for may take a little longer and is then there at once. */
const PROMPT_MS = 30;

const jobs = new Map();
let isRunning = false;

/** Until the next picture is on the screen; at once in a tab that nobody sees and that draws none. */
const pause = () =>
  new Promise((resolve) => {
    const late = setTimeout(resolve, 100);
    requestAnimationFrame(() => {
      clearTimeout(late);
      setTimeout(resolve);
    });
  });

/** Takes pieces of the jobs until the time is up. */
function work(ms) {
  const end = performance.now() + ms;
  for (const [name, { steps, done }] of jobs) {
    for (;;) {
      if (steps.next().done) break;
      if (performance.now() >= end) return;
    }
    jobs.delete(name);
    done?.();
    if (performance.now() >= end) return;
  }
}

async function workOn() {
  isRunning = true;
  while (jobs.size > 0) {
    await pause();
    work(PIECE_MS);
  }
  isRunning = false;
}

/**
 * Runs the steps of a generator in pieces, the first of them with the next picture: whoever calls may have worked long
 * already. What a person has asked for (`isPrompt`) begins now. An unfinished job of the same name is given up for it.
 * `done` is called after the last step, and so is that of a job that was given up: whoever waits for the rows waits for the
 * newest.
 */
export function run(name, steps, { isPrompt = false, done } = {}) {
  const waiting = jobs.get(name)?.done;
  jobs.delete(name);
  const all = () => {
    waiting?.();
    done?.();
  };
  jobs.set(name, { steps, done: waiting ? all : done });
  if (isPrompt) work(PROMPT_MS);
  if (jobs.size > 0 && !isRunning) workOn();
}
