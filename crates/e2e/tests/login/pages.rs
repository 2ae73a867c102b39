//! The provider's own pages, behind the gateway.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::visitor::form;
use reqwest::StatusCode;

use super::stage::{BOARD, Stage};

pub async fn the_forms_load_all_they_need_from_the_gateway(stage: &Stage) -> Result<()> {
    let visitor = stage.visitor()?;
    let page = visitor.open(BOARD).await?;
    ensure!(page.status == StatusCode::OK && page.has_form(form::SIGN_IN), "{}", page.shown());
    let form = page.form(form::SIGN_IN)?;
    ensure!(form.action.as_str().starts_with(&stage.instance.url), "{}", form.action);
    ensure!(page.header("strict-transport-security").is_empty(), "the certificate is self-made");
    ensure!(!page.header("content-security-policy").is_empty(), "no policy");
    ensure!(page.header("x-content-type-options") == "nosniff");
    let backend = &stage.directory.url;
    ensure!(!page.text.contains(backend.as_str()), "the page names the inner address {backend}");
    let assets = page.assets()?;
    ensure!(!assets.is_empty(), "nothing is loaded");
    for asset in assets {
        ensure!(asset.as_str().starts_with(&stage.instance.url), "{asset} is loaded from elsewhere");
        let answer = visitor.get(asset.as_str()).await?;
        let kind = answer.header("content-type").to_owned();
        ensure!(answer.status == StatusCode::OK, "{asset}: {}", answer.status);
        ensure!(!kind.starts_with("text/html"), "{asset} is {kind}");
    }
    Ok(())
}

pub async fn the_account_page_works_behind_the_gateway(stage: &Stage) -> Result<()> {
    let (visitor, account) = stage.signed_in("technicians").await?;
    let page = visitor.open(&stage.realm_path("/account")).await?;
    ensure!(page.status == StatusCode::OK, "{} {}", page.url, page.status);
    ensure!(page.url.as_str().starts_with(&stage.instance.url), "{}", page.url);
    if stage.foreign.is_none() {
        ensure!(page.text.contains(&account.username), "{}", page.shown());
        return Ok(());
    }
    // Keycloak's page is a program of its own: what it loads, and the interface it asks with a token.
    let assets = page.assets()?;
    ensure!(!assets.is_empty(), "nothing is loaded");
    for asset in assets {
        let answer = visitor.get(asset.as_str()).await?;
        ensure!(answer.status == StatusCode::OK, "{asset}: {}", answer.status);
    }
    let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
    let answer = stage
        .instance
        .client()?
        .get(format!("{}{}", stage.instance.url, stage.realm_path("/account/")))
        .header("accept", "application/json")
        .bearer_auth(tokens["access_token"].as_str().context("no token")?)
        .send()
        .await?;
    let (status, body): (_, serde_json::Value) = (answer.status(), answer.json().await.unwrap_or_default());
    ensure!(status == StatusCode::OK && body["username"] == account.username.as_str(), "{status} {body}");
    Ok(())
}
