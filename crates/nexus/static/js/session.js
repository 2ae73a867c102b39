// Keeps a page that stays open signed in. Shortly before the session ends it asks the gateway to renew it, which the
// identity provider does without any page; when that cannot be done it says so in time, so that nothing typed is lost.

const CHECK_EVERY = 20_000;
const WARN_WITHIN = 300_000;
const tag = document.querySelector("script[data-expires-in]");
let endsAt = 0;
let renewsAt = null;
let warned = "";

function remember({ expires_in: expiresIn, renews_in: renewsIn }) {
  const now = Date.now();
  endsAt = now + expiresIn * 1000;
  renewsAt = renewsIn === null ? null : now + renewsIn * 1000;
}

/** What is left of the session; nothing when nobody can tell at the moment. */
async function ask(path, method) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      headers: { Accept: "application/json" },
    });
  } catch {
    return null;
  }
  if (answer.status === 401) return { expires_in: 0, renews_in: null };
  return answer.ok ? answer.json().catch(() => null) : null;
}

async function renew() {
  // Another tab may have renewed it meanwhile.
  for (const [path, method] of [["/api/session", "GET"], ["/api/session/renew", "POST"]]) {
    const left = await ask(path, method);
    if (!left) return;
    remember(left);
    if (renewsAt === null || renewsAt > Date.now()) return;
  }
}

/** A message that stays until it is clicked away. */
function say(kind, text) {
  if (warned === text) return;
  warned = text;
  hivematrix.say(kind, text).dataset.stays = "";
}

async function check() {
  if (renewsAt !== null && renewsAt <= Date.now()) {
    // One tab at a time: each renewal makes a new session.
    if (navigator.locks) await navigator.locks.request("hivematrix-session", renew);
    else await renew();
  }
  const left = endsAt - Date.now();
  if (left <= 0) {
    // A session that another tab began meanwhile serves this page as well.
    const current = await ask("/api/session", "GET");
    if (current?.expires_in > 0) remember(current);
    else if (current) say("error", "Your session has ended. Copy what you have typed, then reload the page to sign in again.");
  } else if (renewsAt === null && left < WARN_WITHIN) {
    const time = new Date(endsAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    say("warning", `Your session ends at ${time}. Save what you have typed, then reload the page to sign in again.`);
  }
}

let checking = Promise.resolve();
function checkInTurn() {
  checking = checking.then(check).catch(() => {});
}

if (tag) {
  const { expiresIn, renewsIn } = tag.dataset;
  remember({ expires_in: Number(expiresIn), renews_in: renewsIn === undefined ? null : Number(renewsIn) });
  setInterval(checkInTurn, CHECK_EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || checkInTurn());
}
