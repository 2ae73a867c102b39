//! What an accessibility checker has to say: nothing serious, in either theme.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::axe::Axe;
use hivematrix_e2e::browser::Browser;

use crate::Stage;
use crate::board::open;
use crate::sweep::PAGES;
use crate::syncs;
use crate::wall;

async fn has_none(axe: &Axe, browser: &Browser, page: &str) -> Result<()> {
    let theme = "return document.documentElement.dataset.theme = arguments[0]";
    for name in ["light", "dark"] {
        browser.script(&theme.replace("arguments[0]", &format!("'{name}'"))).await?;
        let found = axe.serious(browser).await.with_context(|| page.to_owned())?;
        ensure!(found.is_empty(), "{page}, {name}: {found:#?}");
    }
    Ok(())
}

pub async fn no_page_has_a_serious_finding(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let axe = Axe::from_environment()?;
    browser.open(suite, "/").await?;
    browser.find("input[name=password]").await?;
    has_none(&axe, browser, "the sign-in form").await?;
    browser.sign_in(suite, "admin").await?;
    for (path, mark) in PAGES {
        browser.open(suite, path).await?;
        browser.find(mark).await.with_context(|| path.to_owned())?;
        has_none(&axe, browser, path).await?;
    }
    Ok(())
}

pub async fn no_state_of_the_board_has_a_serious_finding(stage: &Stage) -> Result<()> {
    let browser = &stage.browser;
    let axe = Axe::from_environment()?;
    open(stage, "helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    browser.keys("1").await?;
    browser.keys("jo").await?;
    browser.becomes("the details", "document.querySelector('#ticket-modal[open]')").await?;
    has_none(&axe, browser, "the details of a ticket").await?;
    browser.keys(thirtyfour::Key::Escape).await?;
    browser.keys("?").await?;
    browser.becomes("the help", "document.querySelector('#keys-dialog[open]')").await?;
    has_none(&axe, browser, "the help").await?;
    browser.keys(thirtyfour::Key::Escape).await?;
    browser.keys("/").await?;
    browser.keys("nobody writes this").await?;
    browser
        .becomes(
            "nothing is found",
            "document.querySelector('#filter-result').textContent.startsWith('0 of')",
        )
        .await?;
    has_none(&axe, browser, "a search without result").await?;
    browser.resize(400, 860).await?;
    browser.keys(thirtyfour::Key::Escape).await?;
    has_none(&axe, browser, "the board on a telephone").await
}

pub async fn no_state_of_helm_has_a_serious_finding(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    let axe = Axe::from_environment()?;
    stage.visit("admin", "/helm/").await?;
    stage.click("[data-orders=beacon] [value=stop]").await?;
    stage.yes("it asks", "document.querySelector('#ask.active')").await?;
    has_none(&axe, browser, "the question before a stop").await?;
    for (path, mark) in [
        ("/helm/service/beacon?confirm=stop", "form.alert"),
        ("/helm/service/postgresql", "[data-orders]"),
        ("/helm/service/helm", ".insight"),
    ] {
        browser.open(suite, path).await?;
        browser.find(mark).await.with_context(|| path.to_owned())?;
        has_none(&axe, browser, path).await?;
    }
    browser.open(suite, "/helm/users").await?;
    stage.click("#new-user").await?;
    stage.yes("the form is open", "document.querySelector('#create.active')").await?;
    has_none(&axe, browser, "the form of a new user").await?;
    browser.open(suite, "/helm/logs").await?;
    stage.click("#lines td[data-label=Request] a").await?;
    stage.yes("its page is open", "document.querySelector('.trace')").await?;
    has_none(&axe, browser, "a request").await
}

pub async fn a_running_sync_has_no_serious_finding(stage: &Stage) -> Result<()> {
    let axe = Axe::from_environment()?;
    syncs::open(stage).await?;
    syncs::held(stage).await?;
    has_none(&axe, &stage.browser, "a sync that runs").await?;
    syncs::cancel(stage).await
}

pub async fn a_screen_has_no_serious_finding(stage: &Stage) -> Result<()> {
    let axe = Axe::from_environment()?;
    let link = wall::make_link(stage, "Axe", "helpdesk", true).await?;
    has_none(&axe, &stage.browser, "the new link").await?;
    stage.browser.driver.goto(&link).await?;
    stage.browser.becomes("the screen", "document.querySelector('#wall-rows tr')").await?;
    has_none(&axe, &stage.browser, "the wall display").await
}
