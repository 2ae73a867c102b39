// Starts the wall display. Nobody stands beside a screen: if a part cannot be loaded, it tries again by itself.

const AGAIN_MS = 15_000;

import("./wall-main.js").catch(() => setTimeout(() => location.reload(), AGAIN_MS));
