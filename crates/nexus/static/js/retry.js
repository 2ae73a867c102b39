// On a page that could not be shown because a service is away: asks for it again and again, each time after a longer
// pause, and opens it once there is another answer. Only pages that were opened carry this script, so nothing that
// changes data is ever repeated.

const LONGEST_PAUSE = 30;
const AWAY = [502, 503, 504];
const first = Number(document.querySelector("script[data-retry-after]")?.dataset.retryAfter);
const status = document.getElementById("retry-status");
let pause = first > 0 ? Math.min(first, LONGEST_PAUSE) : 5;

function askLater() {
  // A little chance keeps many open pages from asking at the same moment.
  setTimeout(ask, pause * 1000 * (0.8 + Math.random() * 0.4));
  pause = Math.min(pause * 1.5, LONGEST_PAUSE);
}

async function ask() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", ask, { once: true });
    return;
  }
  try {
    const answer = await fetch(location.href, {
      method: "HEAD",
      cache: "no-store",
      credentials: "same-origin",
      redirect: "manual",
    });
    if (!AWAY.includes(answer.status)) {
      if (status) status.textContent = "It is back.";
      location.reload();
      return;
    }
  } catch {
    // The gateway itself is away, or the network.
  }
  askLater();
}

askLater();
