//! The open board follows what happens: at once, without a reload, over restarts, and by the clock alone.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use hivematrix_e2e::board::Board;
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::TicketPatch;
use serde_json::json;

use crate::Stage;
use crate::board::{open, refresh};

/// The pure rules of the scripts, one case after the other.
const RULES: &str = include_str!("rules.js");
/// Cases that the server's rows are tested with, too.
const CASES: &str = include_str!("../../../beacon/tests/cases/rows.json");
/// Longer than any scenario: what arrives was pushed.
const NO_POLL: &str = "window.AUTO_REFRESH_MS = 3600000";
/// The feed in the page itself, with the states of the answers it gets; without streams where the test says so.
const SEEN_FETCHES: &str = "delete window.Worker;
    window.seenByTheTest = [];
    const plain = window.fetch;
    window.fetch = async (address, options) => {
      if (window.hasNoStream && String(address).includes('/api/stream/')) throw new TypeError('no stream');
      const answer = await plain(address, options);
      if (String(address).includes('/api/tickets/')) window.seenByTheTest.push(answer.status);
      return answer;
    };";
const IS_LIVE: &str = "document.querySelector('#link-state').textContent === 'Live'";

/// A ticket of the view that nobody has answered, and that is not late for a long time.
fn ticket(suite: &Suite, subject: &str) -> u64 {
    due(suite, subject, TimeDelta::minutes(20 * 60 + 30))
}

/// A ticket of the view that nobody has answered, due in this time.
fn due(suite: &Suite, subject: &str, due: TimeDelta) -> u64 {
    suite.vendor.control.create_ticket(TicketPatch {
        subject: Some(subject.to_owned()),
        kind: Some("Incident".to_owned()),
        priority: Some(2),
        group_id: Some(None),
        fr_due_by: Some(Some(suite.vendor.control.now() + due)),
        ..TicketPatch::default()
    })
}

fn remove(suite: &Suite, id: u64) {
    suite.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });
}

/// Waits until Beacon has a ticket, whatever the page shows.
async fn beacon_has(browser: &Browser, id: u64) -> Result<()> {
    let code = format!(
        "return fetch('/beacon/api/tickets/helpdesk').then((r) => r.text())
           .then((text) => text.includes('\"external_id\":{id}'))"
    );
    eventually("Beacon has the ticket", ARRIVAL, async || Ok(when(browser.script(&code).await? == true)))
        .await
}

/// The class names of a ticket's row.
async fn classes(browser: &Browser, id: u64) -> Result<Option<String>> {
    let code = format!(
        "return document.querySelector('td[data-value-id=\"{id}\"]')?.closest('tr').className ?? null"
    );
    Ok(browser.script(&code).await?.as_str().map(str::to_owned))
}

async fn has_class(browser: &Browser, id: u64, class: &str) -> Result<()> {
    let mut last = None;
    let result = eventually(&format!("#{id} is marked {class}"), ARRIVAL, async || {
        last = classes(browser, id).await?;
        Ok(when(last.as_deref().is_some_and(|names| names.split(' ').any(|name| name == class))))
    })
    .await;
    result.with_context(|| format!("its classes are {last:?}"))
}

pub async fn the_rules_of_the_scripts_hold(stage: &Stage) -> Result<()> {
    open(stage, "helpdesk").await?;
    stage.browser.becomes("the first answer is there", "window.currentApiData").await?;
    let wrong = stage.browser.script(&format!("const CASES = {CASES};\n{RULES}")).await?;
    ensure!(wrong.as_array().is_some_and(Vec::is_empty), "{wrong:#}");
    Ok(())
}

pub async fn changes_are_pushed_and_their_rows_marked_for_a_while(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    open(stage, "helpdesk").await?;
    browser.becomes("the stream is open", IS_LIVE).await?;
    browser.script(NO_POLL).await?;
    let id = ticket(suite, "A ticket that is pushed");
    has_class(browser, id, "is-new").await?;
    browser
        .becomes(
            "the mark goes",
            &format!("!document.querySelector('[data-value-id=\"{id}\"]').closest('.is-new')"),
        )
        .await?;
    browser.system_asks_for("prefers-reduced-motion", "reduce").await?;
    let patch = TicketPatch { subject: Some("It has another name".to_owned()), ..TicketPatch::default() };
    suite.vendor.control.update_ticket(id, patch);
    has_class(browser, id, "is-changed").await?;
    let fade =
        "return getComputedStyle(document.querySelector('.is-changed, .is-settling')).transitionDuration";
    ensure!(browser.script(fade).await? == "0s", "rows fade for people who asked for less motion");
    let due = Some(Some(suite.vendor.control.now() + TimeDelta::minutes(90)));
    suite.vendor.control.update_ticket(id, TicketPatch { fr_due_by: due, ..TicketPatch::default() });
    has_class(browser, id, "is-moved").await?;
    let told = browser.script("return document.querySelector('#live-region').textContent").await?;
    ensure!(
        told.as_str().is_some_and(|text| text.contains("moved")),
        "people who do not see it are told {told}"
    );
    remove(suite, id);
    eventually("a ticket in the bin leaves the board", ARRIVAL, async || {
        Ok(when(classes(browser, id).await?.is_none()))
    })
    .await
}

