//! A service in the hands of an administrator.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thirtyfour::Key;

use crate::stage::Stage;

/// The process id that the page of a service shows.
async fn process(stage: &Stage) -> Result<String> {
    let shown = "[...document.querySelectorAll('.info-item')]
        .find((item) => item.querySelector('dt').textContent === 'Process').querySelector('dd').textContent";
    stage.value(shown).await?.as_str().map(str::to_owned).context("no process id")
}

pub async fn a_service_is_restarted_from_its_page(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("admin", "/helm/").await?;
    stage.click("[data-service=beacon] .card__title a").await?;
    stage.yes("its page is open", "location.pathname === '/helm/service/beacon'").await?;
    let before = process(stage).await?;
    stage.click("[data-orders=beacon] [value=restart]").await?;
    stage.yes("the question is asked", "document.querySelector('#ask.active')").await?;
    stage.click("#ask [data-modal-close]").await?;
    ensure!(process(stage).await? == before, "it was restarted although nobody wanted it");
    stage.click("[data-orders=beacon] [value=restart]").await?;
    stage.click("#ask [type=submit]").await?;
    stage.toast("Beacon was restarted.").await?;
    ensure!(process(stage).await? != before, "the same process runs");
    browser.open(suite, "/helm/service/helm").await?;
    ensure!(!browser.has("[data-orders]").await?, "Helm offers to stop itself");
    Ok(())
}

/// The orders that the card of Beacon offers.
async fn offered(stage: &Stage) -> Result<String> {
    let shown = "[...document.querySelectorAll('[data-orders=beacon] button:not([hidden])')].map((one) => one.value).join(' ')";
    Ok(stage.value(shown).await?.as_str().unwrap_or_default().to_owned())
}

/// Keeps what the page asks of the server in `asked`.
const WATCH: &str = "(() => { const fetched = window.fetch; window.asked = [];
    window.fetch = (address, how = {}) => { if (how.method === 'POST') asked.push(String(address)); return fetched(address, how); }; })()";

pub async fn a_service_is_stopped_and_started_on_the_dashboard_by_keyboard(stage: &Stage) -> Result<()> {
    stage.visit("admin", "/helm/").await?;
    ensure!(!stage.browser.has("[data-orders=helm]").await?, "Helm offers to stop itself");
    stage
        .yes(
            "it runs",
            "document.querySelector('[data-service=beacon] [data-field=state]').innerText === 'running'",
        )
        .await?;
    ensure!(offered(stage).await? == "restart stop", "what runs is not started");
    stage.value(WATCH).await?;
    stage.value("document.querySelector('[data-orders=beacon] [value=stop]').focus()").await?;
    stage.press(Key::Enter).await?;
    stage
        .yes(
            "it asks, and begins on the way out",
            "document.querySelector('#ask.active') && document.activeElement.textContent === 'Cancel'",
        )
        .await?;
    stage.press(Key::Escape).await?;
    stage.yes("Escape is no", "!document.querySelector('#ask.active')").await?;
    stage.press(Key::Enter).await?;
    stage.yes("it asks again", "document.querySelector('#ask.active')").await?;
    stage.click("#ask [type=submit]").await?;
    stage.toast("Beacon was stopped.").await?;
    stage
        .yes(
            "the card says so",
            "document.querySelector('[data-service=beacon] [data-field=state]').innerText === 'stopped'",
        )
        .await?;
    ensure!(offered(stage).await? == "start", "what is stopped is started and nothing else");
    stage
        .yes(
            "the focus is at what can be done now",
            "document.activeElement.matches('[data-orders=beacon] [value=start]')",
        )
        .await?;
    stage
        .value(
            "[1, 2, 3].forEach(() => document.querySelector('[data-orders=beacon] [value=start]').click())",
        )
        .await?;
    stage
        .yes(
            "the button is busy",
            "document.querySelector('[data-orders=beacon] [value=start][aria-busy=true]')",
        )
        .await?;
    stage.toast("Beacon was started.").await?;
    stage
        .yes(
            "it runs again",
            "document.querySelector('[data-service=beacon] [data-field=state]').innerText === 'running'",
        )
        .await?;
    let asked = stage.value("asked.map((address) => address.split('/').pop())").await?;
    ensure!(asked == json!(["stop", "start"]), "each order is sent once: {asked}");
    Ok(())
}
