//! The pages beside the board.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};

use crate::stage::Stage;

pub async fn companies_are_listed_and_found(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.find("a[href='/codex/']").await?.click().await?;
    browser.find(".dashboard-card[href='/codex/companies/']").await?.click().await?;
    browser.find("table.data-table").await?;
    ensure!(browser.driver.title().await?.contains("Companies"));
    let names = async || {
        let read = "return [...document.querySelectorAll('.data-table tbody td:nth-child(2)')].map((c) => c.textContent.trim())";
        Ok::<Vec<String>, anyhow::Error>(serde_json::from_value(browser.script(read).await?)?)
    };
    let all = names().await?;
    ensure!(all.len() > 1, "only {all:?} are listed");
    let wanted = all.last().context("no company")?;
    browser.find("input[name=search]").await?.send_keys(wanted).await?;
    eventually("only the companies that fit", ARRIVAL, async || {
        let found = names().await?;
        Ok(when(!found.is_empty() && found.iter().all(|name| name.contains(wanted.as_str()))))
    })
    .await
}

pub async fn a_company_is_edited_and_its_history_says_so(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.open(suite, "/codex/companies/").await?;
    browser.find("table.data-table tbody td:nth-child(2) a").await?.click().await?;
    browser.find("#editBtn").await?.click().await?;
    let address = browser.find("#edit-address").await?;
    address.clear().await?;
    address.send_keys("17 Harbour Street").await?;
    browser.find("#saveBtn").await?.click().await?;
    eventually("the new address, and who changed it", ARRIVAL, async || {
        let text: String =
            serde_json::from_value(browser.script("return document.querySelector('main').innerText").await?)?;
        Ok(when(text.matches("17 Harbour Street").count() >= 2 && text.contains("Address")))
    })
    .await
}

pub async fn helm_shows_an_administrator_how_the_services_are(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "admin").await?;
    browser.open(suite, "/helm/").await?;
    for service in ["core", "nexus", "codex", "ledger", "knowledgetree", "beacon"] {
        let state = format!("[data-service={service}] [data-field=state]");
        eventually(&format!("{service} is shown as running"), ARRIVAL, async || {
            let text = browser.find(&state).await?.text().await?;
            Ok(when(text.eq_ignore_ascii_case("running")))
        })
        .await?;
    }
    browser.find("a[href$='/helm/logs']").await?.click().await?;
    eventually("the log", ARRIVAL, async || {
        let there = browser.driver.current_url().await?.path().starts_with("/helm/logs");
        Ok(when(there && browser.has("h1").await?))
    })
    .await
}

pub async fn helm_is_closed_to_others(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    ensure!(!browser.has("a[href='/helm/']").await?, "the side panel offers Helm");
    let status = browser.fetch_status("/helm/").await?;
    ensure!(status == 403, "Helm answers {status}");
    Ok(())
}
