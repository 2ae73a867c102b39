//! What only Keycloak has, and how Helm sets it up.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hivematrix_e2e::visitor::Visitor;
use hivematrix_e2e::wait::{eventually, when};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{BOARD, Foreign, SOON, Stage, claims};

fn foreign(stage: &Stage) -> Result<&Foreign> {
    stage.foreign.as_ref().context("there is no Keycloak")
}

/// Calls the realm as Keycloak's own administrator.
pub async fn administer(stage: &Stage, method: Method, path: &str, body: &Value) -> Result<Value> {
    foreign(stage)?.keycloak.administer(method, &format!("/{}{path}", stage.realm), body).await
}

pub async fn configure(stage: &Stage) -> Result<String> {
    let password = [("KC_BOOTSTRAP_ADMIN_PASSWORD", foreign(stage)?.keycloak.password.as_str())];
    stage.instance.helm_with(&["keycloak", "configure"], &password).await
}

pub async fn a_nested_group_counts_by_its_own_name(stage: &Stage) -> Result<()> {
    let nested = async |parent: &str, name: &str| -> Result<String> {
        let path = format!("/groups/{parent}/children");
        let made = stage.directory.call(Method::POST, &path, Some(&json!({ "name": name }))).await?;
        Ok(made["id"].as_str().context("no id")?.to_owned())
    };
    let office = format!("office-{}", &Uuid::new_v4().simple().to_string()[..8]);
    stage.directory.call(Method::POST, "/groups", Some(&json!({ "name": office }))).await?;
    let inside_office = nested(&stage.directory.group(&office).await?, "technicians").await?;
    let inside_admins = nested(&stage.directory.group("admins").await?, "night-shift").await?;
    for (group, level) in [(inside_office, "technician"), (inside_admins, "client")] {
        let account = stage.directory.account(None, false).await?;
        stage.directory.join(&account.id, &group).await?;
        let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
        let access = tokens["access_token"].as_str().context("no token")?;
        let (status, answer) = stage.exchange(access).await?;
        ensure!(status == StatusCode::OK, "{status} {answer}");
        let user = claims(answer["token"].as_str().context("no token")?)?;
        ensure!(user["permission_level"] == level, "{user}");
    }
    Ok(())
}

pub async fn a_realm_may_sign_with_other_algorithms(stage: &Stage) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    for algorithm in ["ES256", "PS256", "RS256"] {
        administer(stage, Method::PUT, "", &json!({ "defaultSignatureAlgorithm": algorithm })).await?;
        let tokens = stage.tokens(&stage.visitor()?, &account.username, &account.password).await?;
        for token in ["access_token", "id_token"] {
            let header =
                tokens[token].as_str().and_then(|token| token.split('.').next()).context("no token")?;
            let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header)?)?;
            ensure!(header["alg"] == algorithm, "{token}: {header}");
        }
        // Keys are looked up anew at most every few seconds.
        eventually(&format!("a sign-in with {algorithm}"), SOON, async || {
            let visitor = stage.visitor()?;
            visitor.sign_in(BOARD, &account.username, &account.password).await?;
            Ok(when(visitor.is_signed_in().await?))
        })
        .await?;
    }
    Ok(())
}

pub async fn configuring_again_changes_nothing(stage: &Stage) -> Result<()> {
    let state = async || -> Result<Value> {
        let mut all = Vec::new();
        for path in ["", "/clients", "/users?max=1000", "/groups"] {
            all.push(administer(stage, Method::GET, path, &Value::Null).await?);
        }
        Ok(Value::Array(all))
    };
    let before = state().await?;
    let said = configure(stage).await?;
    ensure!(said.contains("nothing was changed"), "{said}");
    ensure!(state().await? == before, "something was changed all the same");
    let said = stage.instance.helm(&["keycloak", "status"]).await?;
    ensure!(said.contains(&format!("{}{}", stage.instance.url, stage.realm_path(""))), "{said}");
    ensure!(!said.contains(&stage.instance.password));
    Ok(())
}

