//! Names, passwords, and who may not come in.

use anyhow::{Result, ensure};
use hivematrix_e2e::page::Page;
use hivematrix_e2e::visitor::{Visitor, form};
use reqwest::StatusCode;

use super::stage::{BOARD, Stage};

/// More guesses than any of the two providers allows without a delay.
const GUESSES: usize = 7;

pub async fn signing_in_leads_to_the_page_that_was_wanted_and_home_without_one(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("admins"), false).await?;
    let visitor = stage.visitor()?;
    ensure!(!visitor.is_signed_in().await?);
    let page = visitor.sign_in("/helm/logs?level=ERROR", &account.username, &account.password).await?;
    let wanted = format!("{}/helm/logs?level=ERROR", stage.instance.url);
    ensure!(page.url.as_str() == wanted && page.status == StatusCode::OK, "{} {}", page.url, page.status);
    ensure!(visitor.is_signed_in().await?);

    let visitor = stage.visitor()?;
    let page = visitor.sign_in("/", "admin", &stage.instance.password).await?;
    ensure!(page.status == StatusCode::OK, "{} {}", page.url, page.status);
    ensure!(page.url.as_str().starts_with(&stage.instance.url) && page.url.path() != "/", "{}", page.url);
    ensure!(page.trail.iter().all(|url| !url.as_str().contains("token=")), "a token in {:?}", page.trail);
    Ok(())
}

pub async fn a_wrong_password_and_an_unknown_user_get_the_same_answer(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let answer = async |username: &str, password: &str| {
        let visitor = stage.visitor()?;
        let page = visitor.sign_in(BOARD, username, password).await?;
        ensure!(page.has_form(form::SIGN_IN), "{}: {}", page.status, page.shown());
        ensure!(!visitor.is_signed_in().await?);
        Ok((page.status, page.complaint()?, shape(&page, username)))
    };
    let wrong = answer(&account.username, "not the password").await?;
    let unknown = answer("u-nobody-here", "not the password").await?;
    ensure!(!wrong.1.is_empty(), "nothing is said");
    ensure!(wrong == unknown, "{wrong:?}\n{unknown:?}");
    Ok(())
}

/// The readable part of a page without the name that was typed.
fn shape(page: &Page, username: &str) -> String {
    page.shown().replace(username, "<name>")
}

pub async fn a_temporary_password_has_to_be_changed_first(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), true).await?;
    let visitor = stage.visitor()?;
    let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(page.has_form(form::NEW_PASSWORD), "{}: {}", page.status, page.shown());
    ensure!(!visitor.is_signed_in().await?, "the old password opens nothing");

    let fill = async |page: &Page, one: &str, other: &str| {
        visitor.submit(page, form::NEW_PASSWORD, &[("password-new", one), ("password-confirm", other)]).await
    };
    let page = fill(&page, "Second-password-1", "Second-password-2").await?;
    ensure!(!page.complaint()?.is_empty() && !visitor.is_signed_in().await?, "{}", page.shown());
    let page = fill(&page, "short", "short").await?;
    ensure!(!page.complaint()?.is_empty() && !visitor.is_signed_in().await?, "{}", page.shown());
    let page = fill(&page, "Second-password-1", "Second-password-1").await?;
    ensure!(visitor.is_signed_in().await?, "{} {}: {}", page.url, page.status, page.shown());
    ensure!(page.url.path() == BOARD, "{}", page.url);

    let old = stage.visitor()?;
    old.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(!old.is_signed_in().await?, "the temporary password still counts");
    let new = stage.visitor()?;
    new.sign_in(BOARD, &account.username, "Second-password-1").await?;
    ensure!(new.is_signed_in().await?, "the new password does not count");
    Ok(())
}

pub async fn a_disabled_account_gets_no_session(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    stage.directory.set_enabled(&account.id, false).await?;
    let visitor = stage.visitor()?;
    let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(!visitor.is_signed_in().await? && !page.complaint()?.is_empty(), "{}", page.shown());
    stage.directory.set_enabled(&account.id, true).await?;
    visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(visitor.is_signed_in().await?, "enabled again");
    Ok(())
}

pub async fn guessing_locks_the_account_for_a_while(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let guess = async |visitor: &Visitor, page: &Page, password: &str| {
        visitor.submit(page, form::SIGN_IN, &[("username", &account.username), ("password", password)]).await
    };
    let visitor = stage.visitor()?;
    let mut page = visitor.open(BOARD).await?;
    for number in 0..GUESSES {
        page = guess(&visitor, &page, &format!("guess {number}")).await?;
        ensure!(page.has_form(form::SIGN_IN), "{}: {}", page.status, page.shown());
    }
    // Also from another browser, and with the right password.
    let other = stage.visitor()?;
    let form = other.open(BOARD).await?;
    let page = guess(&other, &form, &account.password).await?;
    ensure!(!other.is_signed_in().await?, "{} {}", page.url, page.status);
    ensure!(page.has_form(form::SIGN_IN) && !page.complaint()?.is_empty(), "{}", page.shown());

    let unharmed = stage.directory.account(Some("technicians"), false).await?;
    let page = other.sign_in(BOARD, &unharmed.username, &unharmed.password).await?;
    ensure!(other.is_signed_in().await?, "others are locked out, too: {}", page.shown());
    Ok(())
}
