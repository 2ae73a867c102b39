//! Sign-ins under way: several at once, repeated, stolen, refused.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::visitor::form;
use reqwest::StatusCode;

use super::stage::{BOARD, Stage, query};

pub async fn two_tabs_may_sign_in_at_once(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let values = [("username", account.username.as_str()), ("password", account.password.as_str())];
    let visitor = stage.visitor()?;
    let first = visitor.open("/beacon/helpdesk?tab=1").await?;
    let second = visitor.open("/beacon/helpdesk?tab=2").await?;
    for (page, tab) in [(second, "tab=2"), (first, "tab=1")] {
        let page = visitor.submit(&page, form::SIGN_IN, &values).await?;
        ensure!(visitor.is_signed_in().await?, "{tab}: {} {}: {}", page.url, page.status, page.shown());
        ensure!(page.status == StatusCode::OK && page.url.query() == Some(tab), "{tab}: {}", page.url);
    }
    Ok(())
}

pub async fn a_callback_counts_once_and_only_in_its_own_browser(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let visitor = stage.visitor()?;
    let page = visitor.open(BOARD).await?;
    let values = [("username", account.username.as_str()), ("password", account.password.as_str())];
    let back = visitor.post(&page, form::SIGN_IN, &values).await?.location()?;
    ensure!(back.path() == "/keycloak-callback" && query(&back, "code").is_some(), "{back}");
    let state = query(&back, "state").context("no state")?;

    let thief = stage.visitor()?;
    let mut refused = vec![back.to_string()];
    refused.push("/keycloak-callback?code=x".to_owned());
    refused.push(format!("/keycloak-callback?code=x&state={state}"));
    for target in &refused {
        let answer = thief.get(target).await?;
        ensure!(answer.status == StatusCode::UNAUTHORIZED, "{target}: {}", answer.status);
    }
    ensure!(!thief.is_signed_in().await?);
    // A foreign state in the right browser.
    let answer = visitor.get("/keycloak-callback?code=x&state=never-given-out").await?;
    ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);

    let cookies = visitor.cookies("/")?;
    let done = visitor.open(back.as_str()).await?;
    ensure!(visitor.is_signed_in().await?, "{} {}", done.url, done.status);
    // Even with the cookie that belongs to it, which is gone from the browser by now.
    let replay = stage.visitor()?;
    replay.take_cookies("/", &cookies)?;
    let answer = replay.get(back.as_str()).await?;
    ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);
    ensure!(!replay.is_signed_in().await?);
    Ok(())
}

pub async fn a_refused_sign_in_says_so_and_opens_nothing(stage: &Stage) -> Result<()> {
    let visitor = stage.visitor()?;
    let start = visitor.get("/login?next=/beacon/helpdesk").await?.location()?;
    let state = query(&start, "state").context("no state")?;
    let answer = visitor.get(&format!("/keycloak-callback?error=access_denied&state={state}")).await?;
    ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);
    ensure!(answer.text.contains("cancelled"), "{}", answer.shown());
    ensure!(!visitor.is_signed_in().await?);
    // A code that the provider never gave.
    let start = visitor.get("/login?next=/beacon/helpdesk").await?.location()?;
    let state = query(&start, "state").context("no state")?;
    let answer = visitor.get(&format!("/keycloak-callback?code=made-up&state={state}")).await?;
    ensure!(answer.status == StatusCode::BAD_GATEWAY, "{}", answer.status);
    ensure!(!visitor.is_signed_in().await?);
    Ok(())
}
