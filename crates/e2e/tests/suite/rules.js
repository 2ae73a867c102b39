// The pure rules of the board's scripts, in the browser that runs them. Gives what is not as it should be.
const at = (path) => import(`/beacon/static/js/${path}.js`);
const wrong = [];
const same = (what, found, wanted) => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) wrong.push(`${what}: ${a} instead of ${b}`);
};

const clocks = async () => {
  const { clockOf } = await at("sla");
  const now = Date.parse("2025-11-22T10:30:40Z");
  const iso = (minutes) => new Date(Date.parse("2025-11-22T10:30:00Z") + minutes * 60_000).toISOString();
  const late = { sla_text: "Due in 4h", sla_color: "yellow", sla_class: "sla-warning" };
  for (const [what, ticket, text, color] of [
    ["safe", { ...late, fr_due_by_str: iso(48 * 60) }, "Due in 2d", "green"],
    ["warning begins below 24 h", { ...late, fr_due_by_str: iso(24 * 60 - 1) }, "Due in 23h", "yellow"],
    ["four hours are still a warning", { ...late, fr_due_by_str: iso(240) }, "Due in 4h", "yellow"],
    ["critical begins below 4 h", { ...late, fr_due_by_str: iso(239) }, "Due in 3h", "orange"],
    ["the last minute", { ...late, fr_due_by_str: iso(0.5) }, "Due in <1m", "orange"],
    ["due now is not overdue", { ...late, fr_due_by_str: iso(0) }, "Due in <1m", "orange"],
    ["overdue from the next minute on", { ...late, fr_due_by_str: iso(-1) }, "Overdue by 1m", "red"],
    ["a service request runs to its own date", { ...late, type: "Service Request", fr_due_by_str: iso(-5), due_by_str: iso(90) }, "Due in 1h", "orange"],
    ["an answered ticket does not run", { ...late, sla_text: "Open (FR Met)", sla_color: "green", first_responded_at_iso: iso(-9), fr_due_by_str: iso(-5) }, "Open (FR Met)", "green"],
    ["an age goes on", { sla_text: "On Hold (3m ago)", sla_color: "green", updated_at: iso(-65) }, "On Hold (1h ago)", "green"],
    ["the agent's answer has an age of its own", { sla_text: "Waiting on Customer (Agent: 1h ago)", sla_color: "green", updated_at: iso(-1), agent_responded_at: iso(-125) }, "Waiting on Customer (Agent: 2h ago)", "green"],
    ["a reply is at least yellow", { sla_text: "Customer Replied (Just now)", sla_color: "yellow", updated_at: iso(-3), fr_due_by_str: iso(-3) }, "Customer Replied (3m ago)", "red"],
    ["an overdue update", { sla_text: "Update Overdue (Open, 2d ago)", sla_color: "red", updated_at: iso(-3 * 1440), fr_due_by_str: iso(60) }, "Update Overdue (Open, 3d ago)", "red"],
    ["a breach says more than an overdue update", { sla_text: "Update Overdue (Open, 2d ago)", sla_color: "red", fr_due_by_str: iso(-60) }, "Overdue by 1h", "red"],
    ["words of another Codex stay", { sla_text: "10.0 hours for FR", sla_color: "yellow", fr_due_by_str: iso(600) }, "10.0 hours for FR", "yellow"],
    ["nothing at all", {}, "", "green"],
  ]) {
    const found = clockOf(ticket, now);
    same(what, [found.text, found.color], [text, color]);
  }
};

const orders = async () => {
  const { TicketRecord } = await at("records");
  const { next, sorted } = await at("sort");
  const tickets = [
    { id: 3, external_id: 30, subject: "item 10", agent_name: "Émile", priority_raw: 2, sla_color: "red" },
    { id: 1, external_id: 100, subject: "Item 9", agent_name: "", priority_raw: null, sla_color: "green", updated_at: "2025-11-22T10:00:00Z" },
    { id: 2, external_id: "9007199254740993", subject: "ärger", agent_name: "eva", priority_raw: 4, sla_color: "orange", updated_at: "2025-11-22 09:00:00" },
  ];
  const records = tickets.map((ticket) => new TicketRecord(ticket));
  for (const [key, dir, ids] of [
    ["id", "asc", [3, 1, 2]],
    ["id", "desc", [2, 1, 3]],
    ["subject", "asc", [2, 1, 3]],
    ["agent_name", "asc", [3, 2, 1]],
    ["agent_name", "desc", [2, 3, 1]],
    ["priority_raw", "desc", [2, 3, 1]],
    ["sla_text", "asc", [3, 2, 1]],
    ["updated_at_str", "desc", [1, 2, 3]],
  ]) {
    for (const before of [[], records, [...records].reverse()]) {
      const found = sorted(records, { key, dir }, before).map(({ ticket }) => ticket.id);
      same(`${key} ${dir}`, found, ids);
    }
  }
  same("no choice", sorted(records, null, []).map(({ ticket }) => ticket.id), [3, 1, 2]);
  let chosen = null;
  const steps = ["id", "id", "id", "id", "subject"].map((key) => (chosen = next(chosen, key)));
  const asc = (key) => ({ key, dir: "asc" });
  same("three clicks", steps, [asc("id"), { key: "id", dir: "desc" }, null, asc("id"), asc("subject")]);
};

