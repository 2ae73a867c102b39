//! The central log in a browser: found, followed, and one request drawn through its services.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::suite::Suite;
use uuid::Uuid;

use crate::stage::{Stage, quoted};
use crate::sweep::look_at;

/// Asks for the board with a correlation id of its own, which leads through gateway and Beacon at least.
async fn request(suite: &Suite) -> Result<String> {
    let id = Uuid::new_v4().to_string();
    let url = format!("{}/beacon/api/tickets/helpdesk", suite.url);
    let token = suite.token("technician").await?;
    let answer = suite.client()?.get(url).bearer_auth(token).header("X-Correlation-ID", &id).send().await?;
    ensure!(answer.status().is_success(), "the board answers {}", answer.status());
    Ok(id)
}

fn link_to(id: &str) -> String {
    format!("document.querySelector({})", quoted(&format!("a[href='/helm/logs/correlation/{id}']")))
}

pub async fn log_lines_come_in_by_themselves_and_stop_on_pause(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("admin", "/helm/logs").await?;
    browser.find("#live .status-dot.live").await?;
    let id = request(suite).await?;
    stage.yes("a new line is there without a reload", &link_to(&id)).await?;
    browser.find("#pause").await?.click().await?;
    stage.yes("it says so", "document.getElementById('live-text').textContent === 'Paused'").await?;
    let lines = stage.value("document.querySelectorAll('#lines tbody tr').length").await?;
    let later = request(suite).await?;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    ensure!(stage.value("document.querySelectorAll('#lines tbody tr').length").await? == lines, "it goes on");
    browser.find("#pause").await?.click().await?;
    stage.yes("what came meanwhile is not lost", &link_to(&later)).await
}

pub async fn log_lines_are_found_by_filters_and_kept_in_the_address(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "admin").await?;
    let id = request(suite).await?;
    browser.open(suite, "/helm/logs").await?;
    stage.yes("the request is there", &link_to(&id)).await?;
    stage.value("void (document.getElementById('service').value = 'beacon')").await?;
    browser.find("#search").await?.send_keys("/api/tickets/helpdesk").await?;
    browser.find(".logs-filters button[type=submit]").await?.click().await?;
    stage.yes("the filter is in the address", "location.search.includes('service=beacon')").await?;
    let services = stage.texts("#lines tbody td[data-label=Service]").await?;
    ensure!(!services.is_empty() && services.iter().all(|name| name == "beacon"), "{services:?}");
    let file = stage
        .value(
            "fetch(document.querySelector('a[download][href*=\"format=json\"]').href).then((a) => a.json())",
        )
        .await?;
    let rows = file.as_array().context("the file is no list")?;
    ensure!(rows.iter().any(|row| row["correlation_id"] == id.as_str()), "the file lacks the request");
    ensure!(rows.iter().all(|row| row["service"] == "beacon"), "the file has lines of others");
    Ok(())
}

pub async fn a_request_is_drawn_through_its_services(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "admin").await?;
    let id = request(suite).await?;
    browser.open(suite, "/helm/logs").await?;
    stage.yes("the request is there", &link_to(&id)).await?;
    stage.value(&format!("void {}.click()", link_to(&id))).await?;
    stage.yes("its page is open", "document.querySelector('.trace')").await?;
    drawn(browser, stage, &id).await?;
    look_at(browser, "a request").await
}

/// Lines are shipped in batches, so the services come one after the other.
async fn drawn(browser: &Browser, stage: &Stage, id: &str) -> Result<()> {
    for service in ["nexus", "beacon"] {
        let there = format!(
            "[...document.querySelectorAll('.trace .log-service')].some((e) => e.textContent === {}) || void setTimeout(() => location.reload(), 1000)",
            quoted(service)
        );
        stage.yes(&format!("{service} is drawn"), &there).await?;
    }
    let first = stage.text(".trace .log-service").await?;
    ensure!(first == "nexus", "{first} stands first, but the gateway began");
    ensure!(browser.has(".trace__request").await?, "no request has a length");
    let whole = stage.text(".page-header__description").await?;
    ensure!(whole.contains("in all"), "{whole}");
    let picture = stage.artefacts.join(format!("request-{}.png", &id[..8]));
    browser.picture(&picture).await
}
