//! Editing a contact.

use anyhow::{Context, Result, ensure};

use crate::stage::{Stage, quoted};

pub async fn a_contact_is_edited_once_what_is_wrong_is_corrected(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("tech", "/codex/contacts/?sort_by=email").await?;
    let emails = stage.texts(".data-table td[data-label=Email]").await?;
    let (email, taken) = (emails.first().context("no contact")?, emails.get(1).context("one contact only")?);
    stage.click(".data-table tbody td:not([data-label]) a").await?;
    browser.find("#edit").await?;
    ensure!(
        stage.offers("Edit Details").await? && !stage.offers("Save Changes").await?,
        "not the page as it is read"
    );
    stage.click("#edit").await?;
    let page = stage.address().await?;

    stage.fill("#job_title", "Head of Lighthouses").await?;
    stage.fill("#email", "not an address").await?;
    stage.click("#save").await?;
    stage.yes("the wrong field has the focus", "document.activeElement.id == 'email'").await?;
    stage.yes("it is wrong", "document.querySelector('#email:invalid')").await?;
    stage.fill("#email", taken).await?;
    stage.click("#save").await?;
    let refused = "[data-problem]:not([hidden])";
    let reason = stage.texts_when("the refusal is told", refused, |texts| !texts.is_empty()).await?;
    ensure!(reason[0].contains("has the address"), "the reason is {reason:?}");
    stage
        .yes(
            "what was typed is still there",
            "document.getElementById('job_title').value == 'Head of Lighthouses'",
        )
        .await?;
    let asks = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))";
    stage.yes("leaving would ask first", asks).await?;
    browser.open(suite, &page).await?;
    ensure!(stage.text("#contact").await?.contains(email.as_str()), "the refused address is stored");

    stage.click("#edit").await?;
    stage.fill("#job_title", "Head of Lighthouses").await?;
    stage.fill("#last_name", "Lighthouse").await?;
    stage.click("#save").await?;
    stage.yes("the name is saved", "document.querySelector('h1').textContent.endsWith('Lighthouse')").await?;
    let name = stage.text("h1").await?;
    stage.yes("what was changed is marked", "document.querySelector('.info-item__label .badge')").await?;
    let history = stage.text("section[aria-labelledby=history-title]").await?;
    ensure!(
        history.contains("Head of Lighthouses") && history.contains("by hand"),
        "the history is {history}"
    );
    browser.open(suite, "/codex/contacts/?search=lighthouse").await?;
    let listed = stage.texts(".data-table tbody td:not([data-label]) a").await?;
    ensure!(listed == [name.clone()], "the list has {listed:?} instead of {name}");
    let titles = format!(
        "[...document.querySelectorAll('td')].some((e) => e.textContent.includes({}))",
        quoted(email)
    );
    stage.yes("with the address it had", &titles).await
}