const searches = async () => {
  const { TicketRecord } = await at("records");
  const { filterOf, matches } = await at("filter");
  const ticket = {
    id: 1, external_id: 48191, subject: "x".repeat(70) + " Drucker", requester_name: "Lena Vogel", agent_name: "Ben Ortiz",
    priority_raw: 3, priority_text: "High", sla_text: "Due in 5h", status_text: "On Hold",
  };
  for (const [section, search, priority, found] of [
    ["s1", "", "", true],
    ["s1", "#48191", "", true],
    ["s1", "LENA ortiz", "", true],
    ["s1", "drucker", "", true],
    ["s1", "due in", "3", true],
    ["s1", "due in", "4", false],
    ["s1", "lena marsh", "", false],
    ["s4", "on hold", "", true],
    ["s4", "due in", "", false],
  ]) {
    const record = new TicketRecord(ticket);
    record.section = section;
    same(`${section} ${search} ${priority}`, matches(record, filterOf(search, priority)), found);
  }
};

const differences = async () => {
  const { diff } = await at("changes");
  const known = diff(new Map(), {
    s1: [{ id: 1, subject: "a", sla_text: "Due in 2h" }, { id: 2, tags: ["x"] }],
    s2: [{ id: 3 }],
  }).known;
  const found = diff(known, {
    s1: [{ id: 2, tags: ["x"] }, { id: 1, subject: "a", sla_text: "Due in 1h" }],
    s2: [{ id: 4 }],
    s3: [{ id: 3, subject: "b" }],
  });
  same("order", found.order, { s1: ["2", "1"], s2: ["4"], s3: ["3"] });
  same("sent in full", found.tickets.map(({ id }) => id), [4, 3]);
  same("only the clock went on", found.patches.map(({ id, sla_text: text }) => [id, text]), [[1, "Due in 1h"]]);
  same("kinds", [found.added, found.moved, found.changed], [["4"], ["3"], []]);
  same("changed", diff(known, { s1: [{ id: 2, tags: ["y"] }] }).changed, ["2"]);
};

const events = async () => {
  const { EventReader } = await at("sse");
  const text = ": hello\n\nevent: tickets\nid: W/\"1\"\ndata: {\"a\":\ndata:  1}\n\nid: 2\n\ndata: plain\r\n\r\nevent: tickets\rdata\r\r";
  const wanted = [
    { name: "tickets", data: "{\"a\":\n 1}", id: "W/\"1\"" },
    { name: "message", data: "plain", id: "2" },
  ];
  for (const size of [1, 2, 3, 7, 1000]) {
    const found = [];
    const reader = new EventReader((event) => found.push(event));
    for (let start = 0; start < text.length; start += size) reader.push(text.slice(start, start + size));
    same(`pieces of ${size}`, found.slice(0, 2), wanted);
  }
};

const pieces = async () => {
  const { run } = await at("work");
  const done = [];
  const steps = function* steps(name, count) {
    for (let step = 0; step < count; step += 1) {
      const end = performance.now() + 5;
      while (performance.now() < end);
      yield;
    }
    done.push(name);
  };
  await new Promise((resolve) => {
    run("test", steps("given up", 20));
    run("test", steps("rows", 10), { done: () => done.push("told") });
    run("other test", steps("other", 1), { done: resolve });
  });
  same("jobs", done, ["rows", "told", "other"]);
};

/** The table of cases to which the server's rows are held as well; it stands before this text. */
const rows = async () => {
  const { stateOf } = await at("state");
  const { byUrgency } = await at("urgency");
  const { agentOf, initials, requesterOf, ticketLink } = await at("ticket");
  const { TicketRecord } = await at("records");
  const now = Date.parse(CASES.now);
  const classes = ({ isAttention, isOverdue }) => [isAttention && "row--attention", isOverdue && "is-overdue"].filter(Boolean).join(" ");
  for (const { what, section, ticket, board, wall } of CASES.rows) {
    const state = stateOf(ticket, section, now);
    const onWall = stateOf(ticket, section, now, { onWall: true });
    same(what, {
      classes: classes(state), requester: requesterOf(ticket), agent: agentOf(ticket), initials: initials(ticket),
      state: state.text, color: state.color, class: state.slaClass, rests: state.rests,
    }, board);
    same(`${what}, on a screen`, { classes: classes(onWall), state: onWall.text, rests: onWall.rests }, wall);
  }
  for (const { template, external_id: id, link } of CASES.links) same(template, ticketLink(template, { external_id: id }), link);
  const lists = Object.entries(CASES.urgency.lists).map(([section, list]) => [section, list.map((ticket) => new TicketRecord(ticket))]);
  same("most urgent first", byUrgency(Object.fromEntries(lists), now).map(({ ticket }) => ticket.id), CASES.urgency.order);
};

