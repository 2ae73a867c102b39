//! What people do on the board: search, filter, sort, keys, the details of a ticket.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::browser::Browser;
use thirtyfour::Key;

use crate::Stage;
use crate::board::{open, refresh};

/// Number of rows to be seen, by section.
const SEEN: &str = "[1, 2, 3, 4].map((n) => document.querySelectorAll(`#s${n}-item-table:not([hidden]) tbody tr:not([hidden])`).length)";
/// What the headings count, by section.
const COUNTED: &str = "[1, 2, 3, 4].map((n) => document.querySelector(`#s${n}-item-count`).textContent)";

async fn numbers(browser: &Browser, expression: &str) -> Result<Vec<u64>> {
    let found = browser.script(&format!("return {expression}")).await?;
    found.as_array().context("no list")?.iter().map(|value| value.as_u64().context("no number")).collect()
}

pub async fn the_search_looks_into_all_columns_and_sections_count(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    let whole = open(stage, "helpdesk").await?;
    let agent = whole.rows().find(|row| row.agent != "Unassigned").context("nobody has work")?.agent.clone();
    let wanted: Vec<u64> = whole
        .sections
        .iter()
        .map(|section| section.rows.iter().filter(|row| row.agent == agent).count() as u64)
        .collect();
    browser.keys("/").await?;
    browser.becomes("the slash leads to the search", "document.activeElement.id === 'ticket-search'").await?;
    browser.keys(agent.to_uppercase()).await?;
    let total: u64 = wanted.iter().sum();
    browser.becomes("the rows of one agent", &format!("({SEEN}).join() === '{}'", joined(&wanted))).await?;
    let counts = browser.script(&format!("return {COUNTED}")).await?;
    for (place, (found, section)) in (1..).zip(wanted.iter().zip(&whole.sections)) {
        let text = format!("{found} of {}", section.count);
        ensure!(counts[place - 1] == text, "section {place} counts {counts}, not {text}");
    }
    let result = browser.find("#filter-result").await?.text().await?;
    ensure!(result == format!("{total} of {} tickets", whole.total), "the page says {result}");
    let large = browser.find("#total-active-items-count").await?.text().await?;
    ensure!(large == whole.total.to_string(), "a search changes the total to {large}");

    browser.driver.refresh().await?;
    let kept = format!(
        "document.querySelector('#ticket-search').value && ({SEEN}).join() === '{}'",
        joined(&wanted)
    );
    browser.becomes("a reload keeps the search", &kept).await?;
    browser.find("a[href*='/beacon/professional-services']").await?.click().await?;
    browser
        .becomes(
            "so does another view",
            "currentView === 'professional-services' && document.querySelector('#ticket-search').value",
        )
        .await?;
    browser.find("a[href*='/beacon/helpdesk']").await?.click().await?;
    browser.becomes("and the way back", &format!("currentView === 'helpdesk' && {kept}")).await?;
    browser.find("#ticket-search").await?.focus().await?;
    browser.keys(Key::Escape).await?;
    let all: Vec<u64> = whole.sections.iter().map(|section| section.count as u64).collect();
    browser.becomes("Escape clears it", &format!("({SEEN}).join() === '{}'", joined(&all))).await?;

    let urgent = "[1, 2, 3, 4].map((n) => document.querySelectorAll(`#s${n}-items-body [data-value-priority_raw='3']`).length)";
    let urgent = numbers(browser, urgent).await?;
    browser
        .script("const s = document.querySelector('#priority-filter'); s.value = '3'; s.dispatchEvent(new Event('change'))")
        .await?;
    browser.becomes("only one priority", &format!("({SEEN}).join() === '{}'", joined(&urgent))).await?;
    refresh(browser).await?;
    ensure!(numbers(browser, SEEN).await? == urgent, "a refresh forgets the filter");
    browser.find("#filter-clear").await?.click().await?;
    browser.becomes("cleared", &format!("({SEEN}).join() === '{}'", joined(&all))).await
}

fn joined(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}