pub async fn the_console_stops_the_refresh_and_starts_it_again(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    let names = browser
        .script("return [CURRENT_TICKET_TYPE_SLUG, CURRENT_TICKET_TYPE_DISPLAY, TICKET_BASE_URL, typeof currentApiData]")
        .await?;
    ensure!(names[0] == "helpdesk" && names[1] == "Helpdesk" && names[3] == "object", "{names}");
    let link = before.rows().find_map(|row| row.link.clone()).context("no ticket has a link")?;
    ensure!(names[2].as_str().is_some_and(|base| !base.is_empty() && link.contains(base)), "{names}, {link}");
    let recipe = "return {ms: window.AUTO_REFRESH_MS, view: currentView, agent: selectedAgent,
        rows: [1, 2, 3, 4].map((n) => document.querySelectorAll(`#s${n}-items-body tr`).length)}";
    let found = browser.script(recipe).await?;
    let rows: Vec<usize> = before.sections.iter().map(|section| section.count).collect();
    ensure!(found["ms"] == 5000 && found["view"] == "helpdesk" && found["agent"] == "", "{found}");
    ensure!(found["rows"] == json!(rows), "{found} instead of {rows:?}");
    browser.script("window.AUTO_REFRESH_MS = 0").await?;
    let id = ticket(suite, "A ticket that has to wait");
    beacon_has(browser, id).await?;
    ensure!(classes(browser, id).await?.is_none(), "the refresh was not stopped");
    refresh(browser).await?;
    ensure!(classes(browser, id).await?.is_some(), "the button does nothing");
    browser.script("window.AUTO_REFRESH_MS = 5000").await?;
    remove(suite, id);
    eventually("the board follows again", ARRIVAL, async || Ok(when(classes(browser, id).await?.is_none())))
        .await
}

pub async fn without_stream_and_worker_the_poll_is_enough_and_costs_a_304(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.before_every_page(&format!("window.hasNoStream = true; {SEEN_FETCHES}")).await?;
    open(stage, "helpdesk").await?;
    let id = ticket(suite, "A ticket that is polled");
    has_class(browser, id, "is-new").await?;
    browser.becomes("unchanged tickets cost a 304", "window.seenByTheTest.includes(304)").await?;
    ensure!(Board::read(browser).await?.trouble.is_empty(), "a missing stream is no trouble");
    remove(suite, id);
    Ok(())
}

pub async fn what_the_stream_brought_makes_the_next_poll_a_304(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    // The feed in the page itself, so that its requests can be seen.
    browser.before_every_page(SEEN_FETCHES).await?;
    open(stage, "helpdesk").await?;
    browser.becomes("the stream is open", IS_LIVE).await?;
    browser.script(NO_POLL).await?;
    let id = ticket(suite, "A ticket that the stream brings");
    has_class(browser, id, "is-new").await?;
    browser.script("window.seenByTheTest = []").await?;
    refresh(browser).await?;
    browser.becomes("it costs a 304", "window.seenByTheTest.join() === '304'").await?;
    remove(suite, id);
    Ok(())
}

pub async fn the_strip_tells_the_day_and_comes_back_by_itself(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    open(stage, "helpdesk").await?;
    // Three charts, each drawn with its words or, where there is nothing to draw, in words alone.
    let told = "document.querySelectorAll('#insight .chart').length === 3
        && [...document.querySelectorAll('#insight .chart')].every((chart) =>
            chart.querySelector('svg[role=img] desc, .chart__none')?.textContent.trim())";
    // The first count of a new suite may take five minutes; until then the strip says so.
    let counted =
        "document.querySelector('#insight .insight__none')?.textContent.startsWith('There is no history')";
    browser.becomes("the strip is there", &format!("({told}) || ({counted})")).await?;
    browser
        .script(
            "document.getElementById('insight').outerHTML =
               '<section class=\"insight\" id=\"insight\" data-untold><p class=\"insight__none\">?</p></section>'",
        )
        .await?;
    browser
        .becomes("what could not be told comes", "!document.querySelector('#insight[data-untold]')")
        .await?;
    browser.becomes("it is the strip", &format!("({told}) || ({counted})")).await
}