/** The row of a ticket in the page says what the table says. */
const filled = async () => {
  const { fill, tick } = await at("rows");
  for (const { what, section, ticket, board } of CASES.rows) {
    const row = document.getElementById(`${section}-row`).content.firstElementChild.cloneNode(true);
    fill(row, section, ticket, "");
    tick(row, section, ticket);
    const [, , requester, agent, , state] = row.cells;
    const found = [requester.textContent, agent.querySelector(".t-agent__name").textContent, state.querySelector(".sla__text").textContent];
    same(`row: ${what}`, [...found, row.className], [board.requester, board.agent, board.state, board.classes]);
  }
};

const news = async () => {
  const { newsOf, Urgent } = await at("news");
  const ids = (count) => Array.from({ length: count }, (_, index) => String(index));
  for (const [what, isFirst, added, moved, changed, marked] of [
    ["a lone ticket on an empty board", false, 1, 0, 0, [1, 0, 0]],
    ["twenty are news", false, 20, 20, 20, [20, 20, 20]],
    ["more are a sync", false, 21, 3, 300, [0, 3, 0]],
    ["the first answer is no news", true, 1, 1, 1, [0, 0, 0]],
  ]) {
    const found = newsOf({ isFirst, added: ids(added), moved: ids(moved), changed: ids(changed) });
    same(what, [found.added, found.moved, found.changed].map((list) => list.length), marked);
  }
  const urgent = new Urgent();
  const ticket = (id, priority) => ({ id, priority_raw: priority });
  for (const [what, tickets, rings] of [
    ["what was there at first", [ticket(1, 4)], false],
    ["a calm one", [ticket(1, 4), ticket(2, 1)], false],
    ["one that becomes urgent", [ticket(1, 4), ticket(2, 4)], true],
    ["the same ones", [ticket(2, 4), ticket(1, 4)], false],
    ["all are done", [], false],
    ["a lone urgent one", [ticket(3, 4)], true],
    ["many at once", ids(50).map((id) => ticket(100 + Number(id), 4)), true],
  ]) same(`heard: ${what}`, urgent.hasNew(tickets), rings);
};

const turns = async () => {
  const { next } = await at("rotation");
  const view = (name, canBeShown) => ({ name, canBeShown });
  for (const [what, views, from, name, passed] of [
    ["the next", [view("a", true), view("b", true)], 0, "b", []],
    ["round the end", [view("a", true), view("b", true)], 1, "a", []],
    ["passed over", [view("a", true), view("b", false), view("c", true)], 0, "c", ["b"]],
    ["nobody else", [view("a", true), view("b", false)], 0, undefined, ["b"]],
  ]) {
    const found = next(views, from);
    same(`turn: ${what}`, [found.view?.name, found.passed.map((other) => other.name)], [name, passed]);
  }
};

/** What lasts of a ticket is made once, however often its clock goes on. */
const texts = async () => {
  const { TicketRecord } = await at("records");
  let asked = 0;
  const ticket = { id: 1, external_id: 1, sla_text: "Due in 2h", sla_color: "yellow", priority_text: "Low" };
  Object.defineProperty(ticket, "subject", { get: () => { asked += 1; return "Printer"; } });
  const record = new TicketRecord(ticket);
  record.section = "s1";
  for (const text of ["Due in 1h", "Due in 59m", "Due in 58m"]) {
    record.patch({ sla_text: text });
    same(text, [record.text.includes("printer"), record.text.includes(text.toLowerCase())], [true, true]);
  }
  same("the subject was looked at", asked, 1);
};

const lastSync = async () => {
  const clock = await at("clock");
  const { showLastSync } = await at("head");
  for (const [minutes, note, isOld] of [[14, "", false], [16, "16 m ago", true], [130, "2 h 10 m ago", true]]) {
    showLastSync(new Date(clock.now() - minutes * 60_000 - 500).toISOString(), 1);
    const box = document.getElementById("last-sync");
    const found = [document.getElementById("last-sync-age").textContent, box.classList.contains("sync--old")];
    same(`a sync ${minutes} minutes ago`, found, [note, isOld]);
  }
  showLastSync(null, 0);
  same("no sync", document.getElementById("dashboard-generated-time").textContent, "Never");
};

return Promise.all([clocks(), orders(), searches(), differences(), events(), pieces(), rows(), filled(), news(), turns(), texts(), lastSync()]).then(() => wrong);
