//! Pictures of the board, to be looked at.

use anyhow::{Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};

use crate::board::open;
use crate::stage::Stage;

/// Nothing of the board may need scrolling sideways.
const FITS: &str = "document.documentElement.scrollWidth <= innerWidth";
/// An agent whom nobody knows has no tickets.
const NOBODY: &str = "/beacon/helpdesk?agent_id=1";
/// The feed in the page itself, with answers that do not come any more once the test says so.
const WITHOUT_ANSWERS: &str = "delete window.Worker;
    const plain = window.fetch;
    window.fetch = (...given) => (window.cutByTheTest ? Promise.reject(new TypeError('no network')) : plain(...given));";

pub async fn pictures_of_the_board(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, artefacts } = stage;
    let picture = async |name: &str| browser.picture(&artefacts.join(format!("board-{name}.png"))).await;
    browser.resize(1440, 1080).await?;
    open(stage, "helpdesk").await?;
    picture("light").await?;
    browser.whole_picture(&artefacts.join("board-light-whole.png")).await?;
    switch_to(stage, "dark").await?;
    picture("dark").await?;
    switch_to(stage, "light").await?;
    browser.open(suite, "/beacon/professional-services").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    picture("services").await?;

    browser.open(suite, NOBODY).await?;
    let empty = "document.querySelectorAll('.empty-state:not([hidden])').length === 4";
    browser.becomes("all sections are empty", empty).await?;
    picture("empty").await?;

    browser.open(suite, "/beacon/helpdesk").await?;
    browser.system_asks_for("forced-colors", "active").await?;
    picture("forced-colours").await?;
    // States have shapes, and the number its word, where no colour of ours is left.
    let shapes =
        "[...document.querySelectorAll('.board-table tr:not([hidden]) .sla:not(.sla--rest) .sla__shape')]
        .every((shape) => shape.getBoundingClientRect().width > 5)";
    browser.becomes("shapes are left", shapes).await?;
    browser.system_asks_for("forced-colors", "none").await?;

    // 1440 pixels at 200 and at 360 per cent.
    for width in [720, 400] {
        browser.resize(width, 860).await?;
        picture(&width.to_string()).await?;
        let found = browser.script(&format!("return {FITS}")).await?;
        ensure!(found == true, "{width} pixels wide, the page scrolls sideways");
    }
    browser.resize(1440, 1080).await
}

pub async fn a_picture_of_a_board_without_answers(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, artefacts } = stage;
    open(stage, "helpdesk").await?;
    browser.resize(1440, 1080).await?;
    browser.before_every_page(WITHOUT_ANSWERS).await?;
    browser.open(suite, "/beacon/helpdesk").await?;
    browser.becomes("the first answer is there", "window.currentApiData").await?;
    browser.script("window.cutByTheTest = true; document.querySelector('#refresh-btn').click()").await?;
    let told = "document.querySelector('#api-error-banner:not([hidden])')
        && document.querySelector('#beacon-board.is-stale #s1-age:not([hidden])').textContent.endsWith(' old')";
    browser.becomes("it says what is wrong, and how old the rows are", told).await?;
    browser.picture(&artefacts.join("board-stale.png")).await
}

async fn switch_to(stage: &Stage, theme: &str) -> Result<()> {
    let browser = &stage.browser;
    browser.find("#theme-toggle-btn").await?.click().await?;
    eventually(&format!("the {theme} theme"), ARRIVAL, async || {
        Ok(when(browser.script("return document.documentElement.dataset.theme").await? == theme))
    })
    .await
}
