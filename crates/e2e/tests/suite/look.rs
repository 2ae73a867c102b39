//! How the pages behave and look: parts by keyboard, the theme, the side panel, pictures to be looked at.

use anyhow::{Context, Result, ensure};
use thirtyfour::Key;

use crate::stage::Stage;

const GUIDE: &str = "/style-guide";

pub async fn parts_of_the_pages_work_by_keyboard(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.open(suite, GUIDE).await?;
    stage.yes("every icon is drawn", "!document.querySelector('i[data-lucide]')").await?;

    stage.focus("[data-tab=guide-details]").await?;
    stage.press(Key::Right).await?;
    stage
        .yes("the arrow leads to the next tab", "document.activeElement.dataset.tab == 'guide-assets'")
        .await?;
    stage.yes("its content is shown", "document.getElementById('guide-assets').checkVisibility()").await?;

    stage.focus("[data-modal-open=guide-dialog]").await?;
    stage.press(Key::Enter).await?;
    let inside = "document.getElementById('guide-dialog').contains(document.activeElement)";
    stage.yes("the focus is in the dialog", inside).await?;
    stage.yes("the page behind is out of reach", "document.getElementById('side-panel').inert").await?;
    for _ in 0..3 {
        stage.press(Key::Tab).await?;
        stage.yes("the focus stays in the dialog", inside).await?;
    }
    stage.press(Key::Escape).await?;
    stage.yes("the focus comes back", "document.activeElement.dataset.modalOpen == 'guide-dialog'").await?;
    stage.yes("the page can be reached again", "!document.querySelector('[inert]')").await?;

    stage.focus("[aria-controls=guide-actions]").await?;
    stage.press(Key::Enter).await?;
    stage.press(Key::Down).await?;
    stage.yes("the arrow moves in the menu", "document.activeElement.textContent.startsWith('Move')").await?;
    stage.press(Key::Escape).await?;
    let opener = "document.activeElement.getAttribute('aria-controls') == 'guide-actions'";
    stage.yes("the menu gives the focus back", opener).await?;
    stage.yes("the menu is closed", "!document.getElementById('guide-actions').checkVisibility()").await?;

    stage.focus("[aria-controls=guide-terms]").await?;
    stage.press(Key::Enter).await?;
    stage.yes("the row is closed", "document.getElementById('guide-terms').hidden").await?;

    stage.focus("[data-guide-say=success]").await?;
    stage.press(Key::Enter).await?;
    stage.yes("a toast is said", "document.querySelector('body > .toast-container .toast--success')").await
}

pub async fn the_theme_stays_for_the_sign_in(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "billing").await?;
    for theme in ["dark", "light"] {
        let html = format!("html[data-theme={theme}]");
        if !browser.has(&html).await? {
            switch_theme(stage).await?;
            browser.find(&html).await?;
        }
        let remembered = format!("document.cookie.includes('__Host-look={theme}.')");
        stage.yes("the browser remembers the theme", &remembered).await?;
        browser.open(suite, "/codex/settings").await?;
        browser.find(&html).await.context("another page has another theme")?;
    }
    switch_theme(stage).await?;
    browser.find("html[data-theme=dark]").await?;
    browser.find("a[href='/logout']").await?.click().await?;
    browser.find("input[name=password]").await?;
    browser.find("html[data-theme=dark]").await.context("the sign-in has another theme")?;
    Ok(())
}

pub async fn the_side_panel_stays_as_it_was_left(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    browser.sign_in(suite, "tech").await?;
    browser.open(suite, GUIDE).await?;
    let width = "document.getElementById('side-panel').getBoundingClientRect().width";
    stage.yes("it is open", &format!("{width} > 200")).await?;
    browser.find("#sidebar-toggle").await?.click().await?;
    stage.yes("it is collapsed", &format!("{width} < 80")).await?;
    browser.open(suite, "/beacon/helpdesk").await?;
    stage.yes("it is collapsed on the next page", &format!("{width} < 80")).await?;
    stage
        .yes("one entry is current", "document.querySelectorAll('#side-panel [aria-current]').length == 1")
        .await?;

    browser.resize(400, 860).await?;
    browser.open(suite, "/beacon/helpdesk").await?;
    stage.yes("it is a bar", "document.getElementById('side-panel').offsetHeight < 60").await?;
    browser.find("#sidebar-toggle").await?.click().await?;
    stage.yes("it opens to a sheet", "document.getElementById('side-panel').offsetHeight > 600").await?;
    stage.yes("the page cannot be reached", "document.querySelector('.hivematrix-content').inert").await?;
    stage.press(Key::Escape).await?;
    stage.yes("Escape closes it", "document.getElementById('side-panel').offsetHeight < 60").await?;
    stage.yes("the button has the focus", "document.activeElement.id == 'sidebar-toggle'").await
}

pub async fn pictures_of_the_look(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, artefacts, .. } = stage;
    browser.open(suite, "/").await?;
    browser.find("input[name=password]").await?;
    picture(stage, "sign-in").await?;
    browser.sign_in(suite, "admin").await?;
    for theme in ["light", "dark"] {
        browser.resize(1440, 1080).await?;
        browser.open(suite, &format!("{GUIDE}?theme={theme}")).await?;
        browser.settled().await?;
        browser.whole_picture(&artefacts.join(format!("style-guide-{theme}.png"))).await?;
        browser.resize(400, 860).await?;
        browser.settled().await?;
        browser.picture(&artefacts.join(format!("style-guide-{theme}-400.png"))).await?;
        narrow_enough(stage).await?;
    }
    browser.open(suite, "/nothing-here/").await?;
    picture(stage, "error-404").await
}

/// Clicks the switch and waits until the choice is kept.
async fn switch_theme(stage: &Stage) -> Result<()> {
    stage.browser.find("#theme-toggle-btn").await?.click().await?;
    let told =
        "performance.getEntriesByType('resource').some((e) => e.name.endsWith('/api/invalidate-cache'))";
    stage.yes("the theme is saved", told).await
}

/// The page as it is, wide and narrow.
async fn picture(stage: &Stage, name: &str) -> Result<()> {
    let Stage { browser, artefacts, .. } = stage;
    browser.resize(1440, 1080).await?;
    browser.settled().await?;
    browser.picture(&artefacts.join(format!("{name}.png"))).await?;
    browser.resize(400, 860).await?;
    browser.settled().await?;
    browser.picture(&artefacts.join(format!("{name}-400.png"))).await?;
    narrow_enough(stage).await
}

async fn narrow_enough(stage: &Stage) -> Result<()> {
    let wide = "return document.documentElement.scrollWidth - window.innerWidth";
    let wide = stage.browser.script(wide).await?;
    ensure!(wide.as_i64().is_some_and(|pixels| pixels <= 0), "the page scrolls sideways by {wide}");
    Ok(())
}
