//! Whose e-mail address counts: services find a client's company by it.

use anyhow::{Context, Result, ensure};
use hivematrix_e2e::directory::Account;
use hivematrix_e2e::visitor::Visitor;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::keycloak::{administer, configure};
use super::stage::{BOARD, Stage, claims};

/// The claims of the suite's own token for somebody who signs in.
async fn token(stage: &Stage, account: &Account) -> Result<Value> {
    let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
    let (status, answer) = stage.exchange(tokens["access_token"].as_str().context("no token")?).await?;
    ensure!(status == StatusCode::OK, "{status} {answer}");
    claims(answer["token"].as_str().context("no token")?)
}

async fn companies(visitor: &Visitor) -> Result<(StatusCode, String)> {
    let page = visitor.fetch("/codex/api/companies").await?;
    Ok((page.status, page.text))
}

pub async fn a_clients_address_counts_only_once_it_is_confirmed(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("client"), false).await?;
    let doubt = json!({ "emailVerified": false });
    stage.directory.call(Method::PUT, &format!("/users/{}", account.id), Some(&doubt)).await?;
    let user = token(stage, &account).await?;
    ensure!(user["email"] == "" && user["email_verified"] == false, "{user}");
    let visitor = stage.visitor()?;
    visitor.sign_in("/codex/", &account.username, &account.password).await?;
    let (status, text) = companies(&visitor).await?;
    ensure!(status == StatusCode::FORBIDDEN && text.contains("not confirmed"), "{status} {text}");
    let page = visitor.open("/codex/").await?;
    ensure!(
        page.status == StatusCode::FORBIDDEN && page.shown().contains("not confirmed"),
        "{}",
        page.shown()
    );

    let admin = stage.visitor()?;
    admin.sign_in(BOARD, "admin", &stage.instance.password).await?;
    let path = format!("/helm/api/keycloak/users/{}", account.id);
    let answer = admin.send_json(Method::PUT, &path, &json!({ "emailVerified": true })).await?;
    ensure!(answer.status == StatusCode::OK && !answer.text.contains("warning"), "{}", answer.text);
    stage.is_signed_out(&visitor).await?;
    let user = token(stage, &account).await?;
    ensure!(user["email"] == format!("{}@msp.example", account.username), "{user}");
    ensure!(user.get("email_verified").is_none(), "{user}");
    let again = stage.visitor()?;
    again.sign_in("/codex/", &account.username, &account.password).await?;
    // Known, but nobody's contact.
    ensure!(companies(&again).await? == (StatusCode::OK, "[]".to_owned()));
    Ok(())
}

pub async fn who_is_disabled_through_helm_is_signed_out_at_once(stage: &Stage) -> Result<()> {
    let (visitor, account) = stage.signed_in("technicians").await?;
    let admin = stage.visitor()?;
    admin.sign_in(BOARD, "admin", &stage.instance.password).await?;
    let path = format!("/helm/api/keycloak/users/{}", account.id);
    let answer = admin.send_json(Method::PUT, &path, &json!({ "enabled": false })).await?;
    ensure!(answer.status == StatusCode::OK && !answer.text.contains("warning"), "{}", answer.text);
    stage.is_signed_out(&visitor).await
}

pub async fn nobody_writes_the_own_address_at_keycloak(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("client"), false).await?;
    let takes = async |email: &str| -> Result<StatusCode> {
        let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
        let access = tokens["access_token"].as_str().context("no token")?;
        let body = json!({
            "username": account.username, "firstName": "Test", "lastName": "Person", "email": email,
        });
        let url = format!("{}/realms/{}/account", stage.directory.url, stage.realm);
        let request = reqwest::Client::new().post(url).bearer_auth(access);
        Ok(request.header("accept", "application/json").json(&body).send().await?.status())
    };
    ensure!(
        takes("boss@victim.example").await? == StatusCode::BAD_REQUEST,
        "somebody has given himself another address"
    );
    let user = token(stage, &account).await?;
    ensure!(user["email"] == format!("{}@msp.example", account.username), "{user}");

    // A realm that lets people do it, as Keycloak makes them.
    let mut profile = administer(stage, Method::GET, "/users/profile", &Value::Null).await?;
    for attribute in profile["attributes"].as_array_mut().context("no attributes")? {
        attribute["permissions"] = json!({ "view": ["admin", "user"], "edit": ["admin", "user"] });
    }
    administer(stage, Method::PUT, "/users/profile", &profile).await?;
    ensure!(takes("boss@victim.example").await? == StatusCode::NO_CONTENT);
    let user = token(stage, &account).await?;
    ensure!(user["email"] == "" && user["email_verified"] == false, "{user}");
    let said = configure(stage).await?;
    ensure!(said.contains("only administrators may write e-mail addresses"), "{said}");
    ensure!(said.contains(&format!("{}  boss@victim.example", account.username)), "{said}");
    ensure!(takes("other@victim.example").await? == StatusCode::BAD_REQUEST);
    Ok(())
}
