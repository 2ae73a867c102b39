//! The second factor: setting an app up, its codes, recovery codes.

use anyhow::{Result, ensure};
use hivematrix_e2e::authenticator::Authenticator;
use hivematrix_e2e::directory::Account;
use hivematrix_e2e::page::Page;
use hivematrix_e2e::visitor::{Visitor, form};

use super::stage::{BOARD, Stage};

pub async fn a_code_is_asked_for_once_a_person_has_set_an_app_up(stage: &Stage) -> Result<()> {
    let (owner, account) = stage.signed_in("technicians").await?;
    let page = stage.app_form(&owner).await?;
    ensure!(page.has_form(form::SET_UP_APP), "{} {}: {}", page.url, page.status, page.shown());
    let wrong = stage.app(&page)?.wrong_code()?;
    let page = stage.enter_first_code(&owner, &page, &wrong, &account).await?;
    ensure!(page.has_form(form::SET_UP_APP), "{} {}: {}", page.url, page.status, page.shown());
    ensure!(!page.complaint()?.is_empty(), "nothing is said: {}", page.shown());
    let app = stage.app(&page)?;
    let page = stage.enter_first_code(&owner, &page, &app.code(0)?, &account).await?;
    ensure!(!page.has_form(form::SET_UP_APP), "{} {}: {}", page.url, page.status, page.shown());

    let (visitor, page) = at_the_code_form(stage, &account).await?;
    let page = visitor.submit(&page, form::CODE, &[("otp", &app.wrong_code()?)]).await?;
    ensure!(page.has_form(form::CODE), "{} {}: {}", page.url, page.status, page.shown());
    ensure!(!page.complaint()?.is_empty() && !visitor.is_signed_in().await?, "{}", page.shown());
    let code = app.code(1)?;
    let page = visitor.submit(&page, form::CODE, &[("otp", &code)]).await?;
    ensure!(visitor.is_signed_in().await?, "{} {}: {}", page.url, page.status, page.shown());
    ensure!(page.url.path() == BOARD, "{}", page.url);

    // Whoever looks over the shoulder has nothing of it.
    let (thief, page) = at_the_code_form(stage, &account).await?;
    let page = thief.submit(&page, form::CODE, &[("otp", &code)]).await?;
    ensure!(!thief.is_signed_in().await?, "a code counts twice: {}", page.url);
    Ok(())
}

pub async fn an_administrator_may_want_an_app_to_be_set_up_at_the_next_sign_in(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let (visitor, page, _, _) = set_up_at_sign_in(stage, &account).await?;
    ensure!(visitor.is_signed_in().await?, "{} {}: {}", page.url, page.status, page.shown());
    ensure!(page.url.path() == BOARD, "{}", page.url);
    at_the_code_form(stage, &account).await?;
    Ok(())
}

/// Of the local realm only: Keycloak's recovery codes belong to no app.
pub async fn a_recovery_code_signs_in_once_without_the_app(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let (_, _, _, codes) = set_up_at_sign_in(stage, &account).await?;
    ensure!(codes.len() == 10, "{codes:?}");
    for counts in [true, false] {
        let (visitor, page) = at_the_code_form(stage, &account).await?;
        let typed = [("recoveryCodeInput", codes[0].as_str())];
        let page = visitor.submit(&page, form::RECOVERY_CODE, &typed).await?;
        ensure!(visitor.is_signed_in().await? == counts, "{} {}: {}", page.url, page.status, page.shown());
    }
    Ok(())
}

/// Signs in with name and password, up to the form that asks for the code.
async fn at_the_code_form(stage: &Stage, account: &Account) -> Result<(Visitor, Page)> {
    let visitor = stage.visitor()?;
    let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(page.has_form(form::CODE), "{} {}: {}", page.url, page.status, page.shown());
    ensure!(!visitor.is_signed_in().await?, "the password alone signs in");
    Ok((visitor, page))
}

/// Signs in as somebody of whom an administrator wants an app; returns the browser, its last page, the app and the recovery
/// codes.
async fn set_up_at_sign_in(
    stage: &Stage,
    account: &Account,
) -> Result<(Visitor, Page, Authenticator, Vec<String>)> {
    stage.directory.require(&account.id, "CONFIGURE_TOTP").await?;
    let visitor = stage.visitor()?;
    let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(page.has_form(form::SET_UP_APP), "{} {}: {}", page.url, page.status, page.shown());
    ensure!(!visitor.is_signed_in().await?, "nobody is signed in without an app");
    let app = stage.app(&page)?;
    let page = stage.enter_first_code(&visitor, &page, &app.code(0)?, account).await?;
    ensure!(!page.has_form(form::SET_UP_APP), "{} {}: {}", page.url, page.status, page.shown());
    let (page, codes) = stage.after_the_first_code(&visitor, page).await?;
    Ok((visitor, page, app, codes))
}
