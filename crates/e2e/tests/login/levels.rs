//! Groups become levels, and only the suite's own client may bring them.

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::stage::{Stage, claims};

/// Groups and the levels they stand for (platform.md §7).
const LEVELS: [(&str, &str); 4] =
    [("admins", "admin"), ("technicians", "technician"), ("billing", "billing"), ("client", "client")];

pub async fn each_group_gives_its_level(stage: &Stage) -> Result<()> {
    for (group, level) in LEVELS {
        let (visitor, account) = stage.signed_in(group).await?;
        let sessions: Value = serde_json::from_str(&visitor.fetch("/core/api/sessions").await?.text)?;
        let own = sessions["sessions"].as_array().into_iter().flatten();
        let own: Vec<&Value> = own.filter(|session| session["sub"] == account.id.as_str()).collect();
        ensure!(own.len() == 1, "{group}: {sessions}");
        ensure!(own[0]["permission_level"] == level, "{group}: {}", own[0]);
        ensure!(own[0]["preferred_username"] == account.username.as_str(), "{group}: {}", own[0]);
    }
    Ok(())
}

pub async fn core_takes_only_access_tokens_of_its_own_client(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
    let token = |name: &str| tokens[name].as_str().with_context(|| format!("no {name}"));
    let access = token("access_token")?;
    ensure!(claims(access)?["azp"] == "core-client" && claims(access)?["typ"] == "Bearer");
    let (status, answer) = stage.exchange(access).await?;
    ensure!(status == StatusCode::OK, "{status} {answer}");
    let user = claims(answer["token"].as_str().context("no token")?)?;
    ensure!(user["sub"] == account.id.as_str() && user["groups"] == json!(["technicians"]), "{user}");

    let mut refused = vec![
        ("an ID token", token("id_token")?.to_owned()),
        ("a refresh token", token("refresh_token")?.to_owned()),
        ("another client's token", stage.directory.token().await?),
        ("a changed token", forged(access)?),
        ("no token", "nonsense".to_owned()),
    ];
    if let Some(foreign) = &stage.foreign {
        // A person's token, but for an application that has nothing to do with the suite.
        let client = json!({
            "clientId": "other-app", "publicClient": false, "secret": "s", "directAccessGrantsEnabled": true,
        });
        let path = format!("/{}/clients", stage.realm);
        foreign.keycloak.administer(reqwest::Method::POST, &path, &client).await?;
        let form = [
            ("grant_type", "password"),
            ("scope", "openid"),
            ("client_id", "other-app"),
            ("client_secret", "s"),
            ("username", &account.username),
            ("password", &account.password),
        ];
        let other = foreign.keycloak.token(&stage.realm, &form).await?;
        let other = other["access_token"].as_str().context("no token")?.to_owned();
        ensure!(claims(&other)?["sub"] == account.id.as_str());
        refused.push(("the same person's token for another application", other));
    }
    for (what, token) in refused {
        let (status, answer) = stage.exchange(&token).await?;
        ensure!(status == StatusCode::UNAUTHORIZED, "{what}: {status}");
        ensure!(answer == json!({"error": "Invalid access token"}), "{what}: {answer}");
    }
    Ok(())
}

/// The token with another letter in its signature.
fn forged(token: &str) -> Result<String> {
    let (rest, signature) = token.rsplit_once('.').context("not a JWT")?;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    Ok(format!("{rest}.{first}{}", &signature[1..]))
}