pub async fn the_details_of_a_ticket_are_complete_and_close_in_three_ways(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let id = suite.vendor.control.create_ticket(TicketPatch {
        subject: Some("A ticket with nothing to say".to_owned()),
        description: Some(String::new()),
        priority: Some(3),
        group_id: Some(None),
        ..TicketPatch::default()
    });
    open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    let row = format!("[data-value-id=\"{id}\"]");
    let is_open = "document.querySelector('#ticket-modal[open]')";
    let ways = [
        ("×", "document.querySelector('#ticket-modal .modal__close').click()"),
        (
            "a click beside it",
            "document.querySelector('#ticket-modal').dispatchEvent(new MouseEvent('click', {bubbles: true}))",
        ),
        ("Escape", ""),
    ];
    for (what, closes) in ways {
        let opens =
            format!("document.querySelector('{row}').closest('tr').querySelector('.modal-trigger').click()");
        browser.script(&opens).await?;
        browser.becomes("the details", is_open).await?;
        if closes.is_empty() {
            browser.keys(thirtyfour::Key::Escape).await?;
        } else {
            browser.script(closes).await?;
        }
        browser.becomes(&format!("{what} closes them"), &format!("!{is_open}")).await?;
    }
    browser
        .script(&format!(
            "document.querySelector('{row}').closest('tr').querySelector('.modal-trigger').click()"
        ))
        .await?;
    browser.becomes("the details", is_open).await?;
    let title = browser.script("return document.querySelector('#modal-title').textContent").await?;
    ensure!(title == format!("Ticket #{id}: A ticket with nothing to say"), "{title}");
    let labels = "return [...document.querySelectorAll('#modal-details-grid dt')].map((e) => e.textContent)";
    let labels: Vec<String> = serde_json::from_value(browser.script(labels).await?)?;
    for label in ["Requester", "Agent", "Priority", "Status", "Created", "Last Updated"] {
        ensure!(labels.iter().any(|found| found == label), "{label} in {labels:?}");
    }
    let description =
        browser.script("return document.querySelector('#modal-description').textContent").await?;
    ensure!(description == "No description provided.", "{description}");
    let badge =
        browser.script("return document.querySelector('#modal-details-grid .badge').className").await?;
    ensure!(badge.as_str().is_some_and(|class| class.contains("badge--high")), "{badge}");
    remove(suite, id);
    Ok(())
}

pub async fn a_restarted_beacon_is_followed_again(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?.numbers();
    browser.becomes("the stream is open", IS_LIVE).await?;
    browser.script(&format!("window.keptByTheTest = true; {NO_POLL}")).await?;
    let pid = suite.kill("beacon").await?;
    let id = ticket(suite, "A ticket of the meantime");
    let mut lost = false;
    eventually("Beacon is back", ARRIVAL, async || {
        let numbers = Board::read(browser).await?.numbers();
        lost |= before.iter().any(|number| !numbers.contains(number));
        Ok(when(suite.is_back("beacon", pid).await?))
    })
    .await?;
    ensure!(!lost, "rows went away with Beacon");
    eventually("what was missed is caught up", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when(board.find(id).is_some() && board.trouble.is_empty()))
    })
    .await?;
    browser.becomes("the stream is open again", IS_LIVE).await?;
    ensure!(
        browser.script("return window.keptByTheTest === true").await? == true,
        "the page was loaded again"
    );
    remove(suite, id);
    Ok(())
}

pub async fn without_beacon_rows_are_marked_with_their_age_and_clocks_go_on(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    open(stage, "helpdesk").await?;
    // Clocks go by full minutes: it is late with the first one after its time, in 25 to 85 s.
    let id = due(suite, "A ticket whose time passes", TimeDelta::seconds(25));
    eventually("the ticket is due within a minute", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when(board.find(id).is_some_and(|(_, row)| row.classes.contains("sla--orange"))))
    })
    .await?;
    suite.helm(&["stop", "beacon"]).await?;
    let away = async {
        browser
            .becomes(
                "the rows are marked as old",
                "document.querySelector('#beacon-board.is-stale #s1-age:not([hidden])')",
            )
            .await?;
        let trouble = Board::read(browser).await?.trouble;
        ensure!(trouble.contains("The tickets shown are those of"), "the page says: {trouble}");
        eventually("the row turns red by itself", ARRIVAL, async || {
            let board = Board::read(browser).await?;
            let (_, row) = board.find(id).context("the row went away")?;
            Ok(when(row.sla.starts_with("Overdue by") && row.classes.contains("sla--red")))
        })
        .await
    }
    .await;
    suite.helm(&["start", "beacon"]).await?;
    away?;
    browser.becomes("the marks are gone", "!document.querySelector('#beacon-board.is-stale')").await?;
    eventually("the trouble is over", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when(board.trouble.is_empty() && board.find(id).is_some_and(|(section, _)| section == 3)))
    })
    .await?;
    remove(suite, id);
    Ok(())
}

