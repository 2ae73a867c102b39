//! What the board shows, and how it follows the vendor.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use hivematrix_e2e::board::{Board, Row, Section};
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::{eventually, when};
use hivematrix_simulators::freshservice::TicketPatch;
use hivematrix_simulators::world::people::PROFESSIONAL_SERVICES;
use hivematrix_simulators::world::status;
use serde_json::Value;

use crate::stage::Stage;

/// Signs in and waits until the board of a view is the vendor's.
pub async fn open(stage: &Stage, view: &str) -> Result<Board> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.open(suite, &format!("/beacon/{view}")).await?;
    complete(browser, suite, view).await
}

async fn complete(browser: &Browser, suite: &Suite, view: &str) -> Result<Board> {
    eventually(&format!("{view} shows what the vendor has"), ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok((board.numbers() == expected(suite, view)?).then_some(board))
    })
    .await
}

fn vendor_ticket(suite: &Suite, id: u64) -> Result<Value> {
    suite.vendor.control.ticket(id).with_context(|| format!("the vendor has no ticket {id}"))
}

/// Active tickets of the vendor that belong into a view, ascending.
pub fn expected(suite: &Suite, view: &str) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for id in suite.vendor.control.active_ids() {
        let project = vendor_ticket(suite, id)?["group_id"] == PROFESSIONAL_SERVICES;
        if project == (view == "professional-services") {
            numbers.push(id);
        }
    }
    Ok(numbers)
}

pub async fn four_sections_show_the_tickets_of_the_vendor(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let board = open(stage, "helpdesk").await?;
    ensure!(board.trouble.is_empty(), "the board reports: {}", board.trouble);
    for (place, section) in (1..).zip(&board.sections) {
        ensure!(section.count == section.rows.len(), "section {place} counts {}", section.count);
        ensure!(!section.rows.is_empty(), "section {place} is empty");
        for row in &section.rows {
            let shown = if place == 4 { row.sla.starts_with(&row.shown) } else { row.sla == row.shown };
            ensure!(shown && !row.shown.is_empty(), "section {place} shows {} for {}", row.shown, row.sla);
        }
        ensure!(!section.says_empty, "section {place} has tickets and says that it is empty");
    }
    ensure!(board.total == board.numbers().len(), "the total is {}", board.total);
    ensure!(board.sirens == (board.total > 30), "sirens at {}", board.total);
    ensure!(board.last_sync.chars().any(|c| c.is_ascii_digit()), "last sync: {}", board.last_sync);
    ensure!(board.sections[2].count < 12, "{} tickets burn", board.sections[2].count);
    for row in board.rows() {
        let ticket = vendor_ticket(suite, row.number)?;
        ensure!(ticket["subject"] == row.subject, "#{} is called {}", row.number, row.subject);
        let unassigned = ticket["responder_id"].is_null();
        ensure!(unassigned == (row.agent == "Unassigned"), "#{} is with {}", row.number, row.agent);
        let link = row.link.as_deref().unwrap_or_default();
        ensure!(link.ends_with(&format!("/{}", row.number)), "#{} leads to {link}", row.number);
    }
    let link = board.sections[0].rows[0].link.clone().context("no link")?;
    let page = reqwest::get(&link).await?;
    ensure!(page.status().is_success(), "{link} answers {}", page.status());
    ensure!(browser.driver.title().await?.contains("Helpdesk Dashboard"));
    Ok(())
}

pub async fn views_share_the_tickets_by_group(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let helpdesk = open(stage, "helpdesk").await?;
    browser.find("a[href*='/beacon/professional-services']").await?.click().await?;
    let projects = complete(browser, suite, "professional-services").await?;
    ensure!(browser.driver.title().await?.contains("Professional Services"));
    ensure!(projects.total > 0 && helpdesk.total > projects.total);
    browser.find("a[href*='/beacon/helpdesk']").await?.click().await?;
    complete(browser, suite, "helpdesk").await?;
    Ok(())
}

