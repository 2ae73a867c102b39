// The board: takes over the server's page and keeps it current.

import { announce } from "./announce.js";
import * as clock from "./clock.js";
import * as controls from "./controls.js";
import * as dialog from "./dialog.js";
import { startFeed } from "./feed-client.js";
import * as freshness from "./freshness.js";
import * as head from "./head.js";
import * as heads from "./heads.js";
import { hint } from "./hints.js";
import * as insight from "./insight.js";
import * as keyboard from "./keyboard.js";
import { mark } from "./marks.js";
import { newsOf } from "./news.js";
import { Records } from "./records.js";
import * as refreshButton from "./refresh-button.js";
import { Section } from "./section.js";
import * as sync from "./sync.js";
import { SECTIONS } from "./ticket.js";
import { localise } from "./time.js";
import * as timer from "./timer.js";
import { run } from "./work.js";

const board = document.getElementById("beacon-board");
const settings = board.dataset;
const records = new Records();
const sections = SECTIONS.map((name) => new Section(name, settings.ticketUrlTemplate, (done) => show({ done })));
let hasData = !("noData" in settings);
/** Somebody asked for what comes next, whether the refresh is stopped or not. */
let isAsked = true;
let firstAnswer;
const answerArrived = new Promise((resolve) => {
  firstAnswer = resolve;
});

// Names that the console recipes of the documentation use.
Object.assign(window, {
  TICKET_BASE_URL: settings.ticketBaseUrl,
  CURRENT_TICKET_TYPE_SLUG: settings.viewSlug,
  CURRENT_TICKET_TYPE_DISPLAY: settings.viewName,
  currentView: settings.viewSlug,
  selectedAgent: document.getElementById("agent-filter").value,
  currentApiData: null,
});

/** The addresses of the data, with agent and priority of the page's own address. */
function addresses() {
  const chosen = new URL(location.href).searchParams;
  const absolute = (path) => {
    const address = new URL(path, location.href);
    for (const name of ["agent_id", "priority"]) if (chosen.has(name)) address.searchParams.set(name, chosen.get(name));
    return address.href;
  };
  return { tickets: absolute(settings.apiUrl), stream: absolute(settings.streamUrl) };
}

/** Puts the rows in place, as sorted and filtered now. */
function show({ isPrompt = false, done } = {}) {
  const filter = controls.current();
  for (const section of sections) section.arrange(heads.chosenOf(section.name), filter);
  controls.showResult(sections, filter.isActive, hasData);
  const steps = (function* all() {
    for (const section of sections) yield* section.render();
  })();
  run("rows", steps, { isPrompt, done });
}

/** What the answer says in sum: the remarks of the sections and how much each agent has. */
function showSums() {
  const data = window.currentApiData;
  if (!data) return;
  const steps = (function* all() {
    for (const name of SECTIONS) {
      document.getElementById(`${name}-hint`).textContent = hint(name, data[`${name}_items`], clock.now());
      yield;
    }
    controls.countAgents(data);
  })();
  run("sums", steps);
}

/** Makes what the search looks into before anybody searches: for thousands of tickets it takes longer than a keystroke. */
function prepareSearch() {
  const steps = (function* all() {
    for (const section of sections) yield* section.prepare();
  })();
  run("texts", steps);
}

function showLastSync() {
  const total = Number(document.getElementById("total-active-items-count").textContent);
  head.showLastSync(settings.lastSync, total);
}

/** What goes on with the time. */
function showTime() {
  showLastSync();
  showSums();
  freshness.showTime();
  const steps = (function* all() {
    for (const section of sections) yield* section.tick();
  })();
  run("clocks", steps);
}

function markAll(ids, how) {
  for (const id of ids) {
    const row = sections.map((section) => section.visibleRow(id)).find(Boolean);
    if (row) mark(row, how);
  }
}

function markNews({ added, moved, changed }) {
  markAll(changed, "changed");
  markAll(moved, "moved");
  markAll(added, "new");
}

function showAnswer(answer) {
  const { meta, order } = answer;
  const lists = records.arrange(order);
  const counts = {};
  const data = { ...meta };
  for (const section of sections) {
    const list = lists[section.name];
    section.replace(list);
    counts[section.name] = list.length;
    data[`${section.name}_items`] = list.map((record) => record.ticket);
  }
  window.currentApiData = data;
  settings.lastSync = meta.dashboard_generated_time_iso ?? "";
  // Nothing at all and an error: the lists are unknown, not empty.
  hasData = !(meta.error && !meta.stale);
  head.showTotal(meta.total_active_items);
  head.showParts(counts);
  showLastSync();
  const news = newsOf(answer);
  show({ done: () => markNews(news) });
  showSums();
  prepareSearch();
  announce(news.added.length, news.moved.length, meta.total_active_items);
  firstAnswer();
}

/** An answer that came while the refresh was stopped from the console; shown with the next one that is asked for. */
let held = null;

function takeAnswer(answer) {
  freshness.answered(answer.meta);
  if (timer.isStopped() && !isAsked) {
    held = answer;
    return;
  }
  held = null;
  isAsked = false;
  showAnswer(answer);
}

function takeUnchanged() {
  freshness.unchanged();
  if (held && isAsked) showAnswer(held);
  isAsked = false;
  held = null;
  showLastSync();
}

const takers = {
  busy: ({ busy }) => refreshButton.showBusy(busy),
  time: ({ time }) => clock.set(time),
  link: ({ state }) => head.showLink(state),
  tickets: ({ tickets }) => records.put(tickets),
  patches: ({ patches }) => records.patch(patches),
  answer: takeAnswer,
  unchanged: takeUnchanged,
  confirmed: freshness.confirmed,
  trouble: freshness.failed,
};

/** A ticket of the last answer; waits for the first one. */
async function findTicket(id) {
  await answerArrived;
  return records.ticket(id);
}

localise(board);
for (const name of SECTIONS) heads.start(name, () => show({ isPrompt: true }));
controls.start(() => show({ isPrompt: true }));
show({ isPrompt: true });
dialog.start(findTicket, settings.ticketUrlTemplate);
keyboard.start({ search: controls.focusSearch });
insight.start(settings.insightUrl);

const order = startFeed(addresses(), (message) => takers[message.type](message));
function refresh() {
  isAsked = true;
  order({ type: "refresh" });
}
refreshButton.start(refresh);
timer.start(Number(settings.refreshMs), () => order({ type: "tick" }));
document.addEventListener("visibilitychange", () => {
  isAsked = true;
  order({ type: "visible", visible: !document.hidden });
});
window.addEventListener("online", refresh);
clock.everyMinute(showTime, refresh);
sync.start(settings.syncUrl, refresh);