pub async fn a_wrong_clock_of_the_browser_changes_nothing(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser
        .before_every_page(
            "const Real = Date; const ahead = 26 * 3600 * 1000;
             window.Date = class extends Real {
               constructor(...given) { if (given.length) super(...given); else super(Real.now() + ahead); }
               static now() { return Real.now() + ahead; }
             };",
        )
        .await?;
    let id = ticket(suite, "A ticket by the right clock");
    open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    let board = Board::read(browser).await?;
    let (_, row) = board.find(id).context("the ticket is not on the board")?;
    ensure!(row.sla.starts_with("Due in 20h"), "the row says {}", row.sla);
    ensure!(!browser.has("#last-sync.sync--old").await?, "the last sync is taken for old");
    remove(suite, id);
    Ok(())
}

pub async fn nobody_asks_for_a_hidden_page_and_it_is_current_on_return(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    open(stage, "helpdesk").await?;
    browser.becomes("the stream is open", IS_LIVE).await?;
    let show = |hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {hidden}}});
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.script(&show(true)).await?;
    browser.becomes("the stream is closed", &format!("!({IS_LIVE})")).await?;
    let id = ticket(suite, "A ticket behind the curtain");
    beacon_has(browser, id).await?;
    ensure!(classes(browser, id).await?.is_none(), "a hidden page is refreshed");
    browser.script(&show(false)).await?;
    eventually("it is current", ARRIVAL, async || Ok(when(classes(browser, id).await?.is_some()))).await?;
    browser.becomes("the stream is open again", IS_LIVE).await?;
    remove(suite, id);
    Ok(())
}

pub async fn an_ended_session_keeps_the_rows_and_offers_to_sign_in(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    browser.driver.delete_all_cookies().await?;
    browser.becomes("the way back in", "document.querySelector('#sign-in-again').offsetWidth").await?;
    let board = Board::read(browser).await?;
    ensure!(board.numbers() == before.numbers(), "rows went away with the session");
    ensure!(board.trouble.contains("Your session has ended"), "the page says: {}", board.trouble);
    browser.script("window.oldPageOfTheTest = true").await?;
    browser.find("#sign-in-again").await?.click().await?;
    // The identity provider may remember who this is.
    let back = "!window.oldPageOfTheTest && (window.currentApiData || document.querySelector('input[name=password]'))";
    browser.becomes("the way leads to the board or the sign-in", back).await?;
    if browser.has("input[name=password]").await? {
        browser.fill_login("tech", &suite.password).await?;
    }
    browser.becomes("the board is back", "window.currentApiData && currentView === 'helpdesk'").await
}

pub async fn the_last_sync_is_told_in_the_viewers_zone(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    browser
        .driver
        .cdp()
        .send_raw("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Tokyo"}))
        .await?;
    open(stage, "helpdesk").await?;
    let same = "(() => {
        const time = new Date(document.querySelector('#beacon-board').dataset.lastSync);
        const form = (options) => new Intl.DateTimeFormat('en-US', {timeZone: 'Asia/Tokyo', ...options}).format(time);
        const wanted = `${form({year: 'numeric', month: 'short', day: 'numeric'})} ${form({hour: 'numeric', minute: '2-digit'})}`;
        return document.querySelector('#dashboard-generated-time').textContent === wanted;
    })()";
    browser.becomes("Nov 22, 2025 7:30 PM", same).await
}

pub async fn a_sync_is_started_and_followed_to_its_end(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    open(stage, "helpdesk").await?;
    browser
        .script(
            "window.saidToTheTest = [];
             const status = document.querySelector('#sync-status');
             new MutationObserver(() => saidToTheTest.push(status.textContent)).observe(status, {childList: true});",
        )
        .await?;
    browser.find("#sync-tickets-btn").await?.click().await?;
    browser.becomes("it says that it is complete", "saidToTheTest.includes('Sync complete!')").await?;
    let said = browser.script("return saidToTheTest.slice(0, 3)").await?;
    ensure!(said == json!(["Starting sync...", "Sync in progress...", "Sync complete!"]), "{said}");
    browser
        .becomes("the words go again", "document.querySelector('#sync-status').textContent === ''")
        .await?;
    browser.becomes("the button is free", "!document.querySelector('#sync-tickets-btn').disabled").await
}
