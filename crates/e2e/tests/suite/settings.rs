//! The settings of a user.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::{eventually, when};

use crate::stage::Stage;

pub async fn a_look_is_shown_at_once_and_stays(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("billing", "/codex/settings").await?;
    for (theme, color) in [("dark", "green"), ("light", "purple")] {
        browser.open(suite, "/codex/settings").await?;
        stage.click(&format!(".theme-option:has([value={theme}])")).await?;
        stage.click(&format!(".color-preview[data-color={color}]")).await?;
        let look = format!("html[data-theme={theme}][data-color-theme={color}]");
        browser.find(&look).await.context("the choice is not shown at once")?;
        stage
            .texts_when("it says that nothing is saved", "#settings-status", |said| {
                said == ["Unsaved changes"]
            })
            .await?;
        stage.click("#save-settings").await?;
        stage.texts_when("the choice is saved", "#settings-status", |said| said == ["Saved"]).await?;
        browser.driver.refresh().await?;
        browser.find(&look).await.context("the reloaded page has another look")?;
        for name in ["theme_preference", "preferred_color_theme"] {
            let checked = format!("input[name={name}]:is([value={theme}], [value={color}]):checked");
            browser.find(&checked).await.context("the reloaded form shows another choice")?;
        }
        for page in ["/codex/companies/", "/beacon/helpdesk"] {
            browser.open(suite, page).await?;
            browser.find(&look).await.with_context(|| format!("{page} has another look"))?;
        }
    }
    Ok(())
}

pub async fn the_home_page_is_where_a_sign_in_leads(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("billing", "/codex/settings").await?;
    let offered = stage.texts("#home-page option").await?;
    ensure!(
        !offered.contains(&"Helm".to_owned()),
        "a page that this level may not open is offered: {offered:?}"
    );
    for (home, path) in [("ledger", "/ledger/"), ("codex", "/codex/"), ("beacon", "/beacon/")] {
        browser.open(suite, "/codex/settings").await?;
        stage.choose("#home-page", home).await?;
        stage.click("#save-settings").await?;
        stage.texts_when("the choice is saved", "#settings-status", |said| said == ["Saved"]).await?;
        browser.find("a[href='/logout']").await?.click().await?;
        browser.find("input[name=password]").await?;
        browser.sign_in(suite, "billing").await?;
        eventually(&format!("the sign-in leads to {path}"), ARRIVAL, async || {
            Ok(when(stage.address().await?.starts_with(path)))
        })
        .await?;
    }
    Ok(())
}