pub async fn the_agent_filter_keeps_one_persons_tickets(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let whole = open(stage, "helpdesk").await?;
    let mut load: HashMap<&str, usize> = HashMap::new();
    for row in whole.rows().filter(|row| row.agent != "Unassigned") {
        *load.entry(row.agent.as_str()).or_default() += 1;
    }
    let (agent, count) = load.into_iter().max_by_key(|(_, count)| *count).context("nobody has work")?;
    let name = serde_json::to_string(agent)?;
    // A board that was opened before the first sync had no agents to offer.
    eventually("the filter offers the agent", ARRIVAL, async || {
        let offered = format!(
            "return [...document.querySelectorAll('#agent-filter option')].some((o) => o.text === {name})"
        );
        if browser.script(&offered).await? == true {
            return Ok(Some(()));
        }
        browser.driver.refresh().await?;
        Ok(None)
    })
    .await?;
    let choose = format!(
        "const select = document.querySelector('#agent-filter');
         const option = [...select.options].find((o) => o.text === {name});
         select.value = option.value; select.dispatchEvent(new Event('change', {{bubbles: true}}));
         return option.value;"
    );
    let id = browser.script(&choose).await?;
    let id = id.as_str().context("the filter has no ids")?.to_owned();
    let filtered = eventually("the filtered board", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok((board.total == count && board.rows().all(|row| row.agent == agent)).then_some(board))
    })
    .await?;
    for row in filtered.rows() {
        let responder = vendor_ticket(suite, row.number)?["responder_id"].to_string();
        ensure!(responder == id, "#{} is with {responder}", row.number);
    }
    let url = browser.driver.current_url().await?;
    ensure!(url.query().is_some_and(|query| query.contains(&format!("agent_id={id}"))), "{url}");
    browser.driver.refresh().await?;
    ensure!(Board::read(browser).await?.total == count, "a reload forgets the filter");
    browser.find("a[href*='/beacon/professional-services']").await?.click().await?;
    eventually("the filter goes with the view", ARRIVAL, async || {
        let url = browser.driver.current_url().await?;
        let kept = url.path().contains("professional") && url.as_str().contains(&format!("agent_id={id}"));
        Ok(when(kept && Board::read(browser).await?.rows().all(|row| row.agent == agent)))
    })
    .await
}

/// Presses the button and waits for the answer; the button says that it is busy, for long enough to be seen.
pub async fn refresh(browser: &Browser) -> Result<()> {
    browser.find("#refresh-btn").await?.click().await?;
    let says = |text: &str| format!("document.querySelector('#refresh-btn').textContent.trim() === '{text}'");
    browser.becomes("the refresh is to be seen", &says("Refreshing...")).await?;
    browser.becomes("the answer to a refresh", &says("Refresh")).await
}

pub async fn a_column_sorts_up_down_and_back(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    let default = open(stage, "helpdesk").await?.sections[3].clone();
    let numbers = |section: &Section| section.rows.iter().map(|row| row.number).collect::<Vec<u64>>();
    let mut ascending = numbers(&default);
    ascending.sort_unstable();
    let descending: Vec<u64> = ascending.iter().rev().copied().collect();
    ensure!(numbers(&default) != ascending, "section 4 is in the order of numbers already");
    let head = "#s4-item-table th[data-sort-key=id]";
    let steps = [(ascending, Some("asc")), (descending.clone(), Some("desc")), (numbers(&default), None)];
    for (order, mark) in steps {
        browser.find(&format!("{head} button, {head}")).await?;
        browser
            .script(&format!(
                "(document.querySelector('{head} button') ?? document.querySelector('{head}')).click()"
            ))
            .await?;
        let board = Board::read(browser).await?;
        ensure!(numbers(&board.sections[3]) == order, "after the click for {mark:?}");
        let found = browser.find(head).await?.attr("data-sort-dir").await?;
        ensure!(found.as_deref() == mark, "the head is marked {found:?}, not {mark:?}");
    }
    // Down again, and it stays so over a refresh and a reload.
    for _ in 0..2 {
        browser
            .script(&format!(
                "(document.querySelector('{head} button') ?? document.querySelector('{head}')).click()"
            ))
            .await?;
    }
    refresh(browser).await?;
    ensure!(numbers(&Board::read(browser).await?.sections[3]) == descending, "a refresh forgets the order");
    browser.driver.refresh().await?;
    eventually("the order after a reload", ARRIVAL, async || {
        Ok(when(numbers(&Board::read(browser).await?.sections[3]) == descending))
    })
    .await
}

pub async fn hostile_subjects_stay_text(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let subject =
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & \"ö\" 日本";
    let patch = TicketPatch {
        subject: Some(subject.to_owned()),
        description: Some(format!("<p>Plain</p><script>document.title='owned'</script>{subject}")),
        group_id: Some(None),
        ..TicketPatch::default()
    };
    let id = suite.vendor.control.create_ticket(patch);
    open(stage, "helpdesk").await?;
    let board = Board::read(browser).await?;
    let (_, row) = board.find(id).context("the ticket is not on the board")?;
    ensure!(row.subject == subject, "{}", row.subject);
    browser
        .script(&format!(
            "[...document.querySelectorAll('[data-value-id]')].find((c) => c.getAttribute('data-value-id') === '{id}')
               .closest('tr').querySelector('.modal-trigger').click()"
        ))
        .await?;
    let title = browser.find("#modal-title").await?;
    eventually("the dialog", ARRIVAL, async || Ok(when(title.text().await?.contains(&format!("#{id}")))))
        .await?;
    ensure!(
        !browser.has("#ticket-modal img, #ticket-modal script").await?,
        "markup of the ticket is in the page"
    );
    ensure!(!browser.driver.title().await?.contains("owned"), "a script of the ticket ran");
    suite.vendor.control.update_ticket(id, TicketPatch { deleted: Some(true), ..TicketPatch::default() });
    eventually("a ticket in the vendor's bin leaves the board", ARRIVAL, async || {
        Ok(when(Board::read(browser).await?.find(id).is_none()))
    })
    .await
}

