//! Pictures of the board, to be looked at.

use anyhow::{Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};

use crate::board::open;
use crate::stage::Stage;

pub async fn pictures_of_the_board(stage: &Stage) -> Result<()> {
    let Stage { browser, artefacts, .. } = stage;
    browser.resize(1440, 1080).await?;
    open(stage, "helpdesk").await?;
    browser.picture(&artefacts.join("board-light.png")).await?;
    browser.whole_picture(&artefacts.join("board-light-whole.png")).await?;
    switch_to(stage, "dark").await?;
    browser.picture(&artefacts.join("board-dark.png")).await?;
    switch_to(stage, "light").await?;
    browser.resize(400, 860).await?;
    browser.picture(&artefacts.join("board-400.png")).await?;
    let wide = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await?;
    ensure!(
        wide.as_i64().is_some_and(|pixels| pixels <= 0),
        "400 pixels wide, the page scrolls sideways by {wide}"
    );
    Ok(())
}

async fn switch_to(stage: &Stage, theme: &str) -> Result<()> {
    let browser = &stage.browser;
    browser.find("#theme-toggle-btn").await?.click().await?;
    eventually(&format!("the {theme} theme"), ARRIVAL, async || {
        Ok(when(browser.script("return document.documentElement.dataset.theme").await? == theme))
    })
    .await
}
