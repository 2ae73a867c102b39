//! Dialogs of Codex: what somebody cancelled is forgotten, and a thoughtless Enter destroys nothing.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thirtyfour::Key;

use crate::stage::Stage;

/// The open dialog of this id.
fn opened(id: &str) -> String {
    format!("document.querySelector('#{id}.active')")
}

pub async fn a_cancelled_dialog_is_forgotten(stage: &Stage) -> Result<()> {
    stage.visit("tech", "/codex/assets/").await?;
    stage.click(".data-table tbody td:not([data-label]) a").await?;
    let opener = "[data-modal-open=users-dialog]";
    stage.click(opener).await?;
    let boxes = "#users input[type=checkbox]";
    stage.texts_when("people to choose from", "#users label", |people| !people.is_empty()).await?;
    let ticked = format!(
        "[...document.querySelectorAll('{boxes}')].filter((box) => box.checked).map((box) => box.value).sort()"
    );
    let before = stage.value(&ticked).await?;
    stage.value(&format!("document.querySelectorAll('{boxes}').forEach((box) => box.click())")).await?;
    ensure!(stage.value(&ticked).await? != before, "nothing was changed that could be forgotten");
    stage.fill("#users input[type=search]", "nobody is called like this").await?;
    stage.press(Key::Escape).await?;
    stage.yes("Escape closes it", &format!("!{}", opened("users-dialog"))).await?;
    stage.click(opener).await?;
    stage.texts_when("people to choose from again", "#users label", |people| !people.is_empty()).await?;
    ensure!(stage.value(&ticked).await? == before, "it opens with what was cancelled");
    ensure!(stage.value("document.querySelector('#users input[type=search]').value").await? == "");
    Ok(())
}

pub async fn a_question_about_a_loss_begins_on_cancel(stage: &Stage) -> Result<()> {
    stage.visit("tech", "/codex/companies/").await?;
    stage.click(".data-table tbody td:not([data-label]) a").await?;
    stage.yes("a company is opened", "document.getElementById('company-form')").await?;
    let page = stage.address().await?;
    let place = json!({"name": "Lighthouse", "address": "1 Harbour Street"});
    let (status, answer) = stage.request("POST", &format!("{page}/locations"), Some(&place)).await?;
    ensure!(status < 300, "the location is answered by {status} {answer}");
    stage.browser.driver.refresh().await?;
    let remove = "[data-name=Lighthouse] [data-remove-location]";
    stage.click(remove).await?;
    stage.yes("it asks", &opened("ask")).await?;
    stage.yes("the focus is on Cancel", "document.activeElement.textContent === 'Cancel'").await?;
    stage.press(Key::Enter).await?;
    stage.yes("Enter closes the question", &format!("!{}", opened("ask"))).await?;
    stage.yes("the focus is back", &format!("document.activeElement.matches('{remove}')")).await?;
    stage.browser.driver.refresh().await?;
    stage.yes("the location is still there", &format!("document.querySelector('{remove}')")).await?;
    stage.click(remove).await?;
    stage.click("#ask [type=submit]").await?;
    stage.yes("who means it removes it", &format!("!document.querySelector('{remove}')")).await
}

/// Answers one call of the page in the place of the server.
fn answers(path: &str, status: u16, body: &str) -> String {
    format!(
        "(() => {{ const asked = window.fetch; window.fetch = (address, how) => String(address).endsWith('{path}')
            ? Promise.resolve(new Response('{body}', {{status: {status}, headers: {{'Content-Type': 'application/json'}}}}))
            : asked(address, how); }})()"
    )
}

pub async fn a_user_is_made_changed_and_removed_and_what_failed_is_told(stage: &Stage) -> Result<()> {
    let Stage { suite, browser, .. } = stage;
    stage.visit("admin", "/codex/agents").await?;
    // The realm has the new user, but Codex cannot read it: nobody may think that nothing has happened.
    let refused =
        r#"{"success": false, "error": "the identity provider refuses the list of users (HTTP 401)"}"#;
    stage.value(&answers("/api/agents/sync", 401, refused)).await?;
    stage.click("#new-user").await?;
    for (field, text) in [
        ("#create-username", "wanda"),
        ("#create-email", "wanda@lighthouse.example"),
        ("#create-first", "Wanda"),
        ("#create-password", "a-long-password"),
    ] {
        stage.fill(field, text).await?;
    }
    stage.choose("#create-theme", "dark").await?;
    stage.click("#create [type=submit]").await?;
    stage.toast("wanda was created, but not all is done").await?;
    let warning = stage.text(".toast--warning[data-stays] .toast__text").await?;
    ensure!(warning.contains("refuses the list of users"), "{warning}");
    ensure!(!warning.contains("session"), "the session has not ended: {warning}");
    stage.yes("the dialog is closed", &format!("!{}", opened("create"))).await?;

    browser.open(suite, "/codex/agents").await?;
    stage.click("#sync-users").await?;
    stage.click("#ask [type=submit]").await?;
    let row =
        "[...document.querySelectorAll('#users tbody tr')].find((row) => row.cells[0].innerText === 'wanda')";
    stage.yes("the new user is listed", row).await?;
    let id = stage.value(&format!("{row}.querySelector('[data-edit]').dataset.edit")).await?;
    let edit = format!("[data-edit='{}']", id.as_str().context("no id")?);
    let back = format!("document.activeElement === document.querySelector(\"{edit}\")");
    stage.yes("the dialog is closed", &format!("!{}", opened("ask"))).await?;

    stage.click(&edit).await?;
    stage.yes("the user is opened", &opened("edit")).await?;
    stage.fill("#edit-first", "Wendy").await?;
    stage.click("#edit [type=submit]").await?;
    stage.toast("wanda was saved").await?;
    stage.yes("the change is in the table", &format!("{row}.innerText.includes('Wendy')")).await?;
    stage.yes("the focus is back at the user", &back).await?;

    stage.click(&edit).await?;
    stage.yes("the user is opened again", &opened("edit")).await?;
    stage.click("#delete-user").await?;
    stage.fill("#ask-word", "wanda").await?;
    stage.click("#ask [type=submit]").await?;
    stage.toast("wanda was deleted").await?;
    stage.yes("the row stays, disabled", &format!("{row}.innerText.includes('Disabled')")).await?;
    stage.yes("the focus is at that row", &back).await
}