pub async fn keys_lead_through_the_board(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    for section in 1..=4 {
        browser.keys(section.to_string()).await?;
        let there = format!("document.activeElement.id === 's{section}-title'");
        browser.becomes(&format!("{section} leads to its section"), &there).await?;
        browser.keys("j").await?;
        let row = format!(
            "document.activeElement.closest('tr') && document.activeElement.closest('tr') ===
             document.querySelector('#s{section}-items-body tr:not([hidden])')"
        );
        browser.becomes("j leads to its first ticket", &row).await?;
    }
    browser.keys("1").await?;
    browser.keys("jj").await?;
    let at = |index: u8| {
        format!(
            "document.activeElement.closest('tr') === document.querySelectorAll('#s1-items-body tr:not([hidden])')[{index}]"
        )
    };
    browser.becomes("j leads to the next ticket", &at(1)).await?;
    browser.keys("k").await?;
    browser.becomes("k leads back", &at(0)).await?;
    refresh(browser).await?;
    browser.script("document.querySelector('#s1-items-body .modal-trigger').focus()").await?;
    browser.keys("o").await?;
    let inside = "document.querySelector('#ticket-modal[open]')?.contains(document.activeElement)";
    browser.becomes("o opens the ticket, with the focus in it", inside).await?;
    for _ in 0..4 {
        browser.keys(Key::Tab).await?;
        let trapped = format!("{inside} || document.activeElement === document.body");
        browser.becomes("the focus stays in it", &trapped).await?;
    }
    browser.keys(Key::Escape).await?;
    browser.becomes("Escape closes it", "!document.querySelector('dialog[open]')").await?;
    browser.becomes("the focus comes back", &at(0)).await?;

    browser.keys("?").await?;
    browser
        .becomes(
            "the help",
            "document.querySelector('#keys-dialog[open]').textContent.includes('Search all columns')",
        )
        .await?;
    browser.find("#keys-enabled").await?.click().await?;
    browser.keys(Key::Escape).await?;
    browser.becomes("the help is closed", "!document.querySelector('dialog[open]')").await?;
    browser.find("#refresh-btn").await?.focus().await?;
    browser.keys("2").await?;
    ensure!(
        browser.script("return document.activeElement.id").await? == "refresh-btn",
        "keys that are off do something"
    );
    browser.driver.refresh().await?;
    browser
        .becomes("they stay off", "window.currentApiData && !document.querySelector('#keys-enabled').checked")
        .await?;
    browser.find("#keys-btn").await?.click().await?;
    browser.find("#keys-enabled").await?.click().await?;
    Ok(())
}

pub async fn order_and_agent_stay_while_views_change(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    open(stage, "helpdesk").await?;
    let head = "#s4-item-table th[data-sort-key=subject]";
    for _ in 0..2 {
        browser.find(&format!("{head} button")).await?.click().await?;
    }
    browser.becomes("down", &format!("document.querySelector('{head}').dataset.sortDir === 'desc'")).await?;
    let choose = "const s = document.querySelector('#agent-filter');
        s.value = [...s.options].find((o) => o.value && !o.label.endsWith('(0)')).value;
        s.dispatchEvent(new Event('change')); return s.value";
    let agent = browser.script(choose).await?.as_str().context("no agent")?.to_owned();
    let sorted = format!("document.querySelector('{head}').getAttribute('aria-sort') === 'descending'");
    for view in ["helpdesk", "professional-services", "helpdesk"] {
        let kept = format!("currentView === '{view}' && selectedAgent === '{agent}' && {sorted}");
        browser.becomes(&format!("{view} has the same order and agent"), &kept).await?;
        let other = if view == "helpdesk" { "professional-services" } else { "helpdesk" };
        browser.find(&format!("a[href*='/beacon/{other}']")).await?.click().await?;
    }
    Ok(())
}

pub async fn a_priority_in_the_address_stays_there_and_can_be_changed(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    open(stage, "helpdesk").await?;
    browser.open(&stage.suite, "/beacon/helpdesk?priority=3").await?;
    browser.find("a[href*='/beacon/professional-services']").await?.click().await?;
    browser
        .becomes(
            "another view has it, too",
            "currentView === 'professional-services' && location.search === '?priority=3'",
        )
        .await?;
    browser.find("a[href*='/beacon/helpdesk']").await?.click().await?;
    let only = |priority: u8| {
        format!(
            "currentView === 'helpdesk' && location.search === '?priority={priority}' && window.currentApiData
             && document.querySelector('#priority-filter').value === '{priority}'
             && [1, 2, 3, 4].every((n) => currentApiData[`s${{n}}_items`].every((t) => t.priority_raw === {priority}))"
        )
    };
    browser.becomes("and the way back", &only(3)).await?;
    browser
        .script("const s = document.querySelector('#priority-filter'); s.value = '2'; s.dispatchEvent(new Event('change'))")
        .await?;
    browser.becomes("another one takes its place", &only(2)).await?;
    browser.find("#filter-clear").await?.click().await?;
    browser
        .becomes(
            "cleared, all are there",
            "location.search === '' && document.querySelector('#priority-filter').value === ''",
        )
        .await
}