async fn arrived(browser: &Browser, id: u64, what: &str, fits: impl Fn(usize, &Row) -> bool) -> Result<()> {
    let mut last = String::from("not there");
    let result = eventually(what, ARRIVAL, async || {
        let board = Board::read(browser).await?;
        let Some((section, row)) = board.find(id) else { return Ok(None) };
        last = format!("section {section}, {} ({})", row.sla, row.classes);
        Ok(when(fits(section, row)))
    })
    .await;
    result.with_context(|| format!("#{id}: {last}"))
}

pub async fn a_new_ticket_comes_without_a_reload(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let before = open(stage, "helpdesk").await?;
    browser.script("window.keptByTheTest = true").await?;
    let subject = "A ticket that was not there before";
    let patch = TicketPatch {
        subject: Some(subject.to_owned()),
        group_id: Some(None),
        priority: Some(2),
        ..TicketPatch::default()
    };
    let id = suite.vendor.control.create_ticket(patch);
    arrived(browser, id, "the new ticket is on the open page", |_, row| row.subject == subject).await?;
    ensure!(
        browser.script("return window.keptByTheTest === true").await? == true,
        "the page was loaded again"
    );
    let after = Board::read(browser).await?;
    ensure!(after.total == before.total + 1, "{} became {}", before.total, after.total);
    ensure!(after.numbers() == expected(suite, "helpdesk")?);
    Ok(())
}

pub async fn a_changed_ticket_moves_with_the_right_state(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    open(stage, "helpdesk").await?;
    let control = &suite.vendor.control;
    let due = |minutes: i64| Some(Some(control.now() + TimeDelta::minutes(minutes)));
    let create = |subject: &str| {
        control.create_ticket(TicketPatch {
            subject: Some(subject.to_owned()),
            kind: Some("Incident".to_owned()),
            priority: Some(2),
            group_id: Some(None),
            fr_due_by: due(20 * 60 + 30),
            ..TicketPatch::default()
        })
    };
    let is = |row: &Row, text: &str, colour: &str| row.sla.starts_with(text) && row.classes.contains(colour);
    // Two tickets change at the same time: one gets late, the other is worked on.
    let (late, worked) = (create("A ticket that nobody answers"), create("A ticket on its way"));
    for id in [late, worked] {
        arrived(browser, id, "new, due in 20 h: section 1, yellow", |section, row| {
            section == 1 && is(row, "Due in 20h", "sla--yellow")
        })
        .await?;
    }

    control.update_ticket(late, TicketPatch { fr_due_by: due(3 * 60 + 30), ..TicketPatch::default() });
    let answered = TicketPatch {
        status: Some(status::ON_HOLD),
        first_responded_at: Some(Some(control.now())),
        agent_responded_at: Some(Some(control.now())),
        ..TicketPatch::default()
    };
    control.update_ticket(worked, answered);
    arrived(browser, late, "due in 3 h: section 3, orange", |section, row| {
        section == 3 && is(row, "Due in 3h", "sla--orange")
    })
    .await?;
    arrived(browser, worked, "on hold: section 4, green", |section, row| {
        section == 4 && is(row, "On Hold (", "sla--green")
    })
    .await?;

    control.update_ticket(late, TicketPatch { fr_due_by: due(-130), ..TicketPatch::default() });
    let replied = TicketPatch { status: Some(status::CUSTOMER_REPLIED), ..TicketPatch::default() };
    control.update_ticket(worked, replied);
    arrived(browser, late, "overdue by 2 h: section 3, red", |section, row| {
        section == 3 && is(row, "Overdue by 2h", "sla--red")
    })
    .await?;
    arrived(browser, worked, "the customer replied: section 2, yellow", |section, row| {
        section == 2 && is(row, "Customer Replied (", "sla--yellow")
    })
    .await?;

    for id in [late, worked] {
        control.update_ticket(id, TicketPatch { status: Some(status::CLOSED), ..TicketPatch::default() });
    }
    eventually("closed tickets leave the board", ARRIVAL, async || {
        let board = Board::read(browser).await?;
        Ok(when([late, worked].iter().all(|id| board.find(*id).is_none())))
    })
    .await
}
