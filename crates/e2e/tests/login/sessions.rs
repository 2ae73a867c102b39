//! Staying signed in and signing out.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::visitor::form;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::stage::{BOARD, Stage, query};

pub async fn a_browser_that_is_known_signs_in_without_a_form(stage: &Stage) -> Result<()> {
    let (visitor, _) = stage.signed_in("technicians").await?;
    let page = visitor.open("/login?next=/beacon/helpdesk").await?;
    ensure!(page.status == StatusCode::OK && page.url.path() == BOARD, "{} {}", page.url, page.status);
    ensure!(page.trail.iter().any(|url| url.path() == "/keycloak-callback"), "{:?}", page.trail);
    ensure!(visitor.is_signed_in().await?);
    Ok(())
}

/// The gateway renews sessions by `prompt=none`.
pub async fn a_silent_answer_needs_no_page_and_never_shows_one(stage: &Stage) -> Result<()> {
    let (visitor, _) = stage.signed_in("technicians").await?;
    let silent = async |visitor: &hivematrix_e2e::visitor::Visitor| {
        let mut target = visitor.get("/login").await?.location()?;
        target.query_pairs_mut().append_pair("prompt", "none");
        visitor.get(target.as_str()).await?.location()
    };
    let back = silent(&visitor).await?;
    ensure!(back.path() == "/keycloak-callback" && query(&back, "code").is_some(), "{back}");
    let back = silent(&stage.visitor()?).await?;
    ensure!(back.path() == "/keycloak-callback", "{back}");
    ensure!(query(&back, "error").as_deref() == Some("login_required"), "{back}");
    Ok(())
}

pub async fn signing_out_ends_the_session_everywhere_and_the_next_sign_in_asks(stage: &Stage) -> Result<()> {
    let (visitor, account) = stage.signed_in("technicians").await?;
    let session = visitor.cookies("/")?;
    let account_page = stage.realm_path("/account");
    let sso = visitor.cookies(&account_page)?;
    let page = visitor.follow_link("/logout").await?;
    // Back at the gateway, which asks for a new sign-in at once: the provider has forgotten the browser, too.
    ensure!(page.has_form(form::SIGN_IN), "{} {}: {}", page.url, page.status, page.shown());
    let home = format!("{}/", stage.instance.url);
    ensure!(page.trail.iter().any(|url| url.as_str() == home), "{:?}", page.trail);
    ensure!(!visitor.is_signed_in().await?);

    // Cookies that somebody kept open nothing any more.
    let thief = stage.visitor()?;
    thief.take_cookies("/", &session)?;
    stage.is_signed_out(&thief).await?;
    let thief = stage.visitor()?;
    thief.take_cookies(&account_page, &sso)?;
    let page = thief.open(BOARD).await?;
    ensure!(page.has_form(form::SIGN_IN), "the provider still knows the browser: {}", page.url);

    let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(visitor.is_signed_in().await?, "{} {}", page.url, page.status);
    Ok(())
}

pub async fn signing_out_everywhere_ends_the_other_browsers(stage: &Stage) -> Result<()> {
    let (here, account) = stage.signed_in("technicians").await?;
    let there = stage.visitor()?;
    there.sign_in(BOARD, &account.username, &account.password).await?;
    let (bystander, _) = stage.signed_in("technicians").await?;
    let answer =
        here.send_json(Method::POST, "/core/api/sessions/revoke", &json!({ "sub": account.id })).await?;
    ensure!(answer.status == StatusCode::OK, "{} {}", answer.status, answer.shown());
    let answer: serde_json::Value = serde_json::from_str(&answer.text)?;
    ensure!(answer["revoked"].as_u64().context("no number")? >= 2, "{answer}");
    for visitor in [&here, &there] {
        stage.is_signed_out(visitor).await?;
        let page = visitor.open(BOARD).await?;
        ensure!(page.has_form(form::SIGN_IN), "the provider still knows the browser: {}", page.url);
    }
    ensure!(bystander.is_signed_in().await?, "somebody else is signed out");
    Ok(())
}
