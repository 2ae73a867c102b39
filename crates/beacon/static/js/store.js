// What a tab remembers between refreshes, reloads and views. Without storage it lasts for the page.

const memory = new Map();

export function load(key, fallback) {
  try {
    const text = sessionStorage.getItem(`beacon.${key}`);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return memory.has(key) ? memory.get(key) : fallback;
  }
}

export function save(key, value) {
  memory.set(key, value);
  try {
    sessionStorage.setItem(`beacon.${key}`, JSON.stringify(value));
  } catch {
    // Storage can be full or forbidden.
  }
}