pub async fn helm_shows_how_keycloak_is(stage: &Stage) -> Result<()> {
    let is = async |wanted: (&str, &str)| {
        eventually(&format!("Helm says {wanted:?}"), SOON, async || {
            let units: Value = serde_json::from_str(&stage.instance.helm(&["status", "--json"]).await?)?;
            let units = units.as_array().context("no list")?;
            let keycloak = units.iter().find(|unit| unit["name"] == "keycloak").context("no Keycloak")?;
            Ok(when((&keycloak["state"], &keycloak["health"]) == (&json!(wanted.0), &json!(wanted.1))))
        })
        .await
    };
    is(("running", "healthy")).await?;
    foreign(stage)?.relay.cut();
    is(("stopped", "unreachable")).await?;
    foreign(stage)?.relay.restore();
    is(("running", "healthy")).await
}

pub async fn what_was_changed_at_keycloak_is_repaired_and_the_rest_is_left_alone(
    stage: &Stage,
) -> Result<()> {
    let account = stage.directory.account(Some("technicians"), false).await?;
    let client = async || -> Result<Value> {
        let clients = administer(stage, Method::GET, "/clients?clientId=core-client", &Value::Null).await?;
        Ok(clients[0].clone())
    };
    let good = client().await?;
    let id = good["id"].as_str().context("no id")?;
    let mapper = good["protocolMappers"][0]["id"].as_str().context("no mapper")?;
    let path = format!("/clients/{id}");
    let open = json!({ "clientId": "core-client", "redirectUris": ["*"], "secret": "stolen" });
    administer(stage, Method::PUT, &path, &open).await?;
    administer(stage, Method::DELETE, &format!("{path}/protocol-mappers/models/{mapper}"), &json!({}))
        .await?;
    // The operator's own choices.
    administer(stage, Method::PUT, "", &json!({ "accessTokenLifespan": 120, "displayName": "Our MSP" }))
        .await?;
    let user = format!("/users/{}", account.id);
    administer(stage, Method::PUT, &user, &json!({ "firstName": "Renamed", "lastName": "Person" })).await?;

    let said = configure(stage).await?;
    let line = said.lines().find(|line| line.contains("changed  client core-client: ")).unwrap_or_default();
    ensure!(line.contains("redirectUris") && line.contains("secret"), "{said}");
    ensure!(said.contains("made     mapper groups"), "{said}");
    ensure!(!said.contains("stolen"), "a secret is shown: {said}");
    let repaired = client().await?;
    ensure!(redirect_uris(&repaired) == redirect_uris(&good), "{repaired}");
    let realm = administer(stage, Method::GET, "", &Value::Null).await?;
    ensure!(realm["accessTokenLifespan"] == 120 && realm["displayName"] == "Our MSP", "{realm}");
    let user = administer(stage, Method::GET, &user, &Value::Null).await?;
    ensure!(user["firstName"] == "Renamed", "{user}");
    let visitor = stage.visitor()?;
    visitor.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(visitor.is_signed_in().await?);
    Ok(())
}

/// Keycloak keeps no order.
fn redirect_uris(client: &Value) -> BTreeSet<&str> {
    client["redirectUris"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

pub async fn forgetting_keycloak_leads_back_to_the_own_realm(stage: &Stage) -> Result<()> {
    let (member, account) = stage.signed_in("technicians").await?;
    stage.instance.helm(&["keycloak", "forget"]).await?;
    stage.instance.helm(&["up"]).await?;
    let visitor = Visitor::new(&stage.instance.url)?;
    let page = visitor.sign_in(BOARD, "admin", &stage.instance.password).await?;
    ensure!(visitor.is_signed_in().await?, "{} {}: {}", page.url, page.status, page.shown());
    let stranger = stage.visitor()?;
    stranger.sign_in(BOARD, &account.username, &account.password).await?;
    ensure!(!stranger.is_signed_in().await?, "an account of Keycloak opens the own realm");
    // Sessions are Core's; who is signed in stays so until the session ends.
    ensure!(member.is_signed_in().await?);
    Ok(())
}
