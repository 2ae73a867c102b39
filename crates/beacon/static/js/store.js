// What a tab remembers between refreshes, reloads and views, or the browser for all of them. Without storage it lasts for
// the page.

const memory = new Map();
const forTab = () => sessionStorage;
/** Pass it for what holds in all tabs. */
export const forBrowser = () => localStorage;

export function load(key, fallback, where = forTab) {
  try {
    const text = where().getItem(`beacon.${key}`);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return memory.has(key) ? memory.get(key) : fallback;
  }
}

export function save(key, value, where = forTab) {
  memory.set(key, value);
  try {
    where().setItem(`beacon.${key}`, JSON.stringify(value));
  } catch {
    // Storage can be full or forbidden.
  }
}
